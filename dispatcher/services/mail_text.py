"""What a person wrote in a mail: their own words without the quoted mail, the signature and the telephone's advert.

Line by line, in linear time whatever comes. Where the rules are in doubt words stay: an order that is cut away is
worse than a signature that is shown. Answers written below or between the quoted lines keep every word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from dispatcher.services.mail_tails import without_tail
from dispatcher.services.once import clean

MOST = 100_000  # characters of their words that are looked at and shown; the original is kept whole
_END = 40_000  # of them at the end
_MOST_HTML, _MOST_QUOTED_HTML = 200_000, 40_000  # characters with their tags
_LEFT_OUT = "[…]"
_RUN = 40  # quoted lines in a row: of more, the first and the last stay
_LONG_LINE = 1_000  # no header of a quoted mail is longer

# "On Fri, Nov 20, 2026 at 10:00 AM Ana wrote:" and its kin, on one line or broken over up to four.
_WROTE_BEGINS = re.compile(
    r"^(On|Am|Den|Le|El|Il( giorno)?|Em|Op|W dniu|\d{1,4}[./-]\d{1,2}[./-]\d{1,4})\b", re.IGNORECASE
)
_WROTE_ENDS = re.compile(
    r"(wrote|writes|schrieb|geschrieben|a écrit|a ecrit|escribió|escribio|ha scritto|escreveu|schreef)\b[^:]{0,200}:$",
    re.IGNORECASE,
)
# The name first: Lotus Notes, and telephones in German.
_DATED = re.compile(r"^\d{4}-\d{2}-\d{2}.{0,60}<[^<>\s]{3,200}>:$")
_NAME_WROTE = re.compile(
    r"^(?!(I|we|you|ich|wir|sie|as|wie)\b)[^:]{2,120}\b(wrote|writes|schrieb|a écrit|escribió|ha scritto|schreef)\b"
    r"([^:]{0,20}\b(on|am|le|el|il|op)\b.{0,60}\d.{0,60})?\s*:\s*-{0,10}$",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(r"\b(mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so)(\w*day|\.)?\b", re.IGNORECASE)
_SEPARATOR = re.compile(
    r"^[-_=*\s]{0,40}(Original Message|Original Appointment|Forwarded message|Ursprüngliche Nachricht|"
    r"Originalnachricht|Weitergeleitete Nachricht|Begin forwarded message:?|Anfang der weitergeleiteten (?:Nachricht|"
    r"E-Mail):?|"
    r"(?:Forwarded|Weitergeleitet) (?:by|von) .{1,120}|Antwort Nachricht|Reply Message|Message d'origine|"
    r"Message original|Début du message (?:transféré|réexpédié)\s?:?|Message d’origine|"
    r"Message transféré|Mensaje original|Messaggio originale|Mensagem original|Oorspronkelijk bericht)[-_=*\s]{0,40}$",
    re.IGNORECASE,
)
# Who points below has written between the quoted lines, marked or not.
_BELOW = re.compile(
    r"\b((see|answers?|comments?|replies|reply|responses?|my notes) (\w+ ){0,3}(below|inline|in-line|in red|in blue|"
    r"in the text)|in-?line (below|comments)|"
    r"(siehe|antworten?|anmerkungen|kommentare?) (\w+ ){0,4}(unten|im text|in rot|inline|darunter|in blau))\b",
    re.IGNORECASE,
)
_UNDERSCORES = re.compile(r"^[_]{20,}$")
# The block of headers with which Outlook and its kin begin a quoted mail, by what each line is.
_BLOCK = {
    "from": ("from", "von", "de", "da", "van"),
    "sent": ("sent", "sent on", "date", "time", "gesendet", "gesendet am", "datum", "datum/uhrzeit", "zeit", "envoyé",
             "envoye", "date d'envoi", "enviado", "enviado el", "fecha", "inviato", "data", "verzonden"),
    "to": ("to", "an", "à", "a", "para", "aan", "pour", "reply-to", "antwort an", "répondre à"),
    "subject": ("subject", "betreff", "objet", "asunto", "oggetto", "assunto", "onderwerp"),
    "cc": ("cc", "kopie", "copie", "bcc", "blindkopie", "importance", "wichtigkeit", "priority",
           "attachments", "anlagen"),
}  # fmt: skip
_BLOCK_KIND = {name: kind for kind, names in _BLOCK.items() for name in names}
_BLOCK_LINE = re.compile(r"^[*\s]*([^\W\d_][^:*<>]{0,20}?)\s?\*?\s?:\s*\*?\s*(.*)$")


def shown_text(text: str, html: str = "") -> str:
    """The sender's own words. Where cutting leaves nothing, all of it."""
    whole = plain_text(text, html)
    return own_words(whole) or whole.strip()


