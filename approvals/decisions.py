"""Decisions: approve, return or reject, bound to exactly what the officer saw, once."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from approvals import notices
from dispatcher.model import Decision, Message, Staff, StaffCall, Version
from dispatcher.model.errors import DigestConflict, NotAllowed, NotFound, Refused, StateConflict
from dispatcher.model.message import untouched
from dispatcher.runtime import Runtime
from dispatcher.services import audience, pins, release, renditions
from dispatcher.services.audit import record

DECISIONS = ("approve", "return", "reject")
_DONE = {"approve": "approved", "return": "returned", "reject": "rejected"}


def decide(
    session: Session,
    runtime: Runtime,
    officer: Staff,
    message_id: int,
    decision: str,
    digest: str,
    comment: str = "",
    *,
    via: str = "page",
    audience_seen: str = "",
    call: StaffCall | None = None,
) -> Decision:
    """Decide on the version with this digest, for those customers whose `audience.fingerprint` was seen with it; ""
    where who gets it was not looked at.

    Approving releases at once unless the message has a later `release_at`. Raises NotAllowed for the author,
    editors and people who are no officers; DigestConflict when the content or, for approving, who would get it changed,
    or it was decided meanwhile; StateConflict for approving what cannot be read. The caller undoes what was done until
    then. By telephone, `call` goes on record, and whether all of it had been heard.
    """
    if not officer.has("officer"):
        raise NotAllowed("only officers decide on alerts")
    message = session.scalar(
        select(Message).where(Message.id == message_id).with_for_update().execution_options(populate_existing=True)
    )
    if message is None or message.state == "draft":
        raise NotFound(f"there is no message {message_id} to decide on")
    bar = why_barred(session, officer, message)
    if bar:
        raise NotAllowed(bar)
    _require_form(decision, comment)
    version = message.current
    _require_current(message, version, digest)
    if decision == "approve":
        _require_readable(runtime, version)
    made = Decision(
        message=message,
        version=version,
        officer=officer,
        decision=decision,
        digest=digest,
        comment=comment.strip(),
        via=via,
        decided_at=runtime.now(),
    )
    session.add(made)
    message.advance(decision)
    session.flush()
    by_call = {"call": call.call_ref, "whole": call.heard_at is not None} if call else {}
    for_whom = {"audience": audience_seen} if audience_seen and decision == "approve" else {}
    record(
        session, runtime, officer, f"{decision} message", f"message {message.id}",
        version=version.number, digest=digest, comment=made.comment, via=via, **by_call, **for_whom,
    )  # fmt: skip
    notices.tell_author(session, runtime, message, made)
    if decision == "approve":
        message.approved_at = made.decided_at
        if message.release_at is None or message.release_at <= runtime.now():
            release.release(session, runtime, message, fixed=False)
        else:
            audience.snapshot(session, runtime, message)
        _require_seen(session, message, audience_seen)
    return made


def why_barred(session: Session, officer: Staff, message: Message) -> str:
    """Why this officer may not decide on this message; "" when they may."""
    if message.author_id == officer.id:
        return "you wrote this alert: another officer must decide on it"
    edited = session.scalar(
        select(Version.id).where(Version.message_id == message.id, Version.editor_id == officer.id).limit(1)
    )
    if edited is not None:
        return "you edited this alert: another officer must decide on it"
    if officer.id in pins.writers(session, message):
        return "it came by telephone, and its author's PIN is one that you gave: another officer must decide on it"
    return ""


def _require_form(decision: str, comment: str) -> None:
    wrong = {}
    if decision not in DECISIONS:
        wrong["decision"] = f"must be one of {', '.join(DECISIONS)}"
    if decision == "return" and not comment.strip():
        wrong["comment"] = "is missing: say what the author should change"
    if len(comment) > 5000:
        wrong["comment"] = "is longer than 5,000 characters"
    if wrong:
        raise Refused(wrong)


def _require_readable(runtime: Runtime, version: Version) -> None:
    if channels := renditions.unreadable(runtime, version):
        raise StateConflict(
            f"what it keeps for {', '.join(channels)} was written by another Dispatcher and cannot be read here: "
            "edit it or return it to its author, and it is composed anew",
            state=version.message.state,
        )


def _customers(fingerprint: str) -> str:
    count = int(fingerprint.partition("-")[0])
    return "1 customer" if count == 1 else f"{count:,} customers"


def _require_seen(session: Session, message: Message, audience_seen: str) -> None:
    """Lists are changed by whoever may, also by the author: nobody is added behind the officer's back. Who will get it
    has been fixed by now, so that no change comes between the look at it and that.
    """
    if not audience_seen or audience_seen == (now := audience.fingerprint_of_fixed(session, message)):
        return
    raise DigestConflict(
        f"who gets it has changed since you looked: its lists hold {_customers(now)} now; "
        "look at the audience again, then decide",
        state="pending",
        digest=message.current.digest,
    )


def _how_decided(message: Message) -> str:
    last = message.decisions[-1] if message.decisions else None
    done = _DONE[last.decision] if last else ""
    if last is None or done not in (message.state, "approved"):
        return message.state
    by = f"{done} by {last.officer.name}"
    return by if done == message.state else f"{by}, and {message.state}"


def _require_current(message: Message, version: Version, digest: str) -> None:
    if message.state != "pending":
        raise DigestConflict(
            f"the alert is already {_how_decided(message)}: nothing is left to decide",
            state=message.state,
            digest=version.digest,
        )
    if digest != version.digest:
        changed = (
            f"the alert was changed by {version.editor.name} (version {version.number}) after you opened it: "
            "read and hear it again, then decide"
        )
        never = "the digest is not that of the alert as it is now: read and hear it, then decide with its digest"
        raise DigestConflict(
            changed if len(message.versions) > 1 else never,
            state=message.state,
            digest=version.digest,
        )
    if not untouched(version):
        raise DigestConflict(
            "what is stored is not what was submitted: an administrator must look at it (dispatcher verify)",
            state=message.state,
            digest=version.digest,
        )
