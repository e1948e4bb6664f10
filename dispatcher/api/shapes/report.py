"""Shapes of the release report: how evenly it went, and what was answered."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from dispatcher.api.shapes.common import Told
from dispatcher.api.shapes.messages import MessageState


class ChannelReport(Told):
    """One channel of a release. first, p50, p95 and last are seconds from the release to the acceptance."""

    deliveries: int
    accepted: int
    delivered: int
    failed: int
    held: int = Field(description="Held back by quiet hours; like fallbacks they are not in the times.")
    first: float | None
    p50: float | None
    p95: float | None
    last: float | None
    spread_seconds: float | None


class SpreadInfo(Told):
    """Deliveries that were to leave at once: first, median and last acceptance, in seconds since the release."""

    deliveries: int
    accepted: int
    first: float | None
    median: float | None
    last: float | None
    spread_seconds: float | None


class FirmSpread(SpreadInfo):
    """One firm's; without a name, of customers without a firm."""

    firm: str


class ListSpread(SpreadInfo):
    """One list's."""

    list: str = Field(description="Its key.")
    name: str


class EvennessTest(Told):
    """Do the times of acceptance of a channel go with this? Spearman's rho and its p; null: nothing to compare."""

    channel: str
    factor: Literal["firm size", "directory", "list"]
    name: str = Field(description="Key of the list.")
    deliveries: int
    rho: float | None
    p: float | None
    connected: bool = Field(description="True where p, times the number of tests, is below 0.01.")
    words: str


class Evenness(Told):
    """Whether anybody was favoured."""

    verdict: Literal["even", "uneven", "cannot say"]
    words: str
    method: str
    tests: list[EvennessTest]


class RecordEntry(Told):
    """The entry of the chained record that the release left."""

    seq: int
    at: str
    hash: str


class TimesInfo(Told):
    """Seconds: the median, and what nine in ten keep within (nearest rank); null where there was none."""

    count: int
    median: float | None
    p90: float | None


class AnsweredInfo(Told):
    """Of one group: who was reached, who answered, how soon after being reached."""

    reached: int
    answered: int
    share: float | None = Field(description="Of those reached, from 0 to 1.")
    median: float | None
    p90: float | None


class FirmAnswered(AnsweredInfo):
    """One firm's; without a name, of customers without a firm."""

    firm: str


class ListAnswered(AnsweredInfo):
    """One list's."""

    list: str = Field(description="Its key.")
    name: str


class ChannelAnswers(Told):
    """What came by one channel."""

    answers: int
    customers: int


class OrderFigures(Told):
    """Requests for orders by what has become of them, and from the request to the claim and to the decision."""

    requested: int
    waiting: int
    claimed: int
    confirmed: int
    declined: int
    withdrawn: int
    claimed_in: TimesInfo
    decided_in: TimesInfo


class Unanswered(Told):
    """Conversations not closed whose last word nobody has answered."""

    conversations: int
    oldest_at: datetime | None


class Responses(Told):
    """What came of an alert. Machines' mail never counts."""

    answers: int = Field(description="Orders, questions, wishes to be called, complaints and what else was said.")
    answered: int = Field(description="Recipients who gave one.")
    reached: int = Field(description="Recipients whose delivery was accepted and did not fail, and who answered.")
    share: float | None = Field(description="Answered of reached, from 0 to 1.")
    first_answer: TimesInfo = Field(description="From being reached to the first answer.")
    by_kind: dict[str, int] = Field(description="All that people said, opt-outs and wrong persons, too.")
    by_channel: dict[str, ChannelAnswers]
    by_firm: list[FirmAnswered] = Field(
        description="Who answered most in front. Representatives see the firms of their own customers."
    )
    by_list: list[ListAnswered]
    orders: OrderFigures
    unanswered: Unanswered
    opt_outs: int
    heard: int = Field(description="Deliveries that were listened to, to the end.")


class Report(Told):
    """How a release went, as measured."""

    id: int
    subject: str
    state: MessageState
    digest: str
    seed: int | None = Field(description="Of the shuffled order in which deliveries left.")
    approved_at: datetime | None
    approved_by: str | None
    released_at: datetime | None
    first_accepted_at: datetime | None
    last_accepted_at: datetime | None
    spread_seconds: float | None
    by_channel: dict[str, ChannelReport]
    replies: int
    recipients: int
    unreachable: int = Field(description="Recipients without a usable contact point.")
    asked_for_nothing: int = Field(description="Recipients who by their own word want no alerts by any way.")
    left: int
    deliveries: int
    fallbacks: int = Field(description="Deliveries that took over from failed ones.")
    held: int = Field(description="Deliveries held back by quiet hours.")
    expired: int
    duplicates_removed: int
    automatic_replies: int
    first_deliveries: SpreadInfo
    evenness: Evenness
    responses: Responses
    by_list: list[ListSpread] = Field(description="The one reached last in front.")
    by_firm: list[FirmSpread] = Field(
        description="The one reached last in front. Representatives see the firms of their own customers."
    )
    record: RecordEntry | None
