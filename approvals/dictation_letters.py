"""What the author of a dictated alert is told in writing: its reference, and what it lacks. Not a word of the alert."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from approvals import one_press
from dispatcher.model import Message, StaffCall
from dispatcher.runtime import Runtime
from dispatcher.services import letters, references

KIND = "dictation"


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
    """It is a draft; what it lacks."""
    reference = references.of(runtime, message.id)
    lacks = "" if message.current.lists else "No list is chosen yet. "
    if not sound:
        lacks += "Its recording, or a part of it, could not be fetched from the telephone's provider yet. "
    line = runtime.settings.analyst_line
    again = f"call {line} again: it is offered to you there for a day" if line else ""
    _tell(
        session, runtime, call, message, "kept",
        subject=f"Your recorded alert is not submitted yet (reference {reference})",
        text=(
            f"What you recorded on the telephone is kept as draft {message.id}. It is not submitted. {lacks}".rstrip()
            + "\n\n"
            f"Choose its lists and submit it here, without signing in: {one_press.link(runtime, message.current)}\n"
            f"Or on its page, {_link(runtime, message)}{f'; or {again}' if again else ''}.\n\nReference: {reference}"
        ),
        short=f"Not submitted: your recorded alert is draft {message.id}, reference {reference}. {lacks}"
        f"{one_press.link(runtime, message.current)}{f' or {again}' if again else ''}",
    )  # fmt: skip


def nothing_heard(session: Session, runtime: Runtime, call: StaffCall) -> None:
    """The call had a recording, and nothing is on it."""
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
            session, runtime, call.staff, kind=KIND, dedupe=f"dictation:{call.id}:{what}", subject=subject, text=text,
            short_text=short, message_id=message.id if message else None,
        )  # fmt: skip
