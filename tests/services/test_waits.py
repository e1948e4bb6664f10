"""Why deliveries wait, told from what is written at them and from what workers have told through Redis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq import SimpleWorker
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import Delivery, Message
from dispatcher.model.gate import Limits
from dispatcher.model.ports import Outcome
from dispatcher.services import pause, waits
from dispatcher.services.circuit import Circuit
from dispatcher.services.fan_out import QUIET
from dispatcher.services.holding import HELD
from tests.small_bank import SmallBank, small_bank

Arrange = Callable[[SmallBank, Session, Message], object]


@pytest.fixture
def bank(sessions: sessionmaker[Session], valkey: str, tmp_path: Path) -> SmallBank:
    """With a worker of text messages that was heard of just now."""
    found = small_bank(sessions, tmp_path)
    found.runtime = replace(found.runtime, redis=Redis.from_url(valkey))
    worker = SimpleWorker(["sms"], connection=found.runtime.redis, serializer="json")
    worker.register_birth()
    found.time.at = worker.birth_date
    return found


def written(state: str = "queued", error: str = "", minutes: int | None = 30) -> Arrange:
    """The text is due so much later, with this written at it; without minutes never by itself."""

    def arrange(bank: SmallBank, session: Session, message: Message) -> None:
        due = None if minutes is None else bank.time.at + timedelta(minutes=minutes)
        session.execute(update(Delivery).where(Delivery.channel == "sms").values(state=state, error=error, due_at=due))

    return arrange


def refused(bank: SmallBank, session: Session, message: Message) -> None:
    Circuit(bank.runtime, "sms").learn("scripted", [Outcome("a", "deferred", code="20003", decision="stop-channel")])


def paused(bank: SmallBank, session: Session, message: Message) -> None:
    pause.begin(session, bank.runtime, "system", "A drill.")


def paced(bank: SmallBank, session: Session, message: Message) -> None:
    message.pace = {"sms": 0.5}


def limited(bank: SmallBank, session: Session, message: Message) -> None:
    bank.providers["sms"].limits = Limits("scripted", 50, a_second=2)


@pytest.mark.parametrize(
    ("arrange", "words", "minutes"),
    [
        (written(), "not due before", 30),
        (written(error=QUIET), "in quiet hours, the last until", 30),
        (written(error=QUIET, minutes=91), "in quiet hours until it is too late for them, at", 90),
        (written(error=HELD), "they may want no more there: until somebody has said what they meant", None),
        (written("deferred", "held: CAP_X of 5 is used up"), "CAP_X of 5 is used up, until", 30),
        (written("deferred", "busy at 09:31 UTC, called"), "busy or not answered, the next is tried again at", 30),
        (written("deferred", "too many requests"), "put off, the next is tried again at", 30),
        (written("unknown"), "may have left: the provider is asked, next at", 30),
        (written("unknown", minutes=None), "may have left: somebody is asked, see Tasks", None),
        (paused, "sending is paused: “A drill.”", None),
        (refused, "scripted cannot be used, tried again at", 0),
        (lambda bank, *_: bank.time.pass_by(61), "no worker of this channel has been heard of for a minute", None),
        (paced, "due: 0.5 a second leave, so that all channels end together", None),
        (limited, "due: at most 2 a second leave by this channel, over all alerts", None),
        (lambda *_: None, "due: they leave as soon as there is room", None),
        (lambda _, session, message: setattr(message, "state", "cancelled"), "", None),
    ],
)  # fmt: skip
def test_the_reason_is_told(bank: SmallBank, arrange: Arrange, words: str, minutes: int | None) -> None:
    with bank.sessions() as session:
        message = bank.released(session, valid_for=90 * 60)
        arrange(bank, session, message)
        found = waits.reasons(session, bank.runtime, bank.runtime.redis, message).get("sms", [])
    assert [(one.number, one.words) for one in found] == ([(1, words)] if words else [])
    for one in found:
        assert (one.until is None) is (minutes is None)
        assert one.until is None or one.until - bank.time.at >= timedelta(minutes=minutes or 0)


def test_without_redis_that_is_what_is_told(bank: SmallBank) -> None:
    away = Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.1)
    with bank.sessions() as session:
        message = bank.released(session)
        found = waits.reasons(session, bank.runtime, away, message)["sms"]
    assert [one.words for one in found] == ["Redis, through which workers are rung, cannot be asked"]
