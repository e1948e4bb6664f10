"""Shapes of customers, lists, imports and of who asks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from dispatcher.api.shapes.common import EXAMPLE_TIME, Given, Key, PageQuery, Text, Told, example

_CUSTOMER: JsonDict = {
    "name": "Heather Morales",
    "firm": "Miller and Sons",
    "rep_email": "brandi.barnes@bank.example",
    "email": "heather.morales@millerandsons.example",
    "voice": "+1 410 555 0186",
    "channels": ["voice", "email"],
    "language": "en",
    "timezone": "America/New_York",
    "quiet_hours": "20:00-08:00",
    "lists": ["semis-memory"],
}
# What a GET tells besides; it may be sent back as it came, and is not looked at.
_TOLD_ONLY = (
    "customer_id", "key", "rep", "contact_points", "active", "created_at", "updated_at", "urgent_when_quiet",
)  # fmt: skip


class CustomerFields(Given):
    """A customer, as the columns of customers.csv; a field left out is empty afterwards.

    `channels` and `lists` may be written as in the file (`voice>email`, `a;b`).
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_CUSTOMER]})

    name: Text = ""
    firm: Text = ""
    rep_email: Text = Field("", description="The customer's own representative; empty: the firm's.")
    email: Text = ""
    sms: Text = Field("", description="With its country code, in any common writing.")
    voice: Text = ""
    fax: Text = ""
    channels: list[Text] = Field(default=[], description="Their order, the one to use first in front.")
    language: Text = ""
    timezone: Text = ""
    quiet_hours: Text = Field("", description="Local time, as 22:00-07:00.")
    lists: list[Text] = Field(default=[], description="Keys of the lists they are on.")

    @model_validator(mode="before")
    @classmethod
    def _as_told(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        fields = {name: one for name, one in value.items() if name not in _TOLD_ONLY and one is not None}
        for name, mark in (("channels", ">"), ("lists", ";")):
            if isinstance(fields.get(name), str):
                fields[name] = [part.strip() for part in fields[name].split(mark) if part.strip()]
        return fields


class ContactPointInfo(Told):
    """One channel and one address."""

    channel: str
    address: str
    valid: bool
    invalid_because: str | None
    suppressed: bool
    suppressed_because: str | None
    suppressed_at: datetime | None
    stopped_topics: list[str] = Field(description="Topics of which nothing more goes there, whatever else does.")


class CustomerInfo(Told):
    """A customer as the directory holds them."""

    customer_id: str
    name: str
    firm: str | None
    rep_email: str | None = Field(description="The customer's own representative.")
    rep: str | None = Field(description="The owning representative: their own, else the firm's.")
    email: str | None
    sms: str | None
    voice: str | None
    fax: str | None
    channels: list[str]
    language: str
    timezone: str
    quiet_hours: str | None
    urgent_when_quiet: bool = Field(description="Whether the customer lets urgent alerts break their quiet hours.")
    lists: list[str]
    contact_points: list[ContactPointInfo]
    active: bool
    created_at: datetime
    updated_at: datetime


class CustomerLine(Told):
    """A customer in a list."""

    customer_id: str
    name: str
    firm: str | None
    rep: str | None
    active: bool


class CustomerQuery(PageQuery):
    """Which customers."""

    q: Text | None = Field(None, max_length=200, description="In the key, the name, the firm or an address.")
    list: Key | None = Field(None, description="On this list.")
    rep: Text | None = Field(None, max_length=320, description="Owned by this representative, by mail address.")


class HistoryEntry(Told):
    """Something between the bank and a customer: an alert to them, a reply of theirs, a response to it, and so on."""

    at: datetime
    kind: str = Field(
        description="alert; failure: it did not arrive by this channel, and the next one took over; heard: they "
        "listened to the end; reply; response; notice: what they were told by itself; order: a request that was "
        "decided; stop and return: a standing order for one of their contact points, and its end."
    )
    text: str = Field(description="An alert's subject, or what was said.")
    message: int | None = None
    channel: str | None = None
    state: str | None = Field(None, description="Of the delivery, or of the letter that carries the response.")
    outcome: str | None = None
    because: str | None = Field(None, description="Why this channel.")
    reached_at: datetime | None = Field(None, description="When it arrived, as far as its provider knows.")
    heard_at: datetime | None = Field(None, description="When they listened to the end.")
    answered_after: float | None = Field(None, description="Seconds from its arrival to their first answer.")
    reply: int | None = None
    reply_kind: str | None = None
    conversation: int | None = None
    files: list[str] = Field([], description="Names of the files that came with a reply.")
    by: str | None = Field(None, description="Who responded or decided.")


class ListFields(Given):
    """A list's name and owner and, where given, who is on it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Semiconductors, all", "owner": None}]}
    )

    name: Text = Field("", description="Empty: made from the key.")
    owner: Text | None = Field(None, max_length=320, description="An analyst's mail address; null: the whole team's.")
    number: int | None = Field(
        None, ge=1, le=999_999_999, description="Keyed on the telephone; left out or null: as it is, or a free one."
    )
    members: list[Key] | None = Field(
        None, max_length=500_000, description="Keys of all customers on it; left out or null: as they are."
    )

    @model_validator(mode="before")
    @classmethod
    def _as_told(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: one for name, one in value.items() if name not in ("key", "size", "created_at")}


class ListLine(Told):
    """A list and how many active customers are on it."""

    key: str
    name: str
    number: int | None = Field(description="What is keyed on the telephone to choose it.")
    owner: str | None
    size: int
    created_at: datetime


class ListInfo(ListLine):
    """A list and who is on it."""

    model_config = example(
        key="semis-memory", name="Semiconductors: memory", number=103, owner=None, size=2, created_at=EXAMPLE_TIME,
        members=["C00617", "C00625"],
    )  # fmt: skip

    members: list[str] = Field(description="Keys of the active customers on it.")


class Members(Given):
    """Who is on a list: `{"members": ["C00625"]}`, or the bare array."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"members": ["C00625", "C00617"]}]})

    members: list[Key] = Field(max_length=500_000, description="Keys of customers; whoever is not named leaves.")

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"members": value} if isinstance(value, list) else value


class Remark(Told):
    """Something about one row of a file; the header is row 1."""

    row: int
    column: str
    text: str


class ImportInfo(Told):
    """What an import did or, as a dry run, would do."""

    model_config = example(
        what="customers", dry_run=False, rows=3, added=1, changed=0, unchanged=1,
        refused=[{"row": 3, "column": "name", "text": "is missing"}],
        warnings=[{"row": 2, "column": "email", "text": '"heather" is not a mail address'}],
    )  # fmt: skip

    what: str
    dry_run: bool
    rows: int
    added: int
    changed: int
    unchanged: int
    refused: list[Remark]
    warnings: list[Remark]


class ImportQuery(Given):
    """How to import."""

    dry_run: bool = Field(False, description="Say what would happen; change nothing.")


class Me(Told):
    """Whose token this is."""

    model_config = example(email="anthony.nicholson@bank.example", name="Anthony Nicholson", roles=["analyst"])

    email: str
    name: str
    roles: list[str]
