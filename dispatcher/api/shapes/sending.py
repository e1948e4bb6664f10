"""Shapes of sending itself: whether it is paused, what waits, what the caps have let through."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from dispatcher.api.shapes.common import EXAMPLE_TIME, Given, Text, Told, example


class PauseInfo(Told):
    """Why nothing starts to customers, since when, and by whose order."""

    model_config = example(
        cause="person", reason="A wrong number is on the line", began_at=EXAMPLE_TIME, began_by="admin@bank.example"
    )

    cause: Literal["person", "restore"] = Field(description="`restore`: the database was found older than it was.")
    reason: str
    began_at: datetime
    began_by: str


class WaitingInfo(Told):
    """Deliveries of one message that wait on one channel."""

    model_config = example(message=7, subject="Downgrade", state="releasing", channel="sms", deliveries=412)

    message: int
    subject: str
    state: str = Field(description="Of one that is approved, everything waits: it is released then.")
    channel: str | None
    deliveries: int


class CapInfo(Told):
    """One cap and how much of it was used."""

    model_config = example(
        setting="CAP_MESSAGES_PER_HOUR", what="messages released within the last hour", used=2, cap=60, until=None
    )

    setting: str
    what: str
    used: float
    cap: float = Field(description="0: none.")
    until: datetime | None = Field(description="When counting begins anew.")


class SendingInfo(Told):
    """The state of sending."""

    model_config = ConfigDict(json_schema_extra={})

    pause: PauseInfo | None
    waiting: list[WaitingInfo]
    letters_waiting: int = Field(description="Letters to customers, such as representatives' answers.")
    caps: list[CapInfo]


class NewPause(Given):
    """Why sending stops."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "A wrong number"}]})

    reason: Text = Field(min_length=1, max_length=500)


class Resumption(Given):
    """How sending goes on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"look_up": True}]})

    look_up: bool = Field(
        True,
        description="After a restore: look up at the providers what waited, before any of it is sent.",
    )


class ResendOrder(Given):
    """An order to send once more."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"call_again": False}]})

    call_again: bool = Field(False, description="Must be true for a call: somebody is rung once more.")


class Resent(Told):
    """A delivery that is sent once more, by order of a person."""

    model_config = example(id=31, message=7, channel="sms", state="deferred", due_at=EXAMPLE_TIME)

    id: int
    message: int
    channel: str
    state: str
    due_at: datetime | None
