"""Deciding by telephone: what waits for an officer, what they hear of it, and the same gates as on the page.

What is heard is bound to its digest in the call's row, and so is whom it is for. Approving needs all of it to have been
played, and the four digits that stand for that digest, keyed in the same call.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from approvals import decisions, duty, submission, twins
from dispatcher.bells import undoable
from dispatcher.model import Decision, Message, Recording, Staff, StaffCall, Version
from dispatcher.model.call import REASON
from dispatcher.model.errors import DispatcherError, NotAllowed, StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import audience, calls, letters, pins, recordings, rings, staff_calls
from dispatcher.services.audit import record

CODE_DIGITS = 4
LEAST_REASON = 1.0  # seconds; less is a slip of the finger
_DECIDED = ("approved", "releasing", "released", "returned", "rejected")


# --- what waits -------------------------------------------------------------------------------------------


def queue(session: Session, officer: Staff) -> list[Message]:
    """All that waits for a decision: urgent ones first, then who has waited longest."""
    waiting = session.scalars(submission.visible(session, officer, "pending").order_by(None))
    return sorted(
        waiting, key=lambda one: (one.current.urgency != "urgent", one.submitted_at or one.created_at, one.id)
    )


def waiting(session: Session, officer: Staff) -> list[Message]:
    """What waits for this very officer: of the queue, what they may decide on by telephone."""
    if not officer.has("officer"):
        return []
    return [one for one in queue(session, officer) if not _why_barred(session, officer, one)]


def waits_for_own_pin(session: Session, officer: Staff) -> bool:
    """Whether something waits that they may decide on by page, and not by the PIN that they were given."""
    return officer.has("officer") and any(
        pins.is_from_writer(session, officer, one) and not decisions.why_barred(session, officer, one)
        for one in queue(session, officer)
    )


def _why_barred(session: Session, officer: Staff, message: Message) -> str:
    """Why they may not decide on it by telephone; "" when they may."""
    if bar := decisions.why_barred(session, officer, message):
        return bar
    by_writer = pins.is_from_writer(session, officer, message)
    return "whoever wrote this alert may know your PIN: choose one of your own on your page" if by_writer else ""


def others(session: Session, call: StaffCall) -> list[Message]:
    """What else waits for them, beginning after the one that is heard in this call."""
    found = waiting(session, call.staff) if call.staff else []
    at = next((n for n, one in enumerate(found) if one.id == call.message_id), -1)
    return [one for one in (*found[at + 1 :], *found[: at + 1]) if one.id != call.message_id]


def standing(session: Session, call: StaffCall, *, to_approve: bool = False) -> str:
    """How the alert of this call stands now: waits, changed, decided, gone, or barred for this officer. `to_approve`
    it, others, too: it goes to others than when they began to hear it, and may be rejected or returned all the same.
    """
    message, officer = call.message, call.staff
    if message is None or officer is None:
        return "gone"
    if message.state != "pending":
        return "decided" if decided_by(message) else "gone"
    if not officer.has("officer") or officer.pin_locked_at or _why_barred(session, officer, message):
        return "barred"
    if message.current.digest != call.digest:
        return "changed"
    if to_approve and audience.fingerprint(session, message.current) != call.audience_seen:
        return "others"
    return "waits"


def decided_by(message: Message) -> Staff | None:
    """Who has decided on it as it is now; None where nobody has, or where it was taken back since."""
    if message.state not in _DECIDED:
        return None
    current = message.current.id
    return next((one.officer for one in reversed(message.decisions) if one.version_id == current), None)


# --- what is heard ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """What an officer hears of one version: `recipients` are those it reaches, beside the `unreachable`.

    `text` is in paragraphs as a voice reads them; beside a recording it is the written form, which other channels
    carry. `seconds` is the forecast until the last one is reached.
    """

    version: Version
    recipients: int
    unreachable: int
    by_channel: Mapping[str, int]
    seconds: float
    text: tuple[str, ...]
    recording_id: int | None
    recording_seconds: float
    release_at: datetime | None
    like: int | None  # the number of an alert that this one is very like: it may have come twice


def heard_of(session: Session, runtime: Runtime, message: Message) -> Heard:
    """What is to be heard of its current version, in the very words that are approved."""
    version = message.current
    foretold = audience.preview(session, runtime, version)
    alert = calls.heard(runtime, message)
    # The first piece says to customers whose alert it is; officers have been told.
    text = alert.written if version.recording is not None else tuple(piece for piece in alert.pieces[1:] if piece)
    return Heard(
        version=version,
        recipients=foretold.recipients - foretold.unreachable,
        unreachable=foretold.unreachable,
        by_channel=foretold.by_channel,
        seconds=max(foretold.forecast.values(), default=0.0),
        text=text,
        recording_id=version.recording_id,
        recording_seconds=(version.recording.seconds or 0.0) if version.recording else 0.0,
        release_at=message.release_at if message.release_at and message.release_at > runtime.now() else None,
        like=next((one.message_id for one in twins.of(session, message)), None),
    )


def code_of(digest: str) -> str:
    """Four digits that stand for a digest: the page shows them, the telephone reads them out."""
    return f"{int(digest[:8], 16) % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def take_up(session: Session, runtime: Runtime, call: StaffCall, message: Message) -> None:
    """From here on the call is about this message as it is now, of which nothing has been heard yet."""
    call.message, call.digest, call.heard_at = message, message.current.digest, None
    call.audience_seen = audience.fingerprint(session, message.current)
    session.flush()
    _note(session, runtime, call, "hear message", whole=False)


def heard_out(session: Session, runtime: Runtime, call: StaffCall, key: str) -> None:
    """All of it has been played: without a `key`, or before this one was pressed, by the time that it takes."""
    if call.heard_at is None:
        call.heard_at = runtime.now()
        _note(session, runtime, call, "hear message", whole=True, key=key)


def skipped(session: Session, runtime: Runtime, call: StaffCall, key: str) -> None:
    """A key was pressed while it played for the first time."""
    if call.heard_at is None:
        _note(session, runtime, call, "skip message", key=key)


def _note(session: Session, runtime: Runtime, call: StaffCall, action: str, **detail: object) -> None:
    officer, message = call.staff, call.message
    if officer is not None and message is not None:
        record(
            session, runtime, officer, action, f"message {message.id}",
            version=message.version, digest=call.digest, call=call.call_ref, **detail,
        )  # fmt: skip


# --- the decision -----------------------------------------------------------------------------------------


def approve(session: Session, runtime: Runtime, call: StaffCall, code: str) -> Decision | None:
    """Approve what was heard; None where this is not its code. Raises what `decide` raises."""
    if call.heard_at is None or call.digest is None:
        raise NotAllowed("an alert is approved by telephone once all of it was heard")
    if not hmac.compare_digest(code.encode(), code_of(call.digest).encode()):
        return None
    return decide(session, runtime, call, "approve")


def decide(session: Session, runtime: Runtime, call: StaffCall, decision: str, comment: str = "") -> Decision:
    """Decide on what was heard, through the gates of the page.

    Raises their DispatcherErrors, with nothing of the decision left behind: the caller still has a call to answer.
    """
    officer, message_id = call.staff, call.message_id
    if officer is None or message_id is None or not staff_calls.is_proven(call, runtime):
        raise NotAllowed("nobody has proven in this call who they are")
    if officer.pin_locked_at is not None:
        raise NotAllowed("your PIN has been locked meanwhile")
    message = session.get(Message, message_id)
    if message is not None and (bar := _why_barred(session, officer, message)):
        raise NotAllowed(bar)
    with undoable(session):
        return decisions.decide(
            session, runtime, officer, message_id, decision, call.digest or "", comment,
            via="phone", audience_seen=call.audience_seen, call=call,
        )  # fmt: skip


def give_back(session: Session, runtime: Runtime, call: StaffCall, reason: Recording) -> Decision | None:
    """Return it to its author with the words just said; None where nothing was said."""
    # Held before the message, as by the job that brings it; both are held before the record.
    held = recordings.find(session, reason.provider, reason.ref)
    if held is None or not has_words(reason):
        return None
    words = f"Said on the telephone, {recordings.length(reason.seconds or 0.0)}."
    made = decide(session, runtime, call, "return", words)
    reason.decision = made
    session.flush()
    return made


def has_words(reason: Recording) -> bool:
    """False for what is too short to say anything, and where it turned out that nothing is to be heard."""
    return (reason.seconds or 0.0) >= LEAST_REASON and reason.state not in ("silent", "empty", "lost")


def reasons_of(session: Session, message: Message) -> dict[int, Recording]:
    """The words that were said with its decisions, by the decision's id."""
    query = select(Recording).join(Decision, Recording.decision_id == Decision.id)
    found = session.scalars(query.where(Decision.message_id == message.id, Recording.purpose == REASON))
    return {one.decision_id: one for one in found if one.decision_id is not None}


