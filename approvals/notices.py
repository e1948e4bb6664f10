"""Tells officers that a message waits, and authors what was decided.

An unreleased alert is never in a mail: the notice carries a link and not a word of the alert.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Decision, Message, Staff
from dispatcher.model.staff import Grant
from dispatcher.runtime import Runtime
from dispatcher.services import letters

_DECIDED = {"approve": "approved", "return": "returned to you", "reject": "rejected"}


def officers_for(session: Session, message: Message) -> list[Staff]:
    """The active officers who may decide: neither the author nor an editor of any version."""
    barred = {message.author_id, *(version.editor_id for version in message.versions)}
    officers = session.scalars(
        select(Staff).join(Grant).where(Grant.role == "officer", Staff.active).order_by(Staff.id)
    ).unique()
    return [one for one in officers if one.id not in barred]


def tell_officers(session: Session, runtime: Runtime, message: Message) -> int:
    """Tell every officer who may decide; how many there are."""
    officers = officers_for(session, message)
    urgent = "URGENT: " if message.current.urgency == "urgent" else ""
    link = f"{runtime.settings.public_url}/approvals/{message.id}"
    for officer in officers:
        letters.tell_staff(
            session,
            runtime,
            officer,
            kind="approval",
            dedupe=f"approval:{message.current.id}:{message.submitted_at:%Y%m%d%H%M%S%f}",
            subject=f"{urgent}Alert {message.id} waits for your approval",
            text=(
                f"{message.author.name} has submitted alert {message.id} (version {message.version}).\n\n"
                f"Read it, hear it and decide here:\n{link}\n\n"
                "The first officer to decide settles it."
            ),
            only=("email",),
            message_id=message.id,
        )
    return len(officers)


def tell_author(session: Session, runtime: Runtime, message: Message, decision: Decision) -> None:
    """Tell the author what was decided, with the officer's words, without the alert's."""
    words = f"\n\n{decision.officer.name} wrote:\n{decision.comment}" if decision.comment else ""
    letters.tell_staff(
        session,
        runtime,
        message.author,
        kind="decision",
        dedupe=f"decision:{decision.id}",
        subject=f"Alert {message.id} was {_DECIDED[decision.decision]}",
        text=(
            f"Alert {message.id} (version {message.version}) was {_DECIDED[decision.decision]} by "
            f"{decision.officer.name}.{words}\n\n{runtime.settings.public_url}/messages/{message.id}"
        ),
        only=("email",),
        message_id=message.id,
    )
