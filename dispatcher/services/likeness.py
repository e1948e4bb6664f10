"""What a look-up has recognised by its looks alone, and what becomes of it when news knows better."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.model import Attempt, Delivery, Letter
from dispatcher.model.delivery import ALIKE_RESTORED, ALIKES
from dispatcher.runtime import Runtime
from dispatcher.services import pause
from dispatcher.services.outcomes import target_of

ANOTHERS = "what had been taken for it was another's"


def taken_for(
    session: Session, providers: Collection[str], refs: Collection[str], address: str | None = None
) -> dict[str, str]:
    """Attempts that have one of these references only because it looks like theirs, with it; at the `address` alone
    where one is given: a request's thousand mails share theirs.
    """
    if not refs:
        return {}
    query = select(Attempt.id, Attempt.provider_ref).where(
        Attempt.provider.in_(providers), Attempt.provider_ref.in_(refs), Attempt.code.in_(ALIKES)
    )
    if address is not None:
        query = query.outerjoin(Delivery, Delivery.id == Attempt.delivery_id)
        query = query.outerjoin(Letter, Letter.id == Attempt.letter_id)
        query = query.where(func.coalesce(Delivery.address, Letter.address) == address)
    return {number: ref or "" for number, ref in session.execute(query)}


def learn(session: Session, runtime: Runtime, attempt: Attempt, address: str, ref: str) -> None:
    """News that bears our id says that this reference is this attempt's. Whatever else at the address has it is in
    doubt again.

    The caller holds `attempt`; others with this reference are held here, whatever their ids: few ever are.
    """
    for number in taken_for(session, [attempt.provider], [ref], address):
        if number != attempt.id:
            _doubt(session, runtime, number, address)
    if attempt.code in ALIKES:
        attempt.code, attempt.provider_ref = None, ref
    attempt.provider_ref = attempt.provider_ref or ref


def _doubt(session: Session, runtime: Runtime, number: str, address: str) -> None:
    attempt = session.get_one(Attempt, number, with_for_update=True, populate_existing=True)
    target = target_of(session, attempt)
    if attempt.code not in ALIKES or target.address != address:
        return
    attempt.code = pause.RESTORED_CODE if attempt.code == ALIKE_RESTORED else None
    attempt.provider_ref, attempt.error = None, ANOTHERS
    if target.state in ("accepted", "delivered") and attempt.n == target.tries:
        attempt.state, attempt.settled_at, attempt.looked_up, attempt.absences = "unknown", None, 0, 0
        target.state, target.accepted_at, target.settled_at, target.outcome = "unknown", None, None, None
        target.due_at, target.error = runtime.now(), ANOTHERS
