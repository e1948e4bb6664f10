"""What notes of absence are made of, in English and German, and what people write that no machine would.

People say that they are away, too: no single feature makes a note, and a sentence of theirs beside it makes it theirs.
"""

from __future__ import annotations

import re

_DAY = r"(?:\d|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b|tomorrow|next (?:week|month|year)|"
_DAY += (
    r"january|february|march|april|may\b|june|july|august|september|october|november|december|further notice|soon\b|"
)
_DAY += (
    r"montag|dienstag|mittwoch|donnerstag|freitag|januar|februar|märz|juni|juli|oktober|dezember|auf weiteres|ende )"
)

# Each feature counts once.
ABSENT: dict[str, re.Pattern[str]] = {
    kind: re.compile("|".join(some), re.IGNORECASE)
    for kind, some in {
        "away": (
            r"\b(?:i am|i'm|i’m|i will be|i'll be|i’ll be|i shall be|we are|we will be|currently|presently|"
            r"am)\b.{0,60}\b(?:out of (?:the |my |our )?(?:office|town|country)|away\b|on (?:\w+ ){0,3}(?:leave|"
            r"vacation|holidays?|pto|break|business trip)|travell?ing|not in the office|off (?:work|sick|today|"
            r"until)|unavailable|absent|skiing|at a conference|on sabbatical|working part[- ]time)",
            r"\bout[ -]of[ -](?:the[ -])?office\b|\booo\b|^\W*(?:away|on (?:\w+ ){0,2}(?:leave|vacation|holidays?|"
            r"pto)|skiing|travelling)\b",
            r"\b(?:bin|befinde mich|werde|sind|ist|war)\b.{0,80}\b(?:nicht (?:im|in|am) (?:meinem )?(?:büro|hause?|"
            r"dienst|platz|arbeitsplatz)|außer haus|ausser haus|abwesend|im (?:wohlverdienten )?urlaub|in "
            r"(?:elternzeit|mutterschutz|den ferien)|in teilzeit|auf (?:dienst|geschäfts)?reisen?|nicht "
            r"(?:erreichbar|da|verfügbar|am platz)|erkrankt|krank)\b",
            r"\bje suis (?:absent|en (?:congés?|vacances|déplacement))|\bestoy (?:fuera|ausente|de vacaciones)|"
            r"\bsono (?:assente|fuori|in ferie)",
            r"\bi(?:'ve| have|’ve) left\b|\b(?:no longer|nicht mehr)\b.{0,40}\b(?:with|at|works?|working|employed|"
            r"für|bei|tätig)\b|\bhas left (?:the |our |us)|\bunternehmen verlassen|\b(?:retired|im ruhestand)\b",
            r"\b(?:office|offices|we|büro|haus|firma|unternehmen|kanzlei|bank)\b.{0,60}\b(?:is|are|will be|ist|"
            r"bleibt|hat|haben|sind)\b.{0,60}\b(?:closed|geschlossen|betriebsferien|betriebsurlaub)\b",
        ),
        "back": (
            rf"\b(?:return(?:ing)?|be back|am back|back|resume|available again)\b.{{0,60}}{_DAY}",
            r"\bwieder\b.{0,40}\b(?:erreichbar|im büro|da|zurück|im hause?|für sie|verfügbar)\b|\bwhen i(?:'m|’m)? "
            r"(?:return|am back|back|get back)",
            rf"\b(?:ab|am|seit)\b.{{0,40}}{_DAY}.{{0,40}}\b(?:wieder|zurück)\b|\bzurück\b.{{0,20}}{_DAY}|"
            rf"\bkehre\b.{{0,40}}\bzurück",
        ),
        "left": (
            r"\bi(?:'ve| have|’ve) left\b|\bhas left (?:the |our |us)|\bunternehmen verlassen|\b(?:retired|im "
            r"ruhestand)\b",
            r"\b(?:no longer|nicht mehr)\b.{0,40}\b(?:works?|working|employed|tätig|beschäftigt)\b",
        ),
        "closed": (
            r"\b(?:office|offices|we|büro|haus|firma|unternehmen|kanzlei|bank)\b.{0,60}\b(?:closed|geschlossen|"
            r"betriebsferien|betriebsurlaub)\b",
        ),
        "until": (rf"\b(?:until|till|through|bis|starting|from|vom|ab)\b.{{0,30}}{_DAY}",),
        "access": (
            rf"\b(?:reply|respond|answer|get back|return|attend)\b.{{0,60}}\bon {_DAY}",
            r"\b(?:limited|no|little|intermittent|sporadic|restricted|without|occasional)\b.{0,25}\b(?:access|"
            r"connectivity)\b",
            r"\b(?:not|nicht|weder|kein(?:en)?|nur|unregelmäßig|sporadisch)\b.{0,60}\b(?:weitergeleitet|forwarded|"
            r"gelesen|zugriff|checking|reading|abrufen|bearbeitet)\b",
            r"\b(?:reply|respond|answer|get back|read|antworten?|beantworten?|beantwortet|melde|"
            r"lese)\b.{0,80}\b(?:upon|on my|after|when|once|as soon as|nach|sobald|danach|anschließend|"
            r"schnellstmöglich|baldmöglichst|umgehend)\b",
        ),
        "instead": (
            r"\b(?:for|on) (?:trad(?:es?|ing)|orders?|dealing|anything|any(?: other)? (?:questions?|queries|"
            r"matters?)|inquiries|enquiries)\b.{0,60}\b(?:please|contact|use|call|write)\b",
            r"\b(?:urgent|urgently|emergenc\w+|immediate|assistance|in my absence|während meiner|vertretung|vertritt|"
            r"vertreten|dringend\w*|eilig\w*|notf[aä]lle?n?|cover|covering)\b",
            r"\b(?:please|kindly|you can|you may) (?:contact|call|e-?mail|reach(?: out to)?|write to|direct|speak "
            r"(?:to|with)|refer)\b",
            r"\b(?:wenden sie sich|kontaktieren sie|erreichen sie|steht ihnen|stehen ihnen|hilft ihnen|ihr "
            r"ansprechpartner)\b",
        ),
        "thanks": (
            r"\b(?:thank you|thanks|many thanks) for (?:your|the|contacting|getting|writing|reaching)",
            r"\b(?:dank|danke) für (?:ihre?n?|deine|die) ?(?:e-?mail|nachricht|mail|anfrage|interesse|schreiben)",
        ),
    }.items()
}

