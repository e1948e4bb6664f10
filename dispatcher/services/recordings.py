"""What people said after a tone: expected once by the provider's reference, kept with its hash, told to whom it is for.

The provider's news, the call's own step and the sweep come in any order and any number: all end the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.bells import note
from dispatcher.model import Decision, Recording, Reply, StaffCall
from dispatcher.model.call import ALERT, REPLY
from dispatcher.model.ports import File
from dispatcher.runtime import Runtime
from dispatcher.services import media, no_answer, poison, reply_notices, sound
from dispatcher.services.once import clean, insert_once

LOOK_AFTER = timedelta(seconds=2)
# A vendor that writes recordings down rings when it has; without news it is asked then.
FIRST_ASK = timedelta(minutes=1)
LENGTH_OF_REF, LENGTH_OF_CALL = 100, 64


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a fetched recording turned out to be; `state` as a Recording's, `fault` why it cannot be played or heard."""

    state: str
    media_type: str
    seconds: float | None = None
    fault: str = ""


def expect(
    session: Session,
    runtime: Runtime,
    *,
    provider: str,
    ref: str,
    call_ref: str,
    purpose: str,
    seconds: float = 0.0,
    reply: Reply | None = None,
    staff_call: StaffCall | None = None,
    decision: Decision | None = None,
) -> Recording:
    """The recording of this reference, which is made and rung for if it is new, with what it belongs to added.

    `purpose` is reply, alert or reason; `seconds` the length by the provider, 0 where it did not say. It locks the
    recording, so call it before anything that writes the record; a decision can be set on what it gives later.
    """
    new = insert_once(
        session,
        Recording,
        provider=provider,
        ref=clean(ref, LENGTH_OF_REF),
        call_ref=clean(call_ref, LENGTH_OF_CALL),
        purpose=purpose,
        state="waiting",
        seconds=seconds or None,
        fetch_at=runtime.now(),
        created_at=runtime.now(),
    )
    recording = new or find(session, provider, ref)
    if recording is None:
        raise LookupError("a recording that was there is gone")
    if new is not None:
        _ring(session, recording)
    recording.call_ref = recording.call_ref or clean(call_ref, LENGTH_OF_CALL)
    recording.staff_call = recording.staff_call or staff_call
    recording.decision = recording.decision or decision
    if recording.reply is None and reply is not None:
        recording.reply = reply
        _tell_reply(session, runtime, recording)
    session.flush()
    return recording


def find(session: Session, provider: str, ref: str) -> Recording | None:
    """The recording of this reference, held until the end of the transaction, if anything is known of it."""
    known = select(Recording).where(Recording.provider == provider, Recording.ref == clean(ref, LENGTH_OF_REF))
    return session.scalar(known.with_for_update(of=Recording).execution_options(populate_existing=True))


def pieces(session: Session, call: StaffCall) -> list[Recording]:
    """What an analyst recorded in this call, in that order, kept or not."""
    return list(
        session.scalars(
            select(Recording)
            .where(Recording.staff_call_id == call.id, Recording.purpose == ALERT)
            .order_by(Recording.id)
        )
    )


def look(session: Session, runtime: Runtime, recording: Recording) -> None:
    """A live call waits for it: ring for it now, if it should have been fetched by now."""
    now = runtime.now()
    is_due = recording.fetch_at is not None and recording.fetch_at <= now
    if recording.state == "waiting" and is_due and recording.created_at <= now - LOOK_AFTER:
        _ring(session, recording)


def came_to(session: Session, runtime: Runtime, provider: str, call_ref: str) -> str:
    """The state of the answer that was last recorded in a live call, which waits for it; "" where there is none."""
    mine = select(Recording).where(Recording.provider == provider, Recording.call_ref == call_ref)
    last = session.scalar(mine.where(Recording.purpose == REPLY).order_by(Recording.id.desc()).limit(1))
    if last is None:
        return ""
    look(session, runtime, last)
    return last.state


