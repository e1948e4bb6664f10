"""The one letter by which who complains learns that a person has it; once for each time that it is taken up."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from dispatcher.model import Letter, Reply
from dispatcher.runtime import Runtime
from dispatcher.services import languages, letters, local_time, reply_letters, suppressions

KIND = "complaint-noted"

# The word complaint is not in it: what was taken for one may be none.
_SAID: Mapping[str, Mapping[str, str]] = {
    "en": {
        "subject": "We have your message",
        "noted": "Your message of {at} has arrived, and has been given to a person who will look into it and answer "
        "you.",
    },
    "de": {
        "subject": "Ihre Nachricht ist angekommen",
        "noted": "Ihre Nachricht von {at} ist angekommen und liegt jemandem vor, der ihr nachgeht und Ihnen antwortet.",
    },
    "fr": {
        "subject": "Votre message est arrivé",
        "noted": "Votre message de {at} est arrivé et a été confié à une personne qui va s'en occuper et vous "
        "répondre.",
    },
}


def note_it(session: Session, runtime: Runtime, reply: Reply, *, proven: bool) -> Letter | None:
    """Tell who has written it, by the way they wrote; None where nothing is written.

    Never to an address that is not `proven` to be theirs, nor to one that wants no more or may want no more, nor to
    what may be a machine; counted in the caps of automatic answers. The caller holds the conversation.
    """
    conversation, address = reply.conversation, reply.sender.strip().lower()
    if conversation is None or not proven or reply.doubt or reply.channel not in reply_letters.WRITTEN:
        return None
    if reply.channel not in runtime.usable_channels():
        return None
    if suppressions.in_force(session, reply.channel, address) is not None:
        return None
    dedupe = f"{KIND}:{conversation.id}:{conversation.done_up_to or 0}"
    if letters.written(session, dedupe) is not None:
        return None
    customer = conversation.customer
    said = languages.choose(_SAID, languages.of_answer(reply.text, customer.language), customer.language)
    at = local_time.hour(reply.received_at, local_time.zone(customer.timezone))
    return reply_letters.write(
        session, runtime, reply, conversation,
        kind=KIND, dedupe=dedupe, subject=said["subject"], text=[said["noted"].format(at=at)],
    )  # fmt: skip