def reason_arrived(session: Session, runtime: Runtime, reason: Recording) -> Decision | None:
    """An officer's words are here. Who said why and then hung up, without pressing a key, has returned it.

    None where they still speak, have decided otherwise, or nothing is to be heard.
    """
    call = reason.staff_call
    if call is None or call.ended_at is None or reason.decision is not None or reason.state != "kept":
        return None
    last = max((one.id for one in call.recordings if one.purpose == REASON), default=None)
    if last != reason.id or standing(session, call) != "waits":
        return None
    try:
        return give_back(session, runtime, call, reason)
    except DispatcherError:
        return None  # somebody was quicker; the words are kept with the call


# --- passing on -------------------------------------------------------------------------------------------


def colleagues(session: Session, runtime: Runtime, call: StaffCall) -> list[Staff]:
    """Who else may decide on it: those on duty first, each by name."""
    if call.message is None:
        return []
    on = {one.id for one in duty.on_duty(session, runtime, call.message)}
    others = [one for one in duty.may_decide(session, call.message) if one.id != call.staff_id]
    return sorted(others, key=lambda one: (one.id not in on, one.name, one.id))


def pass_on(session: Session, runtime: Runtime, call: StaffCall, colleague: Staff) -> None:
    """Tell a colleague at once, by their own channels, that the officer leaves it to them; anybody may still decide.

    Raises StateConflict where they may not decide on it.
    """
    message, officer = call.message, call.staff
    if message is None or officer is None or colleague not in colleagues(session, runtime, call):
        raise StateConflict("they may not decide on this alert")
    session.refresh(message, with_for_update=True)
    link = f"{runtime.settings.public_url}/approvals/{message.id}"
    letters.tell_staff(
        session,
        runtime,
        colleague,
        kind=rings.KIND,
        dedupe=f"approval-passed:{call.id}:{message.current.id}",
        subject=f"{officer.name} passes alert {message.id} to you",
        text=(
            f"{officer.name} leaves the decision on alert {message.id} (version {message.version}, by "
            f"{message.author.name}) to you.\n\nRead it, hear it and decide here:\n{link}"
        ),
        short_text=f"{officer.name} passes alert {message.id} to you for approval: {link}",
        message_id=message.id,
    )
    rings.pass_on(session, runtime, officer, message)
    if rings.CHANNEL in colleague.channels:
        rings.ring(session, runtime, colleague, message)
    _note(session, runtime, call, "pass message", to=colleague.email)
