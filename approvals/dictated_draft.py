"""The draft that follows a call: it is made, and brought up to what was chosen and recorded, as often as is asked."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from approvals import submission, takes
from approvals.submission import Submission
from dispatcher.model import Message, Recording, StaffCall
from dispatcher.model.call import ALERT
from dispatcher.runtime import Runtime
from dispatcher.services import media
from dispatcher.services.media import Upload


def locked(session: Session, call: StaffCall) -> StaffCall:
    """The call's row, against a step of the call, an arrival and the sweep at the same time.

    Its recordings, where they are written, are written before: everybody locks in this order. The weaker lock lets
    rows that refer to the call be written meanwhile.
    """
    return session.scalars(
        select(StaffCall)
        .where(StaffCall.id == call.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def gone_on(session: Session, call: StaffCall) -> datetime | None:
    """Since when the call's draft has been without it: submitted, or in the hands of a later call. None while it is
    this call's own, or where there is none yet."""
    message = call.message
    if message is None:
        return None
    if message.state != "draft":
        return message.submitted_at or message.created_at
    later = select(func.min(StaffCall.created_at)).where(
        StaffCall.message_id == message.id,
        StaffCall.id > call.id,
        or_(StaffCall.ended_at.is_(None), StaffCall.recordings.any(Recording.purpose == ALERT)),
    )
    return session.scalar(later)


def follow(session: Session, runtime: Runtime, call: StaffCall, *, without_sound: bool = False) -> Message | None:
    """Make the draft hold what the call has come to; None where there is nothing to hold.

    `without_sound`: also where all sound is still on its way, so that there is something to name and to find.
    """
    person, message = call.staff, call.message
    if person is None or not person.has("analyst"):
        return None  # the sound is kept, but nobody may make an alert of it
    if message is not None and gone_on(session, call):
        return message
    take = takes.take_of(session, call)
    sound = _joined(take)
    lists, urgency = [one.key for one in takes.chosen(session, call)], "urgent" if call.urgent else "normal"
    if message is None:
        if sound is None and not without_sound:
            return None
        form = Submission(subject=_subject(call), lists=lists, urgency=urgency, recording=_upload(sound))
        message = submission.create(session, runtime, person, form, draft=True, via="phone")
        call.message_id = message.id
        session.flush()
        session.expire(call, ["message"])
        return message
    version, changes = message.current, dict[str, object]()
    if sound is not None and (version.recording is None or version.recording.sha256 != _sha256(sound)):
        changes["recording"] = _upload(sound)
    if {one.key for one in version.lists} != set(lists):
        changes["lists"] = lists
    if version.urgency != urgency:
        changes["urgency"] = urgency
    if changes:
        submission.edit(session, runtime, person, message.id, changes, via="phone")
    return message


def _joined(take: takes.Take) -> bytes | None:
    """The sound of a take as one; None where nothing new is to be heard."""
    if not any(one.state == "kept" for one in take.pieces):
        return None
    parts = [one.read() for one in take.heard]
    return parts[0] if len(parts) == 1 else media.joined(parts)


def _upload(sound: bytes | None) -> Upload | None:
    return Upload("recording.wav", sound) if sound is not None else None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _subject(call: StaffCall) -> str:
    return f"Recorded alert, {call.created_at.day} {call.created_at:%b %Y %H:%M} UTC"
