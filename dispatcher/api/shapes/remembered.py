"""Shapes of what is remembered: what a search finds, how the desk stands, who listens, exports."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from dispatcher.api.shapes.common import (
    EXAMPLE_TIME,
    Given,
    GivenTime,
    Key,
    PageQuery,
    RowNumber,
    Text,
    Told,
    example,
    no_example,
)
from dispatcher.api.shapes.report import TimesInfo


class MarkedInfo(Told):
    """A text, and where in it the words stand that were asked for: begin and end of each, counted in characters."""

    text: str
    marks: list[tuple[int, int]]


class SearchHit(Told):
    """A reply or a response that holds all that was asked for, or the alert of that title."""

    model_config = example(
        kind="reply", id=12, conversation=4, message=7, customer="C00625", channel="sms", by=None, at=EXAMPLE_TIME,
        said={"text": "Please buy 500 at the limit.", "marks": [[7, 10]]}, customer_name={"text": "Ann", "marks": []},
        firm={"text": "Simon LLC", "marks": []}, subject={"text": "Chipmaker cut to neutral", "marks": []},
    )  # fmt: skip

    kind: Literal["reply", "response", "alert"]
    id: int = Field(description="Of the reply, the response or the message.")
    conversation: int | None = Field(description="null: it belongs to nobody yet. Of an alert: the newest on it.")
    message: int | None
    customer: str | None = Field(description="The customer's key.")
    channel: str | None
    by: str | None = Field(description="Who answered.")
    at: datetime
    said: MarkedInfo = Field(description="So much of it as is around the first mark.")
    customer_name: MarkedInfo
    firm: MarkedInfo
    subject: MarkedInfo = Field(description="Of the alert.")


class SearchQuery(PageQuery):
    """What to look for."""

    limit: int = Field(25, ge=1, le=100, description="How many at most.")
    q: Text = Field(
        min_length=1,
        max_length=300,
        description='Words, "phrases", -without, beginnings*; in any case, with or without accents. All of them must '
        "be in what was said, the alert's subject, or the name of the customer or the firm.",
    )


class WeekInfo(TimesInfo):
    """First answers in one week."""

    begins: date = Field(description="A Monday, UTC.")


class DeskInfo(Told):
    """What is on one desk: of a representative, or with `rep` null of nobody."""

    model_config = example(
        rep="brandi.barnes@bank.example", name="Brandi Barnes", open=3, claimed=1, waiting=2, oldest_at=EXAMPLE_TIME,
        orders=1, oldest_order_at=EXAMPLE_TIME, unmatched=0,
        first_answer={"count": 9, "median": 312.0, "p90": 1804.0}, weeks=[],
    )  # fmt: skip

    rep: str | None
    name: str
    open: int = Field(description="Conversations that nobody has claimed.")
    claimed: int
    waiting: int = Field(description="Those of both whose last word nobody has answered.")
    oldest_at: datetime | None = Field(description="When the first of these words was said.")
    orders: int = Field(description="Requests for orders that are not decided.")
    oldest_order_at: datetime | None
    unmatched: int = Field(description="Replies that belong to nobody yet.")
    first_answer: TimesInfo = Field(description="From a customer's first answer to the first response; twelve weeks.")
    weeks: list[WeekInfo] = Field(description="The newest first.")


class EngagementInfo(Told):
    """Of the alerts that reached them in the last 90 days, how many were answered or heard to the end."""

    reached: int
    answered: int = Field(description="In their own words, by whatever channel; a wish to be called is an answer.")
    heard: int = Field(description="Listened to, to the end.")
    engaged: int = Field(description="Answered or heard.")
    share: float | None = Field(description="Engaged of reached, from 0 to 1.")
    last_at: datetime | None = Field(description="The last sign of life, ever.")


class CustomerEngagement(EngagementInfo):
    """One customer's."""

    customer: str


class ListEngagement(EngagementInfo):
    """One list's: each of its customers counts by themselves."""

    model_config = no_example()

    list: str
    name: str
    customers: int
    alive: int = Field(description="Customers who answered or heard anything in that time.")


class ExportQuery(Given):
    """Which rows, and how they are written."""

    message: RowNumber | None = Field(None, description="Of this message.")
    customer: Key | None = Field(None, description="Of this customer, by key.")
    since: GivenTime | None = Field(None, description="From then on.")
    until: GivenTime | None = Field(None, description="Before then.")
    separator: Literal["comma", "semicolon", "tab"] = "comma"
    bom: bool = Field(True, description="0: without the byte order mark in front, by which Excel knows UTF-8.")