def plain_text(text: str, html: str = "") -> str:
    """The mail's text, made from its HTML where it has no other, or where only the HTML marks what is quoted."""
    quoted_in_html = _QUOTES.search(html) and not _has_marks(text[:MOST].split("\n"))
    if (text.strip() and not quoted_in_html) or not html.strip():
        return clean(text.replace("\r\n", "\n").replace("\r", "\n"))
    return clean(_from_html(html))


def own_words(whole: str) -> str:
    """What is left of a mail's text without quotations and signature; "" where nothing is."""
    top, rest = _split(_bounded(whole.replace("\xa0", " ")))
    # Headings go first: what follows them says whether they are one.
    below = [line for line in _without_headers(rest) if not _is_quoted(line)]
    answers = without_tail(_without_headers(below)) if _has_marks(rest) else []
    if not _words(answers):
        if not _has_marks(rest) and _BELOW.search(" ".join(top)[-_LONG_LINE:]):
            return _joined(without_tail([*top, *_without_headers(rest)]))
        return _joined(without_tail(top))
    if _words(_without_headers(top)) or _interleaved(rest):
        # Written between the quoted lines: they stay, for without the question "yes" and "no" say nothing.
        return _joined(without_tail([*top, *_without_headers(rest)]))
    return _joined(answers)


def _bounded(whole: str) -> list[str]:
    """The lines of a mail of any length: first long quotations are shortened, for answers stand above, between or
    below them; then the middle of what is still too long is left out."""
    if len(whole) > MOST:
        whole = "\n".join(_without_long_runs(whole.split("\n")))
    if len(whole) > MOST:
        # Between lines where there are any: a part of a quoted line is not marked as one.
        head, tail = whole[: MOST - _END - 10], whole[-_END:]
        below = tail.partition("\n")[2] if "\n" in tail[:_LONG_LINE] else tail
        whole = f"{head.rpartition(chr(10))[0] or head}\n{_LEFT_OUT}\n{below}"
    return [line.rstrip() for line in whole.split("\n")]


