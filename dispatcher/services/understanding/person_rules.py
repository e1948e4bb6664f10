"""How people say that they are somebody else, that somebody is gone, or that they are away."""

from __future__ import annotations

from dispatcher.services.understanding.patterns import rules

WRONG = rules(r"""
(?:wrong|incorrect) (?:\S+ )?(?:number|person|phone|phone number|mobile|guy|man|woman|lady|recipient|party|contact|
    human|individual|email|email address|mailbox|inbox|people|fella|dude|chap|addressee|department)(?! (?:of|in|on|
    for|quoted|printed|shown) (?!(?:you|him|her|the person|#|mr|mrs|this person|that person|sorry)))
(?:wrong) (?:address)(?= (?:,|sorry|please|i|you|mate|$)|$)
(?:reached|got|have|dialled|dialed|texted|texting|called|calling|contacted|emailing|emailed|messaging|messaged|
    have got|rung|mistaken|have mistaken|mistaking|confusing|confused) (?:\S+ ){0,2}(?:the wrong (?:number|person|
    guy|one|man|woman|email|address|party)|someone else|somebody else|another person|a different person|
    wrong number|wrong person|me for (?:someone|somebody|another|my|the))(?! (?:of|in|on|for) (?!you|him|her))
(?:i am|we are|this is) not (?:who|whom|the person|the one|the intended|the right person|the correct|your (?:client|
    customer)|a (?:client|customer) of|the (?:owner|account holder|addressee|recipient)|the guy|the man|
    the woman)(?! (?:to decide|who decides|making))
(?:not|never) (?:\S+ ){0,2}(?:the )?(?:intended recipient|right person|correct person|right number|
    person you are looking for|right contact|correct recipient|correct contact)
(?:looking for|want|wanted|mean|meant|trying to reach|after) (?:someone else|somebody else|another person|
    a different person|a different \S+)
(?:nothing to do with) (?:you|your|this|any bank|shares|the bank|securities|finance|stocks|
    that person)(?! (?:decision|view|call|move))
(?:mixed|mixing|confused|confusing|muddled|mistaken|mistaking) (?:me|us|him|her|this number)(?: up)? (?:with|for)
(?:called|texted|rung|phoned|reached|texting|calling|messaged) (?:a |an )(?:complete |total |perfect )?stranger
(?:same name|namesake|gleichen namens|gleichnamig\S*|namensvetter\S*|vorbesitzer\S*|vorgänger der nummer|
    previous tenant|sold me this (?:phone|sim|number))
(?:do not|never|does not) (?:own|hold|have|owned) (?:any )?(?:shares|stocks|stock|securities)(?! in)
(?:not|nope not|no not) (?:him|her|me|that person|this person|your guy|your man|the one)(?= (?:,|sorry|he|she|wrong|
    mate)|$)
(?:wrong no)$
(?:neue nummer|nummer neu|neue handynummer|new number|new sim)(?= (?:von mir|,|here|hier)|$)
(?:mistaken identity|meant for someone else|meant for somebody else|intended for someone else|
    intended for somebody else|for someone else|this (?:is|was) not for me|not meant for me|not intended for me|
    not addressed to me)(?! (?:anymore|to decide|to say))
(?:this|the|my|that) (?:\S+ )?(?:number|phone|line|mobile|address|mailbox|email|sim|cell|inbox)(?: number| address|
     card)? (?:(?:now|has|is|been|was|does|did|no|not|longer|since|recently|just|currently|already|to|
    any) ){0,5}(?:belongs?|belonged|belonging|reassigned|assigned to|transferred to|mine now|used by|changed hands|
    changed owner|given to me|new to me|somebody else|someone else|owned by|in use by|taken over by)
(?:i|we) (?:(?:just|only|recently|have|has|got|now|got|am|the) ){0,5}(?:got|have|have got|bought|acquired|received|
    was given|were given|inherited|am the new owner of|new owner of|took over) (?:(?:this|the|a|new|just|recently|
    that) ){1,3}(?:new )?(?:phone |mobile |sim |cell )*(?:number|phone|sim|sim card|line|mobile)(?! (?:of|on|for|
    to call))
(?:new owner|new user|new holder|previous owner|former owner|last owner|previous holder|
    whoever had) (?:\S+ ){0,3}(?:number|phone|line|address)
(?:do not|never|not) (?:\S+ )?(?:have|had|hold|opened|got) (?:\S+ )?(?:an |any )?(?:account|accounts|dealings|
    relationship|portfolio|business) (?:with|at) (?:you|your|this|that|#x)
(?:i am|we are|am|are) not (?:an? |your |one of your )(?:\S+ )?(?:client|customer|investor|trader|broker|customers|
    clients)(?= (?:,|of|$|and|so|please|here|at|any|nor)|$)
(?:do not|never|no idea) (?:know|heard of|met|who is|who) (?:\S+ ){0,2}(?:who you are|who this is|anyone (?:called|
    named|by)|anybody (?:called|named|by)|any (?:mr|mrs|ms|herr|frau|\S+ (?:here|at this number))|this (?:person|
    man|woman|guy)|that person|him|her|you people|your company|your bank|your firm|a (?:mr|mrs|ms))
(?:nobody|no one|noone|no body|no such person|no person|there is no|there is nobody|
    no) (?:\S+ ){0,3}(?:by that name|of that name|with that name|by this name|of this name|called that|named that|
    here by that|at this number|at this address|at this email|on this number|on this line|with this name|
    such person|lives here)
(?:have|got|has|had|reached|writing to|texting|reach|contact|write to|messaging|calling) (?:\S+ )?(?:old|former|
    previous|out of date|outdated) (?:number|address|email|contact details|details|owner)
""")
LEFT = rules(r"""
{gone} (?:\S+ ){0,4}?{house}
(?:no longer|not any more) (?:\S+ ){0,2}(?:works?|working|employed|with (?:us|the)|at (?:this|our|the))
(?:left|leaving|has left|departed|quit|resigned from|moved on from|parted ways with|retired from|moved on|
    been let go|been made redundant|has retired|retired|changed (?:jobs|firms|employers)|moved to another (?:firm|
    company|bank)|has moved on) ?(?:from )?(?:us|our \S+|the (?:firm|company|bank|business|desk|fund|organisation|
    organization|group|team)|this (?:firm|company|organisation)|here|(?:in|last|at the end|since|some|a|two|three|
    #n|months?|weeks?|years?|earlier|on) \S+)?
(?:gone|moved|switched|went|has gone|has moved|now works|works|working) (?:to work |on to work |over )?(?:elsewhere|
    somewhere else|to (?:another|a competitor|a different|a new) \S+|for (?:another|a competitor)|at (?:another|
    a competitor))
(?:new|other) (?:job|employer|firm) (?:elsewhere|now|since)
(?:passed away|passed on|died|deceased|is dead|has died|no longer with us|no longer alive|lost his life|late mr|
    late mrs|in his memory|her estate|his estate|executor)
""")
LEFT_DE = rules(r"""
(?:nicht mehr|nicht länger|nimmer) (?:\S+ ){0,4}(?:bei uns|hier|im haus|im hause|im unternehmen|für uns|in (?:der|
    unserer|unserem) (?:firma|abteilung|team|bank|unternehmen|haus)|tätig|beschäftigt|angestellt|in unserem (?:haus|
    hause|unternehmen)|mitarbeiter\S*|dabei|da)
(?:arbeitet|arbeite|ist|war|gehört|wohnt) (?:\S+ ){0,6}(?:nicht mehr|nicht länger|nimmer|
    nicht) (?:\S+ ){0,2}(?:hier|bei uns|für uns|in (?:der|unserer) (?:firma|abteilung|bank)|bei der|im haus|
    im hause|tätig|beschäftigt|angestellt)
(?:nicht mehr|nicht länger) (?:bei|für) (?:der |dem |die )?\S+(?: (?:gmbh|ag|bank|kg|se|
    asset management))? ?(?:tätig|beschäftigt|angestellt)?(?! investiert)
(?:hat|haben) (?:\S+ ){0,3}(?:die firma|das unternehmen|uns|unser haus|das haus|die bank|unsere firma|
    unser unternehmen|den betrieb|die gesellschaft|den arbeitgeber|unsere gesellschaft) (?:\S+ ){0,4}verlassen
(?:ausgeschieden|verstorben|gestorben|in rente|im ruhestand|in den ruhestand|pensioniert|pension gegangen|
    in pension|in den vorruhestand|gekündigt worden|den arbeitgeber gewechselt|die firma verlassen|
    das unternehmen verlassen|die stelle gewechselt|tod von|ableben|hinterblieben)
""")
FALSCH = rules(r"""
(?:falsche|falscher|falschen|falsches|verkehrte|verkehrten|falscher ansprech) (?:\S+ )?(?:nummer|person|empfänger|
    ansprechpartner|ansprechpartnerin|adresse|adressat|adressaten|emailadresse|email|telefonnummer|kontakt|
    anschluss|leute|mann|frau)(?! (?:von|der|des|in|im|auf|für) (?!(?:sie|mich)(?!\S)))
(?:falsch verbunden|falsch gelandet|verwählt|verwechselt|verwechslung|verwechseln|bin der falsche|bin die falsche|
    sind bei mir falsch|bei mir falsch|bei uns falsch|nicht für mich bestimmt|nicht an mich|irrläufer|fehlgeleitet|
    (?:für|an) (?:jemand|jemanden|wen|eine?n?) (?:anderen|anders|andern|anderes|andere)(?: \S+)? (?:bestimmt|gedacht|
    gerichtet|
    gemeint|adressiert)|irrtümlich bekommen|irrtümlich erhalten|nicht der richtige|nicht die richtige|
    nicht der gesuchte|
    bin nicht gemeint|nicht gemeint)(?! (?:zeitpunkt|moment|zeit|strategie|entscheidung))
(?:meinen|suchen|meinten|wollten|verwechseln) (?:\S+ ){0,3}(?:jemand anderen|jemand anders|jemanden anderen|
    wen anders|andere person|anderen herrn)
(?:habe|haben|hab|damit|dafür) (?:\S+ ){0,5}(?:nichts|nix) (?:\S+ )?(?:zu tun|am hut)(?! mit dem (?:markt|kurs))
(?:nichts|nix) (?:\S+ )?(?:zu tun|am hut) mit (?:ihnen|euch|ihrer)
(?:diese|die|meine|dieser|dieses|der|das) (?:\S+ )?(?:nummer|adresse|anschluss|handy|postfach|telefon) (?:(?:gehört|
    gehörte|hat|ist|wird|wurde|habe|jetzt|nun|seit|inzwischen|mittlerweile|neu|ich|nicht|mehr|einem|einer|jemand|
    von|mir|\S+) ){0,6}(?:gehört|vergeben|anderem|anderen|anderer|anderes|genutzt|mir|nicht|mehr|neuen besitzer|
    übernommen|vergeben worden|besitzer|ihm|ihr|besitz)
(?:habe|haben) (?:\S+ ){0,5}(?:nummer|anschluss|handynummer|sim|sim karte) (?:\S+ ){0,3}(?:neu|erst|übernommen|
    bekommen|seit|gekauft|erhalten)
(?:kenne|kennen|kennt) (?:(?:ich|wir|hier|niemand|diesen|diese|den|die|herrn|frau|\S+) ){0,4}(?:keinen|keine|nicht|
    niemanden|niemand)(?= (?:herrn?|frau|\S+$|mit|namens|,|$|person|\S+ \S+$)|$)
(?:habe|haben|bin|sind|hatte) (?:\S+ ){0,4}(?:kein|keine|nie ein|gar kein|weder|niemals) (?:\S+ )?(?:konto|depot|
    kunde|kundin|kunden|geschäftsbeziehung|kundenbeziehung|bankbeziehung) ?(?:bei|von|mit)?
(?:bin|sind) (?:\S+ ){0,2}(?:nicht|kein|keine|gar nicht|gar kein) (?:\S+ ){0,1}(?:kunde|kundin|kunden|der empfänger|
    der richtige empfänger|ihr kunde)
(?:niemand|keiner|kein mitarbeiter|keinen|niemanden) (?:\S+ ){0,4}(?:mit diesem namen|dieses namens|der so heisst|
    namens|mit dem namen|so heisst|unter diesem namen|unter dieser nummer)
(?:gibt es|gibts|gibt) (?:\S+ ){0,3}(?:keinen|keine|niemanden|nicht) (?:herrn?|frau|\S+)?(?:\S+ ){0,2}(?:hier|
    bei uns|mit|namens|unter|$)
(?:mauvais numero|mauvaise personne|erreur de numero|vous vous trompez de (?:numero|personne)|numero equivocado|
    persona equivocada|se equivoca de (?:numero|persona)|numero sbagliato)
""")
NO_PERSON = rules(r"""
(?:wrong|falsche) (?:number|nummer|zahl) (?:of|in|on|auf|for|an)(?! (?:file|record|me|us|him|her)(?!\S))
(?:ceo|cfo|coo|cto|chief executive|chairman|chair|founder|president|minister|board member|head of (?!our)|
    the analyst|management|vorstand|vorstandschef|finanzvorstand|aufsichtsrat|gründer|chefvolkswirt|
    finance minister|director of #x|governor)
""")
# A person, and that they are gone: market news has it of others.
PERSON = rules(r"""
(?:he|she|they|someone who|somebody who|a person who|jemand der|jemanden der|mr|mrs|ms|miss|herr|herrn|frau|er|sie|
    my (?:colleague|husband|wife|father|mother|predecessor|boss|
    dad|mum|mom|son|brother|sister|partner|late)|dad|mum|mom|father|mother|husband|wife|grandfather|vater|mutter|
    papa|mama|opa|our (?:colleague|former|trader)|the (?:person|colleague|employee|owner|client|customer|
    account holder|former|gentleman|lady|recipient|addressee|previous)|this (?:person|colleague|employee|user)|
    that (?:person|colleague|employee)|der kollege|die kollegin|kollege|kollegin|mein (?:mann|vater|vorgänger|
    kollege|chef|bruder|sohn|mutter|onkel)|meine (?:frau|mutter|vorgängerin|kollegin|chefin|schwester)|
    unser (?:kollege|mitarbeiter|ehemaliger)|unsere (?:kollegin|mitarbeiterin)|der mitarbeiter|die mitarbeiterin|
    dieser mitarbeiter|diese mitarbeiterin|diese person|der (?:empfänger|adressat|herr)|i|we|ich|dr)
""")
CERTAIN_HERE = rules(
    r"(?:here|with us|at our \S+|our (?:firm|company|bank|fund|desk|team|business|organisation|organization|employ|"
    r"office|group)|bei uns|hier|uns|im haus|im hause|unser\S*|für uns|for us|this (?:firm|company|number|address|"
    r"office|mailbox|email)|works? (?:\S+ )?any more|no longer works?|no longer employed|(?:no longer|"
    r"not) with the (?:company|firm|bank|business|group|fund)|(?:left|retired from) the (?:company|firm|bank|business|"
    r"group|fund))"
)
AWAY = rules(r"""
(?:out of (?:the )?office|out of office|out of (?:the )?(?:country|town)|away from (?:the|my) (?:office|desk)|
    away on (?:business|holiday|vacation|leave)|on (?:annual |parental |maternity |paternity |sick |medical |
    family |bereavement |garden |gardening |a |my |summer |extended |compassionate |sabbatical |research )*(?:leave|
    vacation|holidays?|sabbatical|pto|a business trip|business trip|honeymoon|jury duty)|auto reply|automatic reply|
    autoreply|auto response|automated (?:reply|response)|ooo|not in the office|off sick|on paternity|on maternity|
    attending a conference|travelling (?:until|with limited)|traveling (?:until|with limited)|
    in (?:\S+ )?meetings (?:all|until|till|this|for the))
(?:i|we) (?:am|are|will be|shall be) (?:currently |presently |now |also |both |all )*(?:away|out|off|travelling|
    traveling|absent|unavailable|on the road|unreachable|offline|ooo|not available|not reachable|
    at a conference)(?! (?:of (?!(?:the )?(?:office|town|country))|the table|to|my)) ?(?:(?:today|tomorrow|until|
    till|from|this|next|for|through|between|all|on|at|with|and|back|due|in|\S+ing|,|#d|attending|the rest|most of|
    up to|as of|starting) ?)(?:\S+ ?){0,9}
(?:limited|no|intermittent|sporadic|restricted|infrequent|irregular|little|occasional) (?:or no )?(?:access to|
    connectivity|email access|access)(?: (?:my|to|email|emails|the|internet))*
(?:back|return|returning|be back|am back|available again|reachable again) (?:(?:in|at|to|on|the|my|from|i|will|
    office|desk|be|again) ){0,5}(?:#d|monday|tuesday|wednesday|thursday|friday|next week|in the office|on the #d|
    january|february|march|april|may|june|july|august|september|october|november|december)
(?:reply|respond|answer|get back to you|read|deal with|attend to|come back to you) (?:\S+ ){0,6}(?:upon|on|after|
    when i|once i|as soon as i) (?:(?:my|am|get|i am|i|have|the) )*(?:return|returned|back)
(?:büro|office|praxis|kanzlei|geschäft|firma|betrieb|desk) (?:\S+ ){0,8}(?:geschlossen|closed|nicht besetzt|
    unbesetzt)(?! (?:at a|higher|lower|up|down))
(?:driving|at the wheel|am steuer|im auto) (?:\S+ ){0,3}(?:now|right now|,|gerade)
(?:nicht|nicht mehr|erst|nur) (?:\S+ ){0,4}(?:im büro|am platz|am arbeitsplatz|im haus|im hause|im office|anwesend|
    erreichbar|im dienst|verfügbar)
(?:im urlaub|in urlaub|habe urlaub|hab urlaub|mache urlaub|vertritt mich|vertreten mich|vertreten durch|
    in den ferien|im ferien|ferienabwesend|abwesend|abwesenheit|abwesenheitsnotiz|abwesenheitsmeldung|ausser haus|
    ausser hause|ausserhalb des büros|auf (?:dienstreise|geschäftsreise|reisen)|in elternzeit|im mutterschutz|
    krankheitsbedingt|krankgeschrieben|in kur|auf fortbildung|ortsabwesend|automatische antwort|autoantwort|
    im spital|im krankenhaus|im betriebsurlaub|in den betriebsferien|verreist|unterwegs bis|im sabbatical|in karenz|
    betriebsferien|
    nicht im büro)
(?:wieder|erst wieder|zurück|ab) (?:(?:am|ab|im|in|dem|der|da|erreichbar|büro|für sie|zurück|an|bin|
    ich) ){0,5}(?:#d|montag|dienstag|mittwoch|donnerstag|freitag|nächste woche|nächster woche|im büro|erreichbar|
    zurück|januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember)
""")
AWAY_MORE = rules(r"""
(?:until|till|through|from #d|to #d|back|return|returning|#d|contact|urgent|urgently|emergency|in my absence|between|
    christmas|
    my absence|during this time|limited access|no access|please (?:contact|call|email|write to|reach out)|colleague|
    forwarded|not be (?:read|forwarded|checked|monitored)|as soon as|next week|monday|tuesday|wednesday|thursday|
    friday|automatic|auto|this week|today|when i arrive|danach|will see your message|notifications|geschlossen)
(?:bis|ab|vom|am|urlaub|zurück|wieder|dringend\S*|vertretung|vertritt|vertreten|kollege\S*|kollegin\S*|
    wenden sie sich|wendet euch|kontaktieren sie|nicht weitergeleitet|weitergeleitet|nicht gelesen|
    in meiner abwesenheit|während|notfällen|notfall|eilfällen|eingeschränkt\S*|keinen zugriff|kein zugriff|rückkehr|
    automatisch\S*|heute|diese woche|melde mich)
""")
AWAY_ALONE = rules(
    r"""
(?:(?:sorry|hi|hello|thanks|currently|hallo|danke|leider|derzeit|aktuell|bin|ich|i am|still|,) )*(?:out of office|
    out of the office|ooo|on holiday|on vacation|on leave|on annual leave|im urlaub|abwesend|nicht im büro|
    abwesenheitsnotiz|auto reply|automatic reply|in ferien|in den ferien|away)(?: (?:\S+ ?){0,6})?$
(?:i am |i m |i will be )?driving (?:with|and)? ?(?:\S+ ){0,4}(?:focus|do not disturb|notified|turned on)(?: .{0,80})?
""",
    start=True,
)
# `#name` is the customer's.
NOT_NAMED = rules(r"""
(?:this|it|that) is (?:not|no longer) #name(?! but)
(?:i am|we are) (?:not|no) #name(?! but)
(?:^|(?<=, )|(?<=sorry )|(?<=no ))(?:not|no longer) #name(?: s)?(?: (?:phone|number|any more|any longer|here|mobile|
    email|address))*(?= ,|$| sorry)
(?:this|the) (?:number|phone|email|address) (?:is not|does not belong to|is no longer|no longer belongs to) #name
this is not the (?:number|phone|email) of #name
(?:there is no|no|never heard of|you are not talking to|hier (?:wohnt|arbeitet) kein|keine?n?|je ne suis pas|
    ce n est pas|no soy) #name(?= ,|$| here| at| in| by)
(?:i )?do not know (?:any |a |anyone called )?#name
(?:^|(?<=, )|(?<=sorry ))(?:who is|who the hell is|wer ist|wer soll) (?:this |denn |das |diese |
    dieser )?#name(?: sein)?(?: \?|$)
(?:ich bin nicht|hier ist nicht|hier ist kein|hier ist nicht mehr|das ist nicht|das ist nicht mehr|kenne keinen|
    kenne keine|kenne hier keinen) #name(?! sondern)
""")
NOT_TITLED = rules(r"""
(?:this is not|i am not|hier ist nicht|hier ist kein|ich bin nicht|das ist nicht) (?:mehr )?(?:mr|mrs|ms|miss|herr|
    herrn|frau|dr) \S+
(?:there is|there are|here is) no (?:mr|mrs|ms|miss|dr) \S+ (?:here|at this|at our|in this|in our|with us|on this|
    at the)
(?:hier ist nicht|hier gibt es kein\S*|there is no (?:one|body) called|no (?:one|body) called|niemand namens|
    keinen? (?:herrn|frau) \S+(?: (?:hier|bei uns|im haus))?(?= ,|$))
""")
WRONG_WORD = rules(r"(?:wrong|falsche?r?|(?:who|wer) (?:\S+ ){1,3}#name(?: sein)?(?: \?|$))")
TRADES = rules(r"(?:i am|we are|am|stock|shares|position|limit|price|aktie|kurs|interest|interested|long|short)")
DEAD = rules(r"(?:passed away|died|deceased|verstorben|gestorben|elsewhere)")
RETIRED = rules(r"(?:left|retired|verlassen|ausgeschieden|ruhestand|rente|pensioniert|moved on)")
OWN = rules(r"(?:i|we|ich|wir)")
