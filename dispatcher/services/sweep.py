"""The sweep: finds what is due or was left lying, and rings for it. Redis may forget everything at any moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from dispatcher.bells import note
from dispatcher.model import CHANNELS, Callback, Letter, Message, StaffCall
from dispatcher.model.delivery import CALL_FOLLOWS, WAITING
from dispatcher.runtime import Runtime
from dispatcher.services import (
    alert_intake,
    cancellation,
    expiry,
    fan_out,
    fax_documents,
    hook_events,
    lag,
    mirrors,
    missed_texts,
    order_rings,
    pause,
    reconcile,
    recording_erasure,
    recording_fetch,
    rings,
    transcripts,
    unclaimed,
    unsettled,
)

LATE = timedelta(seconds=5)


def sweep(session: Session, runtime: Runtime, *parts: str) -> dict[str, int]:
    """Ring for everything due, or for some of PARTS; how much of each kind. Two sweeps at once do no harm.

    A door that runs beside others commits after each part: some end with the audit's lock, which comes last.
    """
    return {name: PARTS[name](session, runtime) for name in parts or PARTS}


def _late(session: Session, runtime: Runtime) -> int:
    return expiry.expire_late(session, runtime)


def _releases(session: Session, runtime: Runtime) -> int:
    fan_out.finish(session)
    if pause.in_force(session) is not None:
        return 0  # a person looks before anything more is released
    due = session.scalars(
        select(Message.id).where(
            Message.state == "approved", or_(Message.release_at.is_(None), Message.release_at <= runtime.now())
        )
    ).all()
    for message_id in due:
        note(session, "notices", "release", message_id)
    return len(due)


def _deliveries(session: Session, runtime: Runtime) -> int:
    cancellation.tidy(session, runtime)
    channels = [one for one in CHANNELS if fan_out.open_releases(session, one, runtime.now())]
    for channel in channels:
        note(session, channel, "fan_out", channel)
    return len(channels)


def _letters(session: Session, runtime: Runtime) -> int:
    now = runtime.now()
    late = select(Letter.id).where(Letter.state.in_(WAITING), Letter.due_at <= now - LATE).order_by(Letter.id)
    due = [
        *session.scalars(late.where(Letter.kind != CALL_FOLLOWS).limit(500)),
        # Thousands may wait, each of which rings for another: notices to staff do not queue behind them.
        *session.scalars(late.where(Letter.kind == CALL_FOLLOWS).limit(lag.CHAINS)),
    ]
    for letter_id in due:
        note(session, "notices", "send_letter", letter_id)
    return len(due)


def _callbacks(session: Session, runtime: Runtime) -> int:
    """One ring finds them all. It carries the oldest, so that the clock tells it from the one before."""
    due = session.execute(
        select(func.min(Callback.id).label("oldest"), func.count().label("number")).where(
            Callback.state == "new", Callback.due_at <= runtime.now() - LATE
        )
    ).one()
    if due.number:
        note(session, "events", "apply_callbacks", due.oldest)
    return int(due.number)


def _doubts(session: Session, runtime: Runtime) -> int:
    reconcile.doubt_dead_leases(session, runtime)
    due = reconcile.due(session, runtime)
    if due:
        note(session, "lookups", "look_ups")
    return len(due)


def _rings(session: Session, runtime: Runtime) -> int:
    return rings.follow_up(session, runtime)


def _orders(session: Session, runtime: Runtime) -> int:
    """Order requests that nobody has claimed or decided in time: one ring, as for callbacks."""
    due = order_rings.due(session, runtime)
    if due:
        note(session, "notices", "escalate_orders", due[0])
    return len(due)


def _undecided(session: Session, runtime: Runtime) -> int:
    """Messages on which nobody has decided in the time that their urgency allows."""
    due = session.scalars(
        select(Message.id).where(Message.escalate_at <= runtime.now()).order_by(Message.escalate_at).limit(500)
    ).all()
    for message_id in due:
        note(session, "notices", "escalate", message_id)
    return len(due)


def _calls(session: Session, runtime: Runtime) -> int:
    """Calls with members of staff that were hung up, or have gone quiet where nobody told us so."""
    quiet = select(StaffCall.id).where(StaffCall.idle_at <= runtime.now()).order_by(StaffCall.idle_at).limit(200)
    due = session.scalars(quiet).all()
    for call_id in due:
        note(session, "notices", "end_call", call_id)
    return len(due)


def _recordings(session: Session, runtime: Runtime) -> int:
    fetched = recording_fetch.due(session, runtime)
    for recording_id in fetched:
        note(session, "events", "fetch_recording", recording_id)
    written = transcripts.due(session, runtime)
    for recording_id in written:
        note(session, "lookups", "transcribe_recording", recording_id)
    erased = recording_erasure.due(session, runtime, 1)
    if erased:
        note(session, "lookups", "erase_recordings")
    return len(fetched) + len(written) + len(erased)


def _documents(session: Session, runtime: Runtime) -> int:
    """Pages of faxes that are still at their provider."""
    due = fax_documents.due(session, runtime)
    for reply_id in due:
        note(session, "lookups", "fetch_document", reply_id)
    return len(due)


def _alerts(session: Session, runtime: Runtime) -> int:
    """What analysts sent to become an alert, and nobody took in."""
    due = alert_intake.due(session, runtime, LATE)
    for reply_id in due:
        note(session, "events", "take_alert", reply_id)
    return len(due)


def _passing(session: Session, runtime: Runtime) -> int:
    """Conversations that nobody has claimed in time, and those whose owner has left: one ring, as for callbacks."""
    unclaimed.close_claimed(session, runtime)
    due = unclaimed.due(session, runtime)
    if due:
        note(session, "notices", "pass_on", due[0])
    return len(due)


def _unsettled(session: Session, runtime: Runtime) -> int:
    """Doubts that hold alerts back, and that nobody settles: one ring, as for callbacks."""
    due = unsettled.due(session, runtime)
    if due:
        note(session, "notices", "remind_of_doubts", due[0])
    return len(due)


def _mirrors(session: Session, runtime: Runtime) -> int:
    """Opt-outs that a provider does not know of yet, and lists of its own that were not read for an hour."""
    orders, lists = mirrors.due(session, runtime, 1), mirrors.readings_due(session, runtime)
    if orders:
        note(session, "lookups", "mirror_orders")
    if lists:
        note(session, "lookups", "read_suppressions")
    return len(orders) + len(lists)


def _hooks(session: Session, runtime: Runtime) -> int:
    if not hook_events.waiting(session, runtime):
        return 0
    note(session, "hooks", "post_hooks")
    return 1


def _missed_texts(session: Session, runtime: Runtime) -> int:
    """Texts and faxes that no webhook has brought: their provider is asked."""
    due = missed_texts.due(session, runtime)
    for provider in due:
        note(session, "lookups", "find_missed_texts", provider)
    return len(due)


PARTS: Mapping[str, Callable[[Session, Runtime], int]] = {
    "late": _late,
    "releases": _releases,
    "deliveries": _deliveries,
    "letters": _letters,
    "callbacks": _callbacks,
    "alerts": _alerts,
    "doubts": _doubts,
    "recordings": _recordings,
    "documents": _documents,
    "calls": _calls,
    "rings": _rings,
    "undecided": _undecided,
    "orders": _orders,
    "passing": _passing,
    "unsettled": _unsettled,
    "hooks": _hooks,
    "mirrors": _mirrors,
    "missed texts": _missed_texts,
}