def _without_long_runs(lines: Sequence[str]) -> Iterator[str]:
    for quoted, run in groupby(lines, _is_quoted):
        some = list(run)
        if quoted and len(some) > _RUN:
            some[_RUN // 2 : -_RUN // 2] = [f"> {_LEFT_OUT}"]
        yield from some


def _split(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is above the first sign of a quoted mail, and the rest from that sign on."""
    for at in range(len(lines)):
        if _is_quoted(lines[at]) or _header_length(lines, at):
            return list(lines[:at]), list(lines[at:])
    return list(lines), []


def _header_length(lines: Sequence[str], at: int) -> int:
    """How many lines from `at` on are the beginning of a quoted mail; 0 for ordinary text."""
    line = lines[at].strip()
    if len(line) > _LONG_LINE or not line:
        return 0
    if _SEPARATOR.match(line):
        return 1
    if _UNDERSCORES.match(line):
        following = next((n for n in range(at + 1, min(at + 4, len(lines))) if lines[n].strip()), None)
        return following - at + _block_length(lines, following) if following and _block_length(lines, following) else 0
    return _wrote_length(lines, at) or _block_length(lines, at)


def _wrote_length(lines: Sequence[str], at: int) -> int:
    if not _WROTE_BEGINS.match(lines[at].strip()):
        return _name_wrote_length(lines, at)
    joined = ""
    for length in range(1, 5):
        if at + length > len(lines):
            return 0
        joined = f"{joined} {lines[at + length - 1].strip()}".strip()
        if len(joined) > _LONG_LINE:
            return 0
        # Somebody is named, or a date: "On balance I hold, as you wrote:" is the customer's own sentence.
        if _WROTE_ENDS.search(joined) or (length > 1 and _DATED.search(joined)):
            quoted = lines[at + length].startswith(">") if at + length < len(lines) else False
            return length if re.search(r"\d|@", joined) or (quoted and _WEEKDAY.search(joined)) else 0
    return 0


def _name_wrote_length(lines: Sequence[str], at: int) -> int:
    """ "Bank <a@b> schrieb am Fr., 20. Nov. 2026, 10:00:", on one line or two."""
    for length in (1, 2):
        joined = " ".join(line.strip() for line in lines[at : at + length])
        if len(joined) > 300:
            return 0
        found = _NAME_WROTE.match(joined)
        if found:
            below = next((line for line in lines[at + length : at + length + 3] if line.strip()), "")
            certain = found[3] or "@" in joined or joined.endswith("-") or below.startswith(">")
            # A customer's own "as Bob wrote on Friday 20:" has no address and nothing quoted below it.
            return length if certain and (re.search(r"[@]|-$", joined) or _is_quoted(below)) else 0
    return 0


def _block_length(lines: Sequence[str], at: int) -> int:
    """Lines of a From/Sent/To/Subject block; at least three different headers make one, From or Sent first, four any.

    Some programs leave a line empty between each of them.
    """
    kinds: list[str] = []
    length = ended = 0
    for line in lines[at : at + 16]:
        length += 1
        if not line.strip():
            if not kinds:
                break
            continue
        found = _BLOCK_LINE.match(line[:_LONG_LINE])
        kind = _BLOCK_KIND.get(found[1].strip().lower()) if found else None
        if kind is not None:
            if kind in kinds and kind != "cc":
                break
            kinds.append(kind)
        # A long list of recipients goes on in the next line.
        elif not kinds or kinds[-1] not in ("to", "cc") or length != ended + 1:
            break
        ended = length
    different = len(set(kinds))
    return ended if (different >= 3 and kinds[0] in ("from", "sent")) or different >= 4 else 0


def _is_quoted(line: str) -> bool:
    return line.lstrip().startswith((">", "|>"))


def _has_marks(lines: Sequence[str]) -> bool:
    """True where quoted lines are marked, so that unmarked ones are the sender's own."""
    return any(_is_quoted(line) for line in lines)


def _without_headers(lines: Sequence[str]) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(lines):
        length = 0 if _is_quoted(lines[at]) else _header_length(lines, at)
        if not length:
            kept.append(lines[at])
        at += length or 1
    return kept


def _interleaved(lines: Sequence[str]) -> bool:
    """True where quoted lines come again after words of the sender's own."""
    own = False
    for line in _without_headers(lines):
        if _is_quoted(line):
            if own and line.strip(" >|"):
                return True
        elif line.strip():
            own = True
    return False


def _words(lines: Sequence[str]) -> bool:
    return any(re.search(r"\w", line) for line in lines)


def _joined(lines: Sequence[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


# Marks in the text for where a quotation begins and ends; private-use characters, taken out of what comes.
_OPEN, _CLOSE = "\ue000", "\ue001"
_QUOTES = re.compile(r"<(/?)blockquote\b", re.IGNORECASE)


def _short_enough(source: str) -> str:
    """A page of any length: first what it quotes is shortened, for answers stand above, between or below it."""
    if len(source) <= _MOST_HTML:
        return source
    pieces, depth, at = [], 0, 0
    for tag in _QUOTES.finditer(source):
        if not tag[1] and not depth:
            pieces.append(source[at : tag.start()])
            at = tag.start()
        depth = max(0, depth + (-1 if tag[1] else 1))
        if tag[1] and not depth:
            pieces.append(_without_middle(source[at : tag.end()], _MOST_QUOTED_HTML))
            at = tag.end()
    pieces.append(_without_middle(source[at:], _MOST_QUOTED_HTML) if depth else source[at:])
    return _without_middle("".join(pieces), _MOST_HTML)


def _without_middle(source: str, most: int) -> str:
    """Between tags; what is quoted in the beginning or at the end still is."""
    if len(source) <= most:
        return source
    begin = max(source.rfind("<", 0, most // 2), 0) or most // 2
    end = max(source.find("<", len(source) - most // 2), len(source) - most // 2)
    deeper = sum(-1 if tag[1] else 1 for tag in _QUOTES.finditer(source, begin, end))
    tags = ("<blockquote>" if deeper > 0 else "</blockquote>") * min(abs(deeper), 100)
    return f"{source[:begin]}<p>{_LEFT_OUT}</p>{tags}{source[end:]}"


def _from_html(source: str) -> str:
    """The HTML as text; what it quotes is marked with ">", so that the rules for text hold."""
    source = re.sub(rf"[{_OPEN}{_CLOSE}]", "", _short_enough(source))
    marked = re.sub(r"(?i)<blockquote\b[^<>]{0,2000}>", f"<div>{_OPEN}</div>", source)
    marked = re.sub(r"(?i)</blockquote\s*>", f"<div>{_CLOSE}</div>", marked)
    try:
        from inscriptis import get_text  # 10 MB, which those who only send need not carry

        text = get_text(marked)
    except Exception:  # the parser's errors are its own and many, and a mail may hold anything
        text = re.sub(r"<[^<>]{0,2000}>", "\n", marked)
    depth, lines = 0, []
    for line in text.split("\n"):
        depth = max(0, depth + line.count(_OPEN) - line.count(_CLOSE))
        words = re.sub(rf"[{_OPEN}{_CLOSE}]", "", line).strip()
        if words or line.strip() == "":
            lines.append(f"> {words}" if depth else words)
    return "\n".join(lines)
