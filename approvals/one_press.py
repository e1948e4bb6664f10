"""The link that submits one version of a draft: without a sign-in, for a day, once; and the letters that bring it.

It goes to the author's registered address alone, so that having it proves as much as the mailbox or the telephone.
Opening it changes nothing, for programs open the links in mails; only the button does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from approvals import submission, takes
from approvals.written import Written
from dispatcher.model import Message, Reply, Version
from dispatcher.model.errors import NotFound, StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import alert_intake, references
from dispatcher.services.audience_lists import listed_customers
from dispatcher.services.audit import record

PURPOSE = "submit"
LASTS = timedelta(hours=24)
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Look:
    """What a link leads to. `standing`: open (its button submits), changed (another version is current), late (its
    day is over), lacking (a piece of its recording is on its way or lost), or gone (it was submitted, or else dealt
    with: see the message's state)."""

    version: Version
    standing: Literal["open", "changed", "late", "lacking", "gone"]

    @property
    def message(self) -> Message:
        return self.version.message


def link(runtime: Runtime, version: Version) -> str:
    """The address that submits this very version."""
    return f"{runtime.settings.public_url}/s/{runtime.token(PURPOSE, version.id)}"


def look(session: Session, runtime: Runtime, token: str) -> Look:
    """Where it stands. Raises NotFound for a token that is none, and where its author may submit no more."""
    number = runtime.read_token(PURPOSE, token)
    version = session.get(Version, number) if number is not None else None
    if version is None or not version.message.author.has("analyst"):
        raise NotFound("there is no such page")
    message = version.message
    if message.state != "draft":
        return Look(version, "gone")
    if message.version != version.number:
        return Look(version, "changed")
    if version.created_at <= runtime.now() - LASTS:
        return Look(version, "late")
    return Look(version, "lacking" if takes.lacks(session, message) else "open")


def submit(session: Session, runtime: Runtime, token: str, lists: Sequence[str] = ()) -> Look:
    """Submit it, to these lists where it names none itself. Pressed again it changes nothing.

    Raises NotFound, StateConflict where the link is late or its version no longer current, Refused for what is
    missing.
    """
    version = look(session, runtime, token).version
    session.scalars(
        select(Message)
        .where(Message.id == version.message_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    found = look(session, runtime, token)
    message, author = found.message, found.message.author
    if found.standing == "gone":
        return found
    if found.standing == "changed":
        raise StateConflict("the alert was changed after this link was sent: submit it on its page", state="draft")
    if found.standing == "late":
        raise StateConflict("the link was valid for a day: submit the alert on its page", state="draft")
    if found.standing == "lacking":
        raise StateConflict("a part of its recording is missing: hear it and submit it on its page", state="draft")
    if lists and not version.lists:
        submission.edit(session, runtime, author, message.id, {"lists": list(lists)}, via=version.via)
    submission.submit(session, runtime, author, message.id)
    record(
        session, runtime, author, "confirm by link", f"message {message.id}",
        version=message.version, digest=message.current.digest,
    )  # fmt: skip
    return look(session, runtime, token)


def customers_of(session: Session, version: Version) -> int:
    """How many customers it would go to."""
    return session.scalar(select(func.count()).select_from(listed_customers(version).subquery())) or 0


# --- the letters ------------------------------------------------------------------------------------------


def tell_draft(session: Session, runtime: Runtime, message: Message, reply: Reply, written: Written) -> None:
    """It is a draft, and how to submit it. Not a word of the alert is in the letter."""
    version = message.current
    reference, address = references.of(runtime, message.id), link(runtime, version)
    what = "mail" if reply.channel == "email" else "text message"
    faults = []
    if written.unknown:
        faults.append(f"There is no list {_some([repr(one) for one in written.unknown])}.")
    if written.standing and not version.lists:
        faults.append(f"{_some(written.standing)} names no list and stays in the alert.")
    if written.left:
        faults.append(f"Not taken: {_some(written.left)}.")
    to = _audience(session, version, _MOST_NAMED) or "no list yet: choose it on the page"
    briefly = _audience(session, version, 2) or "no list yet"
    holds = _files(version)
    alert_intake.tell(
        session,
        runtime,
        message.author,
        reply.channel,
        dedupe=f"alert-draft:{reply.id}",
        subject=f"Your alert {message.id} is not submitted yet",
        text=(
            f"A {what} in your name has become draft {message.id}. Nothing is submitted yet.\n\n"
            f"Reference: {reference}\nFor: {to}\n{holds}\n"
            + (f"{' '.join(faults)}\n\n" if faults else "")
            + f"Read it and submit it here, within a day:\n{address}\n\n{_or_call(runtime)}"
            f"If it was not you, leave it and tell your administrator."
        ),
        short_text=f"Draft {reference}, not submitted. For {briefly}. {' '.join(faults)[:200]}{' ' if faults else ''}"
        f"Read and submit: {address}",
        message_id=message.id,
    )


def tell_added(session: Session, runtime: Runtime, message: Message, reply: Reply, left: Sequence[str]) -> None:
    """What came is the text of this alert now: a forged one is noticed by whoever did not write it."""
    reference = references.of(runtime, message.id)
    what = "mail" if reply.channel == "email" else "text message"
    page = f"{runtime.settings.public_url}/messages/{message.id}"
    draft = message.state == "draft"
    state = "It is still a draft" if draft else f"It is {message.state}, and the officers are told of the new version"
    where = link(runtime, message.current) if draft and not takes.lacks(session, message) else page
    not_taken = f"Not taken: {_some(left)}.\n\n" if left else ""
    alert_intake.tell(
        session,
        runtime,
        message.author,
        reply.channel,
        dedupe=f"alert-text:{reply.id}",
        subject=f"Added to alert {message.id}",
        text=f"A {what} in your name is now the text of alert {message.id}, reference {reference}. {state}.\n\n"
        f"{not_taken}{'Read it and submit it' if draft else 'Read it'} here: {where}\n\n"
        "If it was not you, withdraw the alert and tell your administrator.",
        short_text=f"Added to alert {reference}: its text. {'Submit' if draft else 'Read'}: {where} "
        "Not you? Tell your administrator.",
        message_id=message.id,
    )


def _audience(session: Session, version: Version, most: int) -> str:
    if not version.lists:
        return ""
    count = customers_of(session, version)
    return f"{_some([one.name for one in version.lists], most)} ({count} customer{'' if count == 1 else 's'})"


def _files(version: Version) -> str:
    found = []
    if version.recording is not None:
        found.append(f"a recording of {version.recording.seconds or 0:.0f} s")
    if version.attachments:
        found.append(f"{len(version.attachments)} attachment{'' if len(version.attachments) == 1 else 's'}")
    return f"With {' and '.join(found)}\n" if found else ""


def _or_call(runtime: Runtime) -> str:
    line = runtime.settings.analyst_line
    return f"Or call {line} and key your PIN: the draft waits for you there.\n\n" if line else ""


def _some(names: Sequence[str], most: int = _MOST_NAMED) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
