"""One message of a person on its way to becoming a reply: what came, what was said in it, to whom it belongs."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from dispatcher.model import Reply
from dispatcher.model.ports import InboundReply
from dispatcher.runtime import Runtime
from dispatcher.services import mail_text, reply_store
from dispatcher.services.matching import Match
from dispatcher.services.once import clean
from dispatcher.services.understanding import Understood

MOST_SHOWN = 100_000  # characters of `text`; `original` is whole


@dataclass(frozen=True, slots=True)
class Said:
    """A reply's own words ("" where there are none), what is shown, and all of it."""

    own: str
    shown: str
    original: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is being taken in, in the transaction of `session`."""

    session: Session
    runtime: Runtime
    reply: InboundReply
    said: Said
    found: Match
    callback_id: int | None

    def keep(self, understood: Understood, note: str = "", *, state: str = "", found: Match | None = None) -> Reply:
        """The reply, kept once and told to whom it belongs: as it was found, or as `found` says instead."""
        reply, found = self.reply, self.found if found is None else found
        unverified = f"sender not verified: {reply.verified}" if reply.verified and not found.staff else ""
        return reply_store.keep(
            self.session,
            self.runtime,
            dedupe=reply.dedupe,
            channel=reply.channel,
            sender=reply.sender,
            understood=understood,
            text=self.said.shown,
            original=self.said.original,
            subject=reply.subject,
            person=found.customer,
            message_id=found.message_id,
            delivery_id=found.delivery.id if found.delivery else None,
            callback_id=self.callback_id,
            note="; ".join(part for part in (note, found.note, unverified) if part),
            state=state,
            received_at=reply.received_at,
        )


def read(reply: InboundReply) -> Said:
    """What they said themselves, and all that came."""
    if reply.channel == "email":
        original = mail_text.plain_text(reply.text, reply.html)
        own = mail_text.own_words(original)
    else:
        original = clean(reply.text.replace("\r\n", "\n"))
        own = original.strip()
    files = "\n".join(f"[Attached: {clean(one.name, 100)}, {one.media_type}]" for one in reply.attachments[:20])
    shown = "\n\n".join(part for part in ((own or original.strip())[:MOST_SHOWN], files) if part)
    return Said(own, shown, original)
