"""What stands below a mail's words without being any: signatures, a telephone's advert, notices of confidentiality.

Cut only where it is certain. A farewell and the name under it stay; so does every paragraph that does not begin as a
notice does, and whatever stands below one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_LONGEST = 1_000  # characters of a line that are looked at

_ADVERT = re.compile(
    r"^(sent (from|via|with|on|using) (my|the|outlook|mail|yahoo|proton|gmail|samsung|blackberry|galaxy|mobile|"
    r"bloomberg|android|iphone|ipad|a mobile)"
    r"\b.{0,120}|get outlook for .{0,60}|von meinem .{1,60} (gesendet|gesendet\.)|(gesendet|verschickt) (von|mit|über|"
    r"via) .{1,60}|"
    r"diese (nachricht|e-?mail|mail) wurde (von meinem|mobil|unterwegs|mit|über) .{1,80}|"
    r"holen sie sich outlook .{0,60}|"
    r"outlook für .{1,40} (beziehen|herunterladen).{0,40}|"
    r"envoyé (de|depuis|à partir de|d['’]un|via) .{1,60}|"
    r"(obtenir|obtenez|télécharger|téléchargez) outlook pour .{0,60}|"
    r"enviado desde .{1,60}|(obtener|obtenga|descargar) outlook para .{0,60}|"
    r"inviato da(l mio)? .{1,60}|verstuurd vanaf mijn .{1,60}|verzonden (vanaf|met) mijn .{1,60}|outlook voor .{1,40}|"
    r"(please )?excuse (the |my |any )?(brevity|typos|spelling).{0,80}|sorry for (any |the )?(typos|brevity).{0,60}|"
    r"bitte entschuldigen sie (die kürze|tippfehler|etwaige).{0,60}|typed (on|with) .{1,60}|"
    r"dictated .{1,60})[.!]?(\s*<?https?://\S{1,300}>?)?$",
    re.IGNORECASE,
)
_DELIMITER = re.compile(r"^(--|—)\s?$")
_RULE = re.compile(r"^[-_=*~#+. ]{4,}$")

_CLOSING = re.compile(
    r"^((with )?(many |kind |best |warm |kindest |warmest )?(regards|rgds|wishes|thanks)( and (best |kind )?regards)?|"
    r"best|cheers|thanks|thank you|br|kr|"
    r"(yours )?(sincerely|faithfully|truly)( yours)?|yours|all the best|(mit )?(vielen |besten |"
    r"herzlichen )?(dank und )?"
    r"((mit )?(freundlichen?|besten?|vielen?|lieben?|herzlichen?|sch(ö|oe)nen?|freundliche)) gr(ü|u|ue)(ß|ss)(e|"
    r"en)?( aus .{2,30})?|mfg|vg|lg|"
    r"gru(ß|ss)|hochachtungsvoll|i\. ?a\.|i\. ?v\.|cordialement|bien cordialement|saludos|un saludo|atentamente|"
    r"cordiali saluti|met vriendelijke groet(en)?)"
    r"\s*[,.!]?$",
    re.IGNORECASE,
)
# Lines that only a signature has: telephones by name, pages, registers, addresses.
_CONTACT = re.compile(
    r"^((t|f|m|p|d|e|w|o|c)|tel(efon)?|telephone|phone|ph|fon|fax|telefax|mobile?|mob|cell|direct( (line|dial))?|"
    r"office|main|desk|durchwahl|handy|"
    r"mobil(telefon)?|e-?mail|mail|web|website|internet|linkedin|skype|address|adresse|twitter|"
    r"bloomberg)\s*(\([^()]{1,20}\)\s*)?[.:|/]?\s*"
    r"(\+?\(?\d[\d ()/.\-–]{5,}.{0,60}|<?[\w.+-]+@[\w.-]+>?.{0,60}|(https?://|www\.)\S+.{0,60})$|"
    r"^\+\d[\d ()/.\-–]{7,}(\s*\|.{0,80})?$|^(https?://|www\.)\S+$|^<?[\w.+-]+@[\w-]+\.[\w.-]+>?$|"
    r"^.{0,80}\|.{0,80}(\+?\d[\d ()/.-]{7,}|@|www\.).{0,80}$",
    re.IGNORECASE,
)
_LEGAL = re.compile(
    r"(registered (in|office|number|no\b|address|company)|company (number|no\b|registration)|vat (no|number|reg)|"
    r"authori[sz]ed and regulated by|regulated by the|member (of the )?(finra|sipc)|finra/sipc|"
    r"gesch(ä|ae)ftsf(ü|ue)hr(er|ung|erin)\s*:|sitz( der gesellschaft)?\s*:|vorstand\s*:|aufsichtsrat|"
    r"vorsitzende[r]? des|amtsgericht|"
    r"handelsregister|registergericht|\bhr[ab][ -]?(nr\.?)?\s?\d|ust-?id|umsatzsteuer-?id|steuernummer|zust(ä|"
    r"ae)ndige aufsichtsbeh(ö|oe)rde|"
    r"\b[a-z]{0,2}-?\d{4,5} [A-ZÄÖÜ][\w-]+$|\b[A-Z]{1,2}\d{1,2}[A-Z]? \d[A-Z]{2}\b|, [A-Z]{2} \d{5}\b)",
    re.IGNORECASE,
)

# How a notice begins, and of what it must speak besides.
_NOTICE = re.compile(
    r"^[\s*_>#\[(\"-]{0,10}(confidentiality|disclaimer|important (notice|information)|legal (notice|disclaimer)|"
    r"privileged|confidential( communication)?\b|haftungsausschluss|"
    r"rechtlicher hinweis|vertraulichkeitshinweis|wichtiger hinweis|hinweis zur vertraulichkeit|avertissement|"
    r"aviso legal|"
    r"(this|the information (contained )?in this|the contents? of this|the information (transmitted|contained)|"
    r"any (information|views|opinions)( expressed| contained)? in this|"
    r"e-?mail (transmissions?|communications?|messages?)|information in this|nothing in this|all information in this|"
    r"if you (have received|received|are not) (this|the intended|an intended)|"
    r"unless otherwise|please note that (this|e-?mail)|we may monitor|internet communications|any unauthori[sz]ed)\b|"
    r"(diese|dieses|die in dieser|der inhalt dieser|die informationen in dieser|die information in dieser|"
    r"inhalt und anh(ä|ae)nge dieser)\s*"
    r"(e-?mail|mail|nachricht|mitteilung|schreiben)?\b.{0,80}(vertraulich|rechtlich|ausschlie(ß|ss)lich|bestimmt)|"
    r"(wenn|falls|sollten) sie (nicht der|nicht der richtige|diese|dieses|irrt(ü|ue)mlich)|das unerlaubte kopieren|"
    r"das unbefugte|jede (unbefugte|form der)|"
    r"(ce|cet) (message|courriel|e-?mail)|este (mensaje|correo)|questo messaggio|dit bericht|"
    r"please (consider|think of) the environment|think before (you )?print|save paper|(bitte )?(pr(ü|ue)fen sie|"
    r"denken sie an|bedenken sie).{0,40}(umwelt|ausdruck|drucken)|"
    r"[\w&.,' -]{2,80} (is|are) (authori[sz]ed and regulated|authori[sz]ed by|regulated by|registered in)|"
    r"authori[sz]ed and regulated by|registered in (england|scotland|ireland)|"
    r"(caution|warning|external|extern|achtung|vorsicht)\b.{0,10}(this (e-?mail|message)|e-?mail|external|diese|"
    r"mail)?.{0,60}(outside|external|extern|au(ß|ss)erhalb))",
    re.IGNORECASE,
)
_SPEAKS_OF = [
    re.compile(words, re.IGNORECASE)
    for words in (
        r"confidential|privileged|vertraulich|confidentiel|confidencial|riservat|vertrouwelijk|proprietary",
        r"intended|recipient|addressee|adressat|empf(ä|ae)nger|destinat|bestimmt|geadresseerde|named above|"
        r"to whom it is addressed",
        r"in error|irrt(ü|ue)mlich|par erreur|por error|per errore|versehentlich|mistake",
        r"disclos|distribut|dissemin|copying|kopieren|weitergabe|weiterleitung|unauthori[sz]ed|unbefugt|unerlaubt|"
        r"prohibited|verboten|nicht gestattet|unzul(ä|ae)ssig|strictly",
        r"delete|destroy|notify the sender|vernichten|l(ö|oe)schen|informieren sie|absender|supprim|elimin",
        r"virus|liab|haft|guarantee|warrant|secure|gew(ä|ae)hr|monitor|intercept",
        r"regulated|authori[sz]ed by|registered (in|office|number)|finra|financial conduct authority|bafin|aufsicht",
        r"environment|umwelt|print|outside (of )?(the|your|our) organi[sz]ation|external (sender|e-?mail|source)|"
        r"extern(er|en)? (absender|e-?mail)|links (or|und) (attachments|anh)",
        r"(offer|solicitation|recommendation|invitation) to (buy|sell|purchase)|investment advice|anlageberatung|"
        r"kein angebot|orders? (by|via) e-?mail|views (or|and) opinions|attachments?|anh(ä|ae)nge",
    )
]


def without_tail(lines: Sequence[str]) -> list[str]:
    """The lines without signature, advert and notices at their end; a list with hyphens and "Regards" stay."""
    kept = _without_notices(list(lines))
    for at in range(len(kept) - 1, -1, -1):
        if _DELIMITER.match(kept[at]) and len(kept) - at <= 16:
            del kept[at:]
            break
    _drop_adverts(kept)
    _drop_business_card(kept)
    _drop_adverts(kept)
    return kept


def _drop_adverts(kept: list[str]) -> None:
    while kept and (not kept[-1].strip() or _ADVERT.match(kept[-1].strip()[:400])):
        kept.pop()


def _without_notices(lines: list[str]) -> list[str]:
    """Paragraphs that begin and speak as a notice of confidentiality does are left out, with the rules around them."""
    kept: list[str] = []
    at, cut = 0, False
    while at < len(lines):
        end = at
        while end < len(lines) and lines[end].strip():
            end += 1
        if end == at:
            kept.append(lines[at])
            at += 1
            continue
        begins = _notice_begins(lines[at:end], cut)
        if begins is None:
            kept.extend(lines[at:end])
            cut = False
        else:
            kept.extend(lines[at : at + begins])
            while kept and (not kept[-1].strip() or _RULE.match(kept[-1][:_LONGEST])):
                kept.pop()
            kept.append("")
            cut = True
        at = end
    return kept


def _notice_begins(paragraph: Sequence[str], after_one: bool) -> int | None:
    """The line of a paragraph on which a notice begins that goes on to its end, or None."""
    for at, line in enumerate(paragraph):
        if not _NOTICE.match(line[:_LONGEST]):
            continue
        text = " ".join(paragraph[at:])[:4_000]
        spoken = sum(bool(one.search(text)) for one in _SPEAKS_OF)
        heading = len(text) < 60 and re.match(
            r"\W*(confidentiality|disclaimer|legal|important notice|haftungs|vertraulichkeits|rechtlicher)",
            text,
            re.IGNORECASE,
        )
        if spoken >= 2 or heading or (spoken and (after_one or _says_enough(text))):
            return at
    if after_one and sum(bool(one.search(" ".join(paragraph)[:4_000])) for one in _SPEAKS_OF) >= 3:
        return 0
    return None


def _says_enough(text: str) -> bool:
    """Where one subject is enough: printing, regulators, senders from outside."""
    return bool(_SPEAKS_OF[6].search(text) or _SPEAKS_OF[7].search(text))


def _drop_business_card(kept: list[str]) -> None:
    """Cut what is below a farewell and a name, or below a name alone, where telephones and registers follow."""
    end = len(kept)
    begin = next((at for at in range(end - 1, max(-1, end - 18), -1) if _CLOSING.match(kept[at].strip()[:80])), None)
    if begin is None:
        begin = end - 1
        while begin > 0 and kept[begin - 1].strip() and end - begin < 14:
            begin -= 1
        if begin < 0 or (begin and kept[begin - 1].strip()) or not _is_name(kept[begin]):
            return
        names = begin
    else:
        names = next((at for at in range(begin + 1, end) if kept[at].strip()), end)
    card = [line.strip()[:_LONGEST] for line in kept[names + 1 :] if line.strip()]
    if not card or (begin == names and begin == 0) or any(_is_sentence(line) for line in card):
        return
    certain = [line for line in card if _CONTACT.match(line) or _LEGAL.search(line)]
    if len(certain) >= 2 or (certain and begin != names):
        # A farewell's name stays; a name without one is the card's own.
        del kept[names + (begin != names) :]


def _is_name(line: str) -> bool:
    words = re.sub(r"\b(Dr|Prof|Dipl|Ing|CFA|MBA|PhD)\b\.?,?", "", line.strip()[:100]).split()
    return (
        2 <= len(words) <= 4
        and all(re.fullmatch(r"[A-ZÄÖÜÉÈ][\w.'’-]*|von|van|de|der|zu|di|la", one) for one in words)
        and not any(one.lower() in _VERBS for one in words)
    )


_VERBS = frozenset(
    (
        "please",
        "call",
        "buy",
        "sell",
        "stop",
        "cancel",
        "kaufen",
        "verkaufen",
        "bitte",
        "order",
        "my",
        "our",
        "new",
        "mobile",
        "yes",
        "no",
        "ok",
        "thanks",
        "danke",
    )
)


def _is_sentence(line: str) -> bool:
    """Whether a line below a name may be somebody's words: it is then no card."""
    if _CONTACT.match(line) or _LEGAL.search(line) or _RULE.match(line):
        return False
    lower = line.lower()
    return bool(
        len(line) > 120
        or re.search(r"[?!]$", line)
        or (line.endswith(".") and len(line.split()) > 5)
        or re.search(
            r"\b(buy|sell|order|limit|shares|kaufe?n?|verkaufe?n?|bitte|please|call me|ruf|i|we|ich|wir|ps|p\.s)\b",
            lower,
        )
    )
