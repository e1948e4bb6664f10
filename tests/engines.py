"""Engines for tests, which share what SQLAlchemy has compiled: a small test would spend most of its time on that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import URL, make_url

from dispatcher.storage import make_engine


class _Process:
    """The one engine of this process for a kind of database; its connections go wherever it was last led."""

    def __init__(self, url: URL) -> None:
        self.led_to: URL | None = None
        self.engine = make_engine(url.render_as_string(hide_password=False))

        @event.listens_for(self.engine, "do_connect")
        def _there(_dialect: object, _record: object, arguments: list[Any], named: dict[str, Any]) -> None:
            if self.led_to is None:
                raise RuntimeError("the test that this connection is for has ended")
            if self.led_to.drivername == "sqlite":
                arguments[0] = self.led_to.database
            else:
                named["dbname"] = self.led_to.database


_of_kind: dict[str, _Process] = {}


@contextlib.contextmanager
def engine_for(url: str) -> Iterator[Engine]:
    """An engine for this database; what a test hangs on it is gone with it."""
    target = make_url(url)
    if target.drivername not in _of_kind:
        _of_kind[target.drivername] = _Process(target)
    one = _of_kind[target.drivername]
    if one.led_to is not None:  # a second database of one test
        other = make_engine(url)
        yield other
        other.dispose()
        return
    one.led_to = target
    # A copy shares pool and compiled statements, but not the listeners.
    engine = one.engine.execution_options()
    engine.url = target
    yield engine
    one.engine.dispose()
    one.led_to = None
