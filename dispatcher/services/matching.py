"""Finds out to whom and to what something belongs that a person sent us: by token, by number, by address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Conversation, Customer, Delivery, Letter, Message, Recipient, Staff
from dispatcher.model.delivery import IN_DOUBT, MAY_HAVE_LEFT
from dispatcher.model.ports import InboundReply
from dispatcher.runtime import Runtime
from dispatcher.services import authors, guesses, references

RECENT = timedelta(days=30)  # an answer without a token is to the last message of these days
TOKEN_LIFE = timedelta(days=180)
_ADDRESS = re.compile(r"(reply|conv|staff)\+([a-z2-7]{1,64})", re.IGNORECASE)
_PHONES = ("sms", "voice")
_NOT_OURS = "the reply address is not one of ours"
# Of a text message that came from a representative's number, which anybody may forge.
UNPROVEN = "without the digits of a notice in front, which prove that it is yours"


@dataclass(frozen=True, slots=True)
class Match:
    """Without `customer`, `staff` and `author`: nobody's. With `staff` it is a representative's answer, with `author`
    an alert by one of our analysts or the written form of `message_id`; a `note` forbids to pass these on.

    `address` is the contact point of ours that it is an answer from, where that is known. It is a `stranger`'s where
    the mail came to that address's token, but from an address that is none of the customer's.
    """

    customer: Customer | None = None
    message_id: int | None = None
    delivery: Delivery | None = None
    staff: Staff | None = None
    author: Staff | None = None
    conversation: Conversation | None = None
    address: str = ""
    stranger: bool = False
    note: str = ""
    text: str | None = None  # what was said without our reference in front, where there was one

    @property
    def is_proven(self) -> bool:
        """Whether it is a representative's answer which nothing keeps from being passed on."""
        return self.staff is not None and not self.note


def match(session: Session, runtime: Runtime, reply: InboundReply, text: str) -> Match:
    """To whom it belongs; `text` is what they said in their own words."""
    if reply.channel == "email":
        return _by_mail(session, runtime, reply, text)
    return _by_number(session, runtime, reply, text)


def latest_message(session: Session, runtime: Runtime, customer_id: int) -> int | None:
    """The last message that was sent to them within 30 days."""
    found = latest_delivery(session, runtime, customer_id)
    return found.message_id if found else None


def latest_delivery(session: Session, runtime: Runtime, customer_id: int) -> Delivery | None:
    """The last delivery to them within 30 days that may have left, by any channel."""
    return session.scalars(_sent(runtime).join(Delivery.recipients).where(Recipient.customer_id == customer_id)).first()


def people_with(session: Session, channels: tuple[str, ...], address: str) -> list[Customer]:
    """The active customers who have this address on one of these channels."""
    return list(
        session.scalars(
            select(Customer)
            .join(ContactPoint)
            .where(ContactPoint.channel.in_(channels), ContactPoint.address == address, Customer.active.is_(True))
            .order_by(Customer.id)
            .distinct()
        )
    )


def person_of(session: Session, delivery: Delivery, sender: str = "", text: str = "") -> tuple[Customer | None, str]:
    """Which of the people a delivery is for speaks, and "shared by A and B" where there are several."""
    people = [one.customer for one in delivery.recipients] or people_with(
        session, (delivery.channel,), delivery.address
    )
    if not people:
        return None, ""
    if len(people) == 1:
        return people[0], ""
    return next((one for one in people if _speaks(one, sender, text)), people[0]), _shared(people)


def _shared(people: Sequence[Customer]) -> str:
    names = [one.name for one in people]
    return "shared by " + ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else ""


def _speaks(person: Customer, sender: str = "", text: str = "") -> bool:
    if any(point.channel == "email" and point.address == sender for point in person.contact_points):
        return (
            not all(point.address == sender for point in person.contact_points) or person.name.lower() in text.lower()
        )
    words = re.findall(r"\w{2,}", person.name.lower())
    local = sender.partition("@")[0] if "@" in sender else ""
    return bool(words) and (all(word in local for word in words) or person.name.lower() in text.lower())


# --- mail -------------------------------------------------------------------------------------------------


