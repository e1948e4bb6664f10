"""What looks like an order and is none: advice, history, refusals, others, ratings."""

from __future__ import annotations

from dispatcher.services.understanding.patterns import rules

ADVICE = rules(r"""
(?:do|must|should) (?:i|we) (?:need |have )?(?:to )?(?:do|act|buy|sell|tender|accept|exercise|elect|worry|take)
(?:would|is|does|will|could|might|was|wäre|ist|macht) (?:a|an|the|that|your|my|ein|eine|einen) (?:\S+ ){0,7}(?:be|
    make|sensible|wise|good|better|work|still|enough|cheaper|too|sinnvoll|sinn|gut|besser|ratsam|noch|zu)
(?:should|shall|must|ought|need) (?:i|we|one|you|he|they|my|our|clients?) (?:\S+ ){0,6}?(?:buy|sell|hold|short|
    cover|add|trim|reduce|exit|hedge|switch|take|be|wait|get|keep|do|roll|close|increase|cut|participate|subscribe|
    move|go|stay|dump|lock|double|lighten|sold|bought|consider)
(?:do|would|did|are|what do) you (?:guys |still |really |personally |actually |currently |also )*(?:recommend|
    suggest|think|advise|like|see|still|rate|say|believe|prefer|buy|sell|hold|buying|selling|recommending|
    suggesting|advising|sure|expect|feel|do|be|saying|short|add)
(?:is|was|would|are|wouldn|will) (?:it|this|that|now|these|there|#x|they) (?:\S+ ){0,4}(?:time|worth|better|late|
    wise|good|a buy|a sell|sensible|still|safe|sense|smart|enough|reason|idea|case|too|makes? sense|advisable|
    possible|buy|sell|cheap|point)
(?:does|would|doesn) it (?:\S+ ){0,2}(?:make sense|be better|pay|matter)
(?:buy|sell|hold|kaufen|verkaufen|halten) or (?:buy|sell|hold|wait|not|kaufen|verkaufen|halten)
(?:soll|sollen|sollte|sollten|muss|müssen|darf|lohnt|empfehlen|empfiehlt|raten|rät|ratet|empfehlt|würden sie|
    würdest du|würdet ihr|halten sie|meinen sie|glauben sie|denken sie|finden sie) (?:(?:ich|wir|man|sie|du|ihr|es|
    sich|mir|uns|zu|zum|jetzt|da|dazu|den|die|das) ){0,6}(?:\S+ ){0,8}?(?:kaufen|verkaufen|kauf|verkauf|halten|
    einsteigen|aussteigen|zukaufen|nachkaufen|reduzieren|aufstocken|absichern|zeichnen|warten|einstieg|ausstieg|
    umschichten|handeln|machen|tun|tauschen|zukauf|nachlegen|schliessen|shorten|mitnehmen|bleiben|raus|rein|
    behalten|kaufenswert)
(?:ist|wäre|wär|wird|macht|gibt) (?:\S+ ){0,5}(?:zeitpunkt|zeit|sinnvoll|sinn|besser|gut|ratsam|klug|zu spät|
    kaufenswert|ein kauf|lohnend|kaufgelegenheit|angebracht|empfehlenswert)
""")
ASKING = rules(
    r"""
(?:why|how come|how much|how many|how|when|where|what|which|who|at what|warum|wieso|weshalb|wann|wie|was|wer|wo|
    welche[rsnm]?|zu welchem|wieviel|whats|what s) 
(?:did|has|have|had|was|were|is|are|am|does|hat|haben|wurde|wurden|ist|sind|war|waren|habt|hast) (?:(?!you able)\S+)
(?:any|is there|are there|gibt es|still|noch) (?:\S+ ){0,3}(?:reason|view|views|news|thoughts|update|idea|risk|
    chance|scope|stock left|room|colour|color|gründe|neuigkeiten|einschätzung|meinung)
(?:can|could|may|kann|können|darf|dürfen) (?:i|we|one|ich|wir|man|clients|kunden) (?:\S+ ){0,5}(?:still|noch|even|
    only|at all|überhaupt|online|myself|selbst|directly|auch)
""",
    start=True,
)
CAN_I = rules("(?:can|could|may|kann|könnte|könnten|können|darf) (?:i|we|ich|wir|man) ", start=True)
DONE_BEFORE = rules(r"""
(?<!from )(?<!of )(?<!von )(?<!vom )(?:already|bereits|schon|yesterday(?! s)|last week|last month|last year|
    gestern|letzte woche|letzten monat|vorhin|
    earlier this|a while ago|months? ago|weeks? ago|days? ago) 
(?:i|we|they|he|she|you) (?:have |had |has |\S+ly |already |just |did )*(?:sold|bought|purchased|covered|shorted|
    trimmed|reduced|exited|hedged|added|switched|closed|cut|unwound|liquidated|traded|dealt|took|subscribed)
(?:habe|haben|hatten|hatte|hat|wurde|wurden|sind|bin|ist) (?:\S+ ){0,7}(?:gekauft|verkauft|gezeichnet|reduziert|
    aufgestockt|eingestiegen|ausgestiegen|abgesichert|raus|draussen|erworben|abgestossen|glattgestellt|geschlossen|
    umgeschichtet|gehandelt|investiert|eingedeckt|mitgenommen|storniert|gestrichen|ausgeführt|abgerechnet)
""")
REFUSED = rules(r"""
(?:not|never|no longer|nobody|no need to|no plans to|without|instead of|rather than|no intention of|no reason to|
    hard to|reluctant to|too late to|too early to|refuse to|unable to|not allowed to|can not|afraid to|no rush to|
    no point in|no desire to) (?:(?:be|want|wanting|looking|look|going|planning|plan|wish|intend|like|need|really|
    yet|to|in|us|me|you|ready|keen|prepared|allowed|able|currently|any|consider|considering|interested|here|at|this|
    level|levels) ){0,6}(?:{sell}|{selling}|add|adding|reduce|reducing|exit|exiting|cover|covering|participate|
    participating|trade|trading|switch|switching|do anything|change anything|subscribe|invest|investing|take part|
    increase|chase|roll|close)
(?:kaufe|kaufen|verkaufe|verkaufen|zeichne|zeichnen|handeln|machen|nehmen|reduzieren|erhöhen|stocken|mache|nehme|
    steige|steigen) (?:(?:ich|wir|da|hier|heute|im|moment|aktuell|derzeit|erstmal|vorerst|das|die|den|jetzt|sie|
    zurzeit|momentan) ){0,5}(?:nicht|nichts|keine|keinen|kein|noch nicht|auf keinen fall)
(?:nicht|nichts|keine|keinen|kein|niemals|nie|ungern|noch nicht|keinesfalls|weder) (?:\S+ ){0,5}{handeln}
""")
INSTRUCTED_NOT = rules(
    r"""
(?:please |ok |, |so )*(?:no|not) (?:more|further) (?:buying|selling|buys|sells|trades|trading|orders|purchases|
    sales|shorting|adding)
(?:please |but |and |so |just |hi |, |\S+ , )*(?:do not|never|please do not) (?:buy|sell|execute|trade|fill|cancel|
    touch|short|close|do anything|place|book|go ahead|proceed|work)(?! (?:the (?:hype|story|thesis|argument|idea|
    narrative|dip|rumou?rs?)|it that|into|that (?:story|argument|thesis|idea)|this (?:story|argument|thesis|idea|
    narrative)))
(?:bitte )(?:\S+ ){0,5}(?:nicht|nichts|noch nicht|keinesfalls) (?:mehr )?(?:kaufen|verkaufen|ausführen|handeln|
    zeichnen|tauschen|platzieren|stornieren)
(?:please |just )*(?:hold off|hold fire|wait|hold|halt|warten|warte) (?:with|on|mit) (?:\S+ )?(?:the |my |our |der |
    meiner |dem |den )?(?:order|orders|trade|execution|selling|buying|sale|purchase|sell|buy|auftrag|verkauf|kauf|
    ausführung)
""",
    start=True,
)
OTHERS = rules(r"""
(?:they|he|she|it|market|markets|insiders?|management|everyone|everybody|people|funds|hedge funds|analysts?|street|
    ceo|cfo|company|investors?|retail|traders|buffett|banks|brokers|competitors?|shareholders?|board|directors?|
    algos?|clients are|others|nobody|somebody|someone else|who) (?:(?:will|would|to|are|is|want|wants|have|has|had|
    may|might|could|can|do|does|did|keep|keeps|seem|seems|should|continue|continues|need|needs|all|been|be|plan|
    plans|just|still|looking|also|going|to|starting|started|likely|forced|trying|rushing|happily) ){0,4}(?:{sell}|
    {selling}|buys|sells|{add})
(?:insider|forced|panic|heavy|short|foreign|institutional|programme|program|technical|tax|stop loss|
    aggressive) (?:selling|buying|covering|short)
(?:downgrade|downgraded|upgrade|upgraded|cut|rated|rating|recommendation|move|moved|went|going|raised|lowered|
    initiated|initiate|from|stay|stays|remain|remains|reiterate|reiterates|reiterated|keep|your|your own|their|a|an|
    strong|is still a|consensus|the|on) (?:(?:it|them|rating|rated|a|at|to|with|#x|from|of|the|still|strong|your|
    as) ){0,3}(?:buy|sell|hold|short|reduce|add|kaufen|verkaufen)(?= (?:rating|recommendation|from|to|on|is|was|,|
    call|list|side|case|thesis|or|and|again|at this|makes|seems|\?|for|with|looks|still|now|reco)|$)
(?:sell|buy) (?:ratings?|side|recommendations?|signals?|calls?|lists?|recos?|thesis|case|or|rated|off)
""")
SELF = rules("(?:i|we|me|us|my|our|please|ich|wir|bitte|mir|uns)")
HISTORY = rules(
    r"""
(?:how|what|where|when|why|which|who|did|has|was|is|have|any|do) (?:\S+ ){0,6}(?:order|orders|fill|fills|trade|
    trades|execution|position|status)
""",
    start=True,
)
STATUS = rules(
    "(?:status|update|news|confirmation|confirm (?:receipt|that|whether|if)|copy|details|stand|bestätigung|stand|"
    "rückmeldung) (?:of|on|for|about|re|zu|der|zum|zur|meiner|über) (?:\\S+ ){0,3}(?:orders?|trades?|fills?|auftrag|"
    "aufträge|order|ausführung|execution)"
)
NO_INTEREST = rules(r"""
(?:not|no|no longer|never|nobody|kein|keine|keinerlei|nicht|without|zero|ohne|open|short|any) (?:(?:really|
    particularly|currently|very|further|much|real|grosses|sonderlich|weiter|mehr|the least|longer|so|buying|
    at the moment|that|be|a|an|am|are|at this|time|im moment|derzeit|momentan) ){0,3}(?:interest|interested|interesse|
    interessiert|appetite|dabei|käufer|verkäufer|buyers?|sellers?)
(?:interesse|interest|interested) (?:\S+ ){0,5}(?:nicht|no longer|not|keines|nein|keins)
""")

