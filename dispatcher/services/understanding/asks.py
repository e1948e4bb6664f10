"""Whether somebody wants to be called, complains, or asks something."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dispatcher.services.understanding.patterns import rules
from dispatcher.services.understanding.sentences import Sentence

_RING = "(?:call|ring|phone|telephone|dial|buzz|bell|tinkle|reach|facetime)"
_WHEN = "(?:#t|#tel|#n|now|today|tomorrow|tonight|later|back|asap|urgently|urgent|please|when|whenever|at|on|before|after|this|in|soon|around|anytime|any time|first|thanks|if|once|as|re|regarding|about|to discuss|to talk|,|right|immediately|quick|quickly|next|until|between|monday|tuesday|wednesday|thursday|friday|mon|tue|wed|thu|fri|lunchtime|later|for|with)"
_CALL = rules(rf"""
(?:{_RING}|call back|ring back|phone back|buzz|bell) (?:me|us)(?! (?:a (?!(?:call|ring|line)(?!\S))|old|crazy|
    cynical|paranoid|biased|sceptical|skeptical|surprised|when you (?:are|get) (?:right|bored)|naive|bearish|
    bullish|stupid|out|impressed|unconvinced|cautious))
(?:call|ring|phone|contact|reach|dial|try|get|catch) (?:me |us )?(?:back )?(?:on|at|under) (?:(?:my|our|the|this|
    his|her) )?(?:\S+ ){{0,2}}(?:#tel|mobile|cell|landline|desk|direct|home|office|number|phone|line|extension|
    same number)
(?:call|ring|phone|reach|try) (?:my|our) (?:\S+ )?(?:mobile|cell|office|desk|assistant|trader|colleague|direct line|
    landline|secretary|line|number|boss|direct)
(?:call|ring|phone|try|contact|tel|dial|reach) (?:\S+ ){{0,2}}#tel
(?:give|gimme|drop) (?:me|us|\S+) (?:(?:a|another|quick|short|brief|your) ){{0,3}}(?:call|ring|buzz|bell|shout|
    tinkle|bang|phone call|callback|call back|dingle|line when)(?! (?:spread|option))
(?:call|ring|phone|speak|talk|chat|discuss) (?:you |this |it |with you |to you )?(?:back )?(?:on|by|over|
    via) (?:the )?(?:phone|telephone)
