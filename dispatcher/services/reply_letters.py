"""The letters that answer what somebody wrote by themselves, by the way they wrote."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Letter, Reply
from dispatcher.runtime import Runtime
from dispatcher.services import caps, letters, reply_notices

# On the telephone and on the alert's page they hear or read it at once.
WRITTEN = ("email", "sms")


def write(
    session: Session,
    runtime: Runtime,
    reply: Reply,
    conversation: Conversation,
    *,
    kind: str,
    dedupe: str,
    subject: str,
    text: Sequence[str],
    sender_name: str = "",
) -> Letter | None:
    """These paragraphs in the firm's name, to where the reply came from; None where a cap is reached."""
    address = reply.sender.strip().lower()
    if not caps.may_answer(session, runtime, address):
        return None
    about, firm = reply_notices.subject_of(conversation.message), runtime.settings.firm_name
    return letters.write(
        session,
        runtime,
        kind=kind,
        dedupe=dedupe,
        channel=reply.channel,
        address=address,
        subject=f"{subject}: {about}" if about else subject,
        text=f"{firm}: {' '.join(text)}" if reply.channel == "sms" else "\n\n".join([*text, firm]),
        customer=conversation.customer,
        message_id=conversation.message_id,
        conversation=conversation,
        sender_name=sender_name,
    )