# What stays as it is, and what is always done.
AS_EVER = rules(r"""
(?:no|keine) (?:changes?|amendments?|änderung|änderungen) (?:to|in|on|an|bei|am|zu|for)
(?:i|we|wir|ich) (?:\S+ ){0,8}(?:anyway|always|as a rule|generally|normally|usually|grundsätzlich|ohnehin|immer|
    sowieso)$
""")
# Somebody is to be taken out, and nothing that is traded.
TAKEN_OUT = rules(r"""
(?:nimm|nehmt|nehmen|streich|streicht|streichen|lass|lasst) (?:(?:sie|bitte|doch|endlich|mal|einfach) ){0,3}(?:mich|
    uns) (?:(?:da|hier|bitte|wieder|endlich|davon|aus|dem|der|diesem|dieser|ding|sache|gruppe|aussendung) ){0,4}(?:raus|
    heraus|draussen|runter)
""")

# Lists on paper, on which nothing is traded.
PAPER = rules(
    r"(?:watch list|watchlist|model portfolio|musterdepot|focus list|conviction list|paper portfolio|simulator)"
)
INSTEAD = rules(
    r"(?:but|instead|aber|sondern|rather) (?:\S+ ){0,4}(?:buy|sell|kaufen?|verkaufen?|kauft?|cancel|add|trim)"
)
# What was done comes first, what is to be done follows.
AND_NOW = rules(
    r"(?:now|another|also|please|but|rest|remaining|bitte|jetzt|noch|weitere|restlichen?|again|more|therefore|so)"
)
OF_THEM = rules(r"(?:it|they|he|she|es|er|the company|the firm)", start=True)
# A sentence about the world in which numbers stand: somebody did or is something.
TELLS = rules(r"""
(?:was|were|is|are|has|have|had|will|looks?|seems?|reported|said|says|fell|rose|down|up|closed|trading|trades|traded|target|
    forecast|estimates?|revenue|sales|ebit|earnings|eps|hat|haben|ist|sind|war|waren|wird|liegt|steht|kursziel|
    umsatz|gewinn|stopped|filled|expected|guidance|made|makes|cost|costs|paid|lost|earned|saw|shows?|why|how|what|
    when|wie|warum|wurden?|employees|years?|people|mitarbeiter|jahre)
""")
