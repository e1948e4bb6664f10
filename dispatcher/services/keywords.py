"""Words on which the carriers act by themselves, and whole messages of other languages than the rules know.

Only a whole message counts. "Stop loss at 42" and "cancel my order" are a dealing desk's daily words: what is said in
sentences is for `understanding`.
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
arret | arreter | arretez | desabonner | se desabonner | me desabonner | desabonnement | desabonnez moi
desinscription | desinscrire | me desinscrire | desinscrivez moi | je veux me desabonner | je souhaite me desabonner
je souhaite me desinscrire | plus de messages | plus de sms | plus de mails | plus d appels | ne m appelez plus
ne m ecrivez plus | ne me contactez plus | retirez moi de la liste | retirez moi de votre liste
baja | darme de baja | dar de baja | deme de baja | quiero darme de baja 
cancelar suscripcion | no mas mensajes | no mas llamadas | no mas correos | no me llame mas | no me escriba mas
cancellami | cancellatemi | disiscrivimi | disiscrivetemi | disiscrizione | basta messaggi
afmelden | uitschrijven | meld mij af
cancelar inscricao | descadastrar | remover inscricao | avregistrera | avmeld | wypisz | wypisz mnie | uyelikten cik
стоп | отписаться | отпишите меня | отписка | إيقاف | توقف | الغاء الاشتراك | إلغاء الاشتراك
退订 | 取消订阅 | 退訂 | 取消訂閱 | 停止 | 配信停止 | 수신거부 | 중지
"""
_START = "reabonner | me reabonner | reanudar"
_SPACED = re.compile(r"(?:\w ){3,}\w")  # s t o p
_ANSWERED = re.compile(r"\s*(?:re|aw|sv|fw|fwd|wg|tr|rv|antw|r|vs)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)


def plain(text: str) -> str:
    """Lower case, without accents and punctuation."""
    if len(text) > 8 * _LONGEST:
        return text.casefold()
    folded = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[\W_]+", " ", "".join(one for one in folded if not unicodedata.combining(one))).strip()


def _phrases(table: str) -> frozenset[str]:
    return frozenset(plain(part) for line in table.splitlines() for part in line.split("|") if part.strip())


_STOPS, _STARTS = _phrases(_STOP), _phrases(_START)

# What people put around a wish without changing it. Taken away from both ends only.
_POLITE = _phrases(
    "please | thanks | bonjour | merci | hola | gracias | s il vous plait | svp | por favor | s il te plait"
)


def wish_of(channel: str, text: str, keyword: str = "") -> Wish:
    """Whether the whole message says stop or start, else ""; `keyword` is what the carrier made of a text message."""
    if channel in _TEXT_CHANNELS and keyword in ("stop", "start"):
        return "stop" if keyword == "stop" else "start"
    said = plain(text)
    if not said or len(said) > _LONGEST:
        return ""
    if _SPACED.fullmatch(said):
        said = said.replace(" ", "")
    if channel in _TEXT_CHANNELS and said in _CARRIERS_STOP | _CARRIERS_START:
        return "stop" if said in _CARRIERS_STOP else "start"
    asked = _without_politeness(said)
    return "stop" if asked in _STOPS else "start" if asked in _STARTS else ""


def own_subject(channel: str, subject: str) -> str:
    """A mail's subject where it is of the writer's own and may speak for an empty body; "" for an answer's."""
    return "" if channel != "email" or _ANSWERED.match(subject) else subject


def is_agreement(text: str) -> bool:
    """True for the one carriers' word of opting in that is also the natural answer to a question."""
    return plain(text) == "yes"


def _without_politeness(said: str) -> str:
    before = ""
    while said != before:
        before = said
        for one in _POLITE:
            said = said.removeprefix(f"{one} ").removesuffix(f" {one}")
    return said
