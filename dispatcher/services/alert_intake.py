"""Keeps what members of staff send in to become an alert, until it has been made a draft of; and what was not taken.

It is given out as callbacks are: a claim counts as a try, after three in vain a person looks.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.bells import note
from dispatcher.model import Reply, Staff
from dispatcher.model.ports import InboundReply
from dispatcher.runtime import Runtime
from dispatcher.services import authors, caps, letters, reply_notices, reply_store, tasks
from dispatcher.services.audit import record
from dispatcher.services.once import clean
from dispatcher.services.understanding import Understood

MAX_TRIES = 3
# Whoever claimed one has this long to take it in; then it is claimed again.
CLAIM = timedelta(seconds=60)


def keep(
    session: Session,
    runtime: Runtime,
    reply: InboundReply,
    author: Staff,
    *,
    text: str,
    original: str,
    message_id: int | None,
    doubt: str,
    callback_id: int | None,
) -> Reply:
    """Keep it and ring for it; what is not proven, or in `doubt`, is not taken, and the author is told why.

    `message_id` is the draft whose letter it answers: the token in that letter's address is proof enough, unless the
    author's own domain disowns the mail.
    """
    kept = reply_store.keep(
        session,
        runtime,
        dedupe=reply.dedupe,
        channel=reply.channel,
        sender=reply.sender,
        understood=Understood("alert", "rule"),
        text=text,
        original=original,
        subject=reply.subject,
        message_id=message_id,
        callback_id=callback_id,
        state="new",
        received_at=runtime.now(),
        sender_check=reply.sender_check,
    )
    if kept.due_at is not None or kept.state != "new":
        return kept  # another worker had a copy of it
    if doubt:  # it may be a customer's: an administrator sees whose it is
        refuse(session, runtime, kept, author, doubt, state="unmatched")
        return kept
    if reply.distrust or (reply.verified and message_id is None):
        refuse(session, runtime, kept, author, f"it is not proven to be from you ({reply.verified or reply.distrust})")
        return kept
    kept.due_at = runtime.now()
    note(session, "events", "take_alert", kept.id)
    return kept


def claim(session: Session, runtime: Runtime, reply_id: int) -> bool:
    """Whether it is this caller's to take in, within CLAIM. The claim is committed first: it counts as a try."""
    reply = session.get(Reply, reply_id, with_for_update=True, populate_existing=True)
    if reply is None or reply.state != "new" or reply.due_at is None or reply.due_at > runtime.now():
        return False
    if reply.tries >= MAX_TRIES:
        set_aside(session, runtime, reply, "whoever read it never came to an end")
        return False
    reply.tries, reply.due_at = reply.tries + 1, runtime.now() + CLAIM
    return True


def due(session: Session, runtime: Runtime, late: timedelta) -> list[int]:
    """Those that were to be taken in so long ago."""
    waiting = select(Reply.id).where(Reply.state == "new", Reply.due_at <= runtime.now() - late)
    return list(session.scalars(waiting.order_by(Reply.id).limit(100)))


def put_off(runtime: Runtime, reply: Reply, wait: timedelta) -> None:
    """Later: what it belongs to is still on its way. Nobody tried in vain."""
    reply.tries, reply.due_at = max(0, reply.tries - 1), runtime.now() + wait


def settle(session: Session, runtime: Runtime, reply: Reply, words: str, **detail: object) -> None:
    """It was taken in, as `words` say; on record."""
    _end(reply, "settled", words)
    record(session, runtime, "system", "take in alert", f"reply {reply.id}", **detail)


def _end(reply: Reply, state: str, words: str) -> None:
    # Of no message any more: it is no reply to one, which a report would count.
    reply.state, reply.due_at, reply.message_id = state, None, None
    reply.note = clean(words, 300)


def set_aside(session: Session, runtime: Runtime, reply: Reply, why: str) -> None:
    """To the administrators: it may be an alert that somebody waits for."""
    _end(reply, "unmatched", f"an alert in the name of {reply.sender}, not taken in: {why}")
    tasks.open_task(
        session,
        kind="poison",
        dedupe=f"poison:alert:{reply.id}",
        text=f"What {reply.sender} sent to become an alert could not be taken in ({why}). "
        f"It is kept as reply {reply.id}: tell them to write it on the page.",
    )
    tasks.alarm(
        session, runtime, reply.channel, f"reply {reply.id} of an analyst was set aside", about="alerts", tell=True
    )


def refuse(
    session: Session, runtime: Runtime, reply: Reply, author: Staff, why: str, *, state: str = "settled"
) -> None:
    """It becomes nothing, and the author is told at the address we know: capped, for forged ones come in hundreds."""
    what = "mail" if reply.channel == "email" else "text message"
    _end(reply, state, f"an alert in the name of {author.email}, not taken: {why}")
    record(session, runtime, "system", "refuse alert", f"reply {reply.id}", why=why)
    if not caps.may_answer(session, runtime, author):
        return
    digest = hashlib.sha256(reply.dedupe.encode()).hexdigest()[:32]
    tell(
        session,
        runtime,
        author,
        reply.channel,
        dedupe=f"{reply_notices.AUTOMATIC}alert:{digest}",
        subject=f"Not taken: a {what} in your name",
        text=f"A {what} in your name has come in to become an alert. It was NOT taken: {why}.\n\n"
        f"Was it yours? Write the alert here: {runtime.settings.public_url}/messages/new\n\n"
        "If it was not, tell your administrator.",
        short_text=f"NOT taken as an alert: {why}. Not yours? Tell your administrator.",
    )


def tell(
    session: Session,
    runtime: Runtime,
    author: Staff,
    channel: str,
    *,
    dedupe: str,
    subject: str,
    text: str,
    short_text: str,
    message_id: int | None = None,
) -> None:
    """A letter to the author's registered number or address: by the way they wrote, if that can carry it."""
    by_text = channel == "sms" and bool(author.phone) and "sms" in runtime.usable_channels()
    letters.write(
        session,
        runtime,
        kind=authors.ABOUT_DRAFT,
        dedupe=dedupe,
        channel="sms" if by_text else "email",
        address=(author.phone or "") if by_text else author.email,
        subject=subject,
        text=short_text if by_text else text,
        staff=author,
        message_id=message_id,
    )
