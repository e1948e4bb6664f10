"""An alert dictated on the telephone: what was recorded becomes a draft as soon as it is here.

What was chosen in a call is in the call's row, the sound in its recordings; the draft follows both, so that a call may
break off at any moment and a piece of sound may come at any time, or twice, without anything being lost or done again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from approvals import dictated_draft, dictation_letters, duty, submission, takes, written
from dispatcher.bells import undoable
from dispatcher.model import Media, Message, Recording, Staff, StaffCall, Version
from dispatcher.model.call import ALERT
from dispatcher.model.errors import DispatcherError, StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import recordings
from dispatcher.services.audience_lists import listed_customers
from dispatcher.services.audit import record

# A draft made by telephone, mail or text is offered to its author's next call for so long.
OFFERED_FOR = timedelta(days=1)
# Sound that is not here so long after the call may never come: its author is told.
LATE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Handed:
    """What became of a wish to submit: `submitted`, or why not. `lists` are names, `reviewers` who may decide now.

    waiting: sound is on its way; ask again. silent: there is nothing to hear. lost: a piece will not come.
    decided: somebody was quicker. refused: the author has been told why in writing.
    """

    came: Literal["submitted", "waiting", "silent", "lost", "no lists", "decided", "refused"]
    message: Message | None = None
    customers: int = 0
    lists: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()


# --- the sound --------------------------------------------------------------------------------------------


def recorded(
    session: Session, runtime: Runtime, call: StaffCall, ref: str, seconds: float, *, anew: bool = False
) -> None:
    """The call's own step after a piece. `anew`: it takes the place of all before it."""
    piece = recordings.expect(
        session, runtime, provider=call.provider, ref=ref, call_ref=call.call_ref, purpose=ALERT,
        seconds=seconds, staff_call=call,
    )  # fmt: skip
    call = dictated_draft.locked(session, call)
    if anew and call.take_after < piece.id:
        before = [one.id for one in recordings.pieces(session, call) if one.id < piece.id]
        call.take_after, call.base_id = max([call.take_after, *before]), None
        session.flush()
        session.expire(call, ["base"])
    if call.message is not None:
        dictated_draft.follow(session, runtime, call)  # its sound may have outrun this step


def piece_arrived(session: Session, runtime: Runtime, recording: Recording) -> None:
    """A piece is here, silent, empty or lost: the draft gets what there is. Any order, any number of times."""
    if recording.purpose != ALERT or recording.staff_call is None:
        return
    call = dictated_draft.locked(session, recording.staff_call)
    if call.proven_at is None:
        return
    if gone := dictated_draft.gone_on(session, call):
        _tell_late(session, runtime, call, recording, gone)
        return
    dictated_draft.follow(session, runtime, call)
    if call.ended_at is not None:
        _tell_end(session, runtime, call)


def heard(session: Session, runtime: Runtime, call: StaffCall) -> tuple[list[Media], str]:
    """What is played when its author wants to hear it, and its text; on record once it is a message."""
    if call.message is not None:
        record(session, runtime, call.staff or "system", "play recording", f"message {call.message.id}", via="phone")
    return takes.take_of(session, call).heard, call.message.current.text if call.message else ""


def look(session: Session, runtime: Runtime, call: StaffCall) -> bool:
    """Whether sound is still on its way; if so it is looked for at the provider."""
    waiting = takes.take_of(session, call).waiting
    for one in waiting:
        recordings.look(session, runtime, one)
    return bool(waiting)


# --- the draft --------------------------------------------------------------------------------------------


