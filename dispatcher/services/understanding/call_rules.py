"""How people ask to be called, and the calls of a bank that nobody is to make."""

from __future__ import annotations

from dispatcher.services.understanding.patterns import rules

CALL = rules(r"""
(?:{ring}|call back|ring back|phone back|buzz|bell) (?:me|us)(?! (?:a (?!(?:call|ring|line)(?!\S))|old|crazy|
    cynical|paranoid|biased|sceptical|skeptical|surprised|when you (?:are|get) (?:right|bored)|naive|bearish|
    bullish|stupid|out|impressed|unconvinced|cautious))
(?:call|ring|phone|contact|reach|dial|try|get|catch) (?:me |us )?(?:back )?(?:on|at|under) (?:(?:my|our|the|this|
    his|her) )?(?:\S+ ){0,2}(?:#tel|mobile|cell|landline|desk|direct|home|office|number|phone|line|extension|
    same number)
(?:call|ring|phone|reach|try) (?:my|our) (?:\S+ )?(?:mobile|cell|office|desk|assistant|trader|colleague|direct line|
    landline|secretary|line|number|boss|direct)
(?:call|ring|phone|try|contact|tel|dial|reach) (?:\S+ ){0,2}#tel
(?:give|gimme|drop) (?:me|us|\S+) (?:(?:a|another|quick|short|brief|your) ){0,3}(?:call|ring|buzz|bell|shout|tinkle|
    bang|phone call|callback|call back|dingle|line when)(?! (?:spread|option))
(?:call|ring|phone|speak|talk|chat|discuss) (?:you |this |it |with you |to you )?(?:back )?(?:on|by|over|
    via) (?:the )?(?:phone|telephone)
(?:callback|call back|phone call|telephone call|tel call)(?= (?:please|asap|requested|needed|wanted|today|when|
    request|to|on|at|#|thanks|tomorrow|would|from|re|about|,|now|possible|\?)|$)
(?:need|want|request|requesting|expect|require|arrange|schedule|set up|organise|organize|have|do|jump on|hop on|
    get on|like|book|fix|appreciate|love|await|awaiting|waiting for|prefer|grab|for|squeeze in|wish) (?:(?:for|an?|
    to|you|have|with|quick|short|brief|urgent|your|me|us|another|the|get|in|a|5|five|ten|#n|minute|minutes|min|
    phone|early|follow up) ){0,5}(?:call|callback|call back|phone call|calls with you|ring|
    telephone call)(?! (?:option|options|spread|with management|with the company|on the results|provision|details|
    replay|transcript|price|level|number|notes|for #d|in q|calendar))(?= (?:please|with you|with \S+|to|on|at|in|
    about|re|today|tomorrow|now|asap|from|later|when|this|next|if|back|,|\?|back|thanks|before|after|#t|#d|tonight|
    and|for|regarding|then|instead|first)|$)
(?:can|could|may|would|let|shall|should|might|able|free|available|time|possible|happy|like|want|wish|need|love|good|
    better|easier|prefer|keen|got|have) (?:(?:i|we|you|us|have|be|it|to|for|a|an|quick|word|please|possibly|quickly|
    briefly|just|also|maybe|both|free|available|want|like|able|need|moment|minute|minutes|few|#n|time|some|short|
    today|tomorrow|later|now|5|five) ){0,6}(?:speak|talk|chat|touch base|catch up|have a word|a word|a chat|
    a quick word|a quick chat|a talk|a catch up|discuss (?:this|it|that|live|by phone|over the phone|on the phone)|
    hop on|jump on)(?! (?:about the (?:valuation|thesis)|for itself))
(?:speak|talk|chat) (?:to|with) (?:you|someone|somebody|a human|a person|an? \S+|my rep|my broker|my \S+|the \S+|
    \S+) (?:\S+ ){0,4}?(?:please|asap|today|tomorrow|about|now|directly|on the phone|live|before|urgently|first|
    on #|at #|when|this|by phone)
(?:let us|lets) (?:speak|talk|chat|discuss|catch up|have a call|do a call|hop on|jump on|touch base)
(?:available|reachable|free|around|contactable) (?:\S+ ){0,3}(?:on #tel|by phone|on my (?:mobile|cell|direct|desk|
    phone)|for a (?:call|chat|quick|word|talk)|to (?:talk|speak|chat)|at #tel|under #tel)
(?:my|our) (?:\S+ )?(?:number|mobile|cell|direct line|phone|direct|tel|extension) (?:is |, )?(?:#tel)
(?:put|patch|connect|transfer) (?:me|us) (?:through|with|to (?:the|a|your|my|someone|somebody) (?!list|distribution))
(?:phone|ring|call) (?:when|whenever|once|as soon as) (?:you|u|ur)
(?:get|be) (?:back )?in touch (?:by phone|by telephone|asap|urgently)
(?:please|kindly|asap|urgently) (?:contact|get in touch with|reach out to) (?:me|us)(?! (?:again|any more|by email|
    via email|by text))
(?:have|ask|get|tell|let|want|need|would like) (?:\S+ ){1,3}?(?:to )?(?:call|ring|phone) (?:me|us|my|our|back)
(?:when|what time|where|how|what number|which number) (?:\S+ ){0,4}(?:call you|reach you|ring you|phone you|
    speak to you|talk to you|get hold of you|reach you by phone|get you on the phone|speak|talk|i call|we call)
(?:can|could|may|shall) (?:i|we) (?:please )?(?:call|ring|phone) (?:you|the desk|someone)
(?:(?:when|what time|which day|would) (?:\S+ ){0,5}|)(?:suits?|suit you|work for you|
    convenient) (?:\S+ ){0,3}(?:call|phone call|chat|talk|phone)
(?:voice|verbal|phone) (?:call|conversation|chat|discussion) (?:please|asap|would|needed|preferred)
""")
CALL_START = rules(
    r"""
(?:(?:please|kindly|yes|ok|okay|hi|hello|thanks|urgent|asap|and|then|just|can you|could you|will you|would you|
    \S+ ,|,|quick|no|not|better|either|someone|somebody) )*(?:call|ring|phone|callback|call back|ring back|
    phone call|tel|tel me|telefon|phone me|buzz|telephone)(?: (?:please|asap|me|us|back|now|today|tomorrow|later|
    when free|soon|thanks|urgently|urgent|immediately|pronto|\?|ok|tonight|this (?:afternoon|morning|evening)|in #n|
    #t|at #t|at #n|at #tel|on #tel|#tel|after #t|before #t|around #t|after lunch|when you can|when possible|
    if possible|anytime|any time|needed|required|requested|mobile|cell|office|first|then|,))*$
(?:please )?(?:call|ring|phone) (?!(?:the|it|a|me|option|options|spread|on|for|your|in|out|off|that|this|of|to|
    provision|#x|#q|with|from|was|is|centre|center|is|volume|skew|had|has|and)(?!\S))(?:\S+ ){0,2}?{when}
""",
    start=True,
)
RUF = rules(r"""
(?:\S*rückruf|\S*rückrufe|rückanruf|rückrufbitte|rueckmeldung per telefon|rückmeldung per telefon|
    telefonische rückmeldung|telefonische[rns]? \S+)(?! (?:ist erfolgt|erfolgte|kam nie|blieb aus|von|der|des|
    betrifft))
(?:zurückrufen|zurückzurufen|zurückruft|zurückrufst|rückrufen|durchklingeln|durchrufen|anklingeln|durchzuklingeln|
    anzurufen|zurück rufen|zurückgerufen werden|angerufen werden)
(?:ruf|rufe|rufen|ruft|klingel|klingeln|klingelt|läute|läuten|telefoniere|bimmel) (?:(?!(?:nicht|nie|nichts|an der|
    auf)(?!\S))\S+ ){0,8}?(?:an|zurück|durch|retour)(?= (?:bitte|,|danke|unter|heute|morgen|wenn|sobald|wegen|
    zwecks|um|gegen|#|und|oder|mal|ich|in|nach|vor|\?|vg|lg|mfg|gruss|sonst|noch|es|am|dann|auf|zu|ab|jederzeit|
    zwischen)|$)
(?:bitte|können|könnten|kannst|könntest|könnt|mögen|würden|möge|soll|sollen|gerne|wolle|wollen|möchte|dringend|
    jemand|mich|uns|kurz|mal|heute|morgen) (?:(?!(?:nicht|nie|keine|selbst|sie|ihn)(?!\S))\S+ ){0,7}?(?:anrufen|
    telefonieren|klingeln|durchläuten|telefonisch melden|telefonisch kontaktieren|telefonisch sprechen|ans telefon|
    sprechen können|am telefon|telefonisch)(?! (?:zu erreichen war))
(?:ich )?bitte um (?:\S+ ){0,3}(?:anruf|rückruf|telefonat|telefontermin|gespräch|rückanruf|kontaktaufnahme|rr|call)
(?:anruf|telefonat|telefontermin|telefonanruf|anruf von ihnen|telefongespräch|call|telefoncall|tel) (?:(?:bitte|
    wäre|gewünscht|erbeten|erwünscht|möglich|nötig|dringend|heute|morgen|mit ihnen|vereinbaren|ausmachen|später|um|
    gegen|gern|gerne|ok|zwecks|gut|jetzt|zu|sehr|noch|am \S+) ?)+
(?:können|könnten|könnt|wollen|möchte|würde|würden|kann|sollten|lassen|lass|gern|gerne|bitte|kurz|mal|müssen|
    muss) (?:(?:wir|sie|ich|uns|mit|ihnen|dir|euch|bitte|kurz|heute|morgen|mal|gerne|gern|einmal|dazu|darüber|noch|
    persönlich|direkt|dringend|jemandem|einem|herrn|frau|#t|um|dies|das|\S+) ){0,8}?(?:sprechen|reden|telefonieren|
    telefonisch|quatschen|besprechen|unterhalten|austauschen|abstimmen)(?= (?:\?|,|bitte|danke|und|wann|lg|vg|mfg)|
    $)
(?:melde|melden|meldet|meld) (?:(?:sie|dich|sich|euch|bitte|mal|doch|kurz|heute|umgehend|dringend|schnellstmöglich|
    asap|morgen|noch|am|vormittag|nachmittag|abend|diese|woche|gleich|so|bald|wie|möglich) )*(?:bei mir|bei uns|
    telefonisch|mal|kurz|asap|dringend|umgehend|sich bitte)
(?:erreichen|erreichbar|erreichst|erreicht|verfügbar) (?:\S+ ){0,6}(?:unter|auf|via|per) (?:\S+ ){0,3}(?:#tel|handy|
    mobil|festnetz|telefon|nummer|durchwahl|mobilnummer|büro)
(?:unter|auf|auf dem|auf meinem|meine nummer|mobil|handy|tel|telefon|durchwahl|nummer|mobilnr|rufen|
    anrufen) (?:\S+ ){0,3}#tel
(?:wann|wie|wo) (?:\S+ ){0,5}(?:telefonisch erreichbar|sie erreichen|anrufen|dich erreichen|telefonieren|sprechen|
    telefonisch)
(?:jemanden|mit jemandem|mit ihnen|mit meinem berater|mit meiner beraterin|mit herrn \S+|
    mit frau \S+) (?:\S+ ){0,3}(?:sprechen|telefonieren|reden)
(?:passt|passen|ginge|geht|recht|zeit) (?:\S+ ){0,4}(?:\S*telefonat|\S*gespräch|\S*telefonieren|anruf|
    call)(?! (?:mit dem vorstand|mit dem management))
(?:wenn|dass|ob) (?:mich|uns) (?:\S+ ){0,4}(?:anruft|anrufen|zurückruft|anriefe|zurückriefe)
(?:lüt|lüüt|lütet|lüte|lueg) (?:mer|mir|mich|üs|uns) (?:\S+ ){0,3}(?:a|an|zrugg|zrück|zruck|retour)
(?:gespräch|telefonat|rücksprache) (?:\S+ ){0,3}(?:erbeten|gewünscht|bitte|vereinbaren|möglich|heute|morgen)
(?:bitte |um )(?:dringende |kurze |telefonische )*rücksprache
""")
RUF_ALONE = rules(
    r"""
(?:(?:bitte|ja|dringend|hallo|um|kurz|danke|ok|gern|gerne|asap|heute|morgen|mal|#t|und|#tel|,|mich|uns|noch|
    sofort) )*(?:rr|anruf|anrufen|telefon|telefonat|tel|rückruf|telefonieren|telefonisch|call|zurückrufen|melden|
    melde dich|meld dich|melden sie sich|sprechen|rücksprache)(?: (?:bitte|\?|danke|heute|morgen|asap|dringend|,|um|
    #t|#n|ab|nach|vor|gegen|unter|#tel|auf|handy|mobil|erbeten|gewünscht|jetzt|sofort|noch|möglich|mal|vg|lg|mfg|
    später|kurz|mittag|nachmittag|vormittag))*$
""",
    start=True,
)
# The daily calls of a bank that nobody is to make.
NO_CALL = rules(r"""
(?:margin|earnings|conference|conf|results|analyst|covered|naked|long|short|bull|sector|morning|good|great|bad|nice|
    excellent|brilliant|terrible|wrong|right|tough|close|your|his|her|their|our|macro|rating|market|rates|ceo|cfo|
    investor|ir|management|group|q#n|quarter|quarterly|capital|cold|roll|wake up|top|bottom|the|that|this|#x|zoom|
    teams|webex|dial in|expert|company|strategy|fed|opec|otm|itm|atm|dec|jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|
    december|january|june|march|#q|#n|weekly|monthly|buy|sell|of|tactical|contrarian|earlier|last) calls?
(?:calls?) (?:option|options|spread|spreads|overwriting|provision|date|price|protection|schedule|skew|vol|strike|
    wall|it|on #x|#d|#n|dec|jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|was|is|were|replay|transcript|details|notes|
    for (?:speakers|papers|evidence))
(?:thanks|thank you|danke|dank|besten dank|appreciated|nice|good|great) (?:(?:you|for|für|the|your|a|quick|ihren|
    den|deinen|freundlichen|netten|schnellen|prompten|sehr|talking|vielen) ){0,6}(?:call|calling|callback|chat|
    rückruf|anruf|telefonat|gespräch)
(?:called|calling|so called|callable|we call|i call|they call|would call|i will call|we will call|i can call|
    will call you|call you|calls for|calling for|call for|call the (?:bonds?|notes?|top|bottom|issue|shares?)|
    i called|i tried|to call you|tried to call)
""")
NO_WANT = rules(r"""
(?:no need|no reason) for (?:a |another |any )?(?:\S+ )?(?:call|callback|phone call)
(?:my|our|meine|unsere) (?:new|neue) (?:\S+ )?(?:number|nummer|mobile|phone|handynummer)
(?:do not|no need to|never|please not|not|without|rather than|instead of|did not|no|keine?|nicht|nobody|no one|
    why did|hat|hatte|haben|will|cannot|can not) (?:\S+ ){0,2}(?:call|ring|phone|callback|call back|calling|calls|
    anrufen|rückruf|rückrufe|rückruf nötig|anrufe|telefonat|zurückrufen|zurückgerufen)(?! (?:me back yet|me \?|
    by now))
(?:brauchen?|brauchst|müssen|musst) (?:\S+ ){0,4}(?:nicht|keine[nrms]?) (?:\S+ ){0,3}(?:anzurufen|anrufen|
    zurückrufen|zurückzurufen|rückruf|telefonieren)
(?:rückruf|anruf|telefonat|call) (?:\S+ ){0,3}(?:nicht nötig|nicht notwendig|nicht erforderlich|unnötig|nicht|
    not needed|not necessary|unnecessary|erledigt|hat sich erledigt)
""")
# Not in so many words: the telephone, and somebody who would like it used.
PHONE = rules(r"""
(?:by|on|over|via|per) (?:the |your |my )?(?:phone|telephone|telefon|line|blower|cell|mobile|handy|telly)
(?:phone|telephone|tel|telefon|\S*telefonat|\S*telefongespräch|anruf|durchwahl|telefonisch|fernmündlich|
    telefonieren|apparat|hörer|läut|läute|läuten|call|ring|#tel|a word|quick word|conversation|minutes on|minuten|
    klingeln|rufst|riefen|riefe|rufe|anrufst|anriefen|durchrufst|bimmeln)
""")
WISHED = rules(r"""
(?:would be (?:welcome|good|great|nice|appreciated|helpful|useful|best|ideal|better)|grateful|appreciate|
    would welcome|welcome a|spare|happy to discuss|when you can|when u can|hit me up|free for|time for|reachable|
    i am at|i am on|i am in|you can get me|you can reach me|get me|get hold of|direct|easiest|quickest|best to|
    rather|prefer|before you do|discuss|talk it through|talk through|go through|too complicated)
(?:wäre|wären|hätten|hätte|melden|melde|meld|bitte|erreichbar|erreichen sie|erreichst|am besten|lieber|gerne|
    besprechen|zeit für|passt|durchwahl|nett|freundlich|riefen|rufst|kurz|sobald)
""")
DONE = rules(
    r"(?:was|were|had|called|rang|phoned|spoke|talked|tried|angerufen|telefoniert|gesprochen|wurde|wurden|wird man|"
    r"abgewimmelt|aufgelegt|angeschrien|thanks|"
    r"thank you|danke|dank|gestern|yesterday|heard|missed|webcast|konferenz|conference|listen|transcript|replay|"
    r"earnings|results|margin|option|options|sources)"
)
# With these even a sentence about a conference call asks for one.
SURELY = rules(r"""
(?:call|ring|phone|give) (?:me|us)
(?<!ihren )(?<!den )\S*rückruf
(?:ruf|rufen|anrufen|#tel|speak|talk|chat|callback|call back)
""")
