"""Shapes of replies, conversations, responses and tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from dispatcher.api.shapes.common import EXAMPLE_TIME, Given, Key, PageQuery, RowNumber, Text, Told, example, no_example
from dispatcher.api.shapes.messages import Recording
from dispatcher.model.conversation import KINDS

ReplyState = Literal["matched", "unmatched", "settled", "new"]
ConversationState = Literal["open", "claimed", "closed"]


class ReplyInfo(Told):
    """What a customer said."""

    model_config = example(
        id=12, customer="C00625", message=7, channel="sms", text="Call me, please.", kind="call", kind_by="rule",
        kind_because="Call me, please.", doubt="", state="matched",
        rep="brandi.barnes@bank.example", conversation=4, sender="+14105550186", subject="", note="", recording=None,
        received_at=EXAMPLE_TIME,
    )  # fmt: skip

    id: int
    customer: str | None = Field(description="The customer's key; null: nobody knows yet whose it is.")
    message: int | None
    channel: str
    text: str = Field(description="In their own words; what they quote is in `original` of the conversation.")
    recording: Recording | None
    kind: str = Field(description="What it is. `other`: a person decides.", json_schema_extra={"enum": list(KINDS)})
    kind_by: str = Field(description="What decided it: key, button, rule, provider, header or person.")
    kind_because: str = Field(description="The key, the header or the sentence that decided.")
    doubt: str = Field(description="The kind a person should consider, where the words may mean it; else empty.")
    state: ReplyState
    rep: str | None = Field(description="Mail address of whose inbox it is in.")
    conversation: int | None
    sender: str
    subject: str
    note: str = Field(description='E.g. "sender not verified".')
    received_at: datetime


class ReplyQuery(PageQuery):
    """Which replies."""

    message: RowNumber | None = None
    customer: Key | None = Field(None, description="A customer's key.")
    state: ReplyState | None = Field(None, description="`unmatched`: those without an owner, for administrators.")


class Assignment(Given):
    """To whom an unmatched reply belongs."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"customer": "C00625"}]})

    customer: Key = Field(description="The customer's key.")


class Settlement(Given):
    """Why a reply needs nothing more."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "wrong number"}]})

    note: Text = Field("", max_length=200)


class ConversationLine(Told):
    """A conversation in a list."""

    id: int
    customer: str
    customer_name: str
    firm: str | None
    message: int | None = Field(description="null: the customer wrote of their own accord.")
    subject: str = Field(description="Of the message.")
    rep: str | None
    state: ConversationState
    claimed_by: str | None
    channel: str = Field(description="The one the customer used last.")
    created_at: datetime
    last_at: datetime


class ResponseInfo(Told):
    """What the representative answered, and how far it has come."""

    model_config = example(
        id=3, conversation=4, text="I ring you in ten minutes.", staff="brandi.barnes@bank.example", via="api",
        channel="sms", state="queued", created_at=EXAMPLE_TIME,
    )  # fmt: skip

    id: int
    conversation: int
    text: str
    staff: str
    via: str
    channel: str | None
    state: str | None = Field(description="Of the letter that carries it; as of a delivery.")
    created_at: datetime


class SaidInfo(ReplyInfo):
    """A reply with all that was written."""

    model_config = no_example()

    original: str = Field(description="The whole text, with what it quotes.")


class ConversationInfo(ConversationLine):
    """A conversation with everything that was said, oldest first."""

    replies: list[SaidInfo]
    responses: list[ResponseInfo]


class ConversationQuery(PageQuery):
    """Which conversations."""

    rep: Text | None = Field(None, max_length=320, description="A representative's mail address, or `me`.")
    state: ConversationState | None = None


class NewResponse(Given):
    """The representative's words."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "I ring you in ten minutes."}]})

    text: Text = Field(min_length=1, max_length=20_000)


class TaskInfo(Told):
    """Something only a person can settle."""

    model_config = example(
        id=9, kind="unknown", customer="C00625", message=7, delivery=31, rep="brandi.barnes@bank.example",
        state="open", text="The provider cannot say whether sms delivery 31 went out: ask who it was for",
        answers=["arrived", "again", "next", "leave"], answer=None, created_at=EXAMPLE_TIME, closed_at=None,
    )  # fmt: skip

    id: int
    kind: str
    customer: str | None
    message: int | None
    delivery: int | None
    rep: str | None = Field(description="Whose it is; null: the administrators'.")
    text: str
    state: Literal["open", "closed"]
    answers: list[str] = Field(description="What can be answered; none where it only can be closed.")
    answer: str | None = Field(description="What was answered; `settled`: the provider's own news was quicker.")
    created_at: datetime
    closed_at: datetime | None


class TaskQuery(PageQuery):
    """Which tasks."""

    state: Literal["open", "closed"] | None = None
    message: RowNumber | None = None


class TaskAnswer(Given):
    """What a person knows that no machine does."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"answer": "arrived"}]})

    answer: Text = Field(
        max_length=16,
        description="`arrived`; `again`: it did not, send it again; `next`: it did not, use the next channel; `leave`.",
    )
    call_again: bool = Field(False, description="Must be true where `again` means that somebody is rung once more.")