def _by_mail(session: Session, runtime: Runtime, reply: InboundReply, text: str) -> Match:
    sender = reply.sender.strip().lower()
    carried = tokens(runtime, reply.recipients)
    for kind, token in carried:
        purpose = "delivery" if kind == "reply" else "letter"
        number = runtime.read_token(purpose, token)
        if number is None:
            continue
        if kind == "reply":
            return _by_delivery(session, runtime, session.get(Delivery, number), sender, text)
        letter = session.get(Letter, number)
        if kind == "conv":
            return _by_letter(runtime, letter, sender)
        return _by_notice(session, runtime, letter, reply, sender)
    if carried:
        return Match(note=_NOT_OURS)
    if author := authors.by_mail(session, runtime, reply):
        return Match(author=author)
    people = people_with(session, ("email",), sender)
    if len(people) != 1:
        return Match(note=f"{len(people)} customers have this address" if people else "")
    delivery = latest_delivery(session, runtime, people[0].id)
    return Match(people[0], delivery.message_id if delivery else None, delivery)


def tokens(runtime: Runtime, recipients: Sequence[str]) -> list[tuple[str, str]]:
    """Of addresses to which something came, those that carry a token: reply, conv or staff, and the token."""
    domain = runtime.settings.inbound_email_domain.lower()
    found = []
    for address in recipients:
        local, _, host = address.strip().lower().rpartition("@")
        hit = _ADDRESS.fullmatch(local)
        if hit and (not domain or host == domain):
            found.append((hit[1].lower(), hit[2].lower()))
    return found


def _by_delivery(session: Session, runtime: Runtime, delivery: Delivery | None, sender: str, text: str) -> Match:
    message = delivery.message if delivery else None
    if delivery is None or message is None or message.state not in MAY_HAVE_LEFT:
        return Match(note=_NOT_OURS)
    if _is_old(runtime, message.released_at):
        return Match(note=f"the reply address has expired (message {message.id})")
    person, shared = person_of(session, delivery, sender, text)
    if person is None:
        return Match(message_id=message.id, delivery=delivery, note="the customer is no longer in the directory")
    known = _is_known(person, delivery, sender)
    note = _joined(shared, "" if known else f"written from {sender}")
    # From an address the directory has learnt since, it is about that one.
    address = "" if delivery.channel != "email" else sender if known else delivery.address
    return Match(person, message.id, delivery, address=address, stranger=bool(address) and not known, note=note)


def _by_letter(runtime: Runtime, letter: Letter | None, sender: str) -> Match:
    """A customer's answer to a representative's response, or to what confirmed an opt-out of theirs."""
    if letter is None or letter.customer is None:
        return Match(note=_NOT_OURS)
    if _is_old(runtime, letter.created_at):
        return Match(note="the reply address has expired")
    note = "" if sender == letter.address else f"written from {sender}"
    return Match(letter.customer, letter.message_id, address=letter.address, stranger=bool(note), note=note)


def _by_notice(session: Session, runtime: Runtime, letter: Letter | None, reply: InboundReply, sender: str) -> Match:
    """A representative's answer to a notice. Their words go to a customer, so nothing may be doubtful."""
    staff = letter.staff if letter else None
    author = authors.by_answer(session, runtime, letter, sender) if letter else None
    if letter is not None and author is not None:
        return Match(author=author, message_id=letter.message_id)
    if letter is None or staff is None or letter.conversation_id is None:
        return Match(note="an answer to a notice that takes none")
    if not staff.active or sender != staff.email:
        return Match(note=f"an answer to a notice of {staff.email}, but written from {sender}")
    conversation = session.get_one(Conversation, letter.conversation_id)
    if reply.verified:
        return Match(staff=staff, conversation=conversation, note=f"not proven to be from you ({reply.verified})")
    if _is_old(runtime, letter.created_at):
        return Match(staff=staff, conversation=conversation, note="an answer to a notice that is too old")
    return Match(staff=staff, conversation=conversation)


def _is_known(person: Customer, delivery: Delivery, sender: str) -> bool:
    return sender == delivery.address or any(point.address == sender for point in person.contact_points)


# --- numbers ----------------------------------------------------------------------------------------------


def _by_number(session: Session, runtime: Runtime, reply: InboundReply, text: str) -> Match:
    number = reply.sender.strip()
    if reply.channel != "sms":
        return _by_customers_number(session, runtime, reply, number, text)
    author = authors.by_number(session, number)
    if author and authors.quotes(session, runtime, author, text, runtime.now()):
        return Match(author=author)  # before their digits are taken for wrong ones of a conversation
    found = _by_colleague(session, runtime, number, text)
    if found and found.is_proven:
        return found
    if author and authors.is_marked(session, runtime, author, text, runtime.now()):
        return Match(author=author)
    if found and (author is None or references.answer_in(text)):
        return found  # it names the conversation
    found = found or _by_customers_number(session, runtime, reply, number, text)
    if author is None:
        return found
    call = authors.dictated(session, author, runtime.now())
    if not (found.staff or found.customer or found.note):
        return Match(author=author)
    # Neither a customer nor a representative may hear of an alert before its release.
    doubt = "it may be for the alert you have just dictated or for a customer: begin with the reference of either"
    return Match(author=author, note=doubt) if call else found


