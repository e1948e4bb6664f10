"""Shapes of messages, decisions, the audience and deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from dispatcher.api.shapes.common import (
    EXAMPLE_DIGEST,
    EXAMPLE_TIME,
    Given,
    GivenTime,
    PageQuery,
    Text,
    Told,
    example,
    no_example,
)

MessageState = Literal[
    "draft", "pending", "approved", "releasing", "released", "returned", "rejected", "withdrawn", "expired", "cancelled"
]
DeliveryState = Literal[
    "queued", "sending", "accepted", "delivered", "deferred", "bounced", "rejected", "failed", "unknown", "expired",
    "cancelled", "suppressed",
]  # fmt: skip
Channel = Literal["email", "sms", "voice", "fax"]

_NEW: JsonDict = {
    "subject": "Chipmaker cut to neutral",
    "text": "We cut our rating from buy to neutral: inventories have doubled since spring.",
    "lists": ["semis-all", "top-50"],
    "urgency": "urgent",
}


class NewMessage(Given):
    """A message. A draft may be incomplete; what is handed in needs a subject, a list, and text or a recording."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_NEW]})

    subject: Text = Field("", description="One line, at most 300 characters.")
    text: Text = Field("", description="At most 20,000 characters; may be empty where there is a recording.")
    lists: list[Text] = Field(default=[], description="Keys of the lists it is meant for.")
    topic: Text = Field("", description="Customers may prefer other channels for a topic.")
    urgency: Literal["normal", "urgent"] = "normal"
    release_at: GivenTime | None = Field(None, description="When to release; empty: as soon as it is approved.")
    valid_for: int | None = Field(
        None, ge=60, le=2_592_000, description="Seconds after the release in which a delivery may still start."
    )
    draft: bool = Field(False, description="True keeps it from the officers until it is submitted.")


class EditedMessage(Given):
    """The fields to change; those left out stay as they are."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "Now with the right figure."}]})

    subject: Text = ""
    text: Text = ""
    lists: list[Text] = []
    topic: Text = ""
    urgency: Literal["normal", "urgent"] = "normal"
    release_at: GivenTime | None = None
    valid_for: int | None = Field(None, ge=60, le=2_592_000)
    recording: None = Field(None, description="null takes the recording away; a new one comes by multipart.")
    attachments: Annotated[list[Text], Field(max_length=0)] = Field(
        [], description="An empty list takes all attachments away; new ones come by multipart and replace them."
    )


class MessageRef(Told):
    """Which message, where it stands, and the digest of exactly what it says now."""

    model_config = example(id=7, state="pending", version=1, digest=EXAMPLE_DIGEST)

    id: int
    state: MessageState
    version: int
    digest: str


class LikeMessage(Told):
    """An alert of the day in nearly the same words, or with the same recording, that goes to customers or may."""

    model_config = example(id=6, state="released", submitted_at=EXAMPLE_TIME, same=True)

    id: int
    state: MessageState
    submitted_at: datetime
    same: bool = Field(description="Whether it says the same to the byte.")


class MessageHandedIn(MessageRef):
    """Where a message stands, and whether it may have come twice."""

    model_config = no_example()

    like: list[LikeMessage] = Field(description="What it is very like, of what you may see: the latest first.")


class MessageLine(MessageRef):
    """A message in a list."""

    model_config = no_example()

    subject: str
    topic: str
    urgency: str
    author: str = Field(description="Mail address of the author.")
    created_at: datetime
    submitted_at: datetime | None
    approved_at: datetime | None
    released_at: datetime | None


class Recording(Told):
    """A recording: where it can be heard, how long it lasts."""

    url: str
    media_type: str
    seconds: float | None
    size: int
    sha256: str


class AttachmentInfo(Told):
    """An attachment by its name."""

    name: str
    media_type: str
    size: int
    sha256: str


class DecisionInfo(Told):
    """What an officer decided, on exactly which content."""

    id: int
    message: int
    version: int
    decision: Literal["approve", "return", "reject"]
    officer: str
    digest: str
    comment: str
    via: str
    decided_at: datetime
    state: MessageState = Field(description="The message's state now.")


class MessageInfo(MessageLine):
    """A message with all it says now and what was decided about it."""

    text: str
    lists: list[str]
    audience: str = Field(
        description="Changes with the customers whom its lists hold, for officers while it is pending; else empty. An "
        "approval that names it is for these alone."
    )
    release_at: datetime | None
    valid_for: int | None
    recording: Recording | None
    attachments: list[AttachmentInfo]
    editors: list[str] = Field(description="Who wrote any version; none of them may decide.")
    decisions: list[DecisionInfo]
    like: list[LikeMessage] = Field(description="What it is very like, of what you may see: the latest first.")


class MessageQuery(PageQuery):
    """Which messages."""

    state: MessageState | None = None


class NewDecision(Given):
    """A decision, bound to the digest of what was read and heard."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"decision": "approve", "digest": EXAMPLE_DIGEST}]}
    )

    decision: Literal["approve", "return", "reject"]
    digest: Text = Field(min_length=1, max_length=200)
    comment: Text = Field("", max_length=5000, description="Needed to return: what the author should change.")
    audience: Text = Field(
        "",
        max_length=100,
        description="To approve for no others than those seen: `audience` as it was told with them. 409 where its "
        "lists hold others by now.",
    )


