"""Words by which people say that they want no more messages, or want them again.

Only a whole message counts, with politeness around it: "stop" and "Please stop!" do, "stop loss at 42" and "cancel
my order" are a dealing desk's daily words and go to the representative.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Wish = Literal["", "stop", "start"]

_LONGEST = 80

# The carriers act on these by themselves, so we must follow. Bare they must be: "cancel please" may be an order to a
# broker, and by mail even the bare "cancel" is.
_CARRIERS_STOP = frozenset(["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"])
_CARRIERS_START = frozenset(["start", "yes", "unstop"])
_TEXT_CHANNELS = ("sms",)

_STOP = """
stop | stop all | stopall | stopp | stop texting | stop texting me | stop messaging me
stop sending | stop sending me messages | stop sending me texts | stop sending me emails | stop sending me alerts
stop sending messages | stop sending me these | stop sending these | stop these messages | stop these emails
stop these texts | stop these calls | stop the messages | stop the texts | stop the emails | stop the calls
stop calling | stop calling me | stop emailing me | stop mailing me | stop contacting me | stop messages | stop texts
stop emails | stop calls | stop alerts | stop unsubscribe
unsubscribe | unsubscribe me | unsub | unsubscribe from list | unsubscribe from this list
unsubscribe me from this list | i want to unsubscribe | i would like to unsubscribe | i wish to unsubscribe
unsubscribe from these alerts | unsubscribe me from these alerts | unsubscribe from all | unsubscribe all
revoke | revoke consent | revoke my consent | i revoke my consent | i revoke consent
opt out | optout | opt me out | i opt out | i want to opt out | i would like to opt out
remove me | remove me from this list | remove me from the list | remove me from your list
remove me from your mailing list | remove me from the mailing list | remove me from all lists | remove my number
remove my email | remove my email address | remove my address | delete my number | delete my email address
take me off | take me off this list | take me off the list | take me off your list | take my number off your list
no more messages | no more texts | no more text messages | no more emails | no more mails | no more mail
no more calls | no more alerts | no more of these
do not text | do not text me | do not text me again | do not text me anymore | do not text this number
do not call | do not call me | do not call me again | do not call me anymore | do not call this number
do not contact me | do not contact me again | do not contact me anymore
do not email me | do not email me again | do not email me anymore | do not message me | do not message me again
do not send me any more messages | do not send me any more emails | do not send me any more texts
do not send me any more alerts | do not send me anything | do not send me messages | do not send me emails
i do not want these messages | i do not want these emails | i do not want these calls | i do not want these alerts
i do not want any more messages | i do not want any more calls | i do not want any more emails
i no longer want these messages | i no longer want these alerts | i no longer wish to receive these messages
i no longer wish to receive these emails | i no longer wish to receive these alerts | leave me alone
abmelden | abbestellen | austragen | abmeldung | ich mochte mich abmelden | melden sie mich ab | melde mich ab
keine nachrichten mehr | keine anrufe mehr | keine sms mehr | keine mails mehr | keine e mails mehr
nicht mehr anrufen | nicht mehr schreiben | rufen sie mich nicht mehr an | schreiben sie mir nicht mehr
loschen sie meine nummer | loschen sie meine adresse | nehmen sie mich aus dem verteiler | aus dem verteiler nehmen
aus verteiler streichen | newsletter abbestellen
arret | arreter | arretez | desabonner | se desabonner | me desabonner | desabonnement | desabonnez moi
desinscription | desinscrire | me desinscrire | desinscrivez moi | je veux me desabonner | je souhaite me desabonner
je souhaite me desinscrire | plus de messages | plus de sms | plus de mails | plus d appels | ne m appelez plus
ne m ecrivez plus | ne me contactez plus | retirez moi de la liste | retirez moi de votre liste
baja | darme de baja | dar de baja | deme de baja | quiero darme de baja 
cancelar suscripcion | no mas mensajes | no mas llamadas | no mas correos | no me llame mas | no me escriba mas
"""
_START = """
start | unstop | subscribe | resubscribe | opt in | optin | start again | opt me in
opt me back in | wieder anmelden | anmelden | reabonner | me reabonner | reanudar
"""


_WRONG_PERSON = """
wrong number | wrong person | wrong phone | wrong phone number | wrong email | wrong email address | wrong address
you have the wrong number | you have the wrong person | you ve got the wrong number | you got the wrong number
you have the wrong email | you have the wrong email address | i think you have the wrong number | sorry wrong number
i think you have the wrong person | sorry wrong person | this is the wrong number | this is a wrong number
this is not my account | i am not who you think | i do not know who you are | not the right person | wrong recipient
you have reached the wrong person | you have reached the wrong number | i am not the person you are looking for
falsche nummer | falsche person | falscher empfanger | sie haben die falsche nummer | falsche adresse
mauvais numero | mauvaise personne | vous avez le mauvais numero | erreur de numero | vous vous trompez de numero
numero equivocado | persona equivocada | se equivoca de numero | tiene el numero equivocado
"""
# With somebody's name at the end.
_NOT_THEM = """
this is not | i am not | im not | i m not | no longer | not | this is no longer | this number does not belong to
this is not the number of | there is no | ich bin nicht | hier ist nicht | das ist nicht | je ne suis pas
ce n est pas | no soy
"""


def _phrases(table: str) -> frozenset[str]:
    return frozenset(part.strip() for line in table.splitlines() for part in line.split("|") if part.strip())


_STOPS, _STARTS = _phrases(_STOP), _phrases(_START)
_WRONG, _NOT = _phrases(_WRONG_PERSON), _phrases(_NOT_THEM)

_ANSWERED = re.compile(r"\s*(?:re|aw|sv|fw|fwd|wg|tr|rv|antw|r|vs)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)

# What people put around a wish without changing it. Taken away from both ends only.
_POLITE = _phrases(
    "please | pls | plz | kindly | thanks | thx | ty | hi | hello | dear | sir | madam | team | bitte | danke | merci"
)
_SHORT_FORMS = (
    ("don t", "do not"),
    ("dont", "do not"),
    ("any longer", "anymore"),
    ("thank you", "thanks"),
    ("s il vous plait", "please"),
    ("svp", "please"),
    ("por favor", "please"),
    ("gracias", "thanks"),
)


def wish_of(channel: str, text: str, subject: str = "", keyword: str = "") -> Wish:
    """Whether the whole message says stop or start, else "".

    `keyword` is what the carrier made of a text message. The subject speaks for a mail whose body is empty.
    """
    if channel in _TEXT_CHANNELS and keyword in ("stop", "start"):
        return "stop" if keyword == "stop" else "start"
    said = plain(text)
    # "Re: Stop" over an empty body answers an alert of that name: only a subject of their own counts.
    return _wish(channel, plain(subject) if channel == "email" and not said else said)


def own_subject(channel: str, subject: str) -> str:
    """A mail's subject where it is of the writer's own and may speak for an empty body; "" for an answer's."""
    return "" if channel != "email" or _ANSWERED.match(subject) else subject


