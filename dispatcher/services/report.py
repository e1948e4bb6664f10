"""The release report: how far apart the first and the last customer were, and whether anybody was favoured."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Customer, Firm, Message, Staff
from dispatcher.model.delivery import IN_DOUBT, WAITING
from dispatcher.model.errors import NotFound
from dispatcher.services import evenness, report_groups, report_people, sight
from dispatcher.services.evenness import Question
from dispatcher.services.report_groups import Group
from dispatcher.services.report_spread import Deliveries, Spread, measure, spread, spreads
from dispatcher.services.response_report import responses

FAILED = ("bounced", "rejected", "failed", "expired")


@dataclass(frozen=True, slots=True)
class Measured:
    """A report, and the deliveries it was made from, for a plot."""

    figures: dict[str, Any]
    deliveries: Deliveries


def release_report(session: Session, message_id: int) -> dict[str, Any]:
    """The figures of one message; times are datetimes in UTC, None for what has not happened.

    `by_channel` has for each channel `deliveries`, `accepted`, `delivered`, `failed`, `held`, and `first`, `p50`, `p95`
    and `last`: seconds from the release to the acceptance by the provider (nearest rank). `by_firm` and `by_list`, with
    the latest first, have `deliveries`, `accepted`, `first`, `median`, `last` and `spread_seconds`. All these seconds,
    and `first_deliveries` and `evenness`, are of the deliveries that were to leave at once: not of fallbacks, nor of
    what quiet hours held. `evenness` has a `verdict` (even, uneven, cannot say) and the tests it rests on.
    `replies` counts what people said; machines' mail is `automatic_replies`. What came of it is `responses`, see there.
    `duplicates_removed` counts entries on its
    lists beyond one a customer; lists and firms are as they are now. Raises NotFound.
    """
    return measured(session, message_id).figures


def measured(session: Session, message_id: int) -> Measured:
    """The report and what it was made from. Raises NotFound."""
    message = session.get(Message, message_id)
    if message is None:
        raise NotFound(f"there is no message {message_id}")
    session.flush()
    found = measure(session, message)
    first, last = _ends(message, found)
    lists, firms = report_groups.lists(session, message), report_groups.firms(session, found)
    figures = {
        "id": message.id,
        "subject": message.current.subject,
        "state": message.state,
        "digest": message.current.digest,
        "seed": message.seed,
        "approved_at": message.approved_at,
        "approved_by": report_people.officer(session, message),
        "released_at": message.released_at,
        "first_accepted_at": first,
        "last_accepted_at": last,
        "spread_seconds": _seconds(first, last),
        "by_channel": _by_channel(found),
        **report_people.people(session, message),
        "deliveries": len(found.id),
        "fallbacks": int((~found.first).sum()),
        "held": int(found.held.sum()),
        "expired": int(found.in_states("expired").sum()),
        "duplicates_removed": _duplicates(lists),
        **report_people.replies(session, message),
        "first_deliveries": _figures(spread(found.after[found.timed])),
        "evenness": _evenness(found, lists),
        "responses": responses(session, message, found, lists, firms),
        "by_list": _by_list(found, lists),
        "by_firm": _by_firm(found, firms),
        "record": report_people.entry(session, message),
    }
    return Measured(figures, found)


def for_eyes_of(session: Session, staff: Staff, message: Message, figures: dict[str, Any]) -> dict[str, Any]:
    """The figures as this person may see them: a representative reads of no other representative's firms."""
    if sight.sees_all_of(staff, message):
        return figures
    theirs = select(Firm.name).where(Firm.id.in_(sight.customers(staff).with_only_columns(Customer.firm_id)))
    names = set(session.scalars(theirs))

    def own(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if row["firm"] in names]

    answers = {**figures["responses"], "by_firm": own(figures["responses"]["by_firm"])}
    return {**figures, "by_firm": own(figures["by_firm"]), "responses": answers}


