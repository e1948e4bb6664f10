"""Shapes of outgoing webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from dispatcher.api.shapes.common import EXAMPLE_TIME, Given, GivenTime, PageQuery, Text, Told, example
from dispatcher.services.hook_bodies import NAMES

HookState = Literal["active", "paused", "ended"]
PostState = Literal["queued", "sending", "sent", "failed"]
_URL = "https://crm.bank.example/dispatcher"
_SECRET = "whsec_…"  # noqa: S105  # an example, which unlocks nothing
_EVENTS = 'Names, families such as "reply.*", or "*" for all: ' + ", ".join(NAMES) + "."


class NewHook(Given):
    """Where to tell what."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"url": _URL, "events": ["reply.*"], "about": "CRM"}]}
    )

    url: Text = Field(max_length=2000)
    events: list[Text] = Field(description=_EVENTS)
    about: Text = Field("", max_length=200)


class HookChange(Given):
    """What is to be different."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"state": "paused"}]})

    url: Text | None = Field(None, max_length=2000)
    events: list[Text] | None = Field(None, description=_EVENTS)
    about: Text | None = Field(None, max_length=200)
    state: HookState | None = None


class HookInfo(Told):
    """An outgoing webhook; its secret is not shown again."""

    model_config = example(
        id=1, url=_URL, about="CRM", events=["reply.*"], state="active", failing_since=None, retry_at=None,
        created_at=EXAMPLE_TIME,
    )  # fmt: skip

    id: int
    url: str
    about: str
    events: list[str]
    state: HookState
    failing_since: datetime | None
    retry_at: datetime | None = Field(description="Nothing is tried before.")
    created_at: datetime


class HookMade(HookInfo):
    """A new one, with what its receiver checks signatures with. It is not shown again."""

    model_config = example(
        id=1, url=_URL, about="CRM", events=["reply.*"], state="active", failing_since=None, retry_at=None,
        created_at=EXAMPLE_TIME, secret=_SECRET,
    )  # fmt: skip

    secret: str


class Secret(Told):
    """A new secret; the former one signs beside it for a day."""

    model_config = example(secret=_SECRET)

    secret: str


class PostQuery(PageQuery):
    """Which posts."""

    state: PostState | None = None


class PostInfo(Told):
    """One event on its way to a webhook."""

    model_config = example(
        id=7, event="evt_8f14e45fceea167a5a36dedd4bea2543", type="reply.received", state="sent", tries=1, status=200,
        error=None, due_at=None, sent_at=EXAMPLE_TIME, created_at=EXAMPLE_TIME, body={"type": "reply.received"},
    )  # fmt: skip

    id: int
    event: str = Field(description="The `webhook-id` of every post of it.")
    type: str
    state: PostState
    tries: int
    status: int | None = Field(description="Of the last answer.")
    error: str | None
    due_at: datetime | None
    sent_at: datetime | None
    created_at: datetime
    body: dict[str, Any]


class Replay(Given):
    """What is to be told again: one event, all since a time, or all that failed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"failed": True}]})

    event: Text | None = None
    since: GivenTime | None = None
    failed: bool = False


class Replayed(Told):
    """How many are told again."""

    model_config = example(posts=3)

    posts: int
