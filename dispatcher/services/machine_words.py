"""What machines write, in English and German (their subjects in the other languages of offices): sentences, each with
what it speaks for. And what people write that no machine would.
"""

from __future__ import annotations

import re

_RE = r"^\s*(?:\[[^\]]{1,40}\]\s*)?"

# Subjects, from their beginning. The kind "" is a machine's of which only the words tell the kind.
SUBJECTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(_RE + f"(?:{words})", re.IGNORECASE))
    for kind, words in (
        (
            "delayed",
            r"delivery (?:status notification \(delay|delayed|has been delayed)|delayed:|warning: (?:could not "
            r"send|message \S+ "
            r"delayed|message still undelivered)|verzögert|zustellung verzögert|verzögerte zustellung",
        ),
        (
            "bounce",
            r"delivery status notification|undeliver|mail delivery (?:failed|failure|system|subsystem)|returned mail|"
            r"failure notice|delivery (?:failure|has failed)|nondeliverable|non-?delivery|unzustellbar|nicht "
            r"zustellbar|"
            r"nachricht nicht zugestellt|fehler bei der zustellung|non remis|mail system error",
        ),
        (
            "receipt",
            r"(?:not )?read:|gelesen:|ungelesen|nicht gelesen:|read receipt|return receipt|lesebestätigung|"
            r"empfangsbestätigung|lu ?:|leído:|letto:|delivered:|übermittelt:|disposition notification",
        ),
        (
            "calendar",
            r"(?:accepted|declined|tentative(?:ly accepted)?|zugesagt|angenommen|abgelehnt|mit vorbehalt|"
            r"vorläufig zugesagt|"
            r"new time proposed|neuer termin vorgeschlagen)(?: \([^)]{1,40}\))?\s*:",
        ),
        (
            "challenge",
            r"(?:your )?e-?mail requires verification|.{0,60}verify#|please (?:confirm|verify) (?:your|this|"
            r"that) (?:e-?mail|"
            r"message|delivery)|confirm your (?:e-?mail|message)|message (?:held|pending)[^:]{0,30}(?:verification|"
            r"confirmation)|bitte bestätigen sie ihre (?:nachricht|e-?mail)|ihre (?:nachricht|e-?mail) (?:muss|"
            r"wartet)|"
            r"action required to deliver",
        ),
        (
            "list",
            r"your message to \S+ awaits|message (?:for|to) .{1,80} (?:needs|awaits|requires) (?:moderator "
            r")?approval|"
            r"request to mailing list|welcome to the .{0,80}mailing list|confirm [0-9a-f]{20,}|posting "
            r"(?:rejected|held)|"
            r"ihre nachricht an .{1,80} wartet",
        ),
        (
            "",
            r"auto(?:matic|mated|matische|matisch)?[ -]?(?:reply|response|antwort|antwoord)\b|auto:|autosvar|"
            r"r[ée]ponse automatique|respuesta autom[áa]tica|risposta automatica|resposta autom[áa]tica|"
            r"automaattinen|"
            r"automatyczna odpowied",
        ),
        (
            "absence",
            r"out[ -]of[ -](?:the[ -])?office|ooo\b|i am out of|abwesenheit|abwesend|abwesenheitsnotiz|urlaub\b|"
            r"absence|fuera de la oficina|fuori (?:sede|ufficio)|on (?:vacation|holiday|leave)|away from (?:my|"
            r"the) (?:desk|"
            r"office|mail)|nicht im (?:büro|hause)|afwezig|ausente",
        ),
        (
            "ticket",
            r"(?:re: )?(?:\[[^\]]*#?\d{3,}[^\]]*\]|ticket ?(?:#|nr|no|id|received|created|eröffnet|erstellt)|"
            r"case ?#? ?\d{3,}|"
            r"(?:request|incident|inc|req|ritm|sr)[ #:-]{0,3}\d{4,}|#\d{4,}|\(?[A-Z]{2,8}-\d{2,}\)?)|"
            r"(?:your )?(?:request|enquiry|inquiry) (?:\S{1,20} )?(?:has been )?received|we(?:'ve| have) "
            r"received your|"
            r"ihre anfrage|eingangsbestätigung|.{0,60}(?:ticket|vorgang|vorgangsnummer)[ :#-]{1,3}\d{4,}",
        ),
    )
)