class Excluded(Told):
    """How many are left out, and why."""

    reason: str
    count: int


class ChannelForecast(Told):
    """When the last one of a channel is reached, were it released now or at its time."""

    deliveries: int
    a_second: float = Field(description="How many leave in a second.")
    limited: bool = Field(description="By a configured rate; else by the requests that may be under way at once.")
    ahead: int = Field(description="Deliveries of other messages that leave before.")
    seconds: float = Field(description="From the release to the last one that is not held.")
    last_at: datetime
    held: int = Field(description="Held back by quiet hours.")
    held_until: datetime | None
    late: int = Field(description="Not within `valid_for`.")


class Audience(Told):
    """Whom a message would reach if it left now."""

    model_config = example(
        recipients=527, listed=640, duplicates_removed=113, deliveries=505,
        by_channel={"email": 246, "sms": 149, "voice": 94, "fax": 16},
        excluded=[{"reason": "no usable contact point", "count": 17}],
        forecast={"email": 2.0, "sms": 4.0, "voice": 94.0, "fax": 30.0},
        forecast_detail={"voice": {
            "deliveries": 94, "a_second": 1.0, "limited": True, "ahead": 0, "seconds": 94.0, "last_at": EXAMPLE_TIME,
            "held": 0, "held_until": None, "late": 0,
        }},
        warning="", audience="527-1f0c9d2b7a",
    )  # fmt: skip

    audience: str = Field(
        description="As of the message: whom an approval is for that names it. Empty where you have nothing to decide."
    )
    recipients: int = Field(description="Customers owed the message, each once.")
    listed: int = Field(description="Entries on all lists together.")
    duplicates_removed: int
    deliveries: int = Field(description="Contact points; customers who share one share the delivery.")
    by_channel: dict[str, int]
    excluded: list[Excluded]
    forecast: dict[str, float] = Field(description="Seconds until the last one of each channel is reached.")
    forecast_detail: dict[str, ChannelForecast]
    warning: str = Field(description="What officers are warned of: a channel that lags behind the others.")


class AttemptInfo(Told):
    """One call to a provider."""

    n: int
    provider: str
    provider_ref: str | None
    state: str
    error: str | None
    started_at: datetime
    settled_at: datetime | None


class DeliveryInfo(Told):
    """One message to one contact point, for everybody who shares it."""

    model_config = example(
        id=31, customers=["C00625"], channel="sms", address="+14105550186", state="accepted", outcome=None,
        because="first of the preference", accepted_at=EXAMPLE_TIME, settled_at=None,
        attempts=[{
            "n": 1, "provider": "carrier", "provider_ref": "SM12", "state": "accepted", "error": None,
            "started_at": EXAMPLE_TIME, "settled_at": EXAMPLE_TIME,
        }],
    )  # fmt: skip

    id: int
    customers: list[str] = Field(description="Keys of the customers it is for.")
    channel: str
    address: str = Field(description="Masked for those who neither wrote, decide on nor look after it.")
    state: DeliveryState
    outcome: str | None = Field(description="Of a call: answered, machine, busy or no-answer.")
    because: str = Field(description="Why this channel.")
    accepted_at: datetime | None
    settled_at: datetime | None
    attempts: list[AttemptInfo]


class DeliveryQuery(PageQuery):
    """Which deliveries."""

    state: DeliveryState | None = None
    channel: Channel | None = None


class RecipientInfo(Told):
    """One customer owed the message. Without a delivery after the release: out of reach."""

    customer: str
    name: str
    channel: str | None
    because: str
    delivery: int | None
    state: str | None = Field(description="Of the delivery.")
    left_at: datetime | None = Field(description="When they left the audience between approval and release.")


class RecipientQuery(PageQuery):
    """Which recipients."""

    reachable: bool | None = Field(None, description="false: only those without a usable contact point.")
