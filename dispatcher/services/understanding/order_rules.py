"""How orders are given in English: who asks whom for what, and what stands for itself."""

from __future__ import annotations

from dispatcher.services.understanding.patterns import rules

ASKED = rules(r"""
(?:can|could|would|will|may|might) (?:you|u|the desk|someone|somebody) (?:(?:please|kindly|just|also|perhaps|
    possibly|guys|help me|help us|for me|for us|still|quickly|now|at least) ){0,3}(?:to )?{deal}
{who} (?:would|will|do|shall|am|are|can|could|also|really|just|only|still|now|then|both|definitely|might|may|
    actually|have|please|already|happily|gladly|be|like|love|want|wants|wish|wishes|need|needs|have|has|looking|
    ready|keen|happy|prepared|willing|going|intend|plan|planning|decided|prefer|hoping|trying|aiming|asking|asks|
    glad|interested|instructed|instruct|tempted|you|to|in|of|by|it|the desk|\S+ly|for you) (?:(?:would|will|like|
    love|want|wish|need|needs|looking|ready|keen|happy|prepared|willing|going|intend|plan|planning|decided|prefer|
    hoping|trying|aiming|also|be|to|you|in|like to|of|now|please|just|still|then|rather|tempted|glad|asking|desk|
    interested|at|here) ){0,6}(?:{deal}|{dealing})
(?:looking|look|keen|ready|happy|prepared|willing|want|wants|like|wish|need|time|interested|minded|inclined|
    would love|am going|are going|going|decided) (?:for you |in )?(?:to )(?:{deal})
(?:looking at|interested in|keen on|minded on|consider us|consider me|up for|in favour of) (?:{dealing})
please (?:(?!(?:have|ask|tell|let|explain|email|call|send|advise)(?!\S))[^\s,]+ ){0,5}?{deal}
(?:order|instruction|instructions|trade|request|wish) (?:is |are )?(?:,|to) {deal}
(?:i|we) (?:am|are) (?:a |an |still |small |big |now |good |better |natural )*(?:buyers?|sellers?|bidders?|payers?|
    receivers?|takers?)(?! than)
(?:buyer|seller|bidder|taker)s? (?:here|of|at|for|in|on)
(?:stop|get|take|close|knock) (?:me|us) (?:out|flat)(?! of (?:hold|town|the (?:list|loop|email|distribution|system|
    database|mailing|records|alerts)))
(?:i|we) (?:will |would |can |could |am happy to |are happy to |want to )(?:take|have|do|pay|
    give) (?:\S+ ){0,2}(?:#q|{tradable}|at #n|#n for)
(?:i|we) (?:take|pay) (?:\S+ ){0,2}(?:#q|{tradable}|at #n|#n for)
(?:put|count|mark|sign|write|pencil|book|note) (?:me|us|my client) (?:\S+ )?(?:down|in|up|for|as)(?: (?:for|as|with|
    at|a))*(?: (?:#q|#n|buyer|seller|some|the|half|full|an order|the (?:ipo|placement|deal|issue)))
(?:count (?:me|us) in|i am in for|we are in for|i am in|we are in)(?= (?:#q|#n|for|,|please|at)|
    $)(?! for (?:the (?:call|meeting|conference|lunch|webinar|dinner)|lunch|dinner))
(?:place|enter|put in|submit|put through|put on|put together|leave|give you|send) (?:me |us |in |through |
    you )?(?:an?|the|my|our|this|another|following|these|some) (?:\S+ ){0,3}(?:order|orders|bid|trade|stop|limit|
    offer|stop loss|hedge|indication)
(?:here is|this is|please find|find attached|attached is|see|please see|following is|below is|attached) (?:my|our|
    an|the|a) (?:\S+ ){0,2}(?:orders?|indication|subscription)(?! (?:history|confirmation))
(?:want|need|would like|wish|like) (?:in on|into|out of|a piece of|some of) (?:(?!(?:list|distribution|
    mailing)(?!\S))\S+ ){0,4}(?:{tradable}|(?:this|that|it)(?= ,|$| please| now| today))
(?:want|need|would like|wish|like|take|give (?:me|us)|get (?:me|us)|let (?:me|us) have|
    i will have) (?:\S+ )?(?:another |an extra |an additional |about |around |up to |roughly |maybe |
    circa )?(?:#q)(?! (?:d|ideas|questions|minutes))
(?:give|get|grab|buy|sell) (?:me|us) (?:\S+ ){0,3}(?:{tradable}|out of (?:this|it|that|my|our|#x))
(?:can|could|would|will) (?:you|u|someone) (?:\S+ ){0,3}(?:get rid of|get out of|dispose of|switch out of|
    get me out|get us out|take me out|take us out|sell out of|lighten|top up)
(?:would|do) you mind {dealing}
(?:i|we) (?:pay|receive|give|take) (?:fixed|floating|fixed in) (?:\S+ ){0,6}?(?:#q|#x|#n)
(?:i|we) (?:will |would |am going to |are going to |shall )(?:go|start|stick|settle|run|be happy) (?:with|for|
    at) (?:\S+ ){0,2}#[qn]
(?:keen|happy|like|want|love|prefer|wish|need|looking) to (?:see|get|have|do|own|hold|reinvest|shift|invest|put|
    place|leave|work|add|increase) (?:\S+ ){0,4}?(?:#q|#p|proceeds|{tradable})(?! (?:notes?|report|results))
(?:can|could|may) (?:i|we) (?:please )?(?:get|have|do|take|buy|sell|add|place|put in|leave) (?:\S+ ){0,4}?#q
(?:decided|decision|instructed|instruct|instruction|instructing|like you|want you|need you|ask you|
    asking you) (?:you )?(?:is )?to {deal}
(?:go|get|be) (?:me |us )?(?:long|short|flat)(?= (?:#|\S+ #|the|at|here|on|in|please|now|some|into|\S+ at)|$)
""")
COMMANDED = rules(
    r"""
{lead}(?:do not |never |please do not )?{deal}
{lead}(?:do not|never) (?:\S+ )?(?:{deal}|cancel|fill|execute|trade)
{lead}(?:fill me|fill us|hit it|hit (?:the|that|his|their|this) bid|lift it|lift the offer|take the offer|take it|
    pay up to|work it|execute|mine at|yours at|mine|yours|done at|go at|sell it|buy it|double up|get me done|
    get it done|same size|take them|hit them|lift them|hold off|hold my|hold the order)(?= (?:at|please|for|,|in|on|
    now|here|if|today|#|my|until|executing|order)|$)
{lead}(?:quit|ditch|bin|chop|shift) (?:half|all of it|all my|the lot|everything|#[qp])
{lead}(?:kill|pull|scrap) it(?= ,|$| please| now)
{lead}(?:cancel|pull|kill|scrap|withdraw|pull out) (?:everything|all orders|all of it|it all|them all|the lot|
    all my|everything i have|all open)(?! {comm})(?= |$)
{lead}(?:go ahead|go for it|make it so|get it done|please go ahead|please proceed|proceed|please execute|do it|
    let us do it|let us go|get on with it|pull the trigger|fire away)(?= (?:please|with|as|and|,|at|on|now|then|
    today|for)|$)
{lead}(?:make|call) it (?:#q|#n)(?= )(?! (?:out of|to|a))
{lead}(?:make (?:it|that)) #q
{lead}(?:stop|pause|suspend|hold|keep|continue) (?:buying|selling|working|the algo|the programme|
    the execution)(?! (?:me|into))
{lead}(?:remove|take) (?:me|us) (?:from|out of|off) (?:the |my |our )?(?:\S+ )?(?:position|trade|order|#x|deal|book|
    risk)
{lead}(?:out|in|flat) (?:of|at|from|with) (?:\S+ ){0,5}?(?:#n|#q|#x|all|my|our|market|everything|the lot|now|
    today)(?! (?:office|town|country))
{lead}(?:knock|stop|take|get|cash|buy|sell|square|close) out (?:of )?(?:\S+ ){0,3}{tradable}
{lead}(?:action|effect|arrange|process|organise|organize|do|make|execute|carry out|instruct|initiate) (?:an? |the |
    my |our |this )?(?:immediate |partial |full |complete |total )?(?:sale|purchase|switch|redemption|disposal|exit|
    hedge|liquidation|buy|sell)(?= (?:of|out|into|in|at|for|please)|$)
{lead}(?:switch|rotate|move|come|sell|trade|roll) (?:out of|into|from|over) (?!the way)\S+
{lead}(?:get rid of|get out of|dispose of|sell out of|close out of|come out of|part with) (?!(?:the way|here|town|
    bed|jail|this mess))\S+
{lead}(?:double|triple|halve|top up|trim|flatten|square|cut|lighten) (?:(?:down|up|back|our|my|the|this|that|
    all) )*(?:short|long|shorts|longs|position|holding|exposure|weight|bet|stake|line|longs|hedge|it)
{lead}(?:deal|sold to you|mine|yours|take profits?|stop and reverse)$
{lead}(?:start|begin|resume) (?:buying|selling|accumulating|trimming|working|shorting|covering)
{lead}(?:have a go at|try|start with|go with|stick with|go for|settle for) (?:\S+ ){0,2}#q
{lead}(?:shift|reinvest|reallocate|re allocate|rebalance|park|put|move|invest) (?:\S+ ){0,5}(?:#p|#q|half|proceeds|
    cash|everything|all)(?= )(?! (?:list|distribution))
{lead}(?:sold|done|agreed) (?:(?:at|for|,) #|(?:in )?#q)
{lead}(?:long|short|bid|offer|offered|bot|b|s) (?:\S+ ){0,1}(?:#q|#n for #q)
{lead}(?:#q|#n) (?:\S+ ){0,2}(?:bid|offered|to buy|to sell|to go|buy|sell|kaufen|verkaufen)(?! rating)
""",
    start=True,
)
TERSE = rules(r"""
#q (?:of |x |in |the |more |units? of |shares? of |stück |stk |lots? of |contracts? of |nominal |nom )*(?:\S+ )?#x
#x (?:for |in |\S+ )?#q(?! (?:target|price|by|in (?:sales|revenue|costs)))(?= (?:at|@|limit|vwap|please|market|day|
    on|#n|stück|long|short|gtc|now|,)|$)
#q (?:\S+ ){0,4}(?:at|@|limit|lmt|zu|auf) (?:the |a )?(?:market|best|limit|#n|#q|open|close|vwap|twap|moc|mid|
    bestens|billigst|markt|touch|last)
#q (?:\S+ ){0,3}(?:vwap|twap|moc|bestens|billigst|limit #n|limit #q|gtc|gtd|on close|on the close|on open|day order|
    over the day|fill or kill|ioc|market order|in line|participate|tagesgültig|ultimo)
(?:vwap|twap|moc|bestens|billigst|interessewahrend|iceberg|at market|at best) (?:\S+ ){0,4}#q
(?:at|@) (?:market|best|#n|limit #n) (?:\S+ ){0,2}#q
(?:stop loss|stop limit|trailing stop|stop|stops|sl|stop sell|stop buy|stop order|stop losses) (?:(?:order|limit|
    loss|on|for|the|auf|bei|at|to|@|set|for|my|#x|#q|it|mit|zu|in|of|position|sale|price|,|be|rest|now|out|please|
    all|shares|unter|under|below|out of) ){0,6}(?:(?!(?:was|hit|losses|sending|calling|the (?:bus|pain)|is|got|
    texts?|emails?)(?!\S))\S+ ){0,2}#[nqp]
(?:limit|lmt|limits|limite) (?:(?:order|price|day|of|at|auf|bei|@|to|is|sell|buy|,|zu|von|mit|gtc|it|on|for|my|now|
    #x) ){0,4}#[nq]
(?:take profit|tp|target order|oco|bracket) (?:order )?(?:at|@|auf|bei) #[nq]
#q (?:nominal|nom|notional|lots|contracts|kontrakte|stück|shares|aktien|anteile|bonds) (?:\S+ ){0,2}(?:please|bitte|
    kaufen|verkaufen|limit|at|@|for me|for us|gerne|zum|zu)
#q (?:\S+ ){0,3}(?:long|short)(?= (?:,|please|at|@|limit|stop|now|bitte|with|mit|if|wenn)|$)
#q (?:each|apiece|per account|per fund|for (?:each|the) (?:fund|account|accounts))
""")
ONLY_AMOUNT = rules(
    r"""
(?:(?:yes|yep|yeah|ja|yes please|ok|okay|please|bitte|sure|fine|gerne|do|make it|for|in for|only|just|about|up to|
    another|then|,|more|let us do|let us say|say|i would say|nur|noch|machen wir|mach|machen sie|nehmen wir|also|
    confirm|confirmed|agreed|will do|go|go for|go with|please do|we do|put|we will do|i will do|and|the|of|our|my|
    usual|size|max|maximum|at|@|market|best|for the|fund|for us|for me|thanks|danke|limit|#n|#x|it|too|as well|dann|
    was|im|in|on|day|the|today|heute|all) )*#q(?: (?:please|thanks|bitte|danke|more|shares|stück|lots|it is|for us|
    for me|only|then|dann|max|maximum|at|@|market|best|,|#x|of|the|those|them|too|in|today|heute|now|day|aktien|
    noch|each|limit|#n|ok|nominal|for|now|und|and|as well|\?))*$
""",
    start=True,
)
BOOKED = rules(r"""
(?:raise|lift|lower|cut|increase|change|move|set|reduce|drop|bring|put|take) (?:the |my |our |your )?(?:cap|floor|
    price|size|quantity|level|ceiling|threshold|amount|volume|max|maximum|trigger) (?:\S+ ){0,2}(?:to|at|by|down to|
    up to) #[nqp]
(?:position|holding|trade|shares|stock|line|lot|exposure|short|long) (?:is|be|are|gets?|has to be|must be|should be|
    needs to be) (?:\S+ )?(?:closed|sold|bought|hedged|reduced|unwound|covered|liquidated|trimmed|cut)(?= (?:by|
    today|now|at|before|please|tonight|,)|$)
(?:unsubscribe|opt out|withdraw|remove) (?:me |us )?(?:from|out of|of) (?:the |this |my )?(?:rights issue|rights|
    offer|offering|ipo|placement|tender|deal|book|allocation)
(?:end|terminate|quit|stop|suspend|pause|wind up|wind down) (?:my|our|the|this) (?:\S+ )?(?:standing order|
    savings plan|regular investment|plan|algo|short|long|position|trade|hedge|programme|program)(?! (?:alerts?|
    messages|emails))
(?:cancel|pull|kill|withdraw|scrap|scratch|replace|amend|modify|change|raise|lower|move|adjust|reinstate|resubmit|
    place|enter|put in|put|remove|work|execute|fill|double|halve|extend|renew|void|bust|revoke|reenter|leave|keep|
    set|tighten|trail|drop|lift|activate|delete|resend|hold|stop|freeze|suspend|reduce|increase|update|complete|
    finish|roll|rework|hold off on|confirm|drag|widen|shift|bump|take off|book|leave in|cut|close) (?:(?!(?:list|me|
    us|mailing|distribution|rating|target|market)(?!\S))\S+ ){0,4}?{book}(?! (?:of|to) the (?:quarter|year|day|
    month))
(?:cancel|pull|kill|scratch|hold|work|fill|execute|close|close out|exit|stop|forget|drop|sell|buy) (?:the |my |our |
    all |all my |all the )?#x(?! (?:alerts?|coverage|messages|emails|updates|texts|call))
(?:reduce|cut|trim|bring|take|sell down|lower|raise|increase|bump|move|go|get) (?:(?:it|me|us|them|that|position|
    holding|weight|exposure|the|down|up|my|our) ){0,3}to (?:zero|nil|half|flat|nothing|#q|#p|neutral)(?! (?:buy|
    sell|hold|from|rating))
(?:put|have|place|add|leave) (?:a|an|my|our) (?:\S+ )?(?:stop|limit|bid|order|offer|stop loss)
{book} (?:\S+ ){0,3}(?:to be|should be|needs to be|must be|please|is to be) (?:\S+ )?(?:cancel|cancelled|canceled|
    pulled|withdrawn|amended|raised|lowered|moved|changed|replaced|executed|filled|placed|reduced|increased)
(?:limit|stop|stop loss|bid|offer|order) (?:up|down|now|raised|lowered|moved) ?(?:to )?#
""")
ELECTED = rules(r"""
(?:elect|elected|electing|opt|opting) (?:to (?:take|receive) |for )(?:\S+ ){0,2}(?:cash|shares|scrip|stock)
(?:take up|taking up|exercise|apply for|applying for|tender|tendering|elect|elect for|accept|renounce|
    sell) (?:(?:my|our|the|all|all my|all of|of|full|entire|for|on|behalf|their|these|those|#q|#n|a|an|me|us|shares|
    new|additional|excess) ){1,5}(?:\S+ ){0,2}(?:entitlements?|rights|rights issue|offer|tender|excess|shares|
    warrants|options|allocation|open offer|cash|scrip|stock dividend|bezugsrechte|new issue|ipo|placement)
(?:opt|opting) (?:me |us )?out of (?:the |my |our |any )?(?:#x(?! {comm})|drip|dividend reinvestment|scrip|
    reinvestment|stock lending|securities lending)(?! (?:already|last))
(?:übe|üben|nehme|nehmen|diene|dienen|melde|melden|zeichne) (?:\S+ ){0,6}(?:bezugsrechte?|angebot|übernahmeangebot|
    umtauschangebot|rückkaufangebot|aktien) (?:\S+ ){0,4}(?:aus|an|zum)
(?:bezugsrechte?|übernahmeangebot|umtauschangebot|andienung|bezugsangebot) (?:\S+ ){0,5}(?:ausüben|annehmen|
    andienen|verkaufen|zeichnen|vormerken|ausübung|wahrnehmen)
""")
FRENCH = rules(r"""
(?:je prends|je vends|j achete|nous achetons|nous vendons|achetez|vendez|veuillez (?:acheter|vendre|annuler)|
    acheter|vendre|compro|vendo|compre|venda|comprar|vender) (?:\S+ ){0,5}(?:#q|#n|#x|titres|actions|acciones|tout|
    todo)
""")
INTEREST = rules(r"""
(?:interested|interest|indication of interest|ioi|appetite|axe|axed|demand) (?:(?:here|from|our|side|us|also|still|
    too|today|client|potentially|very|indeed|to|be|is|only) ){0,4}(?:in|for|of|at|to the tune of|on|to) (?!(?:your|
    hearing|knowing|learning|attending|the (?:call|webinar|meeting|note|report|view|presentation|analysis|slides|
    conference)|seeing|why|how|what|understanding|more (?:info|information|details|research|colour|color)|further|
    a (?:call|chat|meeting|demo)|reading|receiving|talking|speaking|discussing|coverage|rates?|being|
    any)(?!\S))(?:\S+ ){0,5}?(?:#q|#n|{amount}|{tradable}|buying|selling|adding|participating|this|it|these|that|
    those|them|the trade|both|taking|trading|switching|either)
(?:we|i|client|clients|customer) (?:would be|are|am|is|might be|could be|may be|have|has|also|certainly|definitely|
    still|very|really|potentially|both|remain|be) (?:(?:be|very|also|certainly|definitely|potentially|quite|still|
    really|some|strong|buying|selling|good|an|most) ){0,3}(?:interested|interest)(?= (?:,|please|if|here|and|at|
    subject|depending|thanks|to participate|to take part|to buy|to add|too|as well)|$)
(?:very |definitely |certainly |yes |yes , )*(?:interested)(?= (?:please|,|thanks|in #q|at)|$)
(?:we|i) (?:would|could|can|will|might|may) (?:look at|consider|be good for|be there for|be up for|be around for|
    bid for|go for|go up to|stretch to|pay|pay up to|offer) (?:\S+ ){0,2}#[qn]
""")
PLANNED = rules(r"""
(?:thinking about|thinking of|might|may|considering|consider|perhaps|maybe|tempted to|could|vielleicht|überlege|
    überlegen|eventuell|würde vielleicht|denke über|denken über|spiele mit) (?:(?:well|be|also|soon|later|even|to|
    then|at some point|a|den|die|einen|zu|ob|wir|ich|mal|über|nach|wir|gedanken|,) ){0,6}(?:buy|sell|add|trim|
    reduce|buying|selling|adding|trimming|reducing|exit|exiting|hedge|hedging|switch|switching|take profits?|kauf|
    verkauf|kaufen|verkaufen|zukauf|reduzieren|aufstocken|zukaufen|einsteigen|aussteigen|einstieg|ausstieg|
    nachkaufen|cover|covering|short|shorting|add to|look at)
(?:if|wenn|falls|sollte|once|should) (?:(?:it|the|#x|der|die|das|price|kurs|they|shares|stock|we|you|rates|market|
    es|sie|aktie|wir|ich) ){1,3}
""")