# Sentences only a machine writes; one of them decides, where no person's words stand beside it.
DECIDING: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(words, re.IGNORECASE))
    for kind, words in (
        (
            "challenge",
            r"(?:click|follow|visit|reply|open|use|press|klicken|folgen|antworten).{0,120}(?:(?:confirm|verify|"
            r"prove).{0,60}(?:"
            r"you are|sender|human|person|not a (?:spam|robot|bot|machine)|real)|(?:deliver|release) (?:your|"
            r"this|the) "
            r"(?:message|e-?mail|mail)|bestätigen.{0,60}(?:mensch|absender|spam))|"
            r"(?:prove|verify|confirm)[^.]{0,40}(?:that )?you are (?:a |an |not a )?(?:real|human|person|"
            r"legitimate|spam|robot)|"
            r"(?:unknown|new|first)[ -](?:time )?sender.{0,80}(?:verif|confirm|authori)|(?:spam arrest|"
            r"boxtrapper|tmda|"
            r"spamarrest|cleanmail|qurb|choicemail|mailblocks)|whitelist(?:ed)?.{0,40}(?:click|reply|confirm)|"
            r"kein (?:spammer|roboter|automat) sind|dass sie (?:ein mensch|kein spam)",
        ),
        (
            "ticket",
            r"(?:ticket|request|case|incident|enquiry|inquiry|reference)\b[^.]{0,60}\b(?:has|have) (?:now "
            r")?been (?:received|created|"
            r"opened|logged|registered|assigned|submitted|updated|recorded|raised|resolved|closed)|please type "
            r"your reply "
            r"above this line|reply above this line|we(?:'ve| have) (?:received|logged|registered) your "
            r"(?:request|enquiry|"
            r"inquiry|ticket|case|query|message and)|(?:ticket|vorgang|anfrage|anliegen|meldung|"
            r"fall)\b[^.]{0,80}\bwurde\b[^.]{0,60}"
            r"(?:eröffnet|erstellt|angelegt|registriert|erfasst|aufgenommen|geöffnet|geschlossen)|(?:ticket|"
            r"vorgangs?|fall|"
            r"bearbeitungs|case|reference|request|incident)-?\s?(?:nummer|number|nr\.?|id|no\.?|#)\s*(?:is|"
            r"lautet|ist|:)+\s*\S*"
            r"\d{3,}|(?:ihre|deine) (?:anfrage|nachricht|mitteilung)[^.]{0,40}(?:ist|haben "
            r"wir)[^.]{0,40}(?:eingegangen|erhalten)"
            r"|a (?:support )?(?:agent|representative|member of our (?:support|service)[^.]{0,20}) will (?:be "
            r"in touch|get back|"
            r"respond|contact)|our support team will",
        ),
        (
            "delayed",
            r"(?:delivery|message|mail)[^.]{0,60}(?:has been|is|was|been) (?:delayed|deferred)|you do not need "
            r"to resend|will "
            r"(?:keep|continue) trying|still (?:being retried|trying)|noch nicht zugestellt|"
            r"zustellung[^.]{0,40}verzögert|"
            r"weitere zustellversuche",
        ),
        (
            "bounce",
            r"(?:message|mail|delivery)[^.]{0,80}(?:could not|couldn't|wasn't|was not|cannot|can't|unable "
            r"to)[^.]{0,20}"
            r"(?:be )?(?:delivered|deliver)|delivery[^.]{0,60}failed|undeliverable|failed permanently|"
            r"permanent(?:ly)? "
            r"(?:fatal )?error|this is the (?:mail system|qmail-send)|"
            r"nicht zugestellt werden|unzustellbar|(?:recipient|empfänger)[^.]{0,40}(?:rejected|unknown|unbekannt)",
        ),
        (
            "list",
            r"(?:message|post|posting|mail)[^.]{0,120}(?:awaits?|held|waiting|pending|"
            r"requires?)[^.]{0,60}(?:moderat|approval)|"
            r"not allowed to post|only (?:members|subscribers) (?:can|may) post|you are not (?:a member|"
            r"subscribed)|results of "
            r"your e-?mail command|nicht berechtigt[^.]{0,40}(?:liste|gruppe)|wartet auf[^.]{0,40}(?:freigabe|"
            r"moderat)",
        ),
        (
            "receipt",
            r"(?:was|has been) (?:read|displayed|opened) (?:on|at|by)|this is a (?:return|read) receipt|no "
            r"guarantee that the "
            r"message|wurde (?:am|um|von)[^.]{0,60}(?:gelesen|angezeigt|geöffnet)|deleted (?:without being|"
            r"unread)|dies ist "
            r"eine (?:lese|empfangs)bestätigung|ungelesen gelöscht",
        ),
        (
            "calendar",
            r"^\s*\S{1,40}(?: \S{1,40}){0,3} has (?:accepted|declined|tentatively accepted) (?:this|your|the) "
            r"(?:invitation|"
            r"meeting|event)|hat (?:diese|ihre|die) einladung (?:angenommen|abgelehnt)",
        ),
        (
            "own",
            r"just answer this mail; your words reach them by the way they wrote|was NOT passed on:|has come in "
            r"to become an alert|"
            r"a reply has come in that could not be matched to a customer",
        ),
    )
)
AUTOMATED = re.compile(
    r"this (?:is|was) an? (?:auto|system|computer)[- ]?(?:matic|mated|generated|reply|response)?[a-z "
    r"-]{0,30}(?:reply|response|"
    r"message|e-?mail|notification|generated|acknowledg)|(?:do|please do) not (?:reply|respond) to this|"
    r"automat(?:ically|ed)[ -]"
    r"(?:generated|sent|response|reply)|auto-?(?:reply|response|generated)|automatisch (?:erstellt|generiert|"
    r"versendet|erzeugt|gesendet)|"
    r"automatische (?:antwort|nachricht|e-?mail|mitteilung|abwesenheit)|antworten sie (?:bitte )?nicht auf diese|"
    r"(?:unmonitored|not monitored|unattended) (?:mailbox|inbox|address)|von unterwegs nicht",
    re.IGNORECASE,
)

