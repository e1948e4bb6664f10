"""What customers read about their order requests, in their language, and what reps write that confirms nothing."""

from __future__ import annotations

import re
from datetime import datetime

from dispatcher.model import OrderRequest
from dispatcher.services import languages, local_time

# No word of the order itself: who reads the letter knows what they asked for, and others need not.
_WORDS = {
    "en": {
        "your representative": "your representative",
        "subject": "Your order request: not accepted yet",
        "noted": "We have noted your order request of {at}. It is NOT accepted until {rep} has confirmed it to you.",
        "call": "If it is urgent, please call {phone}.",
        "not passed": "Until you have that confirmation, nothing is bought or sold.",
        "withdrawn subject": "Your message was not taken as an order",
        "withdrawn": "We had noted your message of {at} as an order request. {rep} has read it: it is not treated as "
        "an order, and nothing is bought or sold. If it was meant as one, please tell us.",
        "read back": "{rep} has understood: {words}\nNot accepted yet. Please say if anything is wrong.",
        "confirmed": "Confirmed by {rep} at {at}: {words}",
        "declined": "Declined by {rep} at {at}: your order request of {of} {asked}\nWhy: {words}\nNothing of it is "
        "bought or sold.",
        "open": "(Your order request is not accepted until it is confirmed to you as such.)",
    },
    "de": {
        "your representative": "Ihr Betreuer",
        "subject": "Ihr Auftragswunsch: noch nicht angenommen",
        "noted": "Wir haben Ihren Auftragswunsch von {at} notiert. Er ist NICHT angenommen, bis {rep} ihn Ihnen "
        "bestätigt hat.",
        "call": "Wenn es eilt, rufen Sie bitte {phone} an.",
        "not passed": "Bis zu dieser Bestätigung wird nichts gekauft oder verkauft.",
        "withdrawn subject": "Ihre Nachricht gilt nicht als Auftrag",
        "withdrawn": "Wir hatten Ihre Nachricht von {at} als Auftragswunsch notiert. {rep} hat sie gelesen: Sie gilt "
        "nicht als Auftrag, es wird nichts gekauft oder verkauft. War sie so gemeint, sagen Sie es uns bitte.",
        "read back": "{rep} hat verstanden: {words}\nNoch nicht angenommen. Bitte melden Sie sich, wenn etwas nicht "
        "stimmt.",
        "confirmed": "Bestätigt von {rep} um {at}: {words}",
        "declined": "Abgelehnt von {rep} um {at}: Ihr Auftragswunsch von {of} {asked}\nGrund: {words}\nDavon wird "
        "nichts gekauft oder verkauft.",
        "open": "(Ihr Auftragswunsch ist nicht angenommen, bis er Ihnen ausdrücklich bestätigt wird.)",
    },
    "fr": {
        "your representative": "votre conseiller",
        "subject": "Votre demande d'ordre : pas encore acceptée",
        "noted": "Nous avons noté votre demande d'ordre de {at}. Elle n'est PAS acceptée tant que {rep} ne vous l'a "
        "pas confirmée.",
        "call": "En cas d'urgence, appelez le {phone}.",
        "not passed": "D'ici là, rien n'est acheté ni vendu.",
        "withdrawn subject": "Votre message n'est pas traité comme un ordre",
        "withdrawn": "Nous avions noté votre message de {at} comme une demande d'ordre. {rep} l'a lu : il n'est pas "
        "traité comme un ordre, rien n'est acheté ni vendu. S'il en était un, dites-le-nous.",
        "read back": "{rep} a compris : {words}\nPas encore accepté. Dites-nous si quelque chose est inexact.",
        "confirmed": "Confirmé par {rep} à {at} : {words}",
        "declined": "Refusé par {rep} à {at} : votre demande d'ordre de {of} {asked}\nRaison : {words}\nRien n'en est "
        "acheté ni vendu.",
        "open": "(Votre demande d'ordre n'est pas acceptée tant qu'elle ne vous est pas expressément confirmée.)",
    },
}

_UNTOLD = {
    False: "Tell them by telephone that their order is not accepted yet",
    True: "Tell them by telephone that what they wrote is not treated as an order",
}

# Sent alone by mail or text message these would tell a customer that a deal is done.
_VERDICTS = re.compile(
    r"(?:(?:i|we|ich|wir)\s+)?(?:ok(?:ay)?[\s,]+)?(?:order\s+|auftrag\s+)?"
    r"(?:confirm(?:ed|s)?|accept(?:ed)?|approved?|done|filled|executed|booked|agreed|deal|decline[ds]?|reject(?:ed)?|"
    r"bestaetigt?e?|bestätigt?e?|bestätigen|angenommen|akzeptiert|erledigt|ausgeführt|ausgefuehrt|abgelehnt|"
    r"confirmée?|acceptée?|refusée?)"
    r"(?:\s+(?:order|it|this|auftrag|thanks|danke|merci))?",
    re.IGNORECASE,
)


def say(language: str, name: str, **values: str) -> str:
    """One of the texts, with its places filled in, in this language; English where it is none of ours."""
    return languages.choose(_WORDS, language)[name].format(**values)


def spoken_in(order: OrderRequest) -> str:
    """The language in which its customer reads of it: that of the request where it is certain, else the directory's."""
    directory = order.conversation.customer.language
    return languages.of_answer(order.reply.text, directory) or directory


def hour(order: OrderRequest, at: datetime) -> str:
    """The time of day where its customer is."""
    return local_time.hour(at, local_time.zone(order.conversation.customer.timezone))


def is_verdict(words: str) -> bool:
    """Whether a representative's whole message is nothing but "confirmed", "declined" or the like."""
    return _VERDICTS.fullmatch(" ".join(words.split()).strip(" .!?,;:\"'*-")) is not None


def untold(channel: str, why: str, *, withdrawn: bool) -> str:
    """What a person is to do where the letter by `channel` that tells a customer of their order does not arrive."""
    way = "text message" if channel == "sms" else "mail"
    return f"{_UNTOLD[withdrawn]}: the {way} that says so does not reach them ({why})"
