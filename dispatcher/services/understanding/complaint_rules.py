"""How people complain of us, and what is said of markets and companies instead."""

from __future__ import annotations

from dispatcher.services.understanding.patterns import rules

COMPLAINT = rules(r"""
(?:complain|complaining|complaint|complaints? (?:procedure|department|team|officer|form)|formal complaint|
    grievance)(?! (?:is|are|dept|department at|line at|about the (?:company|ceo|management)))
(?:ombudsman|ombudsmann|ombudsstelle|finma|finra arbitration|financial conduct authority|small claims|
    consumer protection|verbraucherschutz|verbraucherzentrale|schlichtungsstelle|schiedsstelle)
(?:report|reporting|take|taking|go|going|refer|referring|escalate|escalating|write|writing|complain|speak|speaking|
    melde|melden|wende|gehe|gehen|forward|inform|informing|contact|contacting|hear from) (?:(?:you|this|it|to|the|
    with|matter|straight|further|directly|case|up|higher|sie|das|dies|mich|uns|an|zur|der|die|bei|from|their|our|
    now) ){0,6}(?:fca|bafin|finra|sec|regulators?|fma|amf|cssf|authorities|press|media|compliance|police|court|
    aufsicht|aufsichtsbehörde|finanzaufsicht|presse|gericht|polizei|manager|supervisor|management|head of|boss|
    vorgesetzten|geschäftsleitung|vorstand)
(?:my|our|a|meine[nmr]?|unsere[nmr]?|einen|einem|the) (?:\S+ )?(?:lawyers?|solicitors?|attorneys?|legal team|
    legal counsel|barrister|anwalt|anwälte|anwältin|rechtsanwalt|rechtsanwälte|rechtsabteilung|legal department|
    counsel)(?! (?:is on holiday|reviewed the (?:prospectus|contract|docs)|for the deal|will (?:review|look at|
    check|sign) the))
(?:lawyer|lawyers|solicitor|solicitors|attorney|legal action|legal steps|legal proceedings|sue you|suing you|
    sue the bank|see you in court|hold you (?:liable|responsible|accountable)|holding you|anwalt|
    rechtliche schritte|verklagen|verklage|schadenersatz|schadensersatz|regress|rechtsweg|strafanzeige|haftbar|
    rechtsanwalt|ihr hört von)
(?:i|we) (?:demand|insist on|expect|want|require|request|am owed|are owed|would like|deserve) (?:an? |my |our |
    full |immediate |written |proper |to be )*(?:explanation|apology|compensation|compensated|refund|refunded|
    reimbursement|reimbursed|money back|investigation|answer immediately|written response|redress|entschuldigung)
(?:you|your|the desk|your \S+|this|that|it|bad advice) (?:(?:\S+ly|have|has|just|again|guys|people|
    \S+) ){0,5}?(?:lost|cost|costing) (?:me|us|my (?:client|clients|fund|wife|pension)|our (?:client|clients|fund)|
    you a client|a client|real money|money|#q|#n)
(?:i|we) (?:have )?(?:lost|lose|losing) (?:\S+ ){0,5}(?:because of|due to|thanks to|through|following|on) (?:you|your)
(?:nobody|no one|noone|none of you|no body|not one of you|never) (?:(?:has|have|had|ever|even|bothered|at|from|your|
    the|desk|bothers|to|seems|was|there|in|firm|bank|team|is|can|could|here) ){0,6}(?:called|calls|call|rang|rung|
    answered|answer|answers|replied|reply|replies|responded|responds|respond|got back|get back|gets back|come back|
    came back|picked up|pick up|picks up|contacted|told|tell|informed|explained|explain|helped|help|helps|listen|
    listens|listened|cares?|phoned|acknowledged|follows? up|followed up|warned|returned|return)
(?:i|we) (?:have |had |am |are |was |were )?(?:been |never |still |not |repeatedly )*(?:waiting|waited|
    never received|ignored|treated|lied to|misled|missold|mis sold|overcharged|kept waiting|left waiting|chasing|
    chased|passed around|fobbed off|hung up|cut off|cheated|ripped off|scammed|deceived|not informed|not told|
    never told|never informed|never asked|never authorised|never authorized|never agreed|not received (?:a|
    any) (?:answer|reply|response|call|call back))
(?:still|been) (?:waiting|no (?:reply|answer|response|call|call back|fill|confirmation|news)|not (?:had|received|
    heard|got|been) (?:\S+ ){0,3}(?:reply|answer|response|call|call back|called|contacted))
(?:no|without|not a single|without any) (?:(?:a|any|single|proper|return) )?(?:reply|answer|response|call back|
    callback|explanation|apology|warning|return call) (?:(?:from you|from your \S+|yet|since|after|to my|for|in|
    despite|whatsoever|so far) ?)
(?:third|second|fourth|fifth|umpteenth|third|#d|nth|last) time (?:(?:that|this|i|we|now|in|you|week|have|had|to|
    already|am|are) ){0,5}(?:ask|asked|asking|tried|try|called|calling|written|writing|emailed|requested|told|
    happened|happens|month|chased|chasing|complained|it|,|wrong|late)
(?:mis sold|missold|mis selling|misselling|mis advised|badly advised|wrongly advised|poorly advised|
    ill advised by you|bad advice|wrong advice|terrible advice|poor advice)
(?:you|your \S+|the desk|your desk|trader) (?:(?:have|has|guys|just|clearly|simply|again|had|completely|totally|
    also|even|never|did not|failed|deliberately) ){0,4}(?:failed|ignored|ignore|forgot|messed up|screwed up|screwed|
    botched|mishandled|misled|lied|executed the wrong|sold the wrong|bought the wrong|bought instead|sold instead|
    overcharged|charged me twice|missed my (?:limit|order|stop)|missed|promised|broke|breached|neglected|blew|
    ripped|cheated|fat fingered|got it wrong|got my order wrong|did not execute|did not act|never called|never rang|
    never replied|never answered|never told|never informed|did not call|did not tell|did not inform|
    did not warn)(?! (?:to short|the boat on))
(?:without|never gave) (?:(?:my|our|any|prior|me|written|explicit|express|the) ){0,4}(?:consent|permission|
    authority|authorisation|authorization|approval|knowledge|instruction|instructions|asking|telling me|consulting|
    agreement)
(?:unauthorised|unauthorized|not authorised|not authorized|did not authorise|did not authorize|did not approve|
    did not ask for|never ordered|did not order) (?:\S+ ){0,2}(?:trade|trades|transaction|order|purchase|sale|this|
    that|it|execution|by me)
(?:wrong|incorrect|erroneous|botched) (?:account|side|fill|execution|confirmation|trade|price charged|quantity|
    amount|booking|stock|direction|size|statement|settlement)(?= (?:again|,|was|booked|on|in|and|-|from|this|for|
    has|sent)|$)
(?:this|that|it|which|service|what you did|your \S+|behaviour|such) (?:(?:is|was|has been|are|really|so|just|simply|
    absolutely|totally|completely|frankly|quite|utterly|an|a|such|of|the|very|no|way|bloody|now|becoming|getting|
    and|to|wholly|entirely|beyond|feels|looks|seems) ){1,6}{awful}
(?:i|we|i am|we are|am|are|extremely|very|deeply|really|so|absolutely|quite) (?:(?:am|are|was|were|extremely|very|
    deeply|really|so|absolutely|not|at|all|totally|rather|most|quite|bitterly|increasingly|more|than|beyond|getting|
    have|had|been|be|hugely|pretty) ){0,5}(?:disappointed|dissatisfied|unhappy|furious|angry|annoyed|livid|upset|
    frustrated|fed up|disgusted|appalled|outraged|not happy|not satisfied|unimpressed|not impressed|let down|
    shocked|pissed off|pissed|cross|ashamed)(?! (?:about|at|by|with|in|to see) (?:the |their |its |these |#x |last |
    this )+(?:\S+ )?(?:results?|numbers|quarter|earnings|guidance|company|print|stock|performance|market|management|
    outlook|margins?|share price|price action|news|report|dividend|drop|move|sell off|ceo))
{awful} (?:\S+ ){0,3}(?:service|advice|handling|treatment|execution|communication|support|customer service|of you|
    from you|from your \S+|way to treat|desk|by you|behaviour)
{ours} (?:(?:is|was|are|were|has|have|been|really|so|just|simply|absolutely|totally|completely|very|quite|an|a|
    utterly|beyond|bloody|desk|team|of|at|line|alert|alerts|guys|people|lot|always) ){1,5}{awful}(?! (?:quarter|
    quarters|results?|numbers|print|earnings|performance|value|market|environment|timing))
(?:not|never) (?:what (?:i|we) (?:asked|ordered|agreed|requested|instructed)|as (?:instructed|agreed|ordered|
    discussed|promised)|my (?:order|instruction|fault))
(?:your|the bank s|your bank s) (?:\S+ )?(?:mistake|error|fault|negligence|blunder|failure|incompetence|screw up|mess)
(?:fair|equal|unequal|unfair|preferential|special) treatment(?= (?:of|to|,|for|\?)|$)
(?:want|demand|expect|needs?|should be|must be|asking for) (?:\S+ ){0,4}(?:investigated|
    looked into by (?:compliance|management)|escalated|put right|reversed|compensated|corrected immediately|
    rectified)
(?:breach|breached|violation|data breach|privacy breach|gdpr|dsgvo|datenschutzverletzung|datenschutzverstoss|
    datenpanne) (?:\S+ ){0,6}(?:report|reporting|serious|of|my|your|client|trust|data|notify|melden|gemeldet)
(?:serious|clear|material|gross) (?:breach|violation|failure|failing|error|negligence)
(?:no|not even an?|without an?) (?:apology|apologies|explanation|courtesy)
(?:very|really|extremely|simply|just|quite|that is|this is|pretty|bloody|so) (?:poor|bad form|rude|shoddy|sloppy|
    slow service|unprofessional|amateur|amateurish)(?= (?:,|from|of|by|on|service|form|show|response)|
    $)(?! (?:quarter|results?|numbers|print|set))
(?:promised|agreed|told|assured|guaranteed) (?:\S+ ){0,6}(?:nothing|never|nobody|no one|not happened|did not happen|
    still|no call|yet to|again)
(?:harassment|harassing me|nuisance|intrusive)
(?:how is it possible|how can it be|how could (?:it|this) happen|how could you|how on earth|why on earth|since when)
(?:promised|assured|told) (?:\S+ ){0,8}(?:by|within|on|before|for) (?:\S+ )?(?:monday|tuesday|wednesday|thursday|
    friday|today|yesterday|last week|#d|#n days|#t|end of)
(?:gone on (?:long enough|too long|far too long)|not good enough|beyond belief|had enough of (?:you|your|this)|
    lost (?:all )?(?:trust|confidence|faith) in|lose(?:s)? me as a (?:client|customer)|losing a (?:client|customer)|
    last you will see of (?:me|us))
(?:name|contact|details) of (?:your|the) (?:\S+ ){0,3}(?:head|manager|supervisor|boss|compliance|ceo|director|
    superior|complaints?)
(?:take|taking|move|moving|close|closing|transfer|transferring) (?:\S+ ){0,2}(?:my|our|all my|
    the) (?:\S+ )?(?:business|account|accounts|custom|money) (?:elsewhere|away|to (?:another|a competitor|
    one of your)|with you|immediately because)
(?:why|how) (?:\S+ ){0,3}(?:nobody|no one|did you not|have you not|did no one|has nobody|has no one|dare you|
    could you let)
(?:how dare|shame on|what kind of|what sort of|call yourselves|you call this|call yourself|waste of time|
    wasting my time|is this a joke|are you kidding|are you serious|sort (?:it|this) out|get your act together|
    i have had it|last straw|final straw|fire your)(?! (?:of (?:upside|returns?|growth|multiple|yield|price|size)))
(?:thanks|thank you|danke|dank|cheers) (?:auch )?(?:for|für) (?:absolutely )?(?:nothing|nichts|gar nichts|nix)
(?:super|great|perfect|perfektes|tolles|nice|brilliant|excellent|lovely) timing
(?:took|takes|brauchte|dauerte|dauert) (?:\S+ ){0,6}(?:days|weeks|hours|months|tage|wochen|stunden|
    monate) (?:\S+ ){0,10}(?:until|
    before|bis) (?:\S+ )?(?:somebody|someone|anybody|anyone|you|jemand|sie|ihr)(?!\S)
(?:never|did not) (?:gave|give|placed|place|entered|enter) (?:you )?(?:this|that|the|any|such an?|
    your) (?:\S+ )?(?:order|
    instruction|trade|authority|permission)
{awful} (?:how|what|that|the way) (?:you|your)
(?:my|our) (?:\S+ )?(?:instructions?|orders?|wishes) (?:\S+ ){0,6}(?:not|never) (?:\S+ )?(?:followed|carried out|
    executed|obeyed|
    respected|acted)
(?:what|which) (?:use|good|earthly use) (?:is|are) (?:an? |your |the |these )
not (?:be )?the (?:first|second|third) time
(?:money|time) well spent|so much for (?:\S+ )?(?:best execution|service|advice|your|the early)
(?:great|brilliant|fantastic|lovely|super|wonderful|bravo|toller?|prima|klasse|spitze|nice|helpful|useful|impressive|
    congratulations|congrats|well done|(?:herzlichen )?glückwunsch|gratuliere|excellent|cheers) (?:\S+ ){0,6}(?:late|
    zu spät|
    after the (?:crash|drop|fall|move|event|horse)|nach dem (?:absturz|crash|rutsch|einbruch)|(?:hours?|minutes|
    weeks) on hold|
    warteschleife|wrong again|again wrong|wieder falsch|verspätet|days? late|never (?:placed|executed|answered))
(?:what|wofür) (?:am i|are we|do i|do we|zahle ich|zahlen wir|bezahle ich|bezahlen wir) ?(?:even )?(?:paying|
    pay)?(?: (?:you|ihnen|
    euch))?(?: for| eigentlich)?(?= \?|$)
(?:is|are) (?:anyone|anybody|you) (?:even |still )?(?:awake|asleep|alive|reading this|listening)
(?:i|we) (?:have )?(?:\S+ )?(?:rang|called|phoned|wrote|written|asked|emailed|chased|rung|reminded|told) (?:\S+ ){0,3}
    (?:twice|thrice|three times|four times|five times|several times|repeatedly|#n times|times)
(?:explain|explanation) (?:\S+ ){0,4}(?:why (?:my|our) (?:order|stop|limit|money)|how you lost)
""")
BESCHWERDE = rules(r"""
(?:beschwerde|beschwerden|beschwere|beschweren|beschwerdestelle|beschwerdeverfahren|reklamation|reklamiere|
    reklamieren|beanstande|beanstanden|beanstandung|rüge|moniere)(?! (?:der|von) (?:aktionäre|kunden von))
(?:inakzeptabel|unakzeptabel|nicht akzeptabel|nicht hinnehmbar|nicht hinnehmen|unzumutbar|unverschämt|
    unverschämtheit|frechheit|zumutung|skandal|skandalös|schweinerei|sauerei|saftladen|unfähig|unfähigkeit|
    unmöglich von|unter aller sau|unterirdisch|unseriös|unprofessionell|dilettantisch|abzocke|betrug|betrogen|
    bodenlos|verarscht|verarschen|lächerlich|armselig|peinlich|untragbar|ungeheuerlich|empörend|empört|stinksauer|
    stocksauer|eine schande|schlamperei|verschaukelt|mangelhaft|schlampig)(?! (?:günstig|billig))
(?:sehr|äusserst|mehr als|total|wirklich|extrem|ziemlich|zutiefst|bin|sind|ich|wir|absolut|masslos|schwer|
    tief) (?:(?:sehr|äusserst|mehr|als|total|wirklich|extrem|ziemlich|zutiefst|absolut|masslos|auch|nur|noch|
    langsam|richtig|einfach|von|ihnen|über|ihren|mit|ihrem|dem|service|ihrer|beratung|der) ){0,6}(?:unzufrieden|
    verärgert|enttäuscht|sauer|wütend|genervt|frustriert|entsetzt|erbost|empört|ungehalten|
    nicht zufrieden)(?! (?:über|von|mit) (?:die|den|der|dem) (?:zahlen|ergebnisse|quartal\S*|ergebnissen|kurs\S*|
    unternehmen|markt|ausblick|prognose|management))
(?:falsch|schlecht|miserabel|mies|fehlerhaft|unzureichend|nicht richtig) (?:\S+ )?(?:beraten|informiert|behandelt|
    ausgeführt|abgerechnet|betreut|verbucht|gebucht|bedient)
(?:falschberatung|fehlberatung|beratungsfehler|schlechte beratung|falsche beratung|miese beratung|mieser service|
    schlechter service|miserabler service|katastrophal\S*|schlechte betreuung|falsche auskunft|falsche abrechnung|
    falsche ausführung|fehler ihrerseits|ihr fehler|ihr verschulden|ihre schuld|fehlausführung)
(?:niemand|keiner|kein mensch|kein schwein|nie jemand|bis heute) (?:\S+ ){0,6}(?:zurückgerufen|angerufen|gemeldet|
    meldet|geantwortet|antwortet|reagiert|erreichbar|zurückruft|ruft|informiert|erreicht|rückmeldung|antwort|
    ans telefon|abgehoben|hebt ab|geht ran|kümmert|gekümmert|zuständig|bescheid|gesagt)
(?:trotz|nach) (?:\S+ ){0,3}(?:mehrfacher|mehrmaliger|wiederholter|mehreren|dreimaliger|zweimaliger|vielfacher|
    mehrmaligem|mehrfachem|mehrmaligen) 
(?:zum|schon|bereits|das|nun) (?:\S+ ){0,2}(?:zweiten|dritten|vierten|fünften|x ten|#d|wiederholten|zigsten|
    hundertsten|letzten) mal
(?:warte|warten|wartet|wartete) (?:\S+ ){0,3}(?:seit|schon|immer noch|noch immer|vergeblich|vergebens|
    bis heute)(?! (?:mit|auf (?:einen )?(?:besseren|günstigeren|rücksetzer)))
(?:immer noch|noch immer|bis heute|nach wie vor|wieder) (?:keine|keinen|nicht|nichts|kein) (?:\S+ ){0,2}(?:antwort|
    rückruf|rückmeldung|reaktion|gehört|ausführung|bestätigung|gemeldet|abrechnung|ausgeführt)
(?:haben|hat|habt|durch|wegen|dank|ihretwegen) (?:\S+ ){0,4}(?:viel |eine menge |mein |unser |mir |uns )?(?:geld|
    verlust|verluste|#q \S*|schaden) (?:\S+ )?(?:gekostet|verloren|verursacht|verbrannt|entstanden|gebracht|
    erlitten|beschert)
(?:ohne) (?:(?:meine|meinen|unsere|unseren|vorherige|jegliche|mein|unser|jede|ausdrückliche) )+(?:zustimmung|
    auftrag|einwilligung|einverständnis|wissen|rücksprache|genehmigung|erlaubnis|freigabe)
(?:auftrag|order|weisung) (?:\S+ )?(?:nie|nicht|niemals) (?:\S+ )?(?:erteilt|gegeben|aufgegeben)
(?:nie|nicht|niemals) (?:\S+ )?(?:beauftragt|autorisiert|genehmigt|in auftrag gegeben|zugestimmt|freigegeben|bestellt)
(?:verlange|verlangen|fordere|fordern|erwarte|erwarten) (?:\S+ ){0,6}(?:stellungnahme|entschuldigung|entschädigung|
    erstattung|ausgleich|wiedergutmachung|aufklärung|schadenersatz|schadensersatz|rückerstattung|erklärung|ersatz|
    klärung|korrektur)
(?:vorgesetzten?|filialleiter|abteilungsleiter|geschäftsführer|ihrem chef|ihren chef|vorgesetzter)
(?:verlieren|verliert|verloren) (?:\S+ ){0,4}(?:als kunden?|als kundin|kunden|vertrauen)
(?:wie kann es sein|wie kann das sein|was fällt ihnen|was erlauben|wo gibt es denn)
(?:so|das) (?:\S+ ){0,2}(?:geht (?:\S+ ){0,2}nicht|lasse ich mir nicht|kann nicht sein|darf nicht sein|
    darf doch nicht|kann doch nicht|nicht gefallen lassen|nicht bieten lassen|ist doch kein service|
    ist kein service|das letzte)(?! (?:nachhaltig|weiter|mit dem markt))
(?:wechsle|wechsele|wechseln|kündige|kündigen) (?:\S+ ){0,4}(?:die bank|den anbieter|bank|depot|konto|
    kundenbeziehung|geschäftsbeziehung|zur konkurrenz|broker)
(?:versprochen|zugesagt|zugesichert|vereinbart) (?:\S+ ){0,8}(?:kam|nichts|keiner|niemand|nie|nicht|nix|passiert)
(?:mit|gegenüber) (?:\S+ )?(?:kunden|mir|uns|kundschaft) (?:\S+ ){0,2}(?:nicht um|so nicht|umgehen|umgegangen|
    umspringen|umzugehen)
(?:keine|nicht einmal eine|ohne) (?:\S+ )?(?:entschuldigung|erklärung)(?! für den kurs)
(?:sie|ihr) (?:\S+ ){0,3}(?:verschlafen|vergessen|verschlampt|ignoriert|ignorieren|versprochen|versäumt|belogen|
    verbockt|versemmelt|vermasselt|gelogen|hingehalten)
(?:wer|und wer) (?:haftet|zahlt|bezahlt|ersetzt|kommt|steht) (?:\S+ ){0,4}(?:verlust|verluste|schaden|das)(?= \?|
    $| auf| gerade)
(?:das|dies|des) (?:ist|is) (?:\S+ ){0,2}(?:ein|a) (?:\S+ )?(?:witz|scherz|hohn|armutszeugnis)
(?:habe|haben|hab) (?:\S+ ){0,8}(?:angerufen|geschrieben|gebeten|gefragt|nachgefragt|gemahnt|
    erinnert) (?:\S+ ){0,4}(?:noch einmal|
    erneut|zweimal|dreimal|mehrmals|mehrfach|wiederholt|ein drittes mal|zum dritten)
(?:meine?[nmr]?|unsere?[nmr]?) (?:\S+ )?(?:weisung\S*|auftrag|aufträge|order|anweisung\S*|
    wünsche) (?:\S+ ){0,4}nicht (?:\S+ )?(?:befolgt|
    ausgeführt|beachtet|umgesetzt|berücksichtigt)
(?:wurde|wurden|bin|sind) (?:\S+ ){0,4}(?:nicht|nie) (?:\S+ )?(?:angerufen|informiert|kontaktiert|benachrichtigt|
    gefragt|verständigt)
nicht das (?:erste|zweite|dritte) mal
(?:bis heute|seither|seitdem) (?:\S+ ){0,3}(?:nichts|keine|niemand|kein)
(?:wieder|schon wieder|erneut) (?:\S+ ){0,3}(?:zu spät|falsch|fehler|schief)(?! (?:eingestiegen|gekauft|dran))
""")
MARKET = rules(r"""
(?:quarter|results?|earnings|numbers|guidance|print|management|ceo|cfo|the company|company s|their|its|
    shareholders?|regulator (?:approved|approves)|antitrust|market|sector|lawsuit against|settlement with|(?:being|
    been|got|get) sued|class action|complaints? (?:against|about|from) (?:the company|#x|users|customers of)|zahlen|
    quartal|quartalszahlen|konzern\S*|unternehmen|(?:der|dem|den|dieser) vorstand|aufsichtsrat|gewinnwarnung|
    prognose|the stock|price action|
    share price|index|print|margins?|call (?:was|is))
""")
NO_COMPLAINT = rules(r"""
(?:did|have|do|has|will) you (?:\S+ )?(?:spoken|speak|talk|talked|met|meet) (?:to|with) (?:the )?(?:management|board|
    company)
(?:no|not|can not|never|without|not a|nothing to|any|keine?|nicht|kein grund zur) (?:(?:a|really|here|to|any|reason|
    cause|meant|as|intended|no|grund|als|zur|zu|eine|be|my|at|all|i|have) ){0,4}(?:complain|complaint|complaints|
    complaining|beschwerde|beschwerden|beschweren|reklamation|klagen)
""")
# What is wrong, and that it is ours: my statement, your colleague, the bank.
AMISS = rules(r"""
(?:where is|what happened to|treated like this|tells me anything|waited|waiting)
(?:(?<!by )mistakes?|errors?|riddled|mess|messed|botched|shouted|shouting|yelled|hung up|responsib\w+|accountable|
    dissatisf\w+|disgrace|insult\w*|insolent|arrogant|ignored|ignoring|neglected|chasing|chased|too late|hours late|
    days late|unanswered|nobody|no one|never|mislead\w*|false promises?|broken promises?|rip off|ripped|incorrect|
    deceived|patronising|unreliable|unhelpful|rude\w*|blunder\w*|failed|failing|failure|lied|wrong|excuses?|
    without asking|take you people|takes you|slow|duplicate charge|charged twice|double charged|overcharg\w+|
    unfair\w*|unjust\w*|betray\w*|trust|ashamed|disgusted|negligen\w+)
(?:fehler\w*|verantwort\w+|angeschrien|angebrüllt|aufgelegt|nachspiel|ärger\w*|schlecht\w*|miserabel|versagen|
    versagt|verspätet|zu spät|unzuverlässig|hingehalten|abgewimmelt|ignoriert|getäuscht|belogen|angelogen|
    vertröstet|übergangen|respektlos|arrogant|unfreundlich|patzig|geschlampt|schlampig|doppelt (?:belastet|
    abgebucht|berechnet)|als sicher verkauft|über den tisch|abgezockt|verschwiegen|nie informiert|vergeblich|
    keine antwort|unbeantwortet|ausreden|schäme\w*|vertrauen|zumutung|verschuldet|verschulden|enttäusch\w*)
""")
OURS = rules(r"""
(?:your (?:colleagues?|desk|people|bank|firm|team|staff|trader|traders|advis[eo]r|service|system|back office|
    assistant|side|department|fees?|charges|advice|promises?|recommendation|answer|reply|replies|mistakes?|errors?)|
    you people|you guys|you (?:gave|told|sold|said|promised|charged|put|did|made|let|never|only|always|have|took|
    take|sent|keep|lied|failed|got|owe)|my (?:statements?|accounts?|orders?|trades?|fills?|calls?|emails?|
    questions?|contract notes?|confirmations?|instructions?|money|portfolio|complaint|holdings?)|our (?:statements?|
    accounts?|orders?|trades?|fills?|confirmations?|instructions?|calls?|emails?)|the contract note|
    the confirmation|the fill you|somebody take|someone take|who is responsible|responsible for (?:the|this|my|our|
    that))
(?:ihr (?:kollege|berater|haus|service|system|händler|mitarbeiter|team)|ihre (?:kollegin|bank|mitarbeiterin|
    abrechnung|beratung|beraterin|gebühren|leute|antwort|fehler)|ihrem|ihren|ihrer|ihnen|sie haben|habt ihr|
    mein(?:e|em|en|er)? (?:konto|depot|order|abrechnung|auftrag|kontoauszug|anfrage|anruf|geld|mail|mails|anfragen|
    anrufe)|unser(?:e|em|en)? (?:konto|depot|order|abrechnung|auftrag|anfrage)|das wird|die bank|als kunde|
    als kundin|mit mir|gegenüber mir)
""")
# What is said well of us, and whose matter a complaint must be.
PRAISE = rules(
    r"(?:great|excellent|good|thanks|thank|helpful|well done|super|love|pleased|brilliant|fantastic|happy with|right|"
    r"danke|dank|klasse|prima|toll|gut|never disappoint)"
)
REPORTED = rules(r"(?:\S*ombud\S*|regulators?|class action|complain\S*|complaints|beschwer\S*|reklam\S*|klag\S*)")
PERSONAL = rules(
    r"(?:i|we|my|our|me|us|you|your|ich|wir|mir|uns|mich|ihnen|ihr|ihre[nmrs]?|meine?[nmrs]?|unsere?[nmrs]?|formal|"
    r"formally|file|hereby|hiermit|complaint|beschwerde|offizielle)"
)
# With these it is us whom they mean, whatever else is spoken of.
MEANT_FOR_US = rules(
    r"(?:you|your|i want to complain|complaint|beschwerde|beschweren|ihre?[nmr]?|sie|lawyer|anwalt|my|meine?)"
)
