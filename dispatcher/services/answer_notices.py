"""Tells representatives what has become of what they answered: not passed on, without its files, not delivered."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Letter, Response, Staff
from dispatcher.runtime import Runtime
from dispatcher.services import covers, letters, references, reply_notices
from dispatcher.services.short_texts import fitted

_MOST_NAMES = 10  # of files, in one letter


def tell_not_sent(
    session: Session, runtime: Runtime, person: Staff, conversation: Conversation, why: str, key: str
) -> None:
    """Tell a representative that what they answered by mail or text message has not gone to the customer."""
    who = reply_notices.who(conversation.customer)
    page = reply_notices.page_of(runtime, conversation)
    text = f"What you wrote to {who} was NOT passed on: {why}\n\nPlease answer on the page: {page}"
    short = fitted(f"#{conversation.id} NOT passed on: ", why, "")
    _tell_refused(session, runtime, person, conversation, text, short, key)


def tell_unproven(
    session: Session, runtime: Runtime, person: Staff, conversation: Conversation, why: str, key: str
) -> None:
    """The same of a text message that nothing proves to be theirs, and how it is. For whom it was is not certain."""
    reference = references.of_conversation(runtime, conversation.id, person.id)
    who, page = reply_notices.who(conversation.customer), reply_notices.page_of(runtime, conversation)
    text = (
        f"Your text message was NOT passed on: {why}\n\n"
        f"If it is for {who}, send it again with {reference} in front, or answer on the page: {page}"
    )
    short = fitted("NOT passed on: ", why, f"\nTo answer {conversation.customer.name[:60]}: {reference} and your words")
    _tell_refused(session, runtime, person, conversation, text, short, key)


def _tell_refused(
    session: Session, runtime: Runtime, person: Staff, conversation: Conversation, text: str, short: str, key: str
) -> None:
    if reply_notices.is_flooded(session, runtime, conversation, person):
        return
    letters.tell_staff(
        session,
        runtime,
        person,
        kind="reply",
        dedupe=f"{reply_notices.AUTOMATIC}{key}"[:60],
        subject=f"Not passed on: your answer to {conversation.customer.name}",
        text=text,
        short_text=short,
        conversation=conversation,
    )


def tell_files_dropped(
    session: Session, runtime: Runtime, person: Staff, conversation: Conversation, names: Sequence[str], key: str
) -> None:
    """Tell a representative that the files beside their answer stayed behind; their words have gone."""
    if reply_notices.is_flooded(session, runtime, conversation, person):
        return
    some = ", ".join(one[:100] for one in names[:_MOST_NAMES])
    some += f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    letters.tell_staff(
        session,
        runtime,
        person,
        kind="reply",
        dedupe=f"{reply_notices.AUTOMATIC}files:{key}"[:60],
        subject=f"Without its files: your answer to {conversation.customer.name}",
        text=f"What you wrote to {reply_notices.who(conversation.customer)} was passed on. "
        f"Your files were not passed on: {some}\n\n"
        f"Please send them another way. The conversation: {reply_notices.page_of(runtime, conversation)}",
        short_text=fitted(f"#{conversation.id} passed on, but your files were not: ", some, ""),
        conversation=conversation,
    )


def tell_how(session: Session, runtime: Runtime, person: Staff, key: str) -> None:
    """Tell a colleague by text message that theirs went to nobody, and how it does."""
    letters.tell_staff(
        session,
        runtime,
        person,
        kind="reply",
        dedupe=f"{reply_notices.AUTOMATIC}how:{key}"[:60],
        subject="Passed on to nobody: your text message",
        text="Your text message was passed on to nobody. To answer a customer, begin as the notice of their reply "
        f"says: #number-digits and your words. Your inbox: {runtime.settings.public_url}/inbox",
        only=("sms",),
    )


def tell_undelivered(session: Session, runtime: Runtime, letter: Letter, why: str) -> None:
    """Tell who wrote it, or who stands in, that a response has not reached the customer, and what to do. Once."""
    response = session.scalar(select(Response).where(Response.letter_id == letter.id))
    if response is None:
        return
    conversation = response.conversation
    name = conversation.customer.name
    text = (
        f"What you wrote to {reply_notices.who(conversation.customer)} at {response.created_at:%H:%M} UTC "
        f"has NOT reached them by {reply_notices.WAYS.get(letter.channel, letter.channel)}: {why}\n\n"
        f"{response.text[:2000]}\n\n"
        f"Please telephone them, or mend their address and answer again: {reply_notices.page_of(runtime, conversation)}"
    )
    letters.tell_staff(
        session,
        runtime,
        covers.standing_in(session, runtime, response.staff),
        kind="undelivered",
        dedupe=f"undelivered:{letter.id}",
        subject=f"Not delivered: your answer to {name}",
        text=text,
        short_text=fitted(f"#{conversation.id} NOT delivered to {name}: ", why, "\nTelephone them, or see the page."),
        conversation=conversation,
    )