def _by_customers_number(session: Session, runtime: Runtime, reply: InboundReply, number: str, text: str) -> Match:
    delivery = session.scalars(
        _sent(runtime).where(Delivery.channel == reply.channel, Delivery.address == number)
    ).first()
    letter = session.scalars(
        select(Letter)
        .where(
            Letter.channel == reply.channel,
            Letter.address == number,
            Letter.customer_id.is_not(None),
            Letter.conversation_id.is_not(None),
            Letter.created_at > runtime.now() - RECENT,
        )
        .order_by(Letter.id.desc())
        .limit(1)
    ).first()
    people = people_with(session, (reply.channel,), number)
    if letter and letter.customer and not (delivery and _moment(delivery) > letter.created_at):
        named = any(_speaks(one, text=text) for one in people if one != letter.customer)
        # Which of those who share a telephone answers is not told by what we wrote to one of them by ourselves.
        if len(people) < 2 or delivery is None or (letter.kind == "response" and not named):
            return Match(letter.customer, letter.message_id, address=number, note=_shared(people))
    if delivery:
        person, note = person_of(session, delivery, text=text)
        if person:
            return Match(person, delivery.message_id, delivery, address=number, note=note)
    people = people or (people_with(session, _PHONES, number) if reply.channel in _PHONES else [])
    if len(people) != 1:
        return Match(note=f"{len(people)} customers have this number" if people else "")
    latest = latest_delivery(session, runtime, people[0].id)
    return Match(people[0], latest.message_id if latest else None, latest)


def _by_colleague(session: Session, runtime: Runtime, number: str, text: str) -> Match | None:
    """A representative's answer to a notice by text message; None where nobody of that number was sent one.

    A caller's number proves nothing: it is theirs who repeat the digits of the notice.
    """
    staff = session.scalars(select(Staff).where(Staff.phone == number, Staff.active.is_(True)).order_by(Staff.id)).all()
    notices = session.scalars(
        select(Letter)
        .where(
            Letter.staff_id.in_([one.id for one in staff]),
            Letter.channel == "sms",
            Letter.address == number,
            Letter.conversation_id.is_not(None),
            Letter.created_at > runtime.now() - RECENT,
        )
        .order_by(Letter.id.desc())
    ).all()
    if not notices:
        return None
    named = references.answer_in(text)
    told = [one for one in notices if not named or one.conversation_id == named.conversation_id]
    if not told:
        return Match(note=f"an answer of {staff[0].email} to a conversation of which they were not told")
    asked, note = told[0], UNPROVEN
    if named is not None and named.code:
        whose = next((one for one in told if one.staff_id and references.proves(runtime, named, one.staff_id)), None)
        if guesses.is_taken(session, runtime, number, whose is not None, guesses.ANSWERS):
            asked, note = whose or asked, ""
        elif whose is not None:
            note = "one too many: too many wrong digits have come from your number, and none are taken for a while"
    conversation = session.get_one(Conversation, asked.conversation_id)
    return Match(staff=asked.staff, conversation=conversation, note=note, text=named.rest if named else text)


# --- both -------------------------------------------------------------------------------------------------


def _sent(runtime: Runtime) -> Select[Delivery]:
    """Deliveries that may have left within 30 days, the newest message first."""
    return (
        select(Delivery)
        .join(Message, Delivery.message_id == Message.id)
        .where(
            Message.state.in_(MAY_HAVE_LEFT),
            Message.released_at > runtime.now() - RECENT,
            or_(Delivery.accepted_at.is_not(None), Delivery.state.in_(IN_DOUBT)),
        )
        .order_by(Message.released_at.desc(), Delivery.id.desc())
        .limit(1)
    )


def _moment(delivery: Delivery) -> datetime:
    released = delivery.message.released_at
    return delivery.accepted_at or released or delivery.message.created_at


def _is_old(runtime: Runtime, since: datetime | None) -> bool:
    return since is None or since < runtime.now() - TOKEN_LIFE


def _joined(*notes: str) -> str:
    return "; ".join(one for one in notes if one)
