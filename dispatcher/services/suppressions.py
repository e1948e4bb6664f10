"""Standing orders not to use a contact point, and what providers teach about an address."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Delivery, Letter, Staff, Suppression
from dispatcher.model.delivery import WAITING
from dispatcher.model.errors import NotFound
from dispatcher.runtime import Runtime
from dispatcher.services.audit import record
from dispatcher.services.once import clean, insert_once

REASONS = ("opt-out", "bounce", "complaint", "wrong-person", "provider", "by-hand")
# What the person themselves may take back by a START or in their preferences. The others are the bank's.
THEIR_OWN = ("opt-out", "provider")


def in_force(session: Session, channel: str, address: str) -> Suppression | None:
    """The standing order for this address on this channel, if there is one."""
    return session.scalar(
        select(Suppression).where(
            Suppression.channel == channel, Suppression.address == address, Suppression.lifted_at.is_(None)
        )
    )


def suppress(
    session: Session,
    runtime: Runtime,
    channel: str,
    address: str,
    reason: str,
    source: str,
    actor: Staff | str = "system",
) -> Suppression:
    """Do not use this address on this channel from now on. A second order leaves the first as it is.

    `reason` is one of REASONS; `source` says how it came, e.g. "sms STOP"; `actor` who ordered it.
    """
    # What waits for this address is held while the order is written: a claim that has begun comes first, a later one
    # passes these rows by. The sweep then leaves them out and lets the recipient's next channel take over.
    session.execute(
        update(Delivery)
        .where(Delivery.channel == channel, Delivery.address == address, Delivery.state.in_(WAITING))
        .values(due_at=runtime.now())
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Letter)
        .where(
            Letter.channel == channel,
            Letter.address == address,
            Letter.state.in_(WAITING),
            Letter.customer_id.is_not(None),
        )
        .values(due_at=runtime.now())
        .execution_options(synchronize_session=False)
    )
    new = insert_once(
        session,
        Suppression,
        channel=channel,
        address=address,
        reason=reason,
        source=clean(source, 200),
        created_at=runtime.now(),
    )
    if new is None:
        known = in_force(session, channel, address)
        assert known is not None  # the partial unique index was what refused ours
        return known
    record(session, runtime, actor, "suppress", f"{channel} {address}"[:120], reason=reason, source=source)
    return new


def lift(
    session: Session,
    runtime: Runtime,
    channel: str,
    address: str,
    actor: Staff | str = "system",
    *,
    reasons: tuple[str, ...] = REASONS,
) -> bool:
    """Use the address again; False where no order for one of these reasons was in force."""
    known = session.scalar(
        select(Suppression)
        .where(Suppression.channel == channel, Suppression.address == address, Suppression.lifted_at.is_(None))
        .with_for_update()
    )
    if known is None or known.reason not in reasons:
        return False
    known.lifted_at = runtime.now()
    known.lifted_by = (actor.email if isinstance(actor, Staff) else actor)[:200]
    record(session, runtime, actor, "lift suppression", f"{channel} {address}"[:120], reason=known.reason)
    return True


def learn(
    session: Session,
    runtime: Runtime,
    channel: str,
    address: str,
    mark: str,
    source: str,
    actor: Staff | str = "system",
) -> None:
    """Act on what a provider says about an address: `mark` is invalid, opt-out, opt-in, complaint or "".

    The caller vouches for the evidence: the news is authentic, and for "invalid" about an attempt of ours.
    """
    if mark == "invalid":
        mark_invalid(session, runtime, channel, address, source)
    elif mark == "opt-out":
        suppress(session, runtime, channel, address, "opt-out", source, actor)
    elif mark == "opt-in":
        lift(session, runtime, channel, address, actor, reasons=THEIR_OWN)
    elif mark == "complaint":
        suppress(session, runtime, channel, address, "complaint", source, actor)


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
