"""Numbers of lists, which people key on the telephone: given when a list is made, changed by who keeps it."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.model import DistributionList, Staff
from dispatcher.model.errors import NotAllowed, Refused
from dispatcher.runtime import Runtime
from dispatcher.services.audit import record

FIRST, HIGHEST = 101, 999_999_999


def next_free(session: Session) -> int:
    """One more than the highest that a list has."""
    highest = session.scalar(select(func.max(DistributionList.number)))
    return max(FIRST, (highest or 0) + 1)


def require_free(session: Session, number: int) -> int:
    """The number. Raises Refused for one that is none or a list's."""
    if not 0 < number <= HIGHEST:
        raise Refused({"number": f"must be between 1 and {HIGHEST:,}"})
    taken = session.scalar(select(DistributionList).where(DistributionList.number == number))
    if taken is not None:
        raise Refused({"number": f"is that of {taken.name} ({taken.key})"})
    return number


def list_with(session: Session, digits: str) -> DistributionList | None:
    """The list with this number, as keyed; None where there is none."""
    if not (digits.isascii() and digits.isdigit() and len(digits) < 16 and 0 < int(digits) <= HIGHEST):
        return None
    return session.scalar(select(DistributionList).where(DistributionList.number == int(digits)))


def give(session: Session, runtime: Runtime, actor: Staff | str, one: DistributionList, number: int) -> None:
    """Let the list have this number. Raises Refused for one that is none or another list's; NotAllowed.

    Only an administrator changes the number of a team's list: everybody knows it by heart.
    """
    if number == one.number:
        return
    if isinstance(actor, Staff) and not actor.has("admin") and one.owner_id != actor.id:
        raise NotAllowed("only its owner or an administrator changes the number of a list")
    require_free(session, number)
    before, one.number = one.number, number
    record(session, runtime, actor, "number list", f"list {one.key}"[:120], number=number, before=before)
