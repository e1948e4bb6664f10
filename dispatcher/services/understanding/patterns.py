"""How the rules are written: words, gaps and named groups of words, made regular expressions.

In a rule `_` is a space, `~` up to three words in between and `~~` up to seven, neither over a comma; `{name}` is a
group of words of GROUPS; an indented line goes on with the one above; "ä", "ö", "ü" and "ß" stand for every way of writing them. Rules match whole words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

GROUPS = {
    # what we send
    "comm": "(?:(?:text|phone|voice|email|sms|mass|automated?|automatic|spam|marketing|research|junk|trading|stock|market|price|bank) )?"
    "(?:messages?|texts?|texting|sms|emails?|emailing|alerts?|calls?|calling|faxe?s?|newsletters?|notifications?|"
    "notices?|spam|spamming|communications?|mailings?|mailshots?|robocalls?|bulletins?|circulars?|updates?|research|reports?|flashes|"
    "blasts?|pushes|contact|correspondence|voicemails?|recordings?|stuff|crap|junk|rubbish|nonsense)",
    "komm": "(?:\\S*nachrichten?|\\S*mitteilung(?:en)?|sms|\\S*emails?|\\S*anrufe?n?|\\S*meldung(?:en)?|\\S*newsletters?|"
    "\\S*benachrichtigung(?:en)?|\\S*faxe?n?|spam|\\S*werbung|\\S*post|\\S*infos?|\\S*informationen|\\S*alerts?|messages?|"
    "rundschreiben|zuschriften|\\S*zusendung(?:en)?|\\S*texte|\\S*updates?|kontaktaufnahme|telefonanrufe|whatsapps?|hinweise|research|mist|zeug)",
    "list": "(?:\\S*list|lists|distribution|distributions|distro|distri|mailing|mailings|database|db|system|systems|"
    "records?|rota|roster|crm|contacts|books|audience|subscription|subscriptions|{comm})",
    "liste": "(?:\\S*verteiler\\S*|\\S*liste|\\S*listen|\\S*datenbank|\\S*system|\\S*kartei|\\S*adressbuch|\\S*newsletter|"
    "crm|empfängerkreis|bestand|\\S*abonnement)",
    "me": "(?:me|us|myself|ourselves|this (?:number|address|email|phone|line|mobile)|my (?:\\S+ ){0,2}(?:name|number|numbers|address|email|phone|mobile|cell|details|contact|contacts|info|colleagues?|data)|"
    "our (?:\\S+ )?(?:name|number|numbers|address|email|phone|firm|company|desk|details|team)|him|her|them|both of us|the both of us|(?:my|our) (?:\\S+ ){1,2}and (?:me|myself|i)|me and (?:my|our) (?:\\S+ ?){1,2})",
    "mich": "(?:mich|uns|meine[nr]?|unsere[nr]?|diese[nr]?)",
    "again": "(?:any more|any longer|again|ever again|ever|in future|in the future|going forward|from now on|thanks|please|at all|further)",
    # dealing
    "tradable": "(?:#x|shares?|stocks?|positions?|holdings?|exposure|bonds?|longs?|shorts?|puts|calls|(?:put|call) options?|contracts?|"
    "futures?|etfs?|funds?|notes?|bills?|gilts?|bunds?|treasur(?:y|ies)|options?|warrants?|lots?|units?|names?|delta|gamma|tranche|"
    "placement|issue|ipo|deal|block|bid|offer|paper|gold|oil|dollars?|euros?|sterling|yen|equit(?:y|ies)|credit|duration|stake|risk|adrs?|linkers|protection|swaps?|\\S+ shares)",
    "titel": "(?:#x|\\S*aktien?|\\S*anleihen?|\\S*position(?:en)?|\\S*fonds|\\S*papiere?|\\S*stücke?|\\S*anteile?|\\S*bestand|"
    "\\S*zertifikate?|\\S*optionen|\\S*option|\\S*kontrakte?|\\S*etfs?|\\S*future|\\S*depot|\\S*titel|\\S*emission|\\S*platzierung|\\S*tranche|"
    "gold|öl|dollar|\\S*bonds?|bund|bunds|calls?|puts?|\\S*obligationen|\\S*wert|\\S*werte|\\S*engagement|\\S*wandler|shares)",
    "amount": "(?:#q|half|all|everything|the lot|the rest|the remainder|the balance|the whole|a third|a quarter|"
    "two thirds|another #n|#n more|some more|a few|a bit more|some|more|#p|double|the same|my usual|the usual|our usual|full size|clip)",
    "menge": "(?:#q|die hälfte|zur hälfte|hälfte|alles|alle|sämtliche|den rest|restliche[nr]?|gesamten?|komplett|ein drittel|ein viertel|"
    "weitere #n|nochmals?|noch mal|#p|teil|das doppelte|vollständig)",
}  # fmt: skip

_UMLAUTS = str.maketrans({"ä": "(?:ae?)", "ö": "(?:oe?)", "ü": "(?:ue?)", "ß": "ss", "Ä": "(?:ae?)"})


def rules(table: str, start: bool = False) -> re.Pattern[str]:
    """One expression of a table of rules, a line each; with `start` they must stand at the beginning."""
    lines = [line.strip() for line in re.sub(r"\n {4,}", "", table).splitlines()]
    return _compiled([line for line in lines if line], "^" if start else r"(?<!\S)")


def _compiled(lines: Iterable[str], front: str) -> re.Pattern[str]:
    return re.compile(front + "(?:" + "|".join(f"(?:{_expression(line)})" for line in lines) + r")(?!\S)")


def _expression(line: str) -> str:
    for _ in range(3):
        line = re.sub(r"\{([a-z]+)\}", lambda found: GROUPS[found[1]], line)
    line = line.replace(" ~~ ", r" (?:[^\s,]+ ){0,7}").replace(" ~ ", r" (?:[^\s,]+ ){0,3}")
    return line.translate(_UMLAUTS)
