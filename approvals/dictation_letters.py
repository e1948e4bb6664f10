"""What the author of a dictated alert is told in writing: its reference, and what it lacks. Not a word of the alert."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from approvals import one_press
from dispatcher.model import Message, Recording, StaffCall
from dispatcher.runtime import Runtime
from dispatcher.services import authors, letters, recordings, references


def submitted(
    session: Session,
    runtime: Runtime,
    call: StaffCall,
    message: Message,
    customers: int,
    lists: Sequence[str],
    reviewers: Sequence[str],
) -> None:
    """It waits for an officer; an answer to this is its written form."""
    reference = references.of(runtime, message.id)
    to = f"{customers} customer{'' if customers == 1 else 's'} on {', '.join(lists)}"
    who = f"May decide: {', '.join(reviewers)}." if reviewers else "Nobody may decide on it at the moment."
    _tell(
        session, runtime, call, message, "submitted",
        subject=f"Alert {message.id} is submitted (reference {reference})",
        text=(
            f"The alert that you recorded on the telephone is submitted, for {to}. {who}\n\n"
            f"Reference: {reference}\n{_link(runtime, message)}\n\n"
            "To add its text, answer this message with it within the hour."
        ),
        short=f"Alert {message.id} is submitted, for {to}. Reference {reference}. "
        "To add its text, send it with the reference within the hour.",
    )  # fmt: skip


def kept(session: Session, runtime: Runtime, call: StaffCall, message: Message, *, sound: bool) -> None:
    """It is a draft; what it lacks. Without all of its `sound` nothing in the letter submits it."""
    reference = references.of(runtime, message.id)
    lacks = "" if message.current.lists else "No list is chosen yet. "
    line = runtime.settings.analyst_line
    again = f"call {line} again: it is offered to you there for a day" if line else ""
    if not sound:
        _incomplete(session, runtime, call, message, lacks, again)
        return
    _tell(
        session, runtime, call, message, "kept",
        subject=f"Your recorded alert is not submitted yet (reference {reference})",
        text=(
            f"What you recorded on the telephone is kept as draft {message.id}. It is not submitted. {lacks}".rstrip()
            + "\n\n"
            f"{'Submit it' if message.current.lists else 'Choose its lists and submit it'} here, without signing in: "
            f"{one_press.link(runtime, message.current)}\n"
            f"Or on its page, {_link(runtime, message)}{f'; or {again}' if again else ''}.\n\nReference: {reference}"
        ),
        short=f"Not submitted: your recorded alert is draft {message.id}, reference {reference}. {lacks}"
        f"{one_press.link(runtime, message.current)}{f' or {again}' if again else ''}",
    )  # fmt: skip


def _incomplete(session: Session, runtime: Runtime, call: StaffCall, message: Message, lacks: str, again: str) -> None:
    reference = references.of(runtime, message.id)
    missing = "Its recording, or a part of it, could not be fetched from the telephone's provider"
    _tell(
        session, runtime, call, message, "incomplete",
        subject=f"Your recorded alert is NOT complete (reference {reference})",
        text=(
            f"{missing}: draft {message.id} does not hold all that you said. It is not submitted. {lacks}".rstrip()
            + "\n\n"
            "Should the rest come, you are told. Otherwise hear what there is and go on from there on its page, "
            f"{_link(runtime, message)}{f'; or {again}' if again else ''}.\n\nReference: {reference}"
        ),
        short=f"NOT complete, not submitted: a part of your recorded alert, draft {message.id}, reference {reference}, "
        f"could not be fetched. {lacks}Hear what there is: {_link(runtime, message)}{f' or {again}' if again else ''}",
    )  # fmt: skip


def late(session: Session, runtime: Runtime, call: StaffCall, message: Message, piece: Recording) -> None:
    """A piece has come that the alert has gone on without."""
    length = recordings.length(piece.seconds or 0)
    words = (
        f"A part of what you recorded on the telephone ({length}) came too late: it is NOT part of alert {message.id}, "
        f"which is {message.state}. If it is needed, record it again."
    )
    _tell(
        session, runtime, call, message, f"late:{piece.id}",
        subject=f"A part of your recording is not in alert {message.id}",
        text=f"{words}\n\n{_link(runtime, message)}",
        short=f"{words} {_link(runtime, message)}",
    )  # fmt: skip


def nothing_heard(session: Session, runtime: Runtime, call: StaffCall, *, lost: bool) -> None:
    """The call had a recording, and nothing is on it, or it is lost."""
    if lost:
        words = (
            "What you recorded on the telephone could not be fetched from the telephone's provider, so there is no "
            "draft. Please record it again."
        )
        _tell(session, runtime, call, None, "lost", subject="Your recording is lost", text=words, short=words)
        return
    words = "Nothing is to be heard on what you recorded on the telephone, so nothing was kept. Please record it again."
    _tell(session, runtime, call, None, "silent", subject="Your recording is silent", text=words, short=words)


def refused(session: Session, runtime: Runtime, call: StaffCall, message: Message, why: str) -> None:
    """A gate said no; it is still a draft."""
    _tell(
        session, runtime, call, message, f"refused:{message.version}",
        subject=f"Alert {message.id} could not be submitted",
        text=f"What you recorded on the telephone is kept as draft {message.id}, but could not be submitted: {why}.\n\n"
        f"{_link(runtime, message)}",
        short=f"Draft {message.id} could not be submitted: {why}. {_link(runtime, message)}",
    )  # fmt: skip


def _link(runtime: Runtime, message: Message) -> str:
    return f"{runtime.settings.public_url}/messages/{message.id}"


def _tell(
    session: Session,
    runtime: Runtime,
    call: StaffCall,
    message: Message | None,
    what: str,
    *,
    subject: str,
    text: str,
    short: str,
) -> None:
    if call.staff is not None:
        letters.tell_staff(
            session, runtime, call.staff, kind=authors.ABOUT_DICTATED, dedupe=f"dictation:{call.id}:{what}",
            subject=subject, text=text, short_text=short, message_id=message.id if message else None,
        )  # fmt: skip
