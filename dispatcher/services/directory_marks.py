"""What providers teach about an address, marked in the directory: it does not work, its person wants no more."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Staff, Suppression
from dispatcher.model.errors import NotFound
from dispatcher.runtime import Runtime
from dispatcher.services import suppressions
from dispatcher.services.audit import record
from dispatcher.services.once import clean

# So long after somebody has come back, a provider's refusal to send may still speak of the time before.
_REFUSALS_LAG = timedelta(minutes=10)


def learn(
    session: Session,
    runtime: Runtime,
    channel: str,
    address: str,
    mark: str,
    source: str,
    actor: Staff | str = "system",
    *,
    of_send: bool = False,
) -> None:
    """Act on what a provider says about an address: `mark` is invalid, opt-out, opt-in, complaint or "".

    The caller vouches for the evidence: the news is authentic, and for "invalid" about an attempt of ours. `of_send`:
    it is why something was not sent, and no act of the person's now.
    """
    if mark == "invalid":
        mark_invalid(session, runtime, channel, address, source)
    elif mark == "opt-in":
        suppressions.lift(session, runtime, channel, address, actor, reasons=suppressions.THEIR_OWN, topic=None)
    elif mark in ("opt-out", "complaint") and not (of_send and _is_back(session, runtime, channel, address)):
        suppressions.suppress(session, runtime, channel, address, mark, source, actor, at_provider=True)


def _is_back(session: Session, runtime: Runtime, channel: str, address: str) -> bool:
    """Whether an order was lifted just now, of which the provider may not have heard when it refused."""
    since = runtime.now() - _REFUSALS_LAG
    lifted = select(Suppression.id).where(
        Suppression.channel == channel,
        Suppression.address == address,
        (Suppression.lifted_at > since) | ((Suppression.mirror == "take") & Suppression.lifted_at.is_not(None)),
    )
    return session.scalar(lifted.limit(1)) is not None


def mark_invalid(session: Session, runtime: Runtime, channel: str, address: str, because: str) -> int:
    """Stop using every contact point with this address; how many changed. `set_valid` takes it back."""
    points = session.scalars(
        select(ContactPoint).where(
            ContactPoint.channel == channel, ContactPoint.address == address, ContactPoint.valid.is_(True)
        )
    ).all()
    for point in points:
        point.valid, point.invalid_because = False, clean(because, 200)
        record(
            session, runtime, "system", "mark contact point invalid", f"customer {point.customer.key}"[:120],
            channel=channel, address=address, because=because,
        )  # fmt: skip
    return len(points)


def set_valid(session: Session, runtime: Runtime, staff: Staff, contact_point_id: int) -> ContactPoint:
    """Undo of `mark_invalid`, by a person. Raises NotFound."""
    point = session.get(ContactPoint, contact_point_id)
    if point is None:
        raise NotFound(f"there is no contact point {contact_point_id}")
    if not point.valid:
        record(
            session, runtime, staff, "mark contact point valid", f"customer {point.customer.key}"[:120],
            channel=point.channel, address=point.address, was=point.invalid_because,
        )  # fmt: skip
        point.valid, point.invalid_because = True, None
    return point
