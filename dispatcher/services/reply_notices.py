"""Tells the owner of a conversation what the customer said, and never so often that it does harm."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from dispatcher.bells import note
from dispatcher.model import Conversation, Customer, Letter, Message, Reply, Staff
from dispatcher.runtime import Runtime
from dispatcher.services import letters, references, routing
from dispatcher.services.kind_words import DOUBTS
from dispatcher.services.short_texts import fitted, unquoted

# Letters to one person about one conversation in an hour; then one that says so, and silence.
MOST_AN_HOUR = 30
# And in a day: with a machine that answers as people do, however slowly, it ends.
MOST_A_DAY = 60
# How the dedupe of a letter begins that answers somebody by itself; `caps` counts these.
AUTOMATIC = "refused:"
_MOST_WORDS = 20_000  # characters of a reply that a notice repeats

ORDER = "ORDER REQUEST (not accepted yet)"
_DID = {
    "order": "asks for an order by",
    "question": "asks by",
    "call": "asked to speak to you, by",
    "complaint": "complains by",
    "wrong-person": "says they are not the one we look for, by",
}
WAYS = {"email": "mail", "sms": "text message", "voice": "telephone", "fax": "fax", "page": "the alert's page"}


def tell_owner(
    session: Session, runtime: Runtime, conversation: Conversation, reply: Reply, *, due_at: datetime | None = None
) -> list[Letter]:
    """Letters about one reply to whoever answers for the conversation; the same reply is told once."""
    told = []
    for person in routing.people(session, runtime, conversation):
        if is_flooded(session, runtime, conversation, person):
            told += _tell_of_flood(session, runtime, conversation, person)
            continue
        told += letters.tell_staff(
            session,
            runtime,
            person,
            kind="reply",
            dedupe=f"reply:{reply.id}",
            subject=_subject(conversation, reply),
            text=long_text(runtime, conversation, reply),
            short_text=short_text(runtime, conversation, reply, person),
            message_id=conversation.message_id,
            conversation=conversation,
            due_at=due_at,
        )
    return told


def tell_now(session: Session, runtime: Runtime, conversation: Conversation, reply: Reply) -> None:
    """A letter that was put off about this reply: with what is known now, and due at once. Sent ones stay."""
    for letter in session.scalars(
        select(Letter)
        .where(Letter.dedupe.startswith(f"reply:{reply.id}:"), Letter.state == "queued", Letter.tries == 0)
        .with_for_update()
    ):
        letter.text = (
            short_text(runtime, conversation, reply, letter.staff)
            if letter.channel == "sms" and letter.staff
            else long_text(runtime, conversation, reply)
        )
        letter.due_at = runtime.now()
        note(session, "notices", "send_letter", letter.id)


def put_off(session: Session, reply: Reply, until: datetime) -> None:
    """Letters about this reply that have not left are due then."""
    session.execute(
        update(Letter)
        .where(Letter.dedupe.startswith(f"reply:{reply.id}:"), Letter.state == "queued", Letter.tries == 0)
        .values(due_at=until)
    )


def admins(session: Session) -> list[Staff]:
    """The active administrators."""
    return routing.holders(session, "admin")


def tell_of_unmatched(session: Session, runtime: Runtime) -> None:
    """Once an hour: somebody wrote whom nobody knows. Nothing of what they wrote is in the letter."""
    hour = runtime.now().strftime("%Y%m%d%H")
    for person in admins(session):
        letters.tell_staff(
            session,
            runtime,
            person,
            kind="reply",
            dedupe=f"unmatched:{hour}",
            subject="A reply belongs to nobody yet",
            text="A reply has come in that could not be matched to a customer. It may be an order request.\n\n"
            f"Please see to whom it belongs: {runtime.settings.public_url}/inbox/unmatched",
            only=("email",),
        )


def page_of(runtime: Runtime, conversation: Conversation) -> str:
    """Where staff read and answer it."""
    return f"{runtime.settings.public_url}/inbox/{conversation.id}"


def who(customer: Customer) -> str:
    """A customer's name with their firm's in brackets."""
    return f"{customer.name} ({customer.firm.name})" if customer.firm else customer.name


def subject_of(message: Message | None) -> str:
    """What a message is called; "" without one."""
    return message.current.subject if message else ""


def _subject(conversation: Conversation, reply: Reply) -> str:
    about = subject_of(conversation.message)
    what = f"{ORDER}: {who(conversation.customer)}" if reply.kind == "order" else ""
    return (what or f"Reply from {who(conversation.customer)}") + (f": {about}" if about else "")


def long_text(runtime: Runtime, conversation: Conversation, reply: Reply) -> str:
    """What a mail to staff says about a reply."""
    message = conversation.message
    parts = [
        f"{who(conversation.customer)} {_did(reply)} "
        f"{WAYS.get(reply.channel, reply.channel)}, {_moment(reply.received_at)}."
    ]
    if message:
        released = f", released {_moment(message.released_at)}" if message.released_at else ""
        parts.append(f"Alert: {subject_of(message)}{released}")
    if reply.text:
        parts.append(reply.text[:_MOST_WORDS])
    if reply.is_spoken:
        parts.append(f"Listen: {page_of(runtime, conversation)}")
    if reply.files:
        parts.append("Files: " + ", ".join(one.name for one in reply.files))
    if reply.note:
        parts.append(f"Note: {reply.note}")
    if reply.doubt:
        parts.append(f"It may be {DOUBTS.get(reply.doubt, reply.doubt)}: please say so on the page.")
    answer = (
        f"To answer {conversation.customer.name}, just answer this mail; your words reach them by the way they wrote."
    )
    if reply.kind == "order":
        parts.insert(0, f"{ORDER}.")
        parts.append(how_to_confirm(runtime, conversation))
        answer += " That confirms nothing."
    parts.append(f"{answer} The whole conversation: {page_of(runtime, conversation)}")
    return "\n\n".join(parts)


def how_to_confirm(runtime: Runtime, conversation: Conversation) -> str:
    """What a notice of an order says of claiming and confirming it."""
    return (
        f"Claim it, read it back and confirm or decline it here: {page_of(runtime, conversation)}\n"
        'Nothing else confirms an order: "confirm", answered to a notice, is not believed.'
    )


def _did(reply: Reply) -> str:
    return "left a spoken answer by" if reply.is_spoken else _DID.get(reply.kind, "answered by")


def short_text(runtime: Runtime, conversation: Conversation, reply: Reply, person: Staff) -> str:
    """What a text message to this person says: at most two segments, with the reference that their answer repeats."""
    words = unquoted(reply.text) or "(no words)"
    if reply.kind == "order":
        return short_order(runtime, conversation, person, words)
    what = "wants to speak to you. " if reply.kind == "call" and not reply.text else ""
    reference = _reference(runtime, conversation, person)
    return fitted(f"{reference} {who(conversation.customer)}: {what}", words, f"\nAnswer: {reference} and your words")


def _reference(runtime: Runtime, conversation: Conversation, person: Staff) -> str:
    return references.of_conversation(runtime, conversation.id, person.id)


def short_order(runtime: Runtime, conversation: Conversation, person: Staff, words: str) -> str:
    """What a text message to this person says of an order that waits: its words come last, so that they are cut."""
    return fitted(
        f"{ORDER}. {_reference(runtime, conversation, person)} {who(conversation.customer)}: ",
        words,
        f"\nConfirm only at {page_of(runtime, conversation)}",
    )


def _moment(at: datetime) -> str:
    return f"{at:%d %b %Y %H:%M} UTC"


def is_flooded(session: Session, runtime: Runtime, conversation: Conversation, person: Staff) -> bool:
    """Whether they had as many letters about it lately as may be, by the channel that carried most."""
    hour = case((Letter.created_at > runtime.now() - timedelta(hours=1), 1))
    counts = session.execute(
        select(func.count().label("day"), func.count(hour).label("hour"))
        .select_from(Letter)
        .where(
            Letter.conversation_id == conversation.id,
            Letter.staff_id == person.id,
            Letter.kind == "reply",
            Letter.created_at > runtime.now() - timedelta(days=1),
        )
        .group_by(Letter.channel)
    ).all()
    return any(one.hour >= MOST_AN_HOUR or one.day >= MOST_A_DAY for one in counts)


def _tell_of_flood(session: Session, runtime: Runtime, conversation: Conversation, person: Staff) -> list[Letter]:
    return letters.tell_staff(
        session,
        runtime,
        person,
        kind="reply",
        dedupe=f"flood:{conversation.id}:{runtime.now():%Y%m%d}",
        subject=f"Many replies from {who(conversation.customer)}",
        text=f"More replies have come from {who(conversation.customer)} than anybody could want to be told of. "
        f"Further ones are kept but not told one by one: {page_of(runtime, conversation)}",
        short_text=f"#{conversation.id}: many replies, further ones are on the page only.",
        conversation=conversation,
    )
