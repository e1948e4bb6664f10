"""Words made alike: what people write, as the rules of understanding read it.

Lower case without accents, short forms written out, frequent slips of spelling mended, and what has a form in place of
a value replaced by a mark: `#q` an amount, `#n` another number, `#x` what is traded, `#tel`, `#t` a time, `#d` a date.
"""

from __future__ import annotations

import re
import unicodedata

from dispatcher.services.understanding.slips import mend

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
etf pm am cet cest gmt est utc btw tbh imo imho dcf eps pe ebit gdp cpi fed ecb ezb boe fx pdf tv otc llc ltd gmbh hr
it vwap twap gtc gtd moc loc ioc fok mfg vg lg bg tel no yes not the and or to of on in at for me my we is be do if so
up go buy sell hold put call calls puts long short all half day end quit help info cancel revoke please lol wtf omg
nyse eod eom eow tbd tba rfq ioi mkt lmt min max mio mrd tsd stk nr re fw fwd aw wg tks thx ty np dm esg roi roe ytd
yoy qoq q1 q2 q3 q4 h1 h2 fy ja nein und der die das ein ich du sie wir ihr es zu mit von vom bei auf aus an nie nur
uhr bitte bafin finra eba esma mifid dsgvo gdpr ceos cfos id pin pa ps nb hi hey dear sir now who why how what when
where you your out off from this that these stopp mr mrs ms dr qty vs via per plc inc corp sa se nv by as has was are
will can unsub text mail email fax list call's ooo otoh afaik fwiw eta wfh mobile cell tia cc bcc msg txt fomo faq
never ever more any stopall agm egm hv wacc capm ism nfp ppi bip pmi tax irr npv cagr optout wrong urgent dnc tcpa
spam alert alerts messages
"""
_NO_TICKERS = frozenset(_NO_TICKER_WORDS.split())

_AMOUNT = re.compile(r"[$€£]?\d[\d.,'’]*(?:k|m|mm|mn|mio|mil|mln|tsd|bn|b|mrd|x)\b\.?|[$€£]\d[\d.,']*")
_PLURAL = re.compile(r"\d{1,2}(?:\.\d+)?s")
_EMOJI = {
    "📞": "call", "☎": "call", "📱": "call", "🤙": "call me", "📲": "call", "👍": "ok", "🛑": "stop", "✋": "stop",
    "🙏": "please", "😂": "lol", "🤣": "lol", "😆": "lol", "🙄": "lol",
}  # fmt: skip


# "im" is "I am" in English only.
_I_AM = re.compile(
    r"(?<!\S)im(?= (?:not|no|so|very|really|out|away|off|on|in|a|an|the|happy|done|ok|fine|sure|afraid|interested|"
    r"also|just|still|at|your|sick|tired|very|now|back|[a-z]+ing)(?!\S))"
)


_CONTRACTIONS = {
    "won't": "will not", "can't": "can not", "n't": " not", "'ll": " will", "'d": " would", "'re": " are",
    "'ve": " have", "'m": " am", "let's": "let us", "it's": "it is", "there's": "there is", "that's": "that is",
    "what's": "what is", "who's": "who is", "where's": "where is", "how's": "how is", "he's": "he is",
    "here's": "here is", "geht's": "geht es", "gibt's": "gibt es",
}  # fmt: skip
_TEL = re.compile(
    r"(?<!\w)(?:\+|00)\d[\d ()/.-]{6,18}\d|(?<!\w)\(?0\d{2,5}\)?[ /-]\d[\d -]{4,12}\d|"
    r"(?<![\w,.-])\d{3}[ -]\d{3,4}[ -]\d{4}(?!\w)|(?<!\w)x\d{3,5}(?!\w)|(?<!\w)ext\.? ?\d{2,6}"
)
_TIME = re.compile(
    r"(?<![\w.,])\d{1,2}[:.h]\d{2} ?(?:am|pm|uhr|h|cet|est|gmt)(?!\w)|(?<!\w)\d{1,2}:\d{2}(?!\w)|"
    r"(?<!\w)\d{1,2} ?(?:a\.?m\.?|p\.?m\.?|uhr|o clock|oclock|h)(?!\w)"
)
_DATE = re.compile(
    r"(?<!\w)\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})?(?!\w)|"
    r"(?<!\w)(?:19[5-9]|20[0-4])\d(?![\w.,]\d|k|m\b)(?!\w)|"
    r"(?<!\w)\d{1,2}\.? (?:jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez|marz)[a-z]*\.?(?!\w)|"
    r"(?<!\w)\d{1,2}(?:st|nd|rd|th)(?!\w)"
)
_COUNTED = re.compile(r"#n (?=(?:shares?|lots?|contracts?|stucke?|stuecke?|anteile?|aktien|kontrakte|bonds?|units?)\b)")
_LARGE = re.compile(
    r"(?:#[nq]|half a|a|one|two|three|five|ten|eine?|zwei|drei|funf|zehn) (?:k|m|mm|mio|mln|millions?|millionen|"
    r"tausend|thousand|hundred|hundert|tsd|mrd|billion|grand|lots|lakh)(?!\S)|"
    r"(?<!\S)(?:zwei|drei|vier|funf|sechs|sieben|acht|neun|zehn|zwanzig|funfzig)(?:hundert|tausend)(?!\S)"
)


def fold(text: str) -> str:
    """Lower case, without accents; "ß" is "ss"."""
    return "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))


def shape(sentence: str) -> str:
    """One sentence as the rules read it, its words parted by one space; "," and a last "?" are words of their own."""
    marked = sentence
    for sign, word in _EMOJI.items():
        marked = marked.replace(sign, f" {word} ")
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
        mended = mend(token)
        words.append(mended)
    said = " ".join(words).replace("xtraded", "#x").replace(":", ",").replace("/", "or").replace("...", ",")
    said = said.replace("…", ",")
    said = _I_AM.sub("i am", said)
    said = _LARGE.sub("#q", _COUNTED.sub("#q ", said))
    said = re.sub(r"(?<!\S)(\S+)(?: (?:, )?\1)+(?!\S)", r"\1", said)
    return re.sub(r"(?: ,)+(?= \?|$)|^(?:, )+|(?<=,)(?: ,)+", "", said).replace("? ?", "?").strip()


def _shouted(text: str) -> bool:
    letters = [one for one in text if one.isalpha()]
    return len(letters) > 12 and sum(one.isupper() for one in letters) > 0.8 * len(letters)


def _contractions(text: str) -> str:
    for short, long in _CONTRACTIONS.items():
        text = text.replace(short, long)
    return text.replace("'", " ") if not re.search(r"\d'\d", text) else text


def _numbers(text: str) -> str:
    """Numbers by what they are: telephone, time, date, amount, other."""
    text = _DATE.sub(" #d ", _TIME.sub(" #t ", _TEL.sub(" #tel ", text)))
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