def is_ready(session: Session, runtime: Runtime, recording: Recording) -> None:
    """The provider says that it can be fetched: now, whatever was tried before; also one that was given up."""
    if recording.state in ("waiting", "lost"):
        if recording.state == "lost":  # with two more tries
            recording.state, recording.fetches = "waiting", max(0, recording.fetches - 2)
            poison.recording_came(session, runtime, recording)
        recording.fetch_at = runtime.now()
        _ring(session, recording)


def _ring(session: Session, recording: Recording) -> None:
    session.flush()
    note(session, "events", "fetch_recording", recording.id)


# --- what it turned out to be -----------------------------------------------------------------------------


def weigh(file: File) -> Weighed:
    """What the provider gave. Takes a while for long ones: no transaction is to be open meanwhile."""
    try:
        samples = sound.telephone_samples(file.content)
        seconds = round(len(samples) / sound.TELEPHONE, 2)
        if not seconds:
            return Weighed("empty", file.media_type[:100])
        examined = media.examine_recording(file.content)
    except ValueError as error:
        # Kept all the same: it is what the provider has of their words.
        return Weighed("silent", file.media_type[:100], None, str(error))
    return Weighed("silent" if sound.is_silent(samples) else "kept", examined.media_type, seconds)


def keep(session: Session, runtime: Runtime, recording_id: int, file: File, found: Weighed) -> Recording | None:
    """Keep what was fetched and tell of it; None where that is done already."""
    recording = session.get(Recording, recording_id, with_for_update=True, populate_existing=True)
    if recording is None or recording.media_id is not None or recording.state == "empty":
        return None
    recording.state, recording.fetch_at = found.state, None
    if found.state != "empty":
        recording.media = media.store(session, file.content, found.media_type, found.seconds)
        recording.seconds, recording.kept_at = found.seconds, runtime.now()
        if found.state == "kept" and runtime.adapters.transcriber:
            recording.transcribe_at = runtime.now() + FIRST_ASK
    _tell_reply(session, runtime, recording, found.fault)
    session.flush()
    return recording


def empty(session: Session, runtime: Runtime, recording: Recording) -> None:
    """The provider says that there is nothing on it."""
    if recording.state in ("waiting", "lost"):
        recording.state, recording.fetch_at = "empty", None
        _tell_reply(session, runtime, recording)
        _ring(session, recording)  # what was to become of it is told there


def lost(session: Session, runtime: Runtime, recording: Recording, why: str) -> None:
    """It cannot be had: a person must do something about it."""
    recording.state, recording.fetch_at = "lost", None
    poison.no_recording(session, runtime, recording, why)
    session.flush()


def _tell_reply(session: Session, runtime: Runtime, recording: Recording, fault: str = "") -> None:
    """A customer's: said in their reply, and the letter about it, which waited for the recording, is due now."""
    reply = recording.reply
    if reply is None or recording.state in ("waiting", "lost"):
        return
    quiet = recording.state in ("empty", "silent")
    if quiet:
        session.flush()
        no_answer.hold(session, reply)
    reply.recording = recording.media
    is_silence = quiet and (reply.kind, reply.kind_by) == ("other", "key")
    if is_silence:
        reply.doubt = ""  # nobody need listen for an order in it
    if recording.state == "empty":
        reply.text = "A spoken answer was begun, but nothing was recorded."
    elif recording.state == "silent":
        reply.text = f"A spoken answer{_of(recording)} was left, but nothing is to be heard on it."
    else:
        reply.text = f"Spoken answer, {length(recording.seconds or 0)}."
    if fault:
        reply.note = f"{reply.note}; the recording {fault}".strip("; ")[:300]
    elif is_silence:
        # Who says nothing is asked again in the same call: of several tries the one with words is the answer.
        no_answer.set_aside(session, runtime, reply, "nothing is to be heard")
        return
    session.flush()
    tell(session, runtime, reply)


def _of(recording: Recording) -> str:
    return f" of {length(recording.seconds)}" if recording.seconds else ""


def tell(session: Session, runtime: Runtime, reply: Reply) -> None:
    """The letter about it, which waited for the recording, is due now."""
    if reply.conversation:
        reply_notices.tell_now(session, runtime, reply.conversation, reply)


def length(seconds: float) -> str:
    """33 s as 0:33."""
    whole = max(1, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"