(?:callback|call back|phone call|telephone call|tel call)(?= (?:please|asap|requested|needed|wanted|today|when|
    request|to|on|at|#|thanks|tomorrow|would|from|re|about|,|now|possible|\?)|$)
(?:need|want|request|requesting|expect|require|arrange|schedule|set up|organise|organize|have|do|jump on|hop on|
    get on|like|book|fix|appreciate|love|await|awaiting|waiting for|prefer|grab|for|squeeze in|wish) (?:(?:for|an?|
    to|you|have|with|quick|short|brief|urgent|your|me|us|another|the|get|in|a|5|five|ten|#n|minute|minutes|min|
    phone|early|follow up) ){{0,5}}(?:call|callback|call back|phone call|calls with you|ring|
    telephone call)(?! (?:option|options|spread|with management|with the company|on the results|provision|details|
    replay|transcript|price|level|number|notes|for #d|in q|calendar))(?= (?:please|with you|with \S+|to|on|at|in|
    about|re|today|tomorrow|now|asap|from|later|when|this|next|if|back|,|\?|back|thanks|before|after|#t|#d|tonight|
    and|for|regarding|then|instead|first)|$)
(?:can|could|may|would|let|shall|should|might|able|free|available|time|possible|happy|like|want|wish|need|love|good|
    better|easier|prefer|keen|got|have) (?:(?:i|we|you|us|have|be|it|to|for|a|an|quick|word|please|possibly|quickly|
    briefly|just|also|maybe|both|free|available|want|like|able|need|moment|minute|minutes|few|#n|time|some|short|
    today|tomorrow|later|now|5|five) ){{0,6}}(?:speak|talk|chat|touch base|catch up|have a word|a word|a chat|
    a quick word|a quick chat|a talk|a catch up|discuss (?:this|it|that|live|by phone|over the phone|on the phone)|
    hop on|jump on)(?! (?:about the (?:valuation|thesis)|for itself))
(?:speak|talk|chat) (?:to|with) (?:you|someone|somebody|a human|a person|an? \S+|my rep|my broker|my \S+|the \S+|
    \S+) (?:\S+ ){{0,4}}?(?:please|asap|today|tomorrow|about|now|directly|on the phone|live|before|urgently|first|
    on #|at #|when|this|by phone)
(?:let us|lets) (?:speak|talk|chat|discuss|catch up|have a call|do a call|hop on|jump on|touch base)
(?:available|reachable|free|around|contactable) (?:\S+ ){{0,3}}(?:on #tel|by phone|on my (?:mobile|cell|direct|desk|
    phone)|for a (?:call|chat|quick|word|talk)|to (?:talk|speak|chat)|at #tel|under #tel)
(?:my|our) (?:\S+ )?(?:number|mobile|cell|direct line|phone|direct|tel|extension) (?:is |, )?(?:#tel)
(?:phone|ring|call) (?:when|whenever|once|as soon as) (?:you|u|ur)
(?:get|be) (?:back )?in touch (?:by phone|by telephone|asap|urgently)
(?:please|kindly|asap|urgently) (?:contact|get in touch with|reach out to) (?:me|us)(?! (?:again|any more|by email|
    via email|by text))
(?:have|ask|get|tell|let|want|need|would like) (?:\S+ ){{1,3}}?(?:to )?(?:call|ring|phone) (?:me|us|my|our|back)
(?:when|what time|where|how|what number|which number) (?:\S+ ){{0,4}}(?:call you|reach you|ring you|phone you|
    speak to you|talk to you|get hold of you|reach you by phone|get you on the phone|speak|talk|i call|we call)
(?:can|could|may|shall) (?:i|we) (?:please )?(?:call|ring|phone) (?:you|the desk|someone)
(?:(?:when|what time|which day|would) (?:\S+ ){0, 5}|)(?:suits?|suit you|work for you|
    convenient) (?:\S+ ){0, 3}(?:call|phone call|chat|talk|phone)
(?:voice|verbal|phone) (?:call|conversation|chat|discussion) (?:please|asap|would|needed|preferred)
""")
_CALL_START = rules(
    rf"""
(?:(?:please|kindly|yes|ok|okay|hi|hello|thanks|urgent|asap|and|then|just|can you|could you|will you|would you|
    \S+ ,|,|quick|no|not|better|either|someone|somebody) )*(?:call|ring|phone|callback|call back|ring back|
    phone call|tel|tel me|telefon|phone me|buzz|telephone)(?: (?:please|asap|me|us|back|now|today|tomorrow|later|
    when free|soon|thanks|urgently|urgent|immediately|pronto|\?|ok|tonight|this (?:afternoon|morning|evening)|in #n|
    #t|at #t|at #n|at #tel|on #tel|#tel|after #t|before #t|around #t|after lunch|when you can|when possible|
    if possible|anytime|any time|needed|required|requested|mobile|cell|office|first|then|,))*$
(?:please )?(?:call|ring|phone) (?!(?:the|it|a|me|option|options|spread|on|for|your|in|out|off|that|this|of|to|
    provision|#x|#q|with|from|was|is|centre|center|is|volume|skew|had|has|and)(?!\S))(?:\S+ ){{0,2}}?{_WHEN}
""",
    start=True,
)
_RUF = rules(r"""
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
(?:lüt|lüüt|lütet|lüte|lueg) (?:mer|mir|mich|üs|uns) (?:\S+ ){0,3}(?:a|an|zrugg|zrück|zruck|retour)
(?:gespräch|telefonat|rücksprache) (?:\S+ ){0,3}(?:erbeten|gewünscht|bitte|vereinbaren|möglich|heute|morgen)
(?:bitte |um )(?:dringende |kurze |telefonische )*rücksprache
""")
_RUF_ALONE = rules(
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
_NO_CALL = rules(r"""
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
_NO_WANT = rules(r"""
(?:do not|no need to|never|please not|not|without|rather than|instead of|did not|no|keine?|nicht|nobody|no one|
    why did|hat|hatte|haben|will|cannot|can not) (?:\S+ ){0,2}(?:call|ring|phone|callback|call back|calling|calls|
    anrufen|rückruf|rückrufe|rückruf nötig|anrufe|telefonat|zurückrufen|zurückgerufen)(?! (?:me back yet|me \?|
    by now))
(?:brauchen?|brauchst|müssen|musst) (?:\S+ ){0,4}(?:nicht|keine[nrms]?) (?:\S+ ){0,3}(?:anzurufen|anrufen|
    zurückrufen|zurückzurufen|rückruf|telefonieren)
(?:rückruf|anruf|telefonat|call) (?:\S+ ){0,3}(?:nicht nötig|nicht notwendig|nicht erforderlich|unnötig|nicht|
    not needed|not necessary|unnecessary|erledigt|hat sich erledigt)
""")

_STRONG_WORDS = (
    "(?:unacceptable|inacceptable|disgrace|disgraceful|disgusting|appalling|outrageous|outrage|shocking|shambles|shameful|scandalous|scandal|pathetic|dreadful|"
    "abysmal|atrocious|incompetent|incompetence|unprofessional|negligent|negligence|misleading|misled|mislead|dishonest|fraud|fraudulent|scam|"
    "useless|hopeless|ridiculous|joke|farce|rubbish|awful|terrible|horrible|poor|poorest|worst|lousy|shoddy|sloppy|careless|rude|inexcusable|unforgivable|"
    "diabolical|disappointing|disappointed|dissatisfied|unhappy|furious|angry|annoyed|livid|upset|fed up|frustrated|frustrating|unsatisfactory|"
    "not good enough|not acceptable|beyond a joke|not happy|not impressed|very unhappy|sick of|had enough|unimpressed|not on|let down|ashamed)"
)
_THEIRS = (
    "(?:you|your|yours|service|advice|broker|adviser|advisor|rep|desk|bank|firm|handling|handled|treatment|treated|staff|team|recommendation|recommendations|"
    "execution|fill|fills|colleague|colleagues|customer|support|communication|response|account manager|relationship|conduct|behaviour|behavior|fees|fee|charges|commission|system|platform|waiting|wait|line|answer|answers|alert|alerts|late|delay|again)"
)
_COMPLAINT = rules(rf"""
(?:complain|complaining|complaint|complaints? (?:procedure|department|team|officer|form)|formal complaint|
    grievance)(?! (?:is|are|dept|department at|line at|about the (?:company|ceo|management)))
(?:ombudsman|ombudsmann|ombudsstelle|finma|finra arbitration|financial conduct authority|small claims|
    consumer protection|verbraucherschutz|verbraucherzentrale|schlichtungsstelle|schiedsstelle)
(?:report|reporting|take|taking|go|going|refer|referring|escalate|escalating|write|writing|complain|speak|speaking|
    melde|melden|wende|gehe|gehen|forward|inform|informing|contact|contacting|hear from) (?:(?:you|this|it|to|the|
    with|matter|straight|further|directly|case|up|higher|sie|das|dies|mich|uns|an|zur|der|die|bei|from|their|our|
    now) ){{0,6}}(?:fca|bafin|finra|sec|regulators?|fma|amf|cssf|authorities|press|media|compliance|police|court|
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
    \S+) ){{0,5}}?(?:lost|cost|costing) (?:me|us|my (?:client|clients|fund|wife|pension)|our (?:client|clients|
    fund)|you a client|a client|real money|money|#q|#n)
(?:i|we) (?:have )?(?:lost|lose|losing) (?:\S+ ){{0,5}}(?:because of|due to|thanks to|through|following|on) (?:you|your)
(?:nobody|no one|noone|none of you|no body|not one of you|never) (?:(?:has|have|had|ever|even|bothered|at|from|your|
    the|desk|bothers|to|seems|was|there|in|firm|bank|team|is|can|could|here) ){{0,6}}(?:called|calls|call|rang|rung|
    answered|answer|answers|replied|reply|replies|responded|responds|respond|got back|get back|gets back|come back|
    came back|picked up|pick up|picks up|contacted|told|tell|informed|explained|explain|helped|help|helps|listen|
    listens|listened|cares?|phoned|acknowledged|follows? up|followed up|warned|returned|return)
(?:i|we) (?:have |had |am |are |was |were )?(?:been |never |still |not |repeatedly )*(?:waiting|waited|
    never received|ignored|treated|lied to|misled|missold|mis sold|overcharged|kept waiting|left waiting|chasing|
    chased|passed around|fobbed off|hung up|cut off|cheated|ripped off|scammed|deceived|not informed|not told|
    never told|never informed|never asked|never authorised|never authorized|never agreed|not received (?:a|
    any) (?:answer|reply|response|call|call back))
(?:still|been) (?:waiting|no (?:reply|answer|response|call|call back|fill|confirmation|news)|not (?:had|received|
    heard|got|been) (?:\S+ ){{0,3}}(?:reply|answer|response|call|call back|called|contacted))
(?:no|without|not a single|without any) (?:(?:a|any|single|proper|return) )?(?:reply|answer|response|call back|
    callback|explanation|apology|warning|return call) (?:(?:from you|from your \S+|yet|since|after|to my|for|in|
    despite|whatsoever|so far) ?)
(?:third|second|fourth|fifth|umpteenth|third|#d|nth|last) time (?:(?:that|this|i|we|now|in|you|week|have|had|to|
    already|am|are) ){{0,5}}(?:ask|asked|asking|tried|try|called|calling|written|writing|emailed|requested|told|
    happened|happens|month|chased|chasing|complained|it|,|wrong|late)
(?:mis sold|missold|mis selling|misselling|mis advised|badly advised|wrongly advised|poorly advised|
    ill advised by you|bad advice|wrong advice|terrible advice|poor advice)
(?:you|your \S+|the desk|your desk|trader) (?:(?:have|has|guys|just|clearly|simply|again|had|completely|totally|
    also|even|never|did not|failed|deliberately) ){{0,4}}(?:failed|ignored|ignore|forgot|messed up|screwed up|
    screwed|botched|mishandled|misled|lied|executed the wrong|sold the wrong|bought the wrong|bought instead|
    sold instead|overcharged|charged me twice|missed my (?:limit|order|stop)|missed|promised|broke|breached|
    neglected|blew|ripped|cheated|fat fingered|got it wrong|got my order wrong|did not execute|did not act|
    never called|never rang|never replied|never answered|never told|never informed|did not call|did not tell|
    did not inform|did not warn)(?! (?:to short|the boat on))
(?:without|never gave) (?:(?:my|our|any|prior|me|written|explicit|express|the) ){{0,4}}(?:consent|permission|
    authority|authorisation|authorization|approval|knowledge|instruction|instructions|asking|telling me|consulting|
    agreement)
(?:unauthorised|unauthorized|not authorised|not authorized|did not authorise|did not authorize|did not approve|
    did not ask for|never ordered|did not order) (?:\S+ ){{0,2}}(?:trade|trades|transaction|order|purchase|sale|
    this|that|it|execution|by me)
(?:wrong|incorrect|erroneous|botched) (?:account|side|fill|execution|confirmation|trade|price charged|quantity|
    amount|booking|stock|direction|size|statement|settlement)(?= (?:again|,|was|booked|on|in|and|-|from|this|for|
    has|sent)|$)
(?:this|that|it|which|service|what you did|your \S+|behaviour|such) (?:(?:is|was|has been|are|really|so|just|simply|
    absolutely|totally|completely|frankly|quite|utterly|an|a|such|of|the|very|no|way|bloody|now|becoming|getting|
    and|to|wholly|entirely|beyond|feels|looks|seems) ){{1,6}}{_STRONG_WORDS}
(?:i|we|i am|we are|am|are|extremely|very|deeply|really|so|absolutely|quite) (?:(?:am|are|was|were|extremely|very|
    deeply|really|so|absolutely|not|at|all|totally|rather|most|quite|bitterly|increasingly|more|than|beyond|getting|
    have|had|been|be|hugely|pretty) ){{0,5}}(?:disappointed|dissatisfied|unhappy|furious|angry|annoyed|livid|upset|
    frustrated|fed up|disgusted|appalled|outraged|not happy|not satisfied|unimpressed|not impressed|let down|
    shocked|pissed off|pissed|cross|ashamed)(?! (?:about|at|by|with|in|to see) (?:the |their |its |these |#x |last |
    this )+(?:\S+ )?(?:results?|numbers|quarter|earnings|guidance|company|print|stock|performance|market|management|
    outlook|margins?|share price|price action|news|report|dividend|drop|move|sell off|ceo))
{_STRONG_WORDS} (?:\S+ ){{0,3}}(?:service|advice|handling|treatment|execution|communication|support|
    customer service|of you|from you|from your \S+|way to treat|desk|by you|behaviour)
{_THEIRS} (?:(?:is|was|are|were|has|have|been|really|so|just|simply|absolutely|totally|completely|very|quite|an|a|
    utterly|beyond|bloody|desk|team|of|at|line|alert|alerts|guys|people|lot|
    always) ){{1,5}}{_STRONG_WORDS}(?! (?:quarter|quarters|results?|numbers|print|earnings|performance|value|market|
    environment|timing))
(?:not|never) (?:what (?:i|we) (?:asked|ordered|agreed|requested|instructed)|as (?:instructed|agreed|ordered|
    discussed|promised)|my (?:order|instruction|fault))
(?:your|the bank s|your bank s) (?:\S+ )?(?:mistake|error|fault|negligence|blunder|failure|incompetence|screw up|mess)
(?:fair|equal|unequal|unfair|preferential|special) treatment(?= (?:of|to|,|for|\?)|$)
(?:want|demand|expect|needs?|should be|must be|asking for) (?:\S+ ){0, 4}(?:investigated|
    looked into by (?:compliance|management)|escalated|put right|reversed|compensated|corrected immediately|
    rectified)
(?:breach|breached|violation|data breach|privacy breach|gdpr|dsgvo|datenschutzverletzung|datenschutzverstoss|
    datenpanne) (?:\S+ ){0, 6}(?:report|reporting|serious|of|my|your|client|trust|data|notify|melden|gemeldet)
(?:serious|clear|material|gross) (?:breach|violation|failure|failing|error|negligence)
(?:no|not even an?|without an?) (?:apology|apologies|explanation|courtesy)
(?:very|really|extremely|simply|just|quite|that is|this is|pretty|bloody|so) (?:poor|bad form|rude|shoddy|sloppy|
    slow service|unprofessional|amateur|amateurish)(?= (?:,|from|of|by|on|service|form|show|response)|
    $)(?! (?:quarter|results?|numbers|print|set))
(?:promised|agreed|told|assured|guaranteed) (?:\S+ ){0, 6}(?:nothing|never|nobody|no one|not happened|
    did not happen|still|no call|yet to|again)
(?:harassment|harassing me|nuisance|intrusive)
(?:take|taking|move|moving|close|closing|transfer|transferring) (?:\S+ ){{0,2}}(?:my|our|all my|
    the) (?:\S+ )?(?:business|account|accounts|custom|money) (?:elsewhere|away|to (?:another|a competitor|
    one of your)|with you|immediately because)
(?:why|how) (?:\S+ ){{0,3}}(?:nobody|no one|did you not|have you not|did no one|has nobody|has no one|dare you|
    could you let)
(?:how dare|shame on|what kind of|what sort of|call yourselves|you call this|call yourself|waste of time|
    wasting my time|is this a joke|are you kidding|are you serious|sort (?:it|this) out|get your act together|
    i have had it|last straw|final straw|fire your)(?! (?:of (?:upside|returns?|growth|multiple|yield|price|size)))
(?:explain|explanation) (?:\S+ ){{0,4}}(?:why (?:my|our) (?:order|stop|limit|money)|how you lost)
""")
_BESCHWERDE = rules(r"""
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
(?:nie|nicht|niemals) (?:\S+ )?(?:beauftragt|autorisiert|genehmigt|in auftrag gegeben|zugestimmt|freigegeben|bestellt)
(?:verlange|verlangen|fordere|fordern|erwarte|erwarten) (?:\S+ ){0,6}(?:stellungnahme|entschuldigung|entschädigung|
    erstattung|ausgleich|wiedergutmachung|aufklärung|schadenersatz|schadensersatz|rückerstattung|erklärung|ersatz|
    klärung|korrektur)
(?:vorgesetzten?|filialleiter|abteilungsleiter|geschäftsführer|ihrem chef|ihren chef|vorgesetzter)
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
(?:wieder|schon wieder|erneut) (?:\S+ ){0,3}(?:zu spät|falsch|fehler|schief)(?! (?:eingestiegen|gekauft|dran))
""")
_MARKET = rules(r"""
(?:quarter|results?|earnings|numbers|guidance|print|management|ceo|cfo|the company|company s|their|its|
    shareholders?|regulator (?:approved|approves)|antitrust|market|sector|lawsuit against|settlement with|(?:being|
    been|got|get) sued|class action|complaints? (?:against|about|from) (?:the company|#x|users|customers of)|zahlen|
    quartal|quartalszahlen|konzern|unternehmen|vorstand von|gewinnwarnung|prognose|the stock|price action|
    share price|index|print|margins?|call (?:was|is))
""")
_NO_COMPLAINT = rules(r"""
(?:no|not|can not|never|without|not a|nothing to|any|keine?|nicht|kein grund zur) (?:(?:a|really|here|to|any|reason|
    cause|meant|as|intended|no|grund|als|zur|zu|eine|be|my|at|all|i|have) ){0,4}(?:complain|complaint|complaints|
    complaining|beschwerde|beschwerden|beschweren|reklamation|klagen)
""")

_ASKING = rules(
    r"""
(?:(?:and|but|so|also|ok|okay|thanks|thank you|hi|hello|please|well|then|hallo|danke|und|aber|also|ja|
    quick question|question|frage|,|sorry|just|one more|\S+ ,) )*(?:what(?! an? )|wot|wat|whats|when (?:is|are|do|
    does|did|can|could|will|would|was|were|should|has|have)|where|which|who|whom|whose|why|how(?! (?:nice|sad|
    interesting|true|kind|lovely|disappointing))|(?:is|are|do|does|did|can|could|would|will|should|shall|has|have|
    may|was|were|am|isnt) (?:i|we|you|he|she|it|they|this|that|these|those|the|there|any|anyone|anybody|someone|
    your|my|our|#x|all|an?)|any (?:chance|news|update|view|views|idea|thoughts|colour|color|reason|risk|more|plans)|
    (?:bist|seid|hast|habt|kannst|könnt|weisst|wisst|siehst|seht|glaubst|glaubt|denkst|denkt|meinst|meint|hältst|
    haltet|gehst|geht|bleibst|bleibt|rechnest|rechnet|wirst|werdet|würdest|würdet|kommst|kommt|hattest|willst|
    machst|macht|empfiehlst|erwartest) (?:du|ihr|es|das|die|der)|wann|wo|wer|wie|warum|wieso|weshalb|welche[rsnm]?|
    wem|wen|woher|wohin|womit|worauf|wovon|wieviel|wozu|gibt|gibts|inwiefern|inwieweit|ab wann|bis wann|seit wann|
    was)(?= \S)
""",
    start=True,
)
# With the verb in front: a question unless a full stop says otherwise.
_ASKING_VERB = rules(
    r"""
(?:(?:und|aber|also|ja|hallo|,|\S+ ,) )*(?:(?:haben|sind|sehen|kennen|glauben|denken|meinen|halten|bleiben|rechnen|
    erwarten|gehen|wissen|empfehlen|raten|würden|können|könnten|werden|planen|müssen|sollen|dürfen) (?:sie|wir|die|
    das|es|der|diese|ihre)|(?:hat|kann|könnte|ist|soll|sollte|wird|muss|darf|bleibt|gilt|liegt|lohnt|kommt|gab|war|
    waren|wurde) (?:der|die|das|es|sie|er|man|ich|dies|diese|dieser|sich|jemand|ihre?|denn|schon|da|mein|meine|dein|
    sein|#x|eine?))(?= \S)
""",
    start=True,
)
_QUESTION = rules(r"""
(?:please |kindly |can you |could you |would you |)(?:explain|clarify|elaborate|confirm (?:whether|if|that|the|my|
    receipt|your|how|when|what)|advise(?: (?:on|if|whether|what|me|us|how))|let (?:me|us) know(?! (?:if you (?:need|
    have|want|would like|require)|in case|should you))(?= \S)|tell (?:me|us)(?! about it)(?= \S)|send (?:me|us|over|
    through|the|a|your|across)(?! (?:any more|more of))(?= \S)|forward (?:me|us|the)|share (?:the|your|with|more|
    some)|resend|email (?:me|us) (?:the|your|a|more|details)|remind me (?:of|what|when|who)|walk (?:me|us) through|
    provide|expand on|shed (?:some )?light|quote|price up|let (?:me|us) have (?:your|the|a copy|more|some)|
    give (?:me|us) (?:a price|your|an update|an idea|some|more|details|a quote|an indication|colou?r|the|background|
    a sense)|update me|keep me (?:posted|updated)|check (?:if|whether|the|my|on)|look into)
(?:i|we) (?:would |do |am |are |was |were |just |also )*(?:like to know|like to understand|like to see|like to hear|
    like to find out|like to learn|need to understand|confused|puzzled|struggling to (?:see|understand)|wonder|
    wondering|want to know|need to know|wanted to know|wanted to ask|have a question|have (?:a few|some|two|another|
    one|#n) (?:\S+ )?questions?|do not understand|did not understand|do not follow|not clear|unclear|
    not sure (?:what|why|how|whether|if|i understand)|curious|interested in (?:your|hearing|knowing|learning|the|
    seeing|understanding|more|reading)|cannot find|can not find|can not open|can not see|need more (?:info|
    information|details|colour)|would appreciate (?:your|more|some|any|an)|need (?:the|a copy|your|some|your view|
    details|clarification|an update))
(?:question|questions|query|queries|frage|fragen|rückfrage|rückfragen|anfrage|verständnisfrage)(?! (?:beantwortet|
    answered|is moot|mark|marks|is whether|remains))
(?:wondering|curious|any (?:update|news|idea|view|views|thoughts|colour|color|chance|clue|feedback|insight)|
    your (?:view|views|thoughts|take|opinion)|more (?:details?|info|information|background|colour|color) (?:please|
    on|about|needed|would)|thoughts|what about|how about|not sure (?:what|why|how|whether|if) )
(?:bitte|könnten sie|können sie|kannst du|könntest du|möchte|würde|gerne|gern|hätte|hätten|bräuchte|bräuchten|
    brauche|benötige|benötigen) (?:(?!(?:rückruf|anruf|nicht|keine)(?!\S))\S+ ){0,8}?(?:erklären|erläutern|
    erläuterung|schicken|zuschicken|senden|zusenden|übersenden|mailen|weiterleiten|mitteilen|sagen|bestätigen|
    bestätigung|klären|prüfen|nachsehen|nachschauen|info|informationen|auskunft|einschätzung|meinung|details|
    unterlagen|studie|stellungnahme|rückmeldung|feedback|nähere \S+|wissen|erfahren|fragen|angebot|quote|
    preisindikation|indikation|update|hintergründe|zahlen|begründung|präzisieren|ausführen was|ausführlicher|
    konkretisieren|hören was|kurze rückinfo|rückinfo|aufklärung)(?! (?:danke|dass ich))
(?:ich|wir|mir|uns|mich) (?:\S+ ){0,4}(?:frage mich|fragen uns|interessieren|interessiert (?:ihre|was|wie|ob|warum|
    die)|nicht (?:ganz )?(?:klar|verstanden|verständlich|nachvollziehbar|verstehen)|unklar|verstehe (?:\S+ )?nicht|
    wissen (?:ob|wie|wann|was|warum|wo))
(?:bitte|um) (?:\S+ ){0,2}(?:info|infos|auskunft|erklärung|erläuterung|rückmeldung|stellungnahme|einschätzung|
    details|aufklärung|klärung|rückinfo|antwort|feedback|kurze nachricht)
(?:unklar ist|wüsste gern|wüsste gerne|würde gerne wissen|würde mich interessieren|mich würde interessieren|
    mal fragen|wollte fragen|wollte wissen|wollte nur fragen|gibt es schon|was ist mit|wie sieht)
""")
_IDLE = re.compile(
    r"^(?:how are you|how is it going|how are things|hope you are well|ok|right|really|ja|nein|wie geht (?:es )?(?:ihnen|dir|euch)?|alles gut|alles klar|"
    r"no|yes|you know|who knows|who cares|why not|what else is new|so what|oder|gell|ne|geht es gut|is that ok|is that okay|ist das ok|deal|what can i say|"
    r"na und|makes sense|isnt it|is it not|was soll s|was solls|was soll ich sagen|wer weiss|thoughts) ?\??$"
)


# Not in so many words: the telephone, and somebody who would like it used.
_PHONE = rules(r"""
(?:by|on|over|via|per) (?:the |your |my )?(?:phone|telephone|telefon|line|blower|cell|mobile|handy|telly)
(?:phone|telephone|tel|telefon|\S*telefonat|\S*telefongespräch|anruf|durchwahl|telefonisch|fernmündlich|
    telefonieren|apparat|hörer|läut|läute|läuten|call|ring|#tel|a word|quick word|conversation|minutes on|minuten|
    klingeln|rufst|riefen|riefe|rufe|anrufst|anriefen|durchrufst|bimmeln)
""")
_WISHED = rules(r"""
(?:would be (?:welcome|good|great|nice|appreciated|helpful|useful|best|ideal|better)|grateful|appreciate|
    would welcome|welcome a|spare|happy to discuss|when you can|when u can|hit me up|free for|time for|reachable|
    i am at|i am on|i am in|you can get me|you can reach me|get me|get hold of|direct|easiest|quickest|best to|
    rather|prefer|before you do|discuss|talk it through|talk through|go through|too complicated)
(?:wäre|wären|hätten|hätte|melden|melde|meld|bitte|erreichbar|erreichen sie|erreichst|am besten|lieber|gerne|
    besprechen|zeit für|passt|durchwahl|nett|freundlich|riefen|rufst|kurz|sobald)
""")
_DONE = rules(
    r"(?:was|were|had|called|rang|phoned|spoke|talked|tried|angerufen|telefoniert|gesprochen|angeschrien|thanks|thank you|danke|dank|gestern|yesterday|heard|missed|webcast|konferenz|conference|listen|transcript|replay|earnings|results|margin|option|options|sources)"
)
# What is wrong, and that it is ours: my statement, your colleague, the bank.
_AMISS = rules(r"""
(?:mistakes?|errors?|riddled|mess|messed|botched|shouted|shouting|yelled|hung up|responsib\w+|accountable|
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
_OURS = rules(r"""
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
_PRAISE = rules(
    r"(?:great|excellent|good|thanks|thank|helpful|well done|super|love|pleased|brilliant|fantastic|happy with|right|danke|dank|klasse|prima|toll|gut|never disappoint)"
)
_REPORTED = rules(r"(?:\S*ombud\S*|regulators?|class action|complain\S*|complaints|beschwer\S*|reklam\S*|klag\S*)")
_PERSONAL = rules(
    r"(?:i|we|my|our|me|us|you|your|ich|wir|mir|uns|mich|ihnen|ihr|ihre[nmrs]?|meine?[nmrs]?|unsere?[nmrs]?|formal|formally|file|hereby|hiermit|complaint|beschwerde|offizielle)"
)


def call(said: Sequence[Sentence]) -> str:
    """The sentence that asks for a call, "" where none does."""
    for one in said:
        text = one.said
        loosely = _PHONE.search(text) and _WISHED.search(text) and not _DONE.search(text)
        wanted = (
            loosely or _CALL.search(text) or _RUF.search(text) or _CALL_START.search(text) or _RUF_ALONE.search(text)
        )
        if not wanted or _NO_WANT.search(text):
            continue
        if _NO_CALL.search(text) and not re.search(
            r"(?<!\S)(?:call|ring|phone|give) (?:me|us)(?!\S)|(?<!ihren )(?<!den )ruckruf|rueckruf|(?<!\S)(?:ruf|rufen|anrufen)(?!\S)|#tel|(?<!\S)(?:speak|talk|chat|callback|call back)(?!\S)",
            text,
        ):
            continue
        return one.raw
    return ""


def complaint(said: Sequence[Sentence]) -> str:
    """The sentence that complains about us, "" where none does; what is said of a market or a company does not."""
    for one in said:
        text = one.said
        if (
            _NO_COMPLAINT.search(text)
            or (_REPORTED.search(text) and not _PERSONAL.search(text))
            or not (
                _COMPLAINT.search(text)
                or _BESCHWERDE.search(text)
                or (_AMISS.search(text) and _OURS.search(text) and not _PRAISE.search(text))
            )
        ):
            continue
        if _MARKET.search(text) and not re.search(
            r"(?<!\S)(?:you|your|i want to complain|complaint|beschwerde|beschweren|ihre?[nmr]?|sie|lawyer|anwalt|my|meine?)(?!\S)",
            text,
        ):
            continue
        return one.raw
    return ""


def question(said: Sequence[Sentence]) -> str:
    """The sentence that asks something, "" where none does."""
    perhaps = ""
    for one in said:
        if _IDLE.match(one.said):
            continue
        if one.asks or _QUESTION.search(one.said):
            return one.raw
        stated = one.raw.rstrip().endswith((".", "!"))
        if (
            not perhaps
            and (_ASKING.search(one.said) or (not stated and _ASKING_VERB.search(one.said)))
            and len(one.said.split()) > 2
        ):
            perhaps = one.raw
    return perhaps