FIRST_PERSON = re.compile(r"\b(?:I|I'm|I’m|my|me|our|ich|mein\w*|mir|mich|wir|unser\w*)\b", re.IGNORECASE)

# What only people write: orders, requests, questions to somebody. Of their own account, which an "if you" is not.
PERSON = re.compile(
    r"\b(?:buy|sell|bid|offered at|bought|sold|short|unwind|hedge|take profit|stop[ -]?loss|at (?:best|market|limit|"
    r"reoffer|par)|limit (?:of|at|\d)|shares|order|orders|fill|trim|position|call me|ring me|phone me|give me a "
    r"(?:call|ring|bell)|text me|could you|can you|would you|do you|did you|let me know|let's|go ahead|hold off|"
    r"interested|my (?:mobile|cell)|i(?:'d| would|’d) (?:like|prefer)|we(?:'d| would|’d) (?:like|prefer)|i want|we "
    r"want|please (?:do|send|put|keep|look|check|advise|revert|arrange|confirm|book|execute|forward|resend|fax|phone|"
    r"ring|cancel|take|tell|explain|use|add|remove)|your (?:view|note|alert|call|report|piece|link)|price|target|"
    r"yield|coupon|agreed|understood|noted|kaufe?n?|verkaufe?n?|gekauft|verkauft|stück|aktien|auftrag|limit|kurs|"
    r"kursziel|rendite|rufen sie (?:mich|uns|bitte)|ruf mich|könnten sie|können sie|würden sie|ich (?:möchte|hätte|"
    r"nehme|will)|wir (?:möchten|hätten|nehmen|wollen)|interesse|interessiert|einverstanden|bitte (?:um|für|senden|"
    r"schicken|streichen|stornieren|trotzdem))\b|\?\s*$",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"^\W*(?:hello|hi|dear|good (?:morning|day|afternoon)|hallo|sehr geehrte|guten (?:tag|morgen)|liebe[rs]?|(?:kind|"
    r"best|warm|many)? ?(?:regards|wishes|thanks)|sincerely|yours|mit (?:freundlichen|besten) grüßen|(?:viele|beste|"
    r"freundliche) grüße|mfg|lg)\b",
    re.IGNORECASE,
)


# "30. November" is a date and no end of a sentence.
_ENDS = re.compile(
    r"(?<=[.!?])\s+(?=[^a-zäöü\s])(?!(?:Jan|Feb|Mär|Mar|Apr|Mai|May|Jun|Jul|Aug|Sep|Okt|Oct|Nov|Dez|Dec))|\n+"
)


def sentences(text: str) -> list[str]:
    """The sentences of a text, of at most 300 characters each, at most 80."""
    joined = re.sub(r"(?<![.!?:\n])\n(?=[a-zäöüß(\d])", " ", text[:20_000])
    pieces = _ENDS.split(joined)
    return [one.strip()[:300] for one in pieces if re.search(r"\w", one)][:80]


def without_greeting(sentence: str) -> str:
    """What a sentence says after its greeting; "" for a greeting or a closing alone."""
    if not _FILLER.match(sentence):
        return sentence
    rest = sentence.partition(",")[2].strip()
    return rest if len(rest.split()) > 2 else "" if len(sentence) < 80 else sentence


def meanwhile(text: str) -> str:
    """The sentences of a note of absence that say until when, and who is there instead; "" where none does plainly."""
    found = sentences(text)
    back = next((one for one in found if ABSENT["back"].search(one) or ABSENT["until"].search(one)), "")
    named = re.compile(r"[@\d]|\b[A-ZÄÖÜ]\w+ [A-ZÄÖÜ]\w")
    instead = next((one for one in found if ABSENT["instead"].search(one) and named.search(one) and one != back), "")
    parts = (f"away: “{back[:120]}”" if back else "", f"instead: “{instead[:150]}”" if instead else "")
    return "; ".join(one for one in parts if one)