def is_wrong_person(text: str, name: str = "") -> bool:
    """Whether the whole message says that it reached somebody else than the customer of this name."""
    if len(text) > 2 * _LONGEST:
        return False
    said = _without_politeness(plain(text)).removeprefix("sorry ")
    if said in _WRONG:
        return True
    names = {plain(name), *(word for word in plain(name).split()[:1] + plain(name).split()[-1:] if len(word) > 2)} - {
        ""
    }
    tails = ("", " phone", " number", " s phone", " s number", " anymore", " any more", " s phone anymore")
    return any(said == f"{front} {one}{tail}" for front in _NOT for one in names for tail in tails)


def is_agreement(text: str) -> bool:
    """True for the one carriers' word of opting in that is also the natural answer to a question."""
    return plain(text) == "yes"


def plain(text: str) -> str:
    """Lower case, without accents and punctuation, short forms written out."""
    if len(text) > 8 * _LONGEST:
        return text.casefold()
    folded = unicodedata.normalize("NFKD", text.casefold())
    words = re.sub(r"[\W_]+", " ", "".join(one for one in folded if not unicodedata.combining(one)))
    for short, long in _SHORT_FORMS:
        words = re.sub(rf"\b{short}\b", long, words)
    return words.strip()


def _without_politeness(said: str) -> str:
    words = said.split()
    while words and words[0] in _POLITE:
        del words[0]
    while words and words[-1] in _POLITE:
        del words[-1]
    return " ".join(words)


def _wish(channel: str, said: str) -> Wish:
    if not said or len(said) > _LONGEST:
        return ""
    if channel in _TEXT_CHANNELS and said in _CARRIERS_STOP:
        return "stop"
    if channel in _TEXT_CHANNELS and said in _CARRIERS_START:
        return "start"
    asked = _without_politeness(said)
    return "stop" if asked in _STOPS else "start" if asked in _STARTS else ""
