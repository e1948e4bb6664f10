"""Spelling: what people shorten, and the slips of long words that the rules live by."""

from __future__ import annotations

from functools import cache

_WORDS = {
    "pls": "please", "plz": "please", "plse": "please", "pse": "please", "plase": "please", "pleas": "please",
    "pl": "please", "thx": "thanks", "tx": "thanks", "tks": "thanks", "thanx": "thanks", "ty": "thanks", "u": "you",
    "ur": "your", "r": "are", "ya": "you", "ive": "i have", "id": "i would", "ill": "i will", "dont": "do not",
    "donot": "do not", "cant": "can not", "cannot": "can not", "wont": "will not", "didnt": "did not",
    "doesnt": "does not", "isnt": "is not", "wasnt": "was not", "havent": "have not", "hasnt": "has not",
    "wouldnt": "would not", "shouldnt": "should not", "arent": "are not", "wanna": "want to", "gonna": "going to",
    "gotta": "have to", "gimme": "give me", "lemme": "let me", "lets": "let us", "cld": "could", "wld": "would",
    "shd": "should", "shld": "should", "msg": "message", "msgs": "messages", "mesage": "message",
    "mesages": "messages", "txt": "text", "txts": "texts", "txting": "texting", "mkt": "market", "lmt": "limit",
    "mrkt": "market", "shs": "shares", "shrs": "shares", "sh": "shares", "cxl": "cancel", "cncl": "cancel",
    "canx": "cancel", "pos": "position", "tmrw": "tomorrow", "tmr": "tomorrow", "tomoz": "tomorrow", "stp": "stop",
    "stoppt": "stop", "stoppe": "stop", "stopp": "stop", "stoop": "stop", "sotp": "stop", "unsub": "unsubscribe",
    "optout": "opt out", "mob": "mobile", "nos": "numbers", "num": "number", "nbr": "number", "mails": "emails",
    "mail": "email", "tlf": "tel", "fon": "telefon", "anymore": "any more", "anylonger": "any longer", "stk": "stuck",
    "stck": "stuck", "bt": "bitte", "btte": "bitte", "biite": "bitte", "bite": "bitte", "bidde": "bitte",
    "nich": "nicht", "nid": "nicht", "noed": "nicht", "nimmer": "nicht mehr",
    "nimma": "nicht mehr", "nume": "nicht mehr", "numme": "nicht mehr", "nuemme": "nicht mehr", "kei": "kein",
    "koa": "kein", "koane": "keine", "bittschon": "bitte", "bittschoen": "bitte", "stopt": "stop", "nix": "nichts",
    "ruckruff": "ruckruf", "rueckruf": "ruckruf", "tele": "tel",
    "abo": "abonnement", "nachr": "nachrichten", "nr": "nummer", "smses": "sms", "vk": "verkaufen",
    "vkf": "verkaufen", "kfn": "kaufen", "2day": "today", "2moro": "tomorrow", "abt": "about", "bc": "because",
    "coz": "because", "cos": "because", "cuz": "because", "infos": "info", "stoploss": "stop loss",
    "stopplimit": "stop limit", "stoplimit": "stop limit", "vll": "vielleicht", "vlt": "vielleicht",
    "evtl": "eventuell", "telefonnummer": "nummer", "handynummer": "nummer", "rufnummer": "nummer",
    "handynr": "nummer", "mailadresse": "adresse", "emailadresse": "adresse", "oof": "out of office",
    "ooo": "out of office", "cu": "see you", "hows": "how is", "wheres": "where is", "whens": "when is",
    "whos": "who is", "wots": "what is", "wot": "what", "wat": "what", "cll": "call", "cal": "call", "bck": "back",
    "rng": "ring", "sel": "sell", "sll": "sell", "byu": "buy", "verkafen": "verkaufen", "kaufn": "kaufen",
    "verkaufn": "verkaufen", "msging": "messaging", "txtng": "texting", "emailng": "emailing", "thru": "through",
    "tho": "though", "ppl": "people", "gr8": "great", "no1": "no one", "sth": "something",
    "fyi": "for your information", "nvm": "never mind", "bday": "birthday", "stopploss": "stop loss",
    "konf": "konferenz", "inkl": "inklusive", "ca": "circa", "zb": "zum beispiel", "orderbuch": "orderbuch",
    "newletter": "newsletter", "nd": "und", "&": "and", "+": "and", "w": "with", "mgmt": "management", "yr": "your",
    "gd": "good", "hv": "have", "hvnt": "have not", "wil": "will", "wrng": "wrong", "worng": "wrong",
    "wrnog": "wrong", "fone": "phone", "ph": "phone", "fro": "for", "teh": "the", "taht": "that",
    "recieve": "receive", "rcv": "receive", "recv": "receive",
}  # fmt: skip

# Long words of the rules: one slip is mended where the first letter is right.
_LONG_WORDS = """
unsubscribe unsubscribed subscribe subscription messages message emails alerts newsletter distribution mailing remove
removed receive receiving sending contact stopping texting calling delete address notifications unacceptable complaint
complain ombudsman regulator solicitor lawyer disgraceful appalling ridiculous incompetent interested purchase
position shares market office vacation holiday anymore please number person abmelden abmeldung abbestellen austragen
verteiler nachrichten anrufen anrufe loeschen loschen streichen entfernen kontaktieren nummer verkaufen kaufen ruckruf
zuruckrufen telefonisch beschwerde beschweren inakzeptabel unverschamt interesse aktien auftrag stornieren urlaub
abwesend erreichbar belastigen widerrufe einwilligung kundigen bitte mehr
"""
# Words of their own, a letter away from those.
_NO_SLIPS = """
kaufer verkaufer kaeufer verkaeufer adresse adressen addresse numero numeros nummero massage massages remote removes
recall relieve deceive anmelden anmeldung anfragen anlaufen marked markt holidays persons purchased numbers position
positions positive partition shared sharks emailed mailings streiche kaufe verkaufe kauften kauft verkauft verkauften
nummern auftrage auftrags anruft angerufen rufen berufen personal lawyers contacts contract contracts contrast alert
alerted offices officer texting talking falling calming caring resting testing trading sender senden sendung ending
spending lending mending vending bending pending bitten mitte meer mehrere mahr address addresses addressed interests
interest interessen interessant interessiert complained complains complaints complete complex compliant loslassen
subscribed subscribes subscriber subscribers unsubscribes removal reserve received deleted delta deletes stopped
shopping stepping topping receives perceive receiver abwesen anwesend abgesendet
"""


@cache
def _slips() -> dict[str, str]:
    """Every long word with one letter left out, to the word: the way to those that are a slip away."""
    return {word[:at] + word[at + 1 :]: word for word in _LONG for at in range(1, len(word))}


def mend(token: str) -> str:
    """The word that is meant: a short form written out, one slip in a long word mended; else as it is."""
    if token in _WORDS:
        return _WORDS[token]
    if len(token) < 6 or not token.isalpha() or len(token) > 16 or token in _KNOWN:
        return token
    slips = _slips()
    if token in slips:
        return slips[token]
    for at in range(1, len(token)):
        shorter = token[:at] + token[at + 1 :]
        if shorter in _LONG:
            return shorter
        word = slips.get(shorter)
        if word is not None and (len(word) > 6 or len(word) == len(token)) and word[0] == token[0]:
            return word
    return token


_LONG = frozenset(word for word in _LONG_WORDS.split() if len(word) > 5)
_KNOWN = frozenset(_NO_SLIPS.split()) | _LONG
