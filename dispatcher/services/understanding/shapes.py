"""Words made alike: what people write, as the rules of understanding read it.

Lower case without accents, short forms written out, frequent slips of spelling mended, and what has a form in place of
a value replaced by a mark: `#q` an amount, `#n` another number, `#x` what is traded, `#tel`, `#t` a time, `#d` a date.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# "S&P 500" is no five hundred of anything; what two companies make together is no opt-out.
_INDEX = re.compile(
    r"\b(s ?& ?p|spx|nasdaq|ndx|euro ?stoxx|stoxx( europe)?|ftse|dax|mdax|sdax|tecdax|russell|nikkei|cac|smi|msci \w+|"
    r"dow( jones)?|topix|csi|asx|ibex|hang seng|sensex|nifty)[ -]?(\d{2,4})?\b"
)
_TICKER = re.compile(
    r"(?<![\w$@&'/-])\$?([A-Z]{2,5}|[A-Z]{2,4}\d?)(?:[. ](?:US|GY|GR|LN|FP|SW|N|O|L|DE|PA|MI|VX))?(?![\w@&'])"
)
_ISIN = re.compile(r"\b[A-Z]{2}[A-Z0-9]{9}\d\b|\b(?:WKN|ISIN|Valor|Valoren)[ :#-]{0,3}[A-Z0-9]{5,12}\b", re.IGNORECASE)
# In capitals, and nothing that is traded.
_NO_TICKER_WORDS = """
i a ok okay sms pls plz asap usd eur chf gbp jpy cad aud ceo cfo coo cto ipo fyi fca sec stop start rr ag uk us eu usa
etf pm am cet cest gmt est utc btw tbh imo imho dcf eps pe ebit gdp cpi fed ecb ezb boe fx pdf tv otc llc ltd gmbh hr it
vwap twap gtc gtd moc loc ioc fok mfg vg lg bg tel no yes not the and or to of on in at for me my we is be do if so up
go buy sell hold put call calls puts long short all half day end quit help info cancel revoke please lol wtf omg nyse
eod eom eow tbd tba rfq ioi mkt lmt min max mio mrd tsd stk nr re fw fwd aw wg tks thx ty np dm esg roi roe ytd yoy qoq
q1 q2 q3 q4 h1 h2 fy ja nein und der die das ein ich du sie wir ihr es zu mit von vom bei auf aus an nie nur uhr bitte
bafin finra eba esma mifid dsgvo gdpr ceos cfos id pin pa ps nb hi hey dear sir now who why how what when where you your
out off from this that these stopp mr mrs ms dr qty vs via per plc inc corp sa se nv by as has was are will can
unsub text mail email fax list call's ooo otoh afaik fwiw eta wfh mobile cell tia cc bcc msg txt fomo faq never ever
more any stopall agm egm hv wacc capm ism nfp ppi bip pmi mail tax irr npv cagr optout wrong urgent never dnc tcpa spam alert alerts messages
"""
_NO_TICKERS = frozenset(_NO_TICKER_WORDS.split())

_WORDS = {
    "pls": "please", "plz": "please", "plse": "please", "pse": "please", "plase": "please", "pleas": "please",
    "pl": "please", "thx": "thanks", "tx": "thanks", "tks": "thanks", "thanx": "thanks", "ty": "thanks", "u": "you",
    "ur": "your", "r": "are", "ya": "you", "ive": "i have", "id": "i would", "ill": "i will",
    "dont": "do not", "donot": "do not", "cant": "can not", "cannot": "can not", "wont": "will not",
    "didnt": "did not", "doesnt": "does not", "isnt": "is not", "wasnt": "was not", "havent": "have not",
    "hasnt": "has not", "wouldnt": "would not", "shouldnt": "should not", "arent": "are not", "wanna": "want to",
    "gonna": "going to", "gotta": "have to", "gimme": "give me", "lemme": "let me", "lets": "let us", "cld": "could",
    "wld": "would", "shd": "should", "shld": "should", "msg": "message", "msgs": "messages", "mesage": "message",
    "mesages": "messages", "txt": "text", "txts": "texts", "txting": "texting", "mkt": "market", "lmt": "limit",
    "mrkt": "market", "shs": "shares", "shrs": "shares", "sh": "shares", "cxl": "cancel", "cncl": "cancel",
    "canx": "cancel", "pos": "position", "tmrw": "tomorrow", "tmr": "tomorrow", "tomoz": "tomorrow",
    "stp": "stop", "stopp": "stop", "stoop": "stop", "sotp": "stop", "unsub": "unsubscribe", "optout": "opt out",
    "mob": "mobile", "nos": "numbers", "num": "number", "nbr": "number", "mails": "emails", "mail": "email",
    "tlf": "tel", "fon": "telefon", "anymore": "any more", "anylonger": "any longer", "stk": "stuck", "stck": "stuck", "bt": "bitte", "btte": "bitte", "biite": "bitte", "bite": "bitte", "bidde": "bitte",
    "nich": "nicht", "nix": "nichts", "ruckruff": "ruckruf", "rueckruf": "ruckruf",
    "tele": "tel", "abo": "abonnement", "nachr": "nachrichten", "nr": "nummer", "smses": "sms", "vk": "verkaufen",
    "vkf": "verkaufen", "kfn": "kaufen", "2day": "today", "2moro": "tomorrow", "abt": "about", "bc": "because",
    "coz": "because", "cos": "because", "cuz": "because", "infos": "info", "stoploss": "stop loss",
    "stopplimit": "stop limit", "stoplimit": "stop limit", "vll": "vielleicht", "vlt": "vielleicht", "evtl": "eventuell",
    "telefonnummer": "nummer", "handynummer": "nummer", "rufnummer": "nummer", "handynr": "nummer",
    "mailadresse": "adresse", "emailadresse": "adresse", "oof": "out of office", "ooo": "out of office",
    "cu": "see you", "hows": "how is", "wheres": "where is", "whens": "when is", "whos": "who is", "wots": "what is", "wot": "what", "wat": "what", "cll": "call", "cal": "call", "bck": "back", "rng": "ring", "sel": "sell", "sll": "sell", "byu": "buy", "verkafen": "verkaufen", "kaufn": "kaufen", "verkaufn": "verkaufen", "msging": "messaging", "txtng": "texting", "emailng": "emailing", "thru": "through", "tho": "though", "ppl": "people", "gr8": "great", "no1": "no one", "sth": "something", "fyi": "for your information", "nvm": "never mind", "bday": "birthday", "stopploss": "stop loss", "konf": "konferenz",
    "inkl": "inklusive", "ca": "circa", "zb": "zum beispiel", "orderbuch": "orderbuch", "newletter": "newsletter",
    "nd": "und", "&": "and", "+": "and", "w": "with", "mgmt": "management", "yr": "your", "gd": "good", "hv": "have",
    "hvnt": "have not", "wil": "will", "wrng": "wrong", "worng": "wrong", "wrnog": "wrong", "fone": "phone", "ph": "phone",
    "fro": "for", "teh": "the", "taht": "that", "recieve": "receive", "rcv": "receive", "recv": "receive",
}  # fmt: skip

# Long words of the rules: one slip (two from nine letters on) is mended where the first letter is right.
_LONG_WORDS = """
unsubscribe unsubscribed subscribe subscription messages message emails alerts newsletter distribution mailing remove
removed receive receiving sending contact stopping texting calling delete address notifications unacceptable complaint
complain ombudsman regulator solicitor lawyer disgraceful appalling ridiculous incompetent interested purchase position
shares market office vacation holiday anymore please number person
abmelden abmeldung abbestellen austragen verteiler nachrichten anrufen anrufe loeschen loschen streichen entfernen
kontaktieren nummer verkaufen kaufen ruckruf zuruckrufen telefonisch beschwerde beschweren inakzeptabel unverschamt
interesse aktien auftrag stornieren urlaub abwesend erreichbar belastigen widerrufe einwilligung kundigen bitte mehr
"""
# Words of their own, a letter away from those.
_NO_SLIPS = """
kaufer verkaufer kaeufer verkaeufer adresse adressen addresse massage massages remote removes recall relieve deceive anmelden anmeldung anfragen anlaufen marked markt marked holidays
persons purchased numbers position positions positive partition shared sharks emailed mailings streiche kaufe verkaufe
kauften kauft verkauft verkauften nummern auftrage auftrags anruft angerufen rufen berufen personal lawyers contacts
contract contracts contrast alert alerted offices officer texting talking falling calming caring resting testing
trading sender senden sendung ending spending lending mending vending bending pending bitten mitte meer mehrere
mahr address addresses addressed interests interest interessen interessant interessiert complained complains complaints
complete complex compliant loslassen subscribed subscribes subscriber subscribers unsubscribes removal reserve received
deleted delta deletes stopped shopping stepping topping receives perceive receiver abwesen anwesend abgesendet
"""

_AMOUNT = re.compile(r"[$€£]?\d[\d.,'’]*(?:k|m|mm|mn|mio|mil|mln|tsd|bn|b|mrd|x)\b\.?|[$€£]\d[\d.,']*")
_PLURAL = re.compile(r"\d{1,2}(?:\.\d+)?s")
_EMOJI = {"📞": " call ", "☎": " call ", "📱": " call ", "🤙": " call me ", "📲": " call ", "👍": " ok ", "🛑": " stop ",
          "🙏": " please ", "✋": " stop ", "😂": " lol ", "🤣": " lol ", "😆": " lol ", "🙄": " lol "}  # fmt: skip


# "im" is "I am" in English only.
_I_AM = re.compile(
    r"(?<!\S)im(?= (?:not|no|so|very|really|out|away|off|on|in|a|an|the|happy|done|ok|fine|sure|afraid|interested|also|just|still|at|your|sick|tired|very|now|back|[a-z]+ing)(?!\S))"
)


def fold(text: str) -> str:
    """Lower case, without accents; "ß" is "ss"."""
    return "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))


def shape(sentence: str) -> str:
    """One sentence as the rules read it, its words parted by one space; "," and a last "?" are words of their own."""
    marked = sentence
    for sign, word in _EMOJI.items():
        marked = marked.replace(sign, word)
    marked = _ISIN.sub(" xtraded ", marked)
    if not _shouted(marked):
        marked = _TICKER.sub(lambda found: found[0] if found[1].lower() in _NO_TICKERS else " xtraded ", marked)
    folded = fold(re.sub(r"[’‘´`ʼ]", "'", marked))
    folded = re.sub(r"<?(?<![\w.])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+>?", " #mail ", folded)
    folded = _INDEX.sub(" index ", folded)
    folded = re.sub(r"\be[- ]?mail", "email", folded)
    folded = _contractions(folded)
    folded = _numbers(folded)
    words: list[str] = []
    for token in re.findall(r"#\w+|[^\W_]+(?:[.][^\W_]+)*|[,?@%&+:/]|\.\.\.|…", folded):
        mended = _WORDS.get(token) or _mend(token)
        words.append(mended)
    said = " ".join(words).replace("xtraded", "#x").replace(":", ",").replace("/", "or").replace("...", ",")
    said = said.replace("…", ",")
    said = _I_AM.sub("i am", said)
    said = re.sub(
        r"#n (?=(?:shares?|lots?|contracts?|stucke?|stuecke?|anteile?|aktien|kontrakte|bonds?|units?)\b)", "#q ", said
    )
    said = re.sub(r"(?:#[nq]|half a|a|one|two|three|five|ten|eine?|zwei|drei|funf|zehn) (?:k|m|mm|mio|mln|million|millions|millionen|tausend|"
                  r"thousand|hundred|hundert|tsd|mrd|billion|grand|lots|lakh)(?!\S)", "#q", said)  # fmt: skip
    said = re.sub(
        r"(?<!\S)(?:zwei|drei|vier|funf|sechs|sieben|acht|neun|zehn|zwanzig|funfzig)(?:hundert|tausend)(?!\S)",
        "#q",
        said,
    )
    said = re.sub(r"(?<!\S)(\S+)(?: (?:, )?\1)+(?!\S)", r"\1", said)
    return re.sub(r"(?: ,)+(?= \?|$)|^(?:, )+|(?<=,)(?: ,)+", "", said).replace("? ?", "?").strip()


def _shouted(text: str) -> bool:
    letters = [one for one in text if one.isalpha()]
    return len(letters) > 12 and sum(one.isupper() for one in letters) > 0.8 * len(letters)


def _contractions(text: str) -> str:
    for short, long in (("won't", "will not"), ("can't", "can not"), ("n't", " not"), ("'ll", " will"), ("'d", " would"),
                        ("'re", " are"), ("'ve", " have"), ("'m", " am"), ("let's", "let us"), ("it's", "it is"),
                        ("there's", "there is"), ("that's", "that is"),
                        ("what's", "what is"), ("who's", "who is"), ("where's", "where is"), ("how's", "how is"),
                        ("he's", "he is"), ("here's", "here is"), ("geht's", "geht es"), ("gibt's", "gibt es")):  # fmt: skip
        text = text.replace(short, long)
    return text.replace("'", " ") if not re.search(r"\d'\d", text) else text


def _numbers(text: str) -> str:
    """Numbers by what they are: telephone, time, date, amount, other."""
    text = re.sub(r"(?<!\w)(?:\+|00)\d[\d ()/.-]{6,18}\d|(?<!\w)\(?0\d{2,5}\)?[ /-]\d[\d -]{4,12}\d|(?<![\w,.-])\d{3}[ -]\d{3,4}[ -]\d{4}(?!\w)",
                  " #tel ", text)  # fmt: skip
    text = re.sub(r"(?<!\w)x\d{3,5}(?!\w)|(?<!\w)ext\.? ?\d{2,6}", " #tel ", text)
    text = re.sub(r"(?<![\w.,])\d{1,2}[:.h]\d{2} ?(?:am|pm|uhr|h|cet|est|gmt)(?!\w)|(?<!\w)\d{1,2}:\d{2}(?!\w)|"
                  r"(?<!\w)\d{1,2} ?(?:a\.?m\.?|p\.?m\.?|uhr|o clock|oclock|h)(?!\w)", " #t ", text)  # fmt: skip
    text = re.sub(r"(?<!\w)\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})?(?!\w)|(?<!\w)(?:19[5-9]|20[0-4])\d(?![\w.,]\d|k|m\b)(?!\w)|"
                  r"(?<!\w)\d{1,2}\.? (?:jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez|marz)[a-z]*\.?(?!\w)|"
                  r"(?<!\w)\d{1,2}(?:st|nd|rd|th)(?!\w)", " #d ", text)  # fmt: skip
    text = re.sub(r"(?<!\w)\d[\d.,]* ?(?:%|percent|prozent|pct|bps?)(?!\w)", " #p ", text)
    text = re.sub(r"(?<!\w)1/[234](?!\w)", " half ", text)
    text = re.sub(r"(?<!\w)[qh][1-4](?!\w)|(?<!\w)[1-4]q(?!\w)", " quarter ", text)
    return re.sub(r"(?<![\w#])[$€£]?[+-]?\d[\w.,']*", _number, text)


def _number(found: re.Match[str]) -> str:
    raw = found[0]
    number = raw.rstrip(".,'")
    tail = " , " if raw.endswith(",") else " "
    if _AMOUNT.fullmatch(number):
        return f" #q{tail}"
    if _PLURAL.fullmatch(number):
        return f" #x{tail}"
    if not re.fullmatch(r"[+-]?\d[\d.,']*", number):
        return f" {number} "
    # "5,000" and "2.000" are thousands, "42.10" and "42,5" are not; a plain hundred or more is an amount.
    grouped = re.fullmatch(r"\d{1,3}(?:[.,']\d{3})+", number)
    whole = number.isdigit() and len(number) < 9 and int(number) >= 100
    return f" #q{tail}" if grouped or whole else f" #n{tail}"


@cache
def _slips() -> dict[str, str]:
    """Every long word with one letter left out, to the word: the way to those that are a slip away."""
    return {word[:at] + word[at + 1 :]: word for word in _LONG for at in range(1, len(word))}


def _mend(token: str) -> str:
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
