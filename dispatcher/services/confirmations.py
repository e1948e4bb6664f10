"""The one letter that confirms an opt-out, which its own order lets pass, and the one that says that somebody is back.

Soon or not at all: who reads it hours later wonders what was stopped. Never where the carrier has answered by itself,
never where it would not get through, and no more of them a day than two machines could notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Customer, Letter, Suppression
from dispatcher.runtime import Runtime
from dispatcher.services import caps, languages, letters, suppressions

KIND = "confirmation"
CHANNELS = ("email", "sms")  # a call to say that there will be no more calls would be one too many
_MOST_A_DAY = 4
# Until then the provider has been told to send to them again: it drops what comes before.
_AFTER_PROVIDER = timedelta(seconds=30)
_BACK = "back:"

_SAID: Mapping[str, Mapping[str, str]] = {
    "en": {
        "email": "mail",
        "sms": "text messages",
        "voice": "calls",
        "fax": "faxes",
        "stopped": "You will get no more {way} from {firm}.",
        "topic": "You will get no more {way} about {topic} from {firm}.",
        "undo": "START or this page brings them back: {page}",
        "back": "You will get {way} from {firm} again. STOP or this page ends them: {page}",
        "stopped subject": "No more {way} from {firm}",
        "back subject": "{way} from {firm} again",
        "topic subject": "No more {way} about {topic} from {firm}",
        "topic back": "You will get {way} about {topic} from {firm} again. This page ends them: {page}",
        "topic back subject": "{way} about {topic} from {firm} again",
        "everything": "You will get nothing more from {firm}: no mail, text message, call or fax.",
        "everything subject": "Nothing more from {firm}",
        "everything undo": "This page brings it back: {page}",
        "everything back": "You will get our alerts again, as before. This page ends them: {page}",
        "everything back subject": "Alerts from {firm} again",
        "some back": "You will get our alerts again, but not by every way. Still stopped: {ways}.",
        "by start": "Text START to the number they come from to get text messages again.",
        "some back undo": "This page changes that: {page}",
    },
    "de": {
        "email": "E-Mails",
        "sms": "Textnachrichten",
        "voice": "Anrufe",
        "fax": "Faxe",
        "stopped": "Sie erhalten keine {way} mehr von {firm}.",
        "topic": "Sie erhalten keine {way} zu {topic} mehr von {firm}.",
        "undo": "START oder diese Seite macht das rückgängig: {page}",
        "back": "Sie erhalten wieder {way} von {firm}. STOP oder diese Seite beendet sie: {page}",
        "stopped subject": "Keine {way} mehr von {firm}",
        "back subject": "Wieder {way} von {firm}",
        "topic subject": "Keine {way} mehr zu {topic} von {firm}",
        "topic back": "Sie erhalten wieder {way} zu {topic} von {firm}. Diese Seite beendet sie: {page}",
        "topic back subject": "Wieder {way} zu {topic} von {firm}",
        "everything": "Sie erhalten nichts mehr von {firm}: keine E-Mail, keine Textnachricht, keinen Anruf, kein Fax.",
        "everything subject": "Nichts mehr von {firm}",
        "everything undo": "Diese Seite macht das rückgängig: {page}",
        "everything back": "Sie erhalten unsere Meldungen wieder wie vorher. Diese Seite beendet sie: {page}",
        "everything back subject": "Wieder Meldungen von {firm}",
        "some back": "Sie erhalten unsere Meldungen wieder, aber nicht auf allen Wegen. Weiterhin beendet: {ways}.",
        "by start": "Für Textnachrichten senden Sie START an die Nummer, von der sie kommen.",
        "some back undo": "Diese Seite ändert das: {page}",
    },
    "fr": {
        "email": "e-mails",
        "sms": "SMS",
        "voice": "appels",
        "fax": "fax",
        "stopped": "Vous ne recevrez plus de {way} de {firm}.",
        "topic": "Vous ne recevrez plus de {way} de {firm} au sujet de {topic}.",
        "undo": "START ou cette page les rétablit : {page}",
        "back": "Vous recevrez de nouveau les {way} de {firm}. STOP ou cette page y met fin : {page}",
        "stopped subject": "Plus de {way} de {firm}",
        "back subject": "De nouveau des {way} de {firm}",
        "topic subject": "Plus de {way} de {firm} au sujet de {topic}",
        "topic back": "Vous recevrez de nouveau les {way} de {firm} au sujet de {topic}. Cette page y met fin : {page}",
        "topic back subject": "De nouveau des {way} de {firm} au sujet de {topic}",
        "everything": "Vous ne recevrez plus rien de {firm} : ni e-mail, ni SMS, ni appel, ni fax.",
        "everything subject": "Plus rien de {firm}",
        "everything undo": "Cette page rétablit tout : {page}",
        "everything back": "Vous recevrez de nouveau nos alertes, comme avant. Cette page y met fin : {page}",
        "everything back subject": "De nouveau des alertes de {firm}",
        "some back": "Vous recevrez de nouveau nos alertes, mais pas par tous les moyens. Toujours arrêtés : {ways}.",
        "by start": "Pour les SMS, envoyez START au numéro dont ils viennent.",
        "some back undo": "Cette page permet de le changer : {page}",
    },
    "es": {
        "email": "correos",
        "sms": "mensajes de texto",
        "voice": "llamadas",
        "fax": "faxes",
        "stopped": "No recibirá más {way} de {firm}.",
        "topic": "No recibirá más {way} de {firm} sobre {topic}.",
        "undo": "START o esta página los reanuda: {page}",
        "back": "Volverá a recibir {way} de {firm}. STOP o esta página los detiene: {page}",
        "stopped subject": "No más {way} de {firm}",
        "back subject": "De nuevo {way} de {firm}",
        "topic subject": "No más {way} de {firm} sobre {topic}",
        "topic back": "Volverá a recibir {way} de {firm} sobre {topic}. Esta página los detiene: {page}",
        "topic back subject": "De nuevo {way} de {firm} sobre {topic}",
        "everything": "No recibirá nada más de {firm}: ni correos, ni mensajes de texto, ni llamadas, ni faxes.",
        "everything subject": "Nada más de {firm}",
        "everything undo": "Esta página lo reanuda: {page}",
        "everything back": "Volverá a recibir nuestras alertas, como antes. Esta página las detiene: {page}",
        "everything back subject": "De nuevo alertas de {firm}",
        "some back": "Volverá a recibir nuestras alertas, pero no por todas las vías. Siguen detenidos: {ways}.",
        "by start": "Para los mensajes de texto, envíe START al número del que vienen.",
        "some back undo": "Esta página lo cambia: {page}",
    },
}


def of_stop(
    session: Session,
    runtime: Runtime,
    order: Suppression,
    customer: Customer | None,
    conversation_id: int | None = None,
    language: str = "",
) -> Letter | None:
    """Confirms an opt-out to the customer by the channel that it stops; None where nothing goes.

    In the `language` of their words, where that is certain, else in the directory's.
    """
    dedupe = suppressions.confirmation_of(order)
    told = order.mirror in ("listed", "theirs")  # the provider blocks it, or has answered by itself
    if customer is None or told or order.reason != "opt-out":
        return None
    if not _may_write(session, runtime, order, customer, dedupe):
        return None
    say = languages.choose(_SAID, language, customer.language)
    firm, way = runtime.settings.firm_name, say[order.channel]
    line = say["topic" if order.topic else "stopped"].format(way=way, firm=firm, topic=order.topic)
    text = f"{line} {say['undo'].format(page=_page(runtime, customer))}"
    subject = say["topic subject" if order.topic else "stopped subject"].format(way=way, firm=firm, topic=order.topic)
    return _write(session, runtime, order, customer, dedupe, subject, text, conversation_id)


def of_return(
    session: Session,
    runtime: Runtime,
    order: Suppression,
    customer: Customer | None,
    conversation_id: int | None = None,
    language: str = "",
    *,
    alone: bool = False,
) -> Letter | None:
    """Confirms that an order was taken back, `alone` or with all others for the address; the same rules."""
    dedupe = f"{_BACK}{order.id}"
    barred = order.mirror == "theirs" or suppressions.in_force(session, order.channel, order.address) is not None
    if customer is None or barred or not _may_write(session, runtime, order, customer, dedupe):
        return None
    say = languages.choose(_SAID, language, customer.language)
    firm, way = runtime.settings.firm_name, say[order.channel]
    about = "topic " if order.topic and alone else ""
    text = say[f"{about}back"].format(way=way, firm=firm, topic=order.topic, page=_page(runtime, customer))
    subject = say[f"{about}back subject"].format(way=way, firm=firm, topic=order.topic)
    subject = subject[:1].upper() + subject[1:]
    return _write(session, runtime, order, customer, dedupe, subject, text, conversation_id)


def of_stop_everywhere(
    session: Session, runtime: Runtime, orders: Sequence[Suppression], customer: Customer, language: str = ""
) -> Letter | None:
    """Confirms by one letter that all these opt-outs were given at once, by the first way that may carry it."""
    say = languages.choose(_SAID, language, customer.language)
    firm = runtime.settings.firm_name
    text = f"{say['everything'].format(firm=firm)} {say['everything undo'].format(page=_page(runtime, customer))}"
    for order in orders:
        dedupe = suppressions.confirmation_of(order)
        told = order.mirror in ("listed", "theirs") or order.reason != "opt-out"
        if not told and _may_write(session, runtime, order, customer, dedupe):
            subject = say["everything subject"].format(firm=firm)
            return _write(session, runtime, order, customer, dedupe, subject, text, None)
    return None


def of_return_everywhere(
    session: Session,
    runtime: Runtime,
    orders: Sequence[Suppression],
    customer: Customer,
    language: str = "",
    *,
    stay: Sequence[str] = (),
    by_start: bool = False,
) -> Letter | None:
    """Confirms by one letter that all these orders were taken back at once, and which channels `stay` stopped, one of
    them until the carrier hears a START.
    """
    say, page = languages.choose(_SAID, language, customer.language), _page(runtime, customer)
    text = say["everything back"].format(page=page)
    if stay:
        parts = [say["some back"].format(ways=", ".join(say[channel] for channel in stay))]
        parts += [say["by start"]] if by_start else []
        text = " ".join([*parts, say["some back undo"].format(page=page)])
    for order in orders:
        dedupe = f"{_BACK}{order.id}"
        if order.mirror != "theirs" and _may_write(session, runtime, order, customer, dedupe):
            subject = say["everything back subject"].format(firm=runtime.settings.firm_name)
            return _write(session, runtime, order, customer, dedupe, subject, text, None)
    return None


def is_stale(session: Session, runtime: Runtime, letter: Letter) -> bool:
    """True for a confirmation that has waited too long, or of what was undone since."""
    if letter.kind != KIND or letter.customer_id is None:
        return False
    if letter.created_at < runtime.now() - suppressions.CONFIRMED_WITHIN:
        return True
    order = session.get(Suppression, int(number)) if (number := letter.dedupe.partition(":")[2]).isdigit() else None
    return order is None or (order.lifted_at is not None) != letter.dedupe.startswith(_BACK)


def _page(runtime: Runtime, customer: Customer) -> str:
    return f"{runtime.settings.public_url}/p/{runtime.token('customer', customer.id)}"


def _may_write(session: Session, runtime: Runtime, order: Suppression, customer: Customer, dedupe: str) -> bool:
    if order.channel not in CHANNELS or order.channel not in runtime.usable_channels():
        return False
    # The letter holds the customer's own link, which is for nobody who has got hold of one of their mails.
    if not any(one.channel == order.channel and one.address == order.address for one in customer.contact_points):
        return False
    if letters.written(session, dedupe) is not None:
        return False
    lately = session.scalar(
        select(func.count())
        .select_from(Letter)
        .where(
            Letter.channel == order.channel,
            Letter.address == order.address,
            Letter.kind == KIND,
            Letter.created_at > runtime.now() - timedelta(days=1),
        )
    )
    return (lately or 0) < _MOST_A_DAY and caps.may_answer(session, runtime, order.address)


def _write(
    session: Session,
    runtime: Runtime,
    order: Suppression,
    customer: Customer,
    dedupe: str,
    subject: str,
    text: str,
    conversation_id: int | None,
) -> Letter:
    waits = order.mirror == "take"
    return letters.write(
        session,
        runtime,
        kind=KIND,
        dedupe=dedupe,
        channel=order.channel,
        address=order.address,
        subject=subject,
        text=text,
        customer=customer,
        conversation=session.get(Conversation, conversation_id) if conversation_id else None,
        due_at=runtime.now() + _AFTER_PROVIDER if waits else None,
    )
