"""What machines write, in English and German (their subjects in the other languages of offices), one phrase a line.

A phrase is an expression that is looked for in one sentence. `SUBJECTS` are looked for at the beginning of a subject.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Table = tuple[tuple[str, re.Pattern[str]], ...]


def _table(phrases: Mapping[str, tuple[str, ...]], front: str = "") -> Table:
    return tuple((kind, re.compile(front + f"(?:{'|'.join(some)})", re.IGNORECASE)) for kind, some in phrases.items())


# Subjects, the first that fits. The kind "" is a machine's of which only the words tell the kind.
SUBJECTS = _table(
    {
        "delayed": (
            r"delivery status notification \(delay",
            r"(?:delivery|mail|message) (?:has been )?delayed",
            r"delayed (?:mail|message|delivery)\b|delayed:",
            r"warning: (?:could not send|message \S+ delayed|message still undelivered)",
            r"verzögert:|zustellung verzögert|verzögerte zustellung|zustellungsverzögerung",
        ),
        "bounce": (
            r"delivery status notification|delivery (?:failure|has failed|failed)|mail delivery (?:fail|system|"
            r"subsystem)",
            r"undeliver(?:able|ed)(?: mail|:| -| message)|nondeliverable|non-?delivery (?:report|notification)",
            r"returned mail|failure notice|mail system error|message not delivered|could not deliver",
            r"unzustellbar|nicht zustellbar|nachricht nicht zugestellt|fehler bei der zustellung|"
            r"zustell(?:ungs)?fehler",
            r"non remis|no se puede entregar|impossibile recapitare|onbestelbaar",
        ),
        "receipt": (
            r"(?:not )?read: |read receipt|return receipt|delivered: |disposition notification|message (?:read|"
            r"opened)\b",
            r"gelesen: |nicht gelesen: |ungelesen gelöscht|lesebestätigung|übermittelt: |empfangsbestätigung",
            r"lu ?: |non lu ?: |leído: |letto: |gelezen: ",
        ),
        "calendar": (
            r"(?:accepted|declined|tentative|tentatively accepted|new time proposed)(?: \([^)]{1,40}\))?\s*: ",
            r"(?:zugesagt|angenommen|abgelehnt|mit vorbehalt|vorläufig zugesagt|neuer termin vorgeschlagen)\s*: ",
            r"accepté ?: |refusé ?: |aceptada: |accettato: ",
        ),
        "challenge": (
            r"(?:your )?e-?mail requires verification|.{0,60}\bverify#|sender (?:verification|confirmation)",
            r"(?:please )?(?:confirm|verify) (?:your|this|that) (?:e-?mail|message|delivery|address)\b",
            r".{0,80}\(?(?:action required to deliver|action required\)|verification required|confirmation required)",
            r"message (?:held|pending|waiting)[^:]{0,30}(?:verification|confirmation)",
            r"bitte bestätigen sie (?:ihre|die) (?:nachricht|e-?mail|zustellung)|absender(?:bestätigung|"
            r"verifizierung)",
        ),
        "list": (
            r"your (?:message|post|posting) to .{1,80} (?:awaits|requires|is (?:held|waiting|pending)|was rejected)",
            r"message (?:for|to) .{1,80} (?:needs|awaits|requires) (?:moderator )?approval|moderat(?:ion|or) ",
            r"request to mailing list|welcome to (?:the )?.{0,80}(?:mailing )?list|confirm [0-9a-f]{20,}",
            r"(?:rejected|held) (?:posting|message|post)|post(?:ing)? (?:rejected|held)|message rejected by group",
            r"ihre nachricht an .{1,80} wartet|(?:moderation|freigabe) erforderlich|abgelehnte nachricht",
        ),
        "": (
            r"auto(?:mat(?:ic|ed|ische|isch))?[ -]?(?:reply|response|antwort|antwoord|nachricht)\b|auto: |autosvar",
            r"r[ée]ponse automatique|respuesta autom[áa]tica|risposta automatica|resposta autom[áa]tica",
            r"automaattinen vastaus|automatyczna odpowied|автоответ|automatiskt svar|autorespon",
        ),
        "absence": (
            r"out[ -]of[ -](?:the[ -])?office|ooo\b|i am out of|absence\b|away(?: (?:from|until|on)\b|$)|on "
            r"(?:vacation|holiday)",
            r"(?:annual|maternity|paternity|parental|sick) leave|on leave\b|vacation (?:reply|notice|response)",
            r"abwesenheit|abwesend|urlaub(?:s|\b)|(?:betriebs)?ferien|betriebsurlaub|nicht im (?:büro|hause)|außer "
            r"haus",
            r"(?:our )?office[s]? (?:is |are )?closed|holiday closure|büro geschlossen|meine abwesenheit|in "
            r"elternzeit",
            r"[^:]{2,60} (?:is (?:out of the office|away|on leave|on vacation)|ist (?:außer|ausser) haus|ist nicht "
            r"im büro|ist abwesend|ist im urlaub)",
            r"fuera de la oficina|ausente|fuori (?:sede|ufficio)|absent|absence du bureau|afwezig|poissa|"
            r"sabbatical\b|part[- ]time\b|ich bin (?:nicht|im urlaub|ab|bis|erst)\b",
        ),
        "ticket": (
            r"(?:\[[^\]]*#?\d{3,}[^\]]*\]|#\d{4,}|\(?[A-Z]{2,8}-\d{2,}\)?)\s",
            r"(?:support )?ticket ?(?:#|nr|no|id|number|received|created|opened|eingang|eröffnet|erstellt|nummer)",
            r"(?:new )?(?:case|incident|request|enquiry|inquiry|inc|req|ritm|sr)[ #:-]{0,3}(?:number |id )?\d{4,}",
            r"(?:your |new )?(?:request|enquiry|inquiry|case|query) (?:\S{1,20} )?(?:has been )?(?:received|created|"
            r"opened)",
            r"we(?:'ve| have|’ve)? received your|thank you for contacting|request received|new case email",
            r"ihre anfrage|eingangsbestätigung|ticketeingang|.{0,60}(?:ticket[ :]?#|vorgang(?:snummer)?[ "
            r":#-]{1,3})\d{4,}",
        ),
    },
    front=r"^\s*(?:\[[^\]]{1,40}\]\s*)?(?:(?:re|aw)\s*:\s*(?=\[))?",
)

# The same in front of a text, for mails whose subject is not their own.
HEADING = re.compile(
    r"^\W*(?:abwesenheitsnotiz|abwesenheit|out of (?:the )?office(?: reply| notice)?|auto(?:matic|matische)?[ "
    r"-]?(?:reply|response|antwort))\s*[:.!–-]",
    re.IGNORECASE,
)

_CASE = r"(?:ticket|request|case|incident|enquiry|inquiry|query|issue)"
_NUMBER = r"(?:\s\(?(?:id|no\.?|number)?:?\s?#?[\w-]*\d[\w-]*\)?|\s#\S+)"

# Sentences that only a machine writes. One of them decides, where no words of a person stand beside it.
DECIDING = _table(
    {
        "challenge": (
            r"\b(?:click|follow|visit|press|use|open|reply|send)\b.{0,120}\b(?:confirm|verify|"
            r"prove)\b.{0,60}\b(?:you are|human|person|sender|not a)",
            r"\b(?:prove|verify|confirm)\b.{0,40}\byou(?: are|'re|’re) (?:a |an |not a )?(?:real|live|human|person|"
            r"spam|robot)",
            r"\b(?:click|use|follow|visit|reply|press)\b.{0,80}\b(?:deliver|release|receive) (?:your|this|the) "
            r"(?:message|e-?mail|mail)",
            r"\b(?:your|this|the) (?:message|e-?mail|mail)\b.{0,80}\b(?:waitlisted|being held|is held|on hold|in "
            r"quarantine)\b",
            r"\b(?:is|are) (?:being )?held (?:because|until).{0,80}\b(?:verified|confirm|sender|address)",
            r"\b(?:unknown|new|first[ -]time|unrecognis?zed) sender\b.{0,80}\b(?:verif|confirm|authori|approv)",
            r"\b(?:guest|white|allow|safe sender'?s?|approved senders?)[ -]?list\b.{0,80}\b(?:add|click|deliver|"
            r"screen|mail)",
            r"\bprotected by\b.{0,40}\b(?:arrest|spam|anti-?spam|boxbe|boxtrapper|challenge|verif)",
            r"\b(?:spam ?arrest|boxtrapper|boxbe|tmda|choicemail|mailblocks|sendio|spamlion|bluebottle)\b",
            r"\b(?:not|into?|be|added to)\b.{0,30}\b(?:approved|allowed|trusted|accepted|permitted) senders?\b",
            r"\brequires (?:all )?senders? to\b|\bpress reply\b.{0,40}\b(?:confirm|send)",
            r"\bempty (?:message|reply|e-?mail) to the following address",
            r"\b(?:klicken|folgen|antworten|senden)\b.{0,120}\b(?:bestätig|zustell|zugestellt|freigeb)",
            r"\bdass sie (?:ein mensch|kein (?:spam|robo|auto)|der absender)|\bkein (?:spammer|roboter|automat)\b",
        ),
        "ticket": (
            rf"\b(?:your|this|a|the|new|support|following)\s(?:new |support |service )?{_CASE}(?: for "
            rf"support)?{_NUMBER}?,?"
            r"\s(?:\w+ )?(?:has|have) (?:now |just |successfully )?been \w*(?:received|created|opened|logged|"
            r"registered|assigned|submitted|updated|recorded|raised|resolved|closed|escalated)",
            rf"\b{_CASE}{_NUMBER}\b.{{0,80}}\b(?:received|created|opened|logged|registered|assigned|raised|resolved|"
            rf"closed|updated)",
            r"\b(?:ticket|incident)\b.{0,60}\b(?:has|have) been (?:received|created|opened|logged|assigned|raised|"
            r"resolved|closed)",
            rf"\byour {_CASE}{_NUMBER}? (?:was|is) (?:now )?(?:received|created|opened|logged|registered|assigned|"
            rf"resolved|closed)",
            r"\b(?:we|our|team|you)\b.{0,60}\b(?:respon[ds]\w*|reply|get back|be in "
            r"touch)\b.{0,60}\bwithin\b.{0,30}\b(?:hours?|(?:business|working)? ?days?)",
            r"\breply above this line|\btype your reply above|##-",
            rf"\bwe(?:'ve| have|’ve)? (?:just |now )?(?:received|logged|registered|got) your (?:\w+ )?(?:{_CASE}|"
            rf"message|e-?mail)\b",
            rf"\b(?:got|confirm(?:ing)? (?:the )?receipt of|acknowledg\w+) (?:that )?(?:we )?(?:have )?(?:received |"
            rf"got )?your {_CASE}",
            r"\byour (?:ticket|case|reference|request|incident) (?:number|id|no\.?|#)\s*(?:is|:)?\s*#?[\w-]*\d",
            r"\b(?:assigned|given) (?:the |an? )?(?:id|ticket|number|case|reference|#)\b.{0,40}\d",
            r"\b(?:support|service) (?:team|staff|agent|desk|representative)s?\b.{0,40}\b(?:will|shall)\b",
            r"\ba (?:representative|team member|member of (?:our|the)\b.{0,30}) will\b",
            r"\b(?:ticket|vorgang|anfrage|anliegen|meldung|störung)\b.{0,80}\b(?:wurde|ist)\b.{0,60}(?:eröffnet|"
            r"erstellt|angelegt|registriert|erfasst|aufgenommen|geöffnet|geschlossen|eingegangen|bearbeitet)",
            r"\b(?:ticket|vorgangs?|fall|bearbeitungs|anfrage|referenz)-?\s?(?:nummer|nr\.?|id)\b.{0,30}\d{3,}",
            r"\b(?:ihr|ihre) (?:anliegen|anfrage|meldung|nachricht)\b.{0,40}\bwird\b.{0,60}\b(?:bearbeitet|"
            r"beantwortet)",
            r"\b(?:ihre|deine) (?:anfrage|nachricht|mitteilung|e-?mail|mail)\b.{0,60}\b(?:eingegangen|erhalten)",
            r"\bwir haben ihre (?:anfrage|nachricht|mitteilung|e-?mail)\b",
        ),
        "delayed": (
            r"\b(?:delivery|message|mail)\b.{0,60}\b(?:has been|is|was|been) (?:delayed|deferred)",
            r"\bhas not yet been delivered|\bnot (?:been )?delivered (?:for|after)|\bdelivery incomplete",
            r"\b(?:do not|don't) need to resend|\bwill (?:keep|continue) (?:on )?try|\bwill retry for|\bstill "
            r"(?:being retried|trying)",
            r"\bwarning (?:message )?only\b|noch nicht zugestellt|zustellung.{0,40}verzögert|weitere zustellversuche",
        ),
        "bounce": (
            r"\b(?:message|mail|delivery|e-?mail)\b.{0,80}\b(?:could not|couldn't|couldn’t|wasn't|wasn’t|was not|"
            r"cannot|can't)\b.{0,20}\b(?:be )?deliver",
            r"\bunable to deliver|\bdelivery (?:to .{0,60})?(?:has )?failed\b|\bfailed permanently|"
            r"\bpermanent(?:ly)? (?:fatal )?(?:error|fail)",
            r"\bthis is the (?:mail system|qmail-send)|\breturned to sender|\baddress(?:es)? (?:not found|had "
            r"permanent)",
            r"nicht zugestellt werden|\bunzustellbar|\bempfänger\b.{0,40}\b(?:unbekannt|existiert nicht|abgelehnt)",
        ),
        "list": (
            r"\b(?:message|post|posting|mail|e-?mail)\b.{0,120}\b(?:awaits?|held|waiting|pending|"
            r"requires?)\b.{0,60}\b(?:moderat|approv)",
            r"\b(?:held|waiting) until the\b.{0,40}\b(?:moderator|owner)",
            r"\bnot (?:allowed|authori[sz]ed|permitted) to (?:post (?:to|in|messages)\b|send (?:mail|messages|to))|"
            r"\bpermission to (?:post|send to)\b|\bmessage was not posted\b",
            r"\bonly (?:members|subscribers) (?:can|may) post|\b(?:you (?:are|must be)|because you are)(?: not)? "
            r"(?:a |the )?(?:member of (?:the|this)|subscrib\w+)\b|\byou are not a member\b|\bmailing "
            r"list\b.{0,80}\b(?:rejected|subscri|moderat|command)",
            r"\bresults of your e-?mail command|\bgroup you tried to contact\b",
            r"nicht berechtigt.{0,60}\b(?:liste|gruppe|verteiler)|wartet auf.{0,40}\b(?:freigabe|moderat)|"
            r"\bmailingliste\b.{0,60}\b(?:abgelehnt|freigabe|moderat|mitglied)",
        ),
        "receipt": (
            r"\b(?:was|has been) (?:read|displayed|opened) (?:on|at|by)\b|\bthis is a (?:return|read|delivery) "
            r"receipt",
            r"\byour document\b.{0,80}\bwas received by\b|\ba été (?:lu|affiché)\b|\bha sido leído\b|\bè stato "
            r"letto\b",
            r"\bno guarantee that the (?:message|recipient)|\bdeleted (?:without being|unread)|\bthe (?:mail|"
            r"message) was displayed",
            r"\bwurde (?:am|um|von)\b.{0,60}\b(?:gelesen|angezeigt|geöffnet)|\bist eine (?:lese|empfangs)bestätigung|"
            r"ungelesen gelöscht",
        ),
        "calendar": (
            r"^\s*\S{1,40}(?: \S{1,40}){0,3} has (?:accepted|declined|tentatively accepted) (?:this|your|the) "
            r"(?:invitation|meeting|event)",
            r"\bhat (?:diese|ihre|die) (?:einladung|besprechung).{0,60}\b(?:angenommen|abgelehnt|zugesagt|abgesagt)",
        ),
        "own": (
            r"just answer this mail; your words reach them by the way they wrote",
            r"\bwas NOT passed on:|has come in to become an alert|reply has come in that could not be matched to a "
            r"customer",
        ),
        "other": (
            r"\b(?:virus|malware|suspicious content|policy violation)\b.{0,60}\b(?:detected|found|removed|blocked)",
            r"\b(?:message|e-?mail|mail|attachment)\b.{0,60}\b(?:has been|was) (?:quarantined|blocked|stripped|"
            r"encrypted)\b",
            r"\b(?:mailbox|address|inbox|account) is (?:not|no longer|un)\s?(?:monitored|in use|attended|active)",
            r"\b(?:postfach|adresse) wird nicht (?:gelesen|überwacht|mehr verwendet)",
        ),
    }
)

AUTOMATED = re.compile(
    "|".join(
        (
            r"\bthis (?:is|was) an? (?:automat|auto|system|computer)[a-z-]*(?:[ -]generated)?[a-z ]{0,30}\b(?:reply|"
            r"response|message|e-?mail|notification|acknowledg\w+|confirmation)",
            r"\bautomat(?:ically|ed)[ -](?:generated|sent|created|response|reply|message|notification)",
            r"\b(?:message|e-?mail|reply) (?:was|has been|is) (?:automatically|generated|created) ",
            r"\bauto[ -]?(?:reply|response|generated|responder)\b|\bplease do not (?:reply|respond)\b|\bdo not reply "
            r"to this",
            r"\bno need to reply to this|\bonly notification you will receive|\b(?:unmonitored|unattended) "
            r"(?:mailbox|inbox|address)",
            r"\bautomatisch (?:erstellt|generiert|versendet|erzeugt|gesendet|versandt)|\bautomatisch(?:e[rns]?) "
            r"(?:antwort|nachricht|e-?mail|mitteilung|hinweis)|\bantworten sie (?:bitte )?nicht auf diese",
        )
    ),
    re.IGNORECASE,
)

# What telephones and networks send back to a text message.
TELEPHONE: Table = _table(
    {
        "absence": (
            r"^\W*i[’']?m driving with (?:focus|do not disturb|cf)|^\W*i[’']m not receiving notifications",
            r"^\W*i[’']?m driving (?:right )?now.{0,40}(?:get back|call|text|later)|^\W*ich fahre "
            r"gerade.{0,80}(?:melde|mitteilung)",
            r"^\W*\[?(?:auto(?:matic)?[ -]?(?:reply|response)|automatische antwort|out of office|ooo\b|abwesenheit)",
            r"\bsent automatically\b|\bautomatisch gesendet\b",
        ),
        "other": (
            r"^\W*(?:free ?msg|t-?mobile free msg|msg \d+|att free msg)\b|\b(?:number|line) (?:does not|cannot) "
            r"(?:accept|receive)",
            r"\bmessage blocking is active|\bthis (?:is an )?(?:unattended|unmonitored) (?:number|line)|\bnicht "
            r"überwachte",
            r"\bdo not reply to this (?:number|message|text)|\bantworten sie nicht auf diese",
        ),
    }
)
