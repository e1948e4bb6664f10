"""What makes a wish to stop doubtful, or none: only some of it, only perhaps, somebody else, other things to stop."""

from __future__ import annotations

from dispatcher.services.understanding.patterns import rules

# What is theirs to end, and none of our messages.
BUSINESS_OBJECT = rules(r"""
(?:stop|cancel|end|quit|remove|delete|drop|no more|kein|keine) (?:[^\s,]+ ){0,3}(?:orders?|limits?|stops?|stop loss|
    trades?|positions?|bids?|offers?|gtc|price alerts?|#q|#n|limit|dividends?|buybacks?|standing order|direct debit|
    shares|
    calls at|puts|call options?|margin calls?|call spreads?|auftrag|aufträge|dauerauftrag|leerverkäufe)
(?:streich\S*|lösch\S*|entfern\S*|nehm\S*|nimm|stornier\S*|beend\S*|aufheb\S*) (?:[^\s,]+ ){0,4}{auftrag}
{auftrag} (?:[^\s,]+ ){0,3}(?:streichen|löschen|entfernen|rausnehmen|herausnehmen|raus|weg|stornieren|beenden|aufheben)
""")
# Only some of it, only for a time, only perhaps: a person reads it.
PARTLY = rules(r"""
(?:on|at|during|over|before|after|until|till|for|this|next|except|only) (?:(?:the|a|my|a few|few|about|#n|two|three|
    couple of|business|bank) ){0,3}(?:weekends?|nights?|evenings?|mornings?|sundays?|saturdays?|mondays?|fridays?|
    holidays?|vacation|week|weeks|month|months|days?|now|while|moment|market hours|working hours|office hours|hours|
    lunch|dinner|midnight|earnings|#t|#d|#n|bed|work)
(?:fewer|less|so frequent|slow down|cut down|cut back|reduce the|less often|less frequent|less frequently|
    too frequent|once a (?:day|week)|twice a (?:day|week)|daily digest|weekly digest|summary only|just the summary|
    pause|paused|for a while|temporarily|for the time being|on hold)
(?:only|just|instead|rather|prefer|preferably|please use|use|switch to|still|keep|continue|but|except) (?:(?:by|via|
    per|to|me|us|an?|send|sending|the|use|on|my|with|getting|it) ){0,4}(?:email|emails|text|texts|sms|phone|fax|
    call|calls|post|letter|telegram|whatsapp|bloomberg|chat|landline|office)(?: (?:only|instead|please|alerts?|
    is fine|me|are fine|ok|is ok|works|will do|rather))*
(?:email|text|sms|phone|fax|calls?|mobile|texts|emails) (?:only|is fine|are fine|is ok|are ok|instead|is better|
    rather|works better|will do|suffices?|is enough)
(?:the|my|our) (?:\S+ ){0,3}(?:mobile|cell|email|landline|fax|sms|text|desk phone)(?: and (?:\S+ )?(?:mobile|cell|
    email|landline|fax|sms|text))? (?:is|are) (?:fine|ok|okay|good|enough|sufficient)
(?:lol|lmao|haha|hahaha|rofl|hihi)
(?:perhaps|maybe|might|thinking about|thinking of|considering|consider(?! (?:this|me|it))|wondering whether|
    not sure|tempted|possibly|one day|at some point|probably|eventually)
(?:about|on|regarding|re|concerning|covering|for) (?:#x|index|oil|gold|asia|europe|us|asian|european|japan|china|
    crypto|equities|equity|credit|rates|fx|macro|tech|techs|banks|energy|commodities|small caps|bonds|
    emerging markets|em|autos|pharma|retail|utilities|biotech|mining|steel|semis|semiconductors|\S+ sector|
    \S+ stocks?|\S+ names?)
(?:nur noch|lieber|stattdessen|statt dessen|sondern|besser|bevorzuge|nur|ausschliesslich|weiterhin|
    aber) (?:(?:bitte|per|via|mit|die|den|als|über|eine|gerne|noch|auf|am|dem|wenn|in) ){0,4}(?:emails?|sms|telefon|
    fax|post|anrufe|handy|brief|whatsapp|festnetz|telefonisch|schriftlich)
(?:am wochenende|an wochenenden|abends|nachts|morgens|sonntags|samstags|feiertags|an feiertagen|vor #t|nach #t|
    nach #n|vor #n|mittags|während|diese woche|nächste woche|im urlaub|vorerst|zur zeit|zurzeit|momentan|im moment|
    vorübergehend|bis auf weiteres|bis #d|bis montag|bis ende|für #n|für zwei|für eine|so viele|zu viele|so oft|
    zu oft|so häufig|zu häufig|weniger|seltener|so früh|so spät|ausser|mitten in der nacht|in der nacht|
    nach feierabend|pausieren|pause)
(?:vielleicht|eventuell|überlege|überlegen|denke darüber|mal sehen|irgendwann|womöglich|möglicherweise)
(?:zu|über|bezüglich|betreffend|zum thema) (?:#x|index|öl|gold|asien|europa|usa|china|krypto|aktien|anleihen|
    devisen|rohstoffen?|tech|banken|\S+sektor|\S+werten|themen?)
(?:if|unless|otherwise|or else|or i will|or we will|wenn|falls|sonst|ansonsten|andernfalls) (?!(?:possible|
    you would|you could|you please|i may|not already|sie (?:bitte|so)|möglich|es geht|you can|you do not mind|
    i wanted|i need|we need|i want|necessary))
""")
# Too much of it: with nothing said of a list, fewer may be meant.
LESS = rules(r"""
(?:so|too|as|this) (?:many|much|often|frequently|early|late)
""")
LIST = rules(r"(?:unsubscribe|opt|remove|take|delete|{list}|{liste}|abmelden|abbestellen|austragen)")
SOMETIMES = rules(r"""
(?:no|less|without|enough|not|never|stop|end|cancel|suppress|remove|discontinue|cease|exclude|off|out|drop|rid|halt|
    nothing) (?:(?!(?:order|orders|limit|position|news|idea|reply|answer|call back|rush|worries|problem|
    longer)(?!\S))\S+ ){0,4}(?:texts|messages|emails|alerts|mailings|newsletters?|notifications|distribution|
    mailing list|distribution list|bulletins|sms|robocalls|spam)(?! (?:about|from|reached|arrived|came|on #x|at #n))
(?:kein|keine|keinen|keinerlei|nichts|nicht|stopp?|ohne|weg|raus|streichen|löschen|austragen|beenden|
    abstellen) (?:\S+ ){0,4}(?:\S*nachrichten|\S*emails|\S*verteiler|\S*newsletter|\S*benachrichtigungen|
    \S*zusendungen|werbung)
(?:no longer|not|stopped|ceased) (?:\S+ )?(?:cover|covering|following|responsible for|dealing with|active in|
    involved (?:in|with))
(?:amend|update|correct|clean up|sort out) (?:your|the) (?:\S+ )?(?:mailing |distribution )?lists?
(?:nicht mehr|nicht länger) (?:\S+ )?(?:zuständig|verantwortlich|mein thema|mein gebiet|mein bereich)
(?:nicht mehr interessiert|kein bedarf mehr|kein interesse mehr)
(?:these|they|this|those|your {comm}|{comm}) (?:(?:is|are|of|really|just|simply|becoming|getting|a|an|so|too|quite|
    to|me|us|all|being|have|has|been|seem|seems) ){1,4}(?:no interest|no use|no value|no relevance|useless|
    irrelevant|not relevant|unwanted|annoying|spam|a nuisance|nuisance|intrusive|bother me|waste|a waste|not for me|
    not useful|not wanted|tiresome|too much|too many|unsolicited|a pain)
(?:{komm}|das|die|sie) (?:(?:ist|sind|interessieren|interessiert|nerven|nervt|stören|stört|brauche|mich|uns|mir|
    hier|langsam|nur|einfach|sehr|ziemlich|total) ){1,4}(?:nicht|lästig|nervig|überflüssig|unerwünscht|
    uninteressant|irrelevant|spam|nutzlos|nervt|nerven|zu viel|zu viele|mich)(?= (?:,|mehr|für|relevant|
    interessant)|$)
(?:do not|never|not) (?:\S+ )?(?:read|look at|open|use|sign up for|signed up for|subscribe to|subscribed to|ask for|
    asked for) (?:(?:these|those|your|any of|them|this|of|the|such|for) ){1,3}(?:{comm})?
(?:unsubscribe|opt out|abmelden|abbestellen)
(?:no|not|keine?|kein) (?:more )?{comm} (?:please |thanks |bitte )?(?:on|at|before|after|during|between|past|until|
    this|over|while) (?!me|all)
(?:keine?|nicht) (?:mehr )?(?:{komm}|anrufen|schreiben|stören) (?:bitte )?(?:am|an|vor|nach|während|zwischen|bis|
    in der|in den|im|nachts|abends|morgens|sonntags|samstags)
(?:nicht|keine) (?:am wochenende|nachts|abends|vor #t|nach #t|vor #n|nach #n|sonntags) (?:\S+ ){0,3}(?:anrufen|
    schreiben|stören|{komm})
(?:do not|never) (?:call|text|email|message|ring|phone|send|disturb) (?:\S+ ){0,4}(?:before|after|between|during|
    past|until|at night|on (?:the )?weekends?|over the weekend|on sundays?|while)
""")
WHOLLY = rules(r"""
(?:immediately|at once|effective immediately|permanently|for good|ever again|all (?:future|further)|ab sofort|
    sofort|endgültig|dauerhaft|umgehend|nie wieder|any more at all|everything)
""")
# It is said that they do not want out, or somebody else does, or it is long past.
NOT_OUT = rules(r"""
(?:stock|share|shares|name|names|company|aktie|aktien|#x|bond|bonds|titel|index|members?|they) (?:(?:has|have|had|
    was|were|is|are|will|should|been|be|now|just|being|removed|the|never|gets|got|ought|to|can|
    could) ){0,4}(?:removed|taken|dropped|deleted|come off|excluded|struck|us from the index|gestrichen|genommen)
(?:brauchen?|brauchst|müssen?|musst|muss) (?:\S+ ){0,4}(?:nicht|keine)(?! mehr)
(?:do not|did not|never|not|please do not|have not|would not|had not|will not|wont|rather not|
    no need to) (?:(?:want|wish|mean|ever|to|be|please|intend|going|yet|accidentally|like|have|asking|
    ask) ){0,4}(?:unsubscribe|unsubscribed|unsubscribing|opt out|opted out|opting out|remove (?:me|us)|take (?:me|
    us) off|be removed|removed|stop (?:sending|these|the|receiving|getting|texting|calling)|drop (?:me|us)|
    delete (?:me|us))
(?:(?:nein|bitte|bloß) (?:, )?(?:\S+ ){0,2})?nicht (?:abmelden|austragen|streichen|löschen|entfernen|
    rausnehmen|aufhören)
(?:wurde|wurden|worden|bin|sind) (?:\S+ ){0,6}(?:nicht|nie|nichts|keine?) (?:\S+ )?(?:angerufen|kontaktiert|informiert|
    benachrichtigt|angeschrieben|gefragt|verständigt)
(?:why|how come) (?:(?:was|were|am|are|have|had|did|has) )(?:i|we|you|my) (?:\S+ ){0,4}(?:unsubscribed|removed|
    opted out|dropped|stop|stopped|off|deleted)
(?:nicht|nie|warum|wieso|weshalb) (?:\S+ ){0,4}(?:abgemeldet|austragen lassen|abbestellt|abmelden wollen|
    ausgetragen|gelöscht worden)
(?:unsubscribed|oversubscribed|undersubscribed) (?:shares?|portion|rights|units|tranche|stock|bonds|offer|issue|
    book|securities|funds)
(?:issue|offering|deal|book|ipo|placement|tranche|rights issue|auction|rights) (?:\S+ ){0,3}unsubscribed
(?:opt|opted|opting) out (?:of|from) (?:the |their |its |this |any )?(?:rights|merger|class action|settlement|
    scheme|dividend|drip|offer|tender|index|pension|deal|ipo|placement|corporate action|buyback|spin off|scrip|
    conversion|position|trade|accord|treaty|contract|election|call|meeting|conference)
""")
THIRD = rules(r"""
(?:unsubscribe|remove|take|delete|drop|opt out|abmelden|streichen sie|nehmen sie|entfernen sie|
    löschen sie) (?:\S+ )?(?:him|her|them|my (?:colleague|client|assistant|wife|husband|boss|friend|secretary|
    partner|team)|our (?:client|trader|intern|colleague)|john|meinen kollegen|meine kollegin|herrn|frau|meine frau|
    meinen mann|ihn)(?! and (?:me|i|myself|us)| und (?:mich|uns|ich))
""")
# A list, or the word itself: then no order is meant.
SURELY = rules(r"(?:unsubscribe|opt out|list|verteiler|abmelden)")
BUSINESS = rules(
    r"(?:#[qx]|buy|sell|orders?|limits?|positions?|kaufen|verkaufen|auftrag|stop loss|"
    r"(?:my|the|a|our|den|meinen|einen) (?:stops?|algo|hedge))"
)
NOT_IN = rules(r"(?:not|no|never|kein|keine|nicht|nie|#q|stop|why|warum)")
