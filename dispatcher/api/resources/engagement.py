"""Who listens, by customer and by list; how the desk stands, by representative."""

from __future__ import annotations

from dataclasses import asdict

from dispatcher.api.calls import Act, call
from dispatcher.api.paging import page_of
from dispatcher.api.problems import Problem
from dispatcher.api.shapes.common import Page, PageQuery
from dispatcher.api.shapes.remembered import CustomerEngagement, DeskInfo, ListEngagement, WeekInfo
from dispatcher.api.shapes.report import TimesInfo
from dispatcher.services import desk, engagement, sight

TAG = "Reports"


@call(
    "GET", "/customers/<key>/engagement",
    title="Whether a customer listens",
    about=engagement.DEFINITION,
    tag=TAG, answers={200: CustomerEngagement},
)  # fmt: skip
def get_customer_engagement(act: Act, key: str) -> CustomerEngagement:
    customer = sight.customer(act.session, act.staff, key, removed=True)
    return CustomerEngagement.model_validate(
        {"customer": key, **_fields(engagement.of_customer(act.session, act.runtime, customer))}
    )


@call(
    "GET", "/engagement",
    title="Whether the customers of each list listen",
    about=f"{engagement.DEFINITION} Representatives: of their own customers.",
    tag=TAG, answers={200: Page[ListEngagement]},
)  # fmt: skip
def list_engagement(act: Act, query: PageQuery) -> Page[ListEngagement]:
    everything = engagement.of_lists(act.session, act.runtime, act.staff)
    some, following = page_of(everything, limit=query.limit, cursor=query.cursor)
    return Page(items=[_of_list(one) for one in some], next_cursor=following)


@call(
    "GET", "/lists/<key>/engagement",
    title="Whether the customers of a list listen",
    about=f"{engagement.DEFINITION} Representatives: of their own customers.",
    tag=TAG, answers={200: ListEngagement},
)  # fmt: skip
def get_list_engagement(act: Act, key: str) -> ListEngagement:
    found = engagement.of_lists(act.session, act.runtime, act.staff, key)
    if not found:
        raise Problem("not-found", f"There is no list {key}")
    return _of_list(found[0])


@call(
    "GET", "/reports/desk",
    title="What is open, how old it is, how soon it is answered",
    about="Administrators: every representative's, and what is nobody's, with who has kept somebody waiting longest in "
    "front. Others: their own.",
    tag=TAG, answers={200: Page[DeskInfo]},
)  # fmt: skip
def get_desk(act: Act, query: PageQuery) -> Page[DeskInfo]:
    everything = desk.desks(act.session, act.runtime, act.staff)
    some, following = page_of(everything, limit=query.limit, cursor=query.cursor)
    return Page(items=[_desk(one) for one in some], next_cursor=following)


def _fields(one: engagement.Engagement) -> dict[str, object]:
    return {
        "reached": one.reached,
        "answered": one.answered,
        "heard": one.heard,
        "engaged": one.engaged,
        "share": one.share,
        "last_at": one.last_at,
    }


def _of_list(one: engagement.OfList) -> ListEngagement:
    return ListEngagement.model_validate(
        {
            "list": one.key,
            "name": one.name,
            "customers": one.found.customers,
            "alive": one.found.alive,
            **_fields(one.found),
        }
    )


def _desk(one: desk.Desk) -> DeskInfo:
    return DeskInfo(
        rep=one.staff.email if one.staff else None,
        name=one.staff.name if one.staff else "",
        open=one.open,
        claimed=one.claimed,
        waiting=one.waiting,
        oldest_at=one.oldest_at,
        orders=one.orders,
        oldest_order_at=one.oldest_order_at,
        unmatched=one.unmatched,
        first_answer=TimesInfo(**asdict(one.first_answer)),
        weeks=[WeekInfo(begins=week.begins, **asdict(week.answered)) for week in one.weeks],
    )