# What a note of absence is made of; each kind counts once. No single one makes a machine: people say these things, too.
ABSENT: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(words, re.IGNORECASE))
    for kind, words in (
        (
            "away",
            r"\b(?:i am|i'm|i’m|i will be|i'll be|am|we are|currently|presently)\b[^.]{0,50}\b(?:out of (?:the |"
            r"my )?(?:office|town)|"
            r"away\b|on (?:\w+ ){0,2}(?:leave|vacation|holidays?|pto)|travell?ing|not in the office|off (?:work|"
            r"today|until)|"
            r"unavailable|absent|ooo)\b|\bout of (?:the )?office\b|\b(?:bin|befinde mich|sind|"
            r"ist)\b[^.]{0,80}\b(?:nicht (?:im|in|am)"
            r" (?:büro|hause?|haus|dienst|platz|arbeitsplatz)|außer haus|ausser haus|abwesend|im urlaub|in "
            r"elternzeit|in mutterschutz|"
            r"auf (?:dienst|geschäfts)?reisen?|nicht (?:erreichbar|da|verfügbar)|krank)\b|\b(?:no longer|nicht "
            r"mehr)\b[^.]{0,40}\b"
            r"(?:with|works?|working|employed|für|bei|tätig)\b|has left (?:the (?:firm|company|bank)|us)\b|"
            r"unternehmen verlassen",
        ),
        (
            "back",
            r"\b(?:return(?:ing)?|be back|am back|back (?:in|at|on|to)|resume)\b[^.]{0,60}(?:\d|mon|tue|wed|thu|"
            r"fri|next week|tomorrow|"
            r"january|february|march|april|may|june|july|august|september|october|november|december)|\b(?:until|"
            r"through|till|bis)\b"
            r"[^.]{0,30}(?:\d|monday|tuesday|wednesday|thursday|friday|montag|dienstag|mittwoch|donnerstag|"
            r"freitag|further notice|"
            r"auf weiteres)|\b(?:ab|am)\b[^.]{0,40}(?:\d|montag|dienstag|mittwoch|donnerstag|"
            r"freitag)[^.]{0,40}\b(?:wieder|zurück)\b|"
            r"\bwieder\b[^.]{0,40}\b(?:erreichbar|im büro|da|zurück|im hause?|für sie)\b|zurück\b[^.]{0,20}\d",
        ),
        (
            "access",
            r"\b(?:limited|no|little|intermittent|sporadic|restricted|without)\b[^.]{0,25}\b(?:access|e-?mail|"
            r"connectivity)\b|(?:not|"
            r"nicht|weder|kein)\b[^.]{0,40}\b(?:weitergeleitet|forwarded|gelesen|zugriff|checking|monitored|"
            r"reading)\b|\b(?:reply|"
            r"respond|answer|get back|antworten?|beantworten?|melde)\b[^.]{0,60}\b(?:upon|on|after|when|once|as "
            r"soon as|nach|sobald|"
            r"schnellstmöglich|baldmöglichst|umgehend)\b",
        ),
        (
            "instead",
            r"\b(?:urgent|urgently|emergenc|immediate|assistance|in my absence|während meiner|vertretung|"
            r"vertritt|dringend|eilig|"
            r"notfälle?)|\b(?:please|kindly) (?:contact|call|e-?mail|reach out to|write to|direct|speak to)\b|"
            r"wenden sie sich|"
            r"kontaktieren sie|(?:contact|reach)(?:ed)? (?:my colleagues?|our|the (?:desk|team))",
        ),
        (
            "thanks",
            r"\b(?:thank you|thanks|many thanks) for (?:your|the|contacting|getting|writing|reaching)|(?:vielen "
            r")?dank für ihre?n? "
            r"(?:e-?mail|nachricht|mail|anfrage|interesse)|danke für (?:ihre|deine)",
        ),
    )
)
# Telephones that answer text messages while their owner drives, word for word.
TELEPHONE = re.compile(
    r"^\W*(?:i[’']m driving with (?:focus|do not disturb)[^.]{0,60}turned on|i[’']m driving (?:right "
    r")?now[^.]{0,40}(?:get back|call|text) "
    r"|\(?i[’']m not receiving notifications|(?:\[|\()?auto(?:matic)?[ -]?(?:reply|response)|ich fahre gerade "
    r"(?:auto )?(?:mit|und habe)"
    r"|\(?ich erhalte keine mitteilungen|sent automatically|automatische antwort)",
    re.IGNORECASE,
)