# Somebody is asked to do it, however it is put.
REQUEST = rules(r"""
(?:can|could|would|will) (?:you|u|someone|somebody|the desk)
(?:please|kindly|bitte|would you mind|mind|können sie|könnten sie|kannst du|könntest du|könnt ihr|würden sie|for me|
    for us|für mich|für uns|mir|uns)
""")
SIDE = rules(r"(?:buy|sell|short|subscribe|participate|kaufen|verkaufen|zeichnen|mitzeichnen|einsteigen|aussteigen)")
OBJECT = rules(r"(?:#q|#x|half|all|everything|rest|it|them|shares|alles|hälfte|alle)")
# How an order is to be worked: beside an amount nothing else is needed.
JARGON = rules(r"""
(?:best efforts?|not held|careful discretion|your discretion|over the day|no rush|or better|or lower|or higher|
    or best|at best|at market|vwap|twap|moc|fill or kill|all or none|good till \S+|good for the day|gtc|gtd|
    day order|do not chase(?: it)?|work it|work the order|in line|at the (?:open|close)|on the (?:open|close|
    opening)|limit #n|top price|max price|bestens|billigst|interessewahrend|tagesgültig|limitiert|bestmöglich|
    in the auction|iceberg|with a limit|reoffer|at (?:#n|par|mid))
""")
# "If it trades under 20 buy 10k": what comes after the condition.
CONDITION = rules(
    r"""
(?:if|once|when|should|as soon as|wenn|falls|sobald|sollte) (?:[^\s,]+ ){2,9}?(?:buy|sell|short|cover|add|take|
    close|exit|kaufen|verkaufen|kaufe|verkaufe)
""",
    start=True,
)
