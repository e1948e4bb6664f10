"""One message of a person on its way to becoming a reply: what came, what was said in it, to whom it belongs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from dispatcher.model import Reply
from dispatcher.model.ports import InboundReply
from dispatcher.runtime import Runtime
from dispatcher.services import mail_text, reply_store
from dispatcher.services.matching import Match
from dispatcher.services.once import clean
from dispatcher.services.understanding import Understood

MOST_SHOWN = mail_text.MOST  # characters of `text`; `original` is whole
MOST_HTML = 500_000  # characters of the page that a mail brought along; its raw callback is whole


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

    def keep(
        self,
        understood: Understood,
        note: str = "",
        *,
        state: str = "",
        found: Match | None = None,
        stops: Sequence[tuple[str, str]] = (),
    ) -> Reply:
        """The reply, kept once and told to whom it belongs: as it was found, or as `found` says instead.

        `stops` are the contact points against which orders follow, channel and address.
        """
        reply, found = self.reply, self.found if found is None else found
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
            note="; ".join(part for part in (note, found.note, "" if found.staff else self._unproven) if part),
            state=state,
            received_at=reply.received_at,
            proven=self.believed,
            html=clean(reply.html, MOST_HTML),
            sender_check=reply.sender_check,
            files=reply.attachments,
            answer_to=self.answer_to(found),
            stops=stops,
        )

    @property
    def believed(self) -> bool:
        """False where it may be anybody's: neither a token that we gave to this address nor its domain proves it, or
        its domain disowns it. By telephone networks a number is all that is known, and taken for it.
        """
        reply, found = self.reply, self.found
        if reply.distrust or found.stranger:
            return False
        return reply.channel != "email" or not reply.verified or bool(found.address)

    def answer_to(self, found: Match) -> str:
        """An address of the customer's: whoever has an alert that was passed on may write, and must learn nothing."""
        sender = self.reply.sender.strip().lower()
        theirs = {point.address for point in found.customer.contact_points} if found.customer else set()
        return self.reply.sender if self.reply.channel != "email" or sender in theirs else found.address

    @property
    def _unproven(self) -> str:
        reply = self.reply
        why = "; ".join(dict.fromkeys(one for one in (reply.verified, reply.distrust) if one))
        return f"{reply_store.UNVERIFIED}: {why}" if why else ""


def read(reply: InboundReply) -> Said:
    """What they said themselves, and all that came."""
    if reply.channel == "email":
        original = mail_text.plain_text(reply.text, reply.html)
        own = mail_text.own_words(original)
    else:
        original = clean(reply.text.replace("\r\n", "\n"))
        own = original.strip()
    return Said(own, (own or original.strip())[:MOST_SHOWN], original)