# What only people write: orders, requests, questions to somebody.
PERSON = re.compile(
    r"\b(?:buy|sell|bid|offer|bought|sold|short|unwind|hedge|take profit|stop[ -]?loss|at market|at limit|limit "
    r"(?:of|at)|shares|"
    r"order|orders|fill|trim|position|call me|ring me|phone me|give me a (?:call|ring)|text me|could you|can "
    r"you|would you|do you|"
    r"let me know|let's|go ahead|hold off|interested|not interested|i(?:'d| would) (?:like|prefer)|we(?:'d| "
    r"would) like|"
    r"your (?:view|note|alert|call|report|piece)|price|target|kaufe?n?|verkaufe?n?|gekauft|verkauft|stück|"
    r"aktien|auftrag|limit|kurs|"
    r"kursziel|rufen sie mich|ruf mich|rufen sie (?:bitte )?(?:zurück|an)|könnten sie|können sie|würden sie|ich "
    r"(?:möchte|hätte)|"
    r"wir (?:möchten|hätten|nehmen|wollen)|bitte um|interesse|interessiert|einverstanden)\b|\?\s*$",
    re.IGNORECASE,
)
# Sentences about whom to turn to meanwhile may speak of orders and calls without asking for one.
_FILLER = re.compile(
    r"^\W*(?:hello|hi|dear|good (?:morning|day|afternoon)|hallo|sehr geehrte|guten (?:tag|morgen)|liebe[rs]?|"
    r"(?:kind|best|warm|many)? ?"
    r"(?:regards|wishes|thanks)|sincerely|yours|mit (?:freundlichen|besten) grüßen|viele grüße|beste grüße|mfg|lg)\b",
    re.IGNORECASE,
)


def sentences(text: str) -> list[str]:
    """The sentences of a text, of at most 500 characters each, at most 200."""
    joined = re.sub(r"(?<![.!?:\n])\n(?=[a-zäöüß(])", " ", text[:20_000])
    pieces = re.split(r"(?<=[.!?])\s+(?=[^a-zäöü\s])|\n+", joined)
    return [one.strip()[:500] for one in pieces if re.search(r"\w", one)][:200]


def is_filler(sentence: str) -> bool:
    """A greeting or a closing."""
    return bool(_FILLER.match(sentence)) and len(sentence) < 80