def _ends(message: Message, found: Deliveries) -> tuple[datetime | None, datetime | None]:
    """When the first and the last delivery of all was accepted."""
    times = found.after[found.accepted]
    if message.released_at is None or not len(times):
        return None, None
    first, last = (message.released_at + timedelta(seconds=float(one)) for one in (times[0], times[-1]))
    return first, last


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return round((end - start).total_seconds(), 3) if start is not None and end is not None else None


def _figures(one: Spread) -> dict[str, Any]:
    return {
        "deliveries": one.deliveries,
        "accepted": one.accepted,
        "first": one.first,
        "median": one.median,
        "last": one.last,
        "spread_seconds": one.seconds,
    }


def _by_channel(found: Deliveries) -> dict[str, dict[str, Any]]:
    rows = {}
    for name in sorted(found.channels):
        mine = found.of_channel(name)
        times = spread(found.after[mine & found.timed])
        rows[name] = {
            "deliveries": int(mine.sum()),
            "accepted": int((mine & found.accepted).sum()),
            "delivered": int((mine & found.in_states("delivered")).sum()),
            "failed": int((mine & found.in_states(*FAILED)).sum()),
            "held": int((mine & found.held).sum()),
            "first": times.first,
            "p50": times.median,
            "p95": times.p95,
            "last": times.last,
            "spread_seconds": times.seconds,
        }
    return rows


# --- groups -----------------------------------------------------------------------------------------------


def _latest_first(rows: Collection[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (-1.0 if row["last"] is None else row["last"], row["deliveries"]), reverse=True)


def _by_list(found: Deliveries, lists: list[Group]) -> list[dict[str, Any]]:
    return _latest_first(
        [
            {
                "list": one.key,
                "name": one.name,
                **_figures(spread(found.after[found.timed & one.has(found.customer)])),
            }
            for one in lists
        ]
    )


def _by_firm(found: Deliveries, firms: Mapping[int, str]) -> list[dict[str, Any]]:
    known = found.timed & (found.customer > 0)
    return _latest_first(
        [
            {"firm": firms.get(firm, ""), **_figures(one)}
            for firm, one in spreads(found.firm[known], found.after[known]).items()
        ]
    )


# --- evenness ---------------------------------------------------------------------------------------------


def _evenness(found: Deliveries, lists: list[Group]) -> dict[str, Any]:
    findings = evenness.answers(_questions(found, lists))
    verdict, words = evenness.verdict(findings)
    if left := int(found.in_states(*WAITING, *IN_DOUBT).sum()):
        words = f"So far, with {left:,} not yet accepted: {words}"
    return {"verdict": verdict, "words": words, "method": evenness.METHOD, "tests": [asdict(one) for one in findings]}


def _questions(found: Deliveries, lists: list[Group]) -> list[Question]:
    """By channel: the size of the firm (its deliveries in this release), the place in the directory, each list."""
    import numpy as np

    asked = found.timed & found.accepted & (found.customer > 0)
    firms, sizes = np.unique(found.firm[found.first & (found.firm > 0)], return_counts=True)
    questions = []
    for channel in sorted(found.channels):
        mine = asked & found.of_channel(channel)
        if not mine.any():
            continue
        times, firm, customer = found.after[mine], found.firm[mine], found.customer[mine]
        # Who has no firm is one of their own.
        size = np.ones(len(firm))
        size[firm > 0] = sizes[np.searchsorted(firms, firm[firm > 0])]
        questions.append(Question(channel, "firm size", "", times, size))
        questions.append(Question(channel, "directory", "", times, customer.astype(np.float64)))
        if len(lists) > 1:
            questions += [Question(channel, "list", one.key, times, one.has(customer)) for one in lists]
    return questions


def _duplicates(lists: list[Group]) -> int:
    """How many entries on the lists name somebody again."""
    import numpy as np

    everybody = np.concatenate([np.empty(0, dtype=np.int64), *(one.members for one in lists)])
    return len(everybody) - len(np.unique(everybody))
