"""What a representative answers a customer: checked, written by the channel they used last, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from dispatcher.model import CHANNELS, Callback, Conversation, Customer, Message, Reply, Response, Staff
from dispatcher.model.errors import Refused
from dispatcher.runtime import Runtime
from dispatcher.services import conversations, languages, letters, reply_notices, suppressions
from dispatcher.services.audit import fingerprint, record
from dispatcher.services.once import clean
from dispatcher.services.order_words import say

DIRECT = ("email", "sms")  # is answered the way it came; all else by the customer's own order of these
WRITTEN = (*DIRECT, "fax")
MOST_WORDS = 5_000
MOST_IN_A_TEXT_MESSAGE = 1_500  # 1,600 less the name in front
# By these, where two robots might have found each other.
BY_MESSAGE = ("mail", "sms")
MOST_AN_HOUR, MOST_A_DAY = 30, 60
# A browser that goes back gives the page anew, with the words still in it, and a program repeats what was not answered:
# the same words within the hour, with nothing said in between, were meant once, unless they have not arrived.
SENT_TWICE_WITHIN = timedelta(hours=1)
_NOT_ARRIVED = ("failed", "bounced", "rejected", "suppressed", "expired", "cancelled")


# What stands around a representative's words, in the customer's language.
_SAID: Mapping[str, Mapping[str, str]] = {
    "en": {
        "subject": "Your message to {firm}",
        "fax": "To answer, write on this page and fax it back to {number}",
        "or call": ", or call {line}",
    },
    "de": {
        "subject": "Ihre Nachricht an {firm}",
        "fax": "Zum Antworten schreiben Sie auf diese Seite und faxen Sie sie an {number}",
        "or call": ", oder rufen Sie {line} an",
    },
    "fr": {
        "subject": "Votre message à {firm}",
        "fax": "Pour répondre, écrivez sur cette page et faxez-la au {number}",
        "or call": ", ou appelez le {line}",
    },
}


@dataclass(frozen=True, slots=True)
class Way:
    """How a response goes to the customer, `because` not as they wrote; or what has `barred` it and what to do."""

    channel: str
    address: str
    barred: str = ""
    because: str = ""


def respond(
    session: Session,
    runtime: Runtime,
    staff: Staff,
    conversation_id: int,
    text: str,
    *,
    via: str,
    dedupe: str | None = None,
    seen: int | None = None,
    by_telephone: bool = False,
    on_order: bool = False,
) -> Response:
    """Answer the customer by the channel they used last; what came by call, page or fax, in writing, as they prefer.

    `via` is page, api, mail or sms; a second call with the same `dedupe` gives the first response, and so does a page
    or a program that sends its writer's last words again. `seen` is the last response that its writer has read, 0 for
    none: a colleague's later one is read first. With `by_telephone` it was said, and is kept without a letter. What
    is not `on_order` says so, where an order waits and its writer may not have seen that. Raises NotFound, and Refused
    where the text will not do or no contact point may be used.
    """
    conversation = conversations.locked(session, staff, conversation_id)
    key = clean(dedupe, 200) if dedupe else f"{via}:{uuid4().hex}"
    known = session.scalar(select(Response).where(Response.dedupe == key))
    if known is not None:
        return known
    words = clean(text).strip()
    if via not in BY_MESSAGE and not on_order and (known := _just_sent(session, runtime, conversation, staff, words)):
        return known
    to = Way("voice", "") if by_telephone else way(session, runtime, conversation)
    if to.barred:
        raise Refused({"text": f"cannot be sent: {to.barred}"})
    _check(session, runtime, conversation, words, to.channel, via)
    if seen is not None:
        _require_read(session, conversation, staff, seen)
    response = Response(
        dedupe=key, conversation_id=conversation.id, staff_id=staff.id, text=words, via=via, created_at=runtime.now()
    )
    session.add(response)
    session.flush()
    if not by_telephone:
        said = languages.choose(_SAID, conversation.customer.language)
        told = _letter_text(runtime, staff, words, to.channel, said)
        if via in BY_MESSAGE and not on_order and conversations.has_open_order(session, conversation):
            told += f"\n\n{say(conversation.customer.language, 'open')}"
        response.letter_id = letters.write(
            session,
            runtime,
            kind="response",
            dedupe=f"response:{response.id}",
            channel=to.channel,
            address=to.address,
            subject=_subject(runtime, conversation.message, said),
            text=told,
            customer=conversation.customer,
            message_id=conversation.message_id,
            conversation=conversation,
            sender_name=staff.name,
        ).id
    conversations.taken_on(session, conversation, staff)
    conversation.last_at = runtime.now()
    record(
        session, runtime, staff, "respond", f"conversation {conversation.id}",
        response=response.id, letter=response.letter_id, channel=to.channel, via=via, words=fingerprint(words),
    )  # fmt: skip
    return response


def _just_sent(
    session: Session, runtime: Runtime, conversation: Conversation, staff: Staff, words: str
) -> Response | None:
    """The last thing said in the conversation, where it is these very words of this writer, and may have arrived."""
    last = session.scalars(
        select(Response).where(Response.conversation_id == conversation.id).order_by(Response.id.desc()).limit(1)
    ).first()
    if last is None or (last.staff_id, last.text) != (staff.id, words):
        return None
    if last.created_at < runtime.now() - SENT_TWICE_WITHIN or (last.letter and last.letter.state in _NOT_ARRIVED):
        return None
    # By when it was here to be read: one that was asked for late was received at the provider long before.
    here_at = func.coalesce(Callback.applied_at, Callback.received_at, Reply.received_at)
    since = (
        select(Reply.id)
        .outerjoin(Callback, Callback.id == Reply.callback_id)
        .where(Reply.conversation_id == conversation.id, here_at > last.created_at)
    )
    return None if session.scalar(since.limit(1)) is not None else last


def _check(session: Session, runtime: Runtime, conversation: Conversation, words: str, channel: str, via: str) -> None:
    most = most_words(channel)
    if not words:
        raise Refused({"text": "is empty; write what the customer should read"})
    if len(words) > most:
        where = "a text message" if channel == "sms" else "an answer"
        raise Refused({"text": f"has {len(words)} characters; {where} holds {most}"})
    if via in BY_MESSAGE:
        _require_not_too_many(session, runtime, conversation)


def _require_not_too_many(session: Session, runtime: Runtime, conversation: Conversation) -> None:
    day, hour = runtime.now() - timedelta(days=1), case((Response.created_at > runtime.now() - timedelta(hours=1), 1))
    lately = session.execute(
        select(func.count().label("day"), func.count(hour).label("hour")).where(
            Response.conversation_id == conversation.id, Response.via.in_(BY_MESSAGE), Response.created_at > day
        )
    ).one()
    for number, most, called in ((lately.hour, MOST_AN_HOUR, "an hour"), (lately.day, MOST_A_DAY, "a day")):
        if number >= most:
            raise Refused({"text": f"was the {most + 1}th answer within {called}; answer on the page"})


def _require_read(session: Session, conversation: Conversation, staff: Staff, seen: int) -> None:
    """Two who answer at once would tell the customer two things."""
    newer = session.scalars(
        select(Response)
        .where(Response.conversation_id == conversation.id, Response.id > seen, Response.staff_id != staff.id)
        .order_by(Response.id.desc())
        .limit(1)
    ).first()
    if newer is not None:
        raise Refused({"text": f"was not sent: {newer.staff.name} has answered meanwhile. Read that, then send yours"})


def way(session: Session, runtime: Runtime, conversation: Conversation) -> Way:
    """By which channel to which address a response would go now, or why none can be sent.

    Who wants no more text messages may still be written to by mail: a stop is of one channel.
    """
    usable = runtime.usable_channels()
    name, because = conversation.customer.name, ""
    if conversation.channel in DIRECT and conversation.channel in usable and conversation.address:
        order = suppressions.barring(session, conversation.channel, conversation.address)
        if order is None:
            return Way(conversation.channel, conversation.address)
        no_more = "text messages" if conversation.channel == "sms" else "mail"
        because = f"{name} wants no more {no_more} ({order.source})"
    open_to = {
        point.channel: point.address
        for point in conversation.customer.contact_points
        if point.valid and point.channel in usable and not suppressions.barring(session, point.channel, point.address)
    }
    topic = conversation.message.current.topic if conversation.message else ""
    for channel in _order(conversation.customer, topic):
        if channel in open_to:
            return Way(channel, open_to[channel], because=because)
    why = because or f"no mail address or number of {name} may be used"
    return Way("", "", f"{why}; {_instead(conversation.customer)}")


def _instead(customer: Customer) -> str:
    """What somebody can do who cannot write: they telephone, so a number that wants no messages of ours will do."""
    if any(one.valid and one.channel in ("voice", "sms") for one in customer.contact_points):
        return "telephone them"
    return "the directory has no telephone number of theirs either"


def most_words(channel: str) -> int:
    """How many characters an answer by this channel may have."""
    return MOST_IN_A_TEXT_MESSAGE if channel == "sms" else MOST_WORDS


def _order(customer: Customer, topic: str) -> list[str]:
    steps = [one for one in customer.preferences if one.topic == topic]
    steps = steps or [one for one in customer.preferences if one.topic == ""]
    return [one for one in dict.fromkeys([*(step.channel for step in steps), *CHANNELS]) if one in WRITTEN]


def _subject(runtime: Runtime, message: Message | None, said: Mapping[str, str]) -> str:
    about = reply_notices.subject_of(message)
    return f"Re: {about}" if about else said["subject"].format(firm=runtime.settings.firm_name)


def _letter_text(runtime: Runtime, staff: Staff, words: str, channel: str, said: Mapping[str, str]) -> str:
    if channel == "sms":
        return f"{staff.name}, {runtime.settings.firm_name}: {words}"
    signed = f"{words}\n\n{staff.name}\n{runtime.settings.firm_name}"
    if channel != "fax":
        return signed
    line = runtime.settings.customer_line
    phone = said["or call"].format(line=line) if line else ""
    return f"{signed}\n\n{said['fax'].format(number=runtime.settings.fax_line)}{phone}"
