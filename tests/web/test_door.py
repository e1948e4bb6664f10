"""The door of the pages: what is read again when a transaction is."""

from __future__ import annotations

from io import BytesIO

import pytest
from flask import Flask, g, request
from sqlalchemy.exc import OperationalError

from dispatcher import door


class Aborted(Exception):
    """What PostgreSQL says of one of two transactions that wait for each other."""

    sqlstate = "40P01"


class Open:
    """Stands for a session of which nothing was committed."""

    def close(self) -> None:
        return None


def test_all_files_are_read_anew_and_what_came_before_the_view_counts_for_nothing() -> None:
    files = [(BytesIO(b"one"), "one.txt"), (BytesIO(b"two"), "two.txt")]
    with Flask("door").test_request_context("/", method="POST", data={"attachments": files}):
        g.committed = True  # that somebody is there was noted
        read: list[list[bytes]] = []

        def serve() -> str:
            g.db = Open()
            read.append([one.read() for one in request.files.getlist("attachments")])
            if len(read) == 1:
                raise OperationalError("", {}, Aborted())
            return "served"

        assert door.taken_again(serve) == "served"
        assert read == [[b"one", b"two"]] * 2


def test_what_was_committed_is_not_done_again() -> None:
    with Flask("door").test_request_context("/", method="POST"):

        def serve() -> str:
            g.db, g.committed = Open(), True
            raise OperationalError("", {}, Aborted())

        with pytest.raises(OperationalError):
            door.taken_again(serve)
