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
ReplyKind = Literal[
    "order", "question", "call", "complaint", "other", "opt-out", "opt-in", "wrong-person", "out-of-office", "automatic"
]
OrderState = Literal["waiting", "claimed", "confirmed", "declined", "withdrawn"]
_ORDER = {
    "id": 5, "reply": 13, "conversation": 4, "customer": "C00625", "message": 7, "text": "Buy 5,000 at 42.10",
    "state": "claimed", "claimed_by": "brandi.barnes@bank.example", "claimed_at": EXAMPLE_TIME, "decided_by": None,
    "decided_at": None, "read_back": "You buy 5,000, limit 42.10", "escalations": 0, "due_at": EXAMPLE_TIME,
    "created_at": EXAMPLE_TIME, "age_seconds": 61.5,
}  # fmt: skip


class OrderInfo(Told):
    """What a customer asked to be bought or sold: a request and no more, until it is confirmed."""

    model_config = example(**_ORDER)

    id: int
    reply: int = Field(description="The reply that it is.")
    conversation: int
    customer: str = Field(description="The customer's key.")
    message: int | None
    text: str = Field(description="In the customer's own words.")
    state: OrderState = Field(description="`withdrawn`: somebody has said that it is no order.")
    claimed_by: str | None = Field(description="Mail address of who alone may decide it.")
    claimed_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    read_back: str = Field(description="What the representative understood and told the customer.")
    escalations: int = Field(description="How often it was put to more people because nobody had claimed it.")
    due_at: datetime | None = Field(description="When the next ones are told.")
    created_at: datetime
    age_seconds: float = Field(description="Since it came; until it was decided, where it is.")


class OrderQuery(PageQuery):
    """Which orders."""

    state: OrderState | None = None


class ReadBack(Given):
    """What the representative has understood."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "You buy 5,000, limit 42.10", "by_telephone": False}]}
    )

    text: Text = Field(min_length=1, max_length=20_000)
    by_telephone: bool = Field(False, description="It was said by telephone: no letter goes out.")


class Confirmation(Given):
    """How the customer is told that the order is accepted as it was read back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"by_telephone": False}]})

    by_telephone: bool = Field(False, description="It was said by telephone: no letter goes out.")
    heard: int | None = Field(
        None, ge=0, description="The last reply in the conversation that was read, where one came after the read-back."
    )


class Declining(Given):
    """Why the order is not accepted."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "The book is closed.", "by_telephone": False}]}
    )

    reason: Text = Field(min_length=1, max_length=20_000)
    by_telephone: bool = Field(False, description="It was said by telephone: no letter goes out.")


class FileInfo(Told):
    """A file that came with a reply."""

    position: int
    name: str = Field(description="As its sender called it, made harmless.")
    size: int | None = Field(description="In bytes; null where it was not kept.")
    note: str = Field(description="Why it was not kept, or is not offered.")


class ReplyInfo(Told):
    """What a customer said."""

    model_config = example(
        id=13, customer="C00625", message=7, channel="sms", text="Buy 5,000 at 42.10", kind="order", kind_by="rule",
        kind_because="Buy 5,000 at 42.10", doubt="", state="matched",
        rep="brandi.barnes@bank.example", conversation=4, sender="+14105550186", subject="", note="", sender_check="",
        recording=None, files=[], order=_ORDER, received_at=EXAMPLE_TIME,
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
    sender_check: str = Field(description='What is known of the sender of a mail, e.g. "spf=pass dkim=pass".')
    files: list[FileInfo]
    order: OrderInfo | None = Field(description="How the request stands, where it is one.")
    received_at: datetime


class ReplyQuery(PageQuery):
    """Which replies."""

    message: RowNumber | None = None
    customer: Key | None = Field(None, description="A customer's key.")
    state: ReplyState | None = Field(None, description="`unmatched`: those without an owner, for administrators.")


class Correction(Given):
    """What a reply is, as a person sees it: its kind, or whether it is what its `doubt` says."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"kind": "order"}, {"doubt": False}]})

    kind: Text | None = Field(None, max_length=16, description="As of a reply, without `alert`; settles a doubt too.")
    doubt: bool | None = Field(
        None, description="It is what the doubt says, or is not. A wish is obeyed, and an order beside it stays one."
    )


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
    rep: str | None = Field(description="Mail address of whose inbox it is in.")
    routed_by: str = Field(description="The rule that gave it to them, in words.")
    state: ConversationState
    claimed_by: str | None
    claim_by: datetime | None = Field(description="Unless somebody has claimed it by then, it is passed on.")
    channel: str = Field(description="The one the customer used last.")
    kind: str | None = Field(description="Of the customer's last answer that somebody is to read.")
    doubt: str = Field(description="The kind that a person should consider of one of the answers; else empty.")
    orders_waiting: int = Field(description="Order requests in it that are neither confirmed nor declined.")
    created_at: datetime
    last_at: datetime
    waiting_seconds: float | None = Field(
        description="How long the customer has waited for a person's word; null where nothing is to be answered."
    )


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
    kind: ReplyKind | None = Field(None, description="Those in which a customer's answer is of this kind.")
    order: Literal["waiting", "claimed"] | None = Field(None, description="Those with an order request in this state.")


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
