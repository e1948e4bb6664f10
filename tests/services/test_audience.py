"""Who gets a message, by which channel, because of what; on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import correlation

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import (
    ContactPoint,
    Customer,
    Delivery,
    DistributionList,
    ListMember,
    Message,
    Preference,
    Recipient,
    Staff,
    Suppression,
    Version,
    VersionList,
)
from dispatcher.runtime import Runtime
from dispatcher.services import audience, imports
from dispatcher.services.channel_choice import ABSENT, INVALID, SUPPRESSED, USABLE, choose
from dispatcher.services.shuffle import place_of
from tests.directory_runtime import ALL, WITHOUT_FAX, runtime_for

EXPECTED = json.loads(Path(__file__).parents[1].joinpath("samples", "expected.json").read_text())


def message_for(session: Session, keys: Iterable[str], topic: str = "", state: str = "pending") -> Message:
    author = session.scalar(select(Staff)) or Staff(email="ana@bank.example", name="Ana", channels=[])
    message = Message(author=author, state=state, seed=7)
    version = Version(
        message=message, number=1, editor=author, subject="Downgrade", text="Words.", topic=topic, digest="0" * 64
    )
    session.add_all([message, version])
    session.flush()
    lists = session.scalars(select(DistributionList).where(DistributionList.key.in_(list(keys))))
    session.add_all([VersionList(version_id=version.id, list_id=one.id) for one in lists])
    session.flush()
    session.expire(version)
    return message


# --- the samples


@pytest.fixture
def directory(session: Session, sessions: sessionmaker[Session], samples: Path) -> Session:
    """The sample directory; staff without their PINs, whose hashes take seconds."""
    runtime = runtime_for(sessions)
    staff = samples.joinpath("staff.csv").read_text("utf-8-sig").splitlines()
    rows = [line.split(",") for line in staff]
    without_pins = "\n".join(",".join([*row[:4], "pin" if row[4] == "pin" else "", row[5]]) for row in rows)
    imports.import_staff(session, runtime, without_pins.encode(), dry_run=False, actor="system")
    content = samples.joinpath("customers.csv").read_bytes()
    result = imports.import_customers(session, runtime, content, dry_run=False, actor="system")
    assert (result.rows, result.imported, len(result.refused)) == (
        EXPECTED["rows"],
        EXPECTED["imported"],
        EXPECTED["refused"],
    )
    return session


@pytest.mark.parametrize(
    ("carried", "name"), [(ALL, "audiences"), (WITHOUT_FAX, "audiences_without_a_fax_provider")], ids=["fax", "no fax"]
)
def test_the_samples_make_the_audiences_they_should(
    directory: Session, sessions: sessionmaker[Session], carried: tuple[str, ...], name: str
) -> None:
    runtime = runtime_for(sessions, carried)
    for right in EXPECTED[name]:
        message = message_for(directory, right["lists"])
        seen = audience.preview(directory, runtime, message.current)
        assert {
            "lists": right["lists"], "listed": seen.listed, "recipients": seen.recipients,
            "duplicates_removed": seen.duplicates_removed, "unreachable": seen.unreachable,
            "deliveries": seen.deliveries, "by_channel": seen.by_channel,
        } == right  # fmt: skip
        assert audience.snapshot(directory, runtime, message) == right["recipients"]
        made = audience.resolve(directory, runtime, message)
        assert (made.recipients, made.unreachable, made.by_channel) == (
            right["recipients"], right["unreachable"], right["by_channel"]
        )  # fmt: skip