def open_draft(session: Session, runtime: Runtime, person: Staff) -> Message | None:
    """The author's latest draft of a day that came by telephone, mail or text and that no other call has in hand."""
    in_hand = select(StaffCall.message_id).where(
        StaffCall.message_id.is_not(None), StaffCall.ended_at.is_(None), StaffCall.idle_at > runtime.now()
    )
    return session.scalar(
        select(Message)
        .join(Version, (Version.message_id == Message.id) & (Version.number == Message.version))
        .where(
            Message.author_id == person.id,
            Message.state == "draft",
            Message.created_at > runtime.now() - OFFERED_FOR,
            Version.via.in_(("phone", *written.WAYS)),
            Message.id.not_in(in_hand),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )


def go_on(session: Session, call: StaffCall, draft: Message) -> None:
    """Take this draft into the call's hands."""
    version = draft.current
    call.message_id, call.base_id = draft.id, version.recording_id
    call.lists, call.urgent = [one.key for one in version.lists], version.urgency == "urgent"
    session.flush()
    session.expire(call, ["message", "base"])


def keep(session: Session, runtime: Runtime, call: StaffCall, *, named: bool = False) -> Message | None:
    """The call ends without a submission: what there is is a draft, and its author is told what it lacks.

    Sound that is still on its way comes to the draft when it is here. None where there is no draft yet: with `named`
    only where nothing was recorded, because its reference is to be said.
    """
    call = dictated_draft.locked(session, call)
    call.ended_at = call.ended_at or runtime.now()
    waiting = bool(takes.take_of(session, call).waiting)
    message = dictated_draft.follow(session, runtime, call, without_sound=named and waiting)
    call.idle_at = runtime.now() + LATE if waiting else None
    _tell_end(session, runtime, call)
    return message


def left(session: Session, runtime: Runtime, call_id: int) -> None:
    """A call that has gone quiet: it was hung up, or broke off, where nobody tells us so."""
    call = session.get(StaffCall, call_id)
    if call is None:
        return
    call = dictated_draft.locked(session, call)
    if call.idle_at is None or call.idle_at > runtime.now():
        return
    call.idle_at, late = None, call.ended_at is not None
    if not late:
        keep(session, runtime, call)
    else:
        dictated_draft.follow(session, runtime, call, without_sound=bool(takes.take_of(session, call).waiting))
        _tell_end(session, runtime, call, late=True)


# --- the submission ---------------------------------------------------------------------------------------


def submit(session: Session, runtime: Runtime, call: StaffCall) -> Handed:
    """Submit what was recorded to the lists chosen, by the same gates as everywhere, once however often it is asked."""
    waiting = look(session, runtime, call)
    call = dictated_draft.locked(session, call)
    if call.message is not None and call.message.state != "draft":
        done = call.message.state == "pending" and call.ended_at is not None
        return _handed(session, runtime, call.message) if done else Handed("decided", call.message)
    if dictated_draft.gone_on(session, call):
        return Handed("decided", call.message)  # a later call has it in hand
    if not takes.chosen(session, call):
        return Handed("no lists")
    take = takes.take_of(session, call)
    if waiting or take.waiting:
        return Handed("waiting")
    if take.lost:
        return Handed("lost")
    if take.pieces and not take.heard:
        return Handed("silent")
    person, message = call.staff, dictated_draft.follow(session, runtime, call)
    if person is None or message is None:
        return Handed("silent")
    try:
        with undoable(session):
            submission.submit(session, runtime, person, message.id)
    except DispatcherError as error:
        dictation_letters.refused(session, runtime, call, message, str(error))
        return Handed("refused", message)
    call.ended_at, call.idle_at = runtime.now(), None
    handed = _handed(session, runtime, message)
    dictation_letters.submitted(session, runtime, call, message, handed.customers, handed.lists, handed.reviewers)
    return handed


def _handed(session: Session, runtime: Runtime, message: Message) -> Handed:
    return Handed(
        "submitted",
        message,
        customers=session.scalar(select(func.count()).select_from(listed_customers(message.current).subquery())) or 0,
        lists=tuple(one.name for one in message.current.lists),
        reviewers=tuple(one.name for one in duty.on_duty(session, runtime, message)),
    )


# --- the written form -------------------------------------------------------------------------------------


def add_text(session: Session, runtime: Runtime, author: Staff, message: Message, text: str, via: str) -> Version:
    """Make this the written form of an alert: of a draft, or of one that waits for an officer, who is told of it.

    Voice and text are one message. Raises StateConflict once somebody has decided, and what an edit raises.
    """
    message = session.scalars(
        select(Message).where(Message.id == message.id).with_for_update().execution_options(populate_existing=True)
    ).one()
    if message.state not in ("draft", "pending"):
        raise StateConflict(f"it is {message.state}: change it on its page", state=message.state)
    if text.strip() == message.current.text.strip():
        return message.current
    return submission.edit(session, runtime, author, message.id, {"text": text.strip()}, via=via).current


# --- what its author is told -------------------------------------------------------------------------------


def _tell_end(session: Session, runtime: Runtime, call: StaffCall, *, late: bool = False) -> None:
    """One letter about a call that ended without a submission, once it is known what there is."""
    take = takes.take_of(session, call)
    if not take.pieces or (call.message is not None and call.message.state != "draft"):
        return
    if take.waiting and not late:
        return
    if call.message is None:
        dictation_letters.nothing_heard(session, runtime, call, lost=take.lost)
    else:
        dictation_letters.kept(session, runtime, call, call.message, sound=bool(take.heard) and take.is_whole)


def _tell_late(session: Session, runtime: Runtime, call: StaffCall, piece: Recording, gone: datetime) -> None:
    """A piece of a draft that has gone on without it is no part of the alert: its author decides what is to be done."""
    counts = piece.state == "kept" and piece.id > call.take_after
    if counts and call.message is not None and piece.kept_at is not None and piece.kept_at > gone:
        dictation_letters.late(session, runtime, call, call.message, piece)
