"""Whether somebody asks for something to be bought, sold, changed or cancelled, or says that they would like some of it.

A side with somebody who wants it done, an amount with a price or a name, an order with what becomes of it. What was
done already, what others do, ratings and requests for advice are none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dispatcher.services.understanding.patterns import GROUPS, rules
from dispatcher.services.understanding.sentences import Sentence

_STRONG = "(?:buy|sell|purchase|short|offload|unload|liquidate|unwind|accumulate|hedge|trim|dump|divest|lighten|flatten|rebuy|buy back|outright)"
_STRONG_ING = "(?:buying|selling|purchasing|shorting|offloading|unloading|liquidating|unwinding|accumulating|hedging|trimming|dumping|lightening|flattening)"
_WEAK = (
    "(?:add|reduce|exit|switch|roll|close|close out|lift|hit|work|cover|take|do|get|grab|pick up|pick me up|pick us up|stop out of|grab me|get me|sell me|buy me|take up|apply for|exercise|tender|close down|book|execute|fill|place|put|put in|enter|increase|swap|"
    "convert|redeem|subscribe|subscribe for|bid|offer|go long|go short|get long|get short|get out of|get rid of|scale into|scale out of|build|double|halve|"
    "top up|load up on|take profits?|take off|cut|rotate|move|own|have|invest|put #q|put #n|allocate|participate|join|buy into|sell out of|step in|average down|deal|trade|transact|cross|cut back|square|neutralise|neutralize|monetise|write|leave|show)"
)
_WEAK_ING = "(?:adding|reducing|exiting|switching|rolling|closing|covering|taking|getting|picking up|increasing|swapping|cutting|bidding|offering|going long|going short|getting out|doing|rotating|participating|investing|joining|closing out)"
_DEAL = f"(?:{_STRONG}(?! (?:rating|ratings|recommendation|recommendations|recos?|side|off|signal|list|rated|case|call|calls on|thesis|or|to hold|to buy|to sell|term|interest|and hold|note|version|answer|story|notice|squeeze|seller report))|{_WEAK} (?:(?!(?:look|call)(?!\\S))\\S+ ){{0,5}}?(?:{{amount}} (?:of |in )?(?:\\S+ ){{0,3}}?{{tradable}}|#q|{{tradable}}|half|everything|all of (?:it|them)|the lot|the rest|all my))"
_DEALING = f"(?:{_STRONG_ING}|{_WEAK_ING} (?:\\S+ ){{0,4}}?(?:#q|{{tradable}}|half|everything|the lot|the rest|more))"
_WHO = "(?:i|we|me|my (?:client|clients|fund|boss|pm|wife|husband|father|mother|company)|our (?:client|clients|fund|pm|pms|desk|cio)|client|clients|customer|the fund|the client)"
_LEAD = "(?:(?:please|kindly|yes|yep|yeah|ya|yup|sure|ok|okay|right|great|perfect|fine|good|thanks|thank you|then|and|also|now|just|so|agreed|agree|alright|go ahead|go ahead and|let us|let me|but|actually|immediately|asap|urgent|urgently|first|second|next|instead|morning|hi|hello|no|well|in that case|if so|noted|understood|do|confirmed|as discussed|as agreed|for me|for us|today|tomorrow|at the open|on the open|on open|#n|or|same again|again|at best|at market|order|trade|instruction|\\S+ ,|,) )*"

_ASKED = rules(rf"""
(?:can|could|would|will|may|might) (?:you|u|the desk|someone|somebody) (?:(?:please|kindly|just|also|perhaps|
    possibly|guys|help me|help us|for me|for us|still|quickly|now|at least) ){{0,3}}(?:to )?{_DEAL}
{_WHO} (?:would|will|do|shall|am|are|can|could|also|really|just|only|still|now|then|both|definitely|might|may|
    actually|have|please|already|happily|gladly|be|like|love|want|wants|wish|wishes|need|needs|have|has|looking|
    ready|keen|happy|prepared|willing|going|intend|plan|planning|decided|prefer|hoping|trying|aiming|asking|asks|
    glad|interested|instructed|instruct|tempted|you|to|in|of|by|it|the desk|\S+ly|for you) (?:(?:would|will|like|
    love|want|wish|need|needs|looking|ready|keen|happy|prepared|willing|going|intend|plan|planning|decided|prefer|
    hoping|trying|aiming|also|be|to|you|in|like to|of|now|please|just|still|then|rather|tempted|glad|asking|desk|
    interested|at|here) ){{0,6}}(?:{_DEAL}|{_DEALING})
(?:looking|look|keen|ready|happy|prepared|willing|want|wants|like|wish|need|time|interested|minded|inclined|
    would love|am going|are going|going|decided) (?:for you |in )?(?:to )(?:{_DEAL})
(?:looking at|interested in|keen on|minded on|consider us|consider me|up for|in favour of) (?:{_DEALING})
please (?:(?!(?:have|ask|tell|let|explain|email|call|send|advise)(?!\S))[^\s,]+ ){{0,5}}?{_DEAL}
(?:order|instruction|instructions|trade|request|wish) (?:is |are )?(?:,|to) {_DEAL}
(?:i|we) (?:am|are) (?:a |an |still |small |big |now |good |better |natural )*(?:buyers?|sellers?|bidders?|payers?|
    receivers?|takers?)(?! than)
(?:buyer|seller|bidder|taker)s? (?:here|of|at|for|in|on)
(?:stop|get|take|close|knock) (?:me|us) (?:out|flat)(?! of (?:hold|town|the (?:list|loop|email|distribution)))
(?:i|we) (?:will |would |can |could |am happy to |are happy to |want to )?(?:take|have|do|pay|
    give) (?:\S+ ){{0,2}}(?:#q|{{tradable}}|at #n|#n for)
(?:put|count|mark|sign|write|pencil|book|note) (?:me|us|my client) (?:\S+ )?(?:down|in|up|for|as)(?: (?:for|as|with|
    at|a))*(?: (?:#q|#n|buyer|seller|some|the|half|full|an order|the (?:ipo|placement|deal|issue)))
(?:count (?:me|us) in|i am in for|we are in for|i am in|we are in)(?= (?:#q|#n|for|,|please|at)|
    $)(?! for (?:the (?:call|meeting|conference|lunch|webinar|dinner)|lunch|dinner))
(?:place|enter|put in|submit|put through|put on|put together|leave|give you|send) (?:me |us |in |through |
    you )?(?:an?|the|my|our|this|another|following|these|some) (?:\S+ ){{0,3}}(?:order|orders|bid|trade|stop|limit|
    offer|stop loss|hedge|indication)
(?:here is|this is|please find|find attached|attached is|see|please see|following is|below is|attached) (?:my|our|
    an|the|a) (?:\S+ ){{0,2}}(?:orders?|indication|subscription)(?! (?:history|confirmation))
(?:want|need|would like|wish|like) (?:in on|into|out of|a piece of|some of) (?:\S+ ){{0,4}}(?:{{tradable}}|this|that|it)
(?:want|need|would like|wish|like|take|have|give (?:me|us)|get (?:me|us)|let (?:me|us) have|
    i will have) (?:\S+ )?(?:another |an extra |an additional |about |around |up to |roughly |maybe |
    circa )?(?:#q)(?! (?:d|ideas|questions|minutes))
(?:give|get|grab|buy|sell) (?:me|us) (?:\S+ ){{0,3}}(?:{{tradable}}|out of (?:this|it|that|my|our|#x))
(?:go|get|be) (?:me |us )?(?:long|short|flat)(?= (?:#|\S+ #|the|at|here|on|in|please|now|some|into|\S+ at)|$)
""")
_COMMANDED = rules(
    rf"""
{_LEAD}(?:do not |never |please do not )?{_DEAL}
{_LEAD}(?:do not|never) (?:\S+ )?(?:{_DEAL}|cancel|fill|execute|trade)
{_LEAD}(?:fill me|fill us|hit it|hit (?:the|that|his|their|this) bid|lift it|lift the offer|take the offer|take it|
    pay up to|work it|execute|mine at|yours at|mine|yours|done at|go at|sell it|buy it|double up|get me done|
    get it done|same size|take them|hit them|lift them|hold off|hold my|hold the order)(?= (?:at|please|for|,|in|on|
    now|here|if|today|#|my|until|executing|order)|$)
{_LEAD}(?:go ahead|please go ahead|please proceed|proceed|please execute|do it|let us do it|let us go|
    get on with it|pull the trigger|fire away)(?= (?:please|with|as|and|,|at|on|now|then|today|for)|$)
{_LEAD}(?:make|call) it (?:#q|#n)(?= )(?! (?:out of|to|a))
{_LEAD}(?:make (?:it|that)) #q
{_LEAD}(?:stop|pause|suspend|hold|keep|continue) (?:buying|selling|working|the algo|the programme|
    the execution)(?! (?:me|into))
{_LEAD}(?:remove|take) (?:me|us) (?:from|out of|off) (?:the |my |our )?(?:\S+ )?(?:position|trade|order|#x|deal|
    book|risk)
{_LEAD}(?:sold|done|agreed) (?:at|for|,) #
{_LEAD}(?:long|short|bid|offer|offered|bot|b|s) (?:\S+ ){{0,1}}(?:#q|#n for #q)
{_LEAD}(?:#q|#n) (?:\S+ ){{0,2}}(?:bid|offered|to buy|to sell|to go|buy|sell|kaufen|verkaufen)(?! rating)
""",
    start=True,
)
_AFTER_COMMA = re.compile(
    r"(?:(?<=, )|(?<=^and )|(?<= and )|(?<= then )|(?<= so )|(?<= but )|(?<= und )|(?<= dann )|(?<= - ))"
)

# An amount and what it is of, or at what price: the verb is understood.
_TERSE = rules(r"""
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
_ONLY_TERSE = rules(
    """
(?:(?:yes|yep|yeah|ja|yes please|ok|okay|please|bitte|sure|fine|gerne|do|make it|for|in for|only|just|about|up to|
    another|then|,|more|let us do|let us say|say|i would say|nur|noch|machen wir|mach|machen sie|nehmen wir|also|
    confirm|confirmed|agreed|will do|go|go for|go with|please do|we do|put|we will do|i will do|and|the|of|our|my|
    usual|size|max|maximum|at|@|market|best|for the|fund|for us|for me|thanks|danke|limit|#n|#x|it|too|as well|dann|
    was|im|in|on|day|the|today|heute|all) )*#q(?: (?:please|thanks|bitte|danke|more|shares|stück|lots|it is|for us|
    for me|only|then|dann|max|maximum|at|@|market|best|,|#x|of|the|those|them|too|in|today|heute|now|day|aktien|
    noch|each|limit|#n|ok|nominal|for|now|und|and|as well|\\?))*$
""",
    start=True,
)

# An order, a limit or a stop and what is to become of it.
_BOOK = "(?:orders?|limits?|stops?|stop loss|stop losses|bids?|offers?|trades?|tickets?|gtcs?|instructions?|the #q|the #n|fills?|balance|remainder|rest of it|open order|ioi|indication|subscription(?! to (?:your|the) (?:alerts?|messages|emails|newsletter|list))|hedge)"
_BOOKED = rules(rf"""
(?:cancel|pull|kill|withdraw|scrap|scratch|replace|amend|modify|change|raise|lower|move|adjust|reinstate|resubmit|
    place|enter|put in|put|remove|work|execute|fill|double|halve|extend|renew|void|bust|revoke|reenter|leave|keep|
    set|tighten|trail|drop|lift|activate|delete|resend|hold|stop|freeze|suspend|reduce|increase|update|complete|
    finish|roll|rework|hold off on|confirm|drag|widen|shift|bump|take off|book|leave in|cut|close) (?:(?!(?:list|me|
    us|mailing|distribution|rating|target|market)(?!\S))\S+ ){{0,4}}?{_BOOK}(?! (?:of|to) the (?:quarter|year|day|
    month))
(?:cancel|pull|kill|scratch|hold|work|fill|execute|close|close out|exit|stop|forget|drop|sell|buy) (?:the |my |our |
    all |all my |all the )?#x(?! (?:alerts?|coverage|messages|emails|updates|texts|call))
(?:reduce|cut|trim|bring|take|sell down|lower|raise|increase|bump|move|go|get) (?:(?:it|me|us|them|that|position|
    holding|weight|exposure|the|down|up|my|our) ){0, 3}to (?:zero|nil|half|flat|nothing|#q|#p|neutral)(?! (?:buy|
    sell|hold|from|rating))
(?:put|have|place|add|leave) (?:a|an|my|our) (?:\S+ )?(?:stop|limit|bid|order|offer|stop loss)
{_BOOK} (?:\S+ ){{0,3}}(?:to be|should be|needs to be|must be|please|is to be) (?:\S+ )?(?:cancel|cancelled|
    canceled|pulled|withdrawn|amended|raised|lowered|moved|changed|replaced|executed|filled|placed|reduced|
    increased)
(?:limit|stop|stop loss|bid|offer|order) (?:up|down|now|raised|lowered|moved) ?(?:to )?#
""")
_ORDER_DE = "(?:\\S*order|\\S*orders|\\S*auftrag|\\S*aufträge|\\S*aufträgen|\\S*limit|\\S*limite|\\S*limits|stop|stops|stop loss|\\S*stop|\\S*stopkurs|\\S*gebot|kauf|verkauf|\\S*zeichnung|#x|die #q)"
_BUCHEN = "(?:streichen|stornieren|löschen|ändern|abändern|anpassen|setzen|erhöhen|senken|reduzieren|hochsetzen|heraufsetzen|herabsetzen|runtersetzen|nachziehen|aufgeben|einstellen|zurückziehen|ausführen|platzieren|erteilen|verlängern|annullieren|canceln|cancel|anheben|absenken|legen|einlegen|eingeben|zurücknehmen|rausnehmen|herausnehmen|reinlegen|reinstellen|belassen|aussetzen|stehen lassen|halbieren|verdoppeln|tauschen|ersetzen|ziehen|wegnehmen|durchführen|vormerken|raus|weg|zu streichen|zu stornieren|zu löschen|zu ändern|zu erhöhen|aufzugeben|anzupassen|gelöscht|gestrichen|storniert)"
_GEBUCHT = rules(rf"""
{_ORDER_DE} (?:(?!(?:wurde|wird|ist|war)(?!\S))\S+ ){{0,6}}{_BUCHEN}
{_ORDER_DE} (?:\S+ ){{0,3}}(?:auf|bei|mit limit|limit) #
(?:streiche|storniere|lösche|setze|setzt|ändere|erhöhe|senke|reduziere|ziehe|ziehen|platziere|gib|geben|gebe|nehme|
    nehmen|nimm|stelle|stellen|lege|legen|führe|führen|cancel|streich|stornier|canceln|annulliere|verlängere|
    erteile|lass|lassen|passen|passe|erhöhen|setzen|streichen|stornieren|löschen|ändern|senken|reduzieren|
    platzieren|verlängern|canceln|zieh|führt|führe|ziehe) (?:(?!{{liste}}(?!\S)|
    {{komm}}(?!\S))\S+ ){{0,5}}{_ORDER_DE}(?! (?:verteiler|liste))
(?:orderauftrag|auftragserteilung|order|kauforder|verkaufsorder|auftrag|kaufauftrag|verkaufsauftrag|
    zeichnungsauftrag) , 
(?:anbei|hier|hiermit) (?:\S+ ){{0,3}}{_ORDER_DE}
""")
_HANDELN = "(?:kaufen|verkaufen|ver\\s?kaufen|erwerben|veräussern|zukaufen|nachkaufen|dazukaufen|zeichnen|abstossen|glattstellen|aufstocken|eindecken|absichern|umschichten|liquidieren|ordern|einsteigen|aussteigen|abbauen|aufbauen|shorten|hedgen|mitnehmen|loswerden|auflösen|ausbauen|mitzeichnen|rollen|reingehen|rausgehen|verbilligen|nachlegen|zuschlagen|leerverkaufen|covern|anschaffen|abgeben|teilverkaufen|zurückkaufen|zu kaufen|zu verkaufen|zu zeichnen|zu erwerben|einzusteigen|auszusteigen|aufzustocken|abzubauen|abzustossen|glattzustellen|abzusichern|umzuschichten|traden|handeln|realisieren|einkaufen|umtauschen|schliessen|reduzieren|verkleinern|halbieren|tauschen|erhöhen|verdoppeln|investieren|anlegen|raus|rein|trennen)"
_GEHANDELT = rules(rf"""
(?:möchte|möchten|will|wollen|würde|würden|würd|wünsche|werde|werden|hätte|hätten|muss|müssen|mag|plane|planen|
    beabsichtige|beabsichtigen|überlege|gedenke|wöllte|täte|mechte|bitte|bitten|beauftrage|erteile|gerne|gern|
    lieber|jetzt|sofort|dann|alles|auf jeden fall|tendiere dazu|dafür) (?!(?:sie|du|ihr) (?:\S+ )*(?:\?|
    $)(?:kaufen))(?:(?!(?:haben|hat|wurde|nicht)(?!\S))\S+ ){{0,12}}?{_HANDELN}(?! oder)
(?:können|könnten|könnt|könntest|kannst|würden|mögen) (?:sie|ihr|du) (?:(?:mir|uns|bitte|für mich|für uns|noch|
    heute|doch|vielleicht|mal|gleich|sofort|kurz) ){{0,4}}(?:(?!mir (?:sagen|erklären))\S+ ){{0,10}}?{_HANDELN}
(?:kaufe|kauf|kauft|verkaufe|verkauf|verkauft|zeichne|zeichnet|ordere|ordre|nehme|nehm|nehmen|verkaufts|kaufs|decke|
    löse|stelle|schliesse|schliess|schließt|reduziere|erhöhe|erwerbe|shorte|hedge|tausche|rolle|gebe|geben|brauche|
    brauchen|suche|suchen|bestelle|handle|halbiere|verdopple|kaufen|verkaufen|zeichnen|erwerben|reduzieren|
    schliessen|tauschen|halbieren|liquidiere|stocke|stocken|baue|bauen|steige|steigen) (?:(?:ich|wir|sie|bitte|mir|
    uns|für|mich|mal|doch|dann|jetzt|gerne|noch|sofort|heute|zusätzlich|nochmal|nochmals|weitere|bis zu|ca|circa|
    etwa|rund|den|die|das|meine|unsere|mein|unser|unseren|meinen|davon|von|der|ganzen?|komplette|gesamte|auf|aus|in|
    kunde|depot|dem|seinem|ihrem|unserem|meinem|zu|markt|billigst|bestens|\S+,) ){{0,7}}(?:{{menge}}|{{titel}}|#n)
(?:kaufe|kaufen|verkaufe|verkaufen|zeichne|zeichnen) (?:wir|sie|ich)(?: (?:bitte|dann|jetzt|gerne|heute|sofort|auch|
    das|die|sie|mit))*(?= (?:bitte|,|danke)|$)(?! \?)
(?:hätte|hätten|haben|habe|hab|besteht|bekunde|bekunden|melde|melden|kunde hat|grosses|starkes|gewisses|
    mit) (?:\S+ ){{0,5}}interesse(?! (?:an (?:ihrer|einem|einer|der|dem) (?:\S+ )?(?:gespräch|einschätzung|meinung|
    studie|telefonat|termin|treffen|research|analyse|veranstaltung|konferenz))|mehr)
interesse (?:an|für|am|bis|bei|von|in|über|zu|mit|weiter) (?!(?:ihrer|einem|einer|der|dem) (?:\S+ )?(?:gespräch|
    einschätzung|meinung|studie|telefonat|termin|treffen|research|analyse|veranstaltung|konferenz|
    call))(?:\S+ ){{0,4}}(?:#q|#n|{{titel}}|mehr|limit|kauf|verkauf|zukauf|beteiligung)
(?:sind|bin|wäre|wären|kunde ist) (?:\S+ ){{0,4}}(?:interessiert|dabei|käufer|verkäufer|abgeber|
    abnehmer)(?! (?:zu (?:hören|erfahren|wissen)|wie|was|ob|warum))
(?:interesse|interessiert)$
(?:zeichnung|zeichnungswunsch|zeichne|kauf|verkauf|kauforder|verkaufsorder|erwerb|kaufauftrag|verkaufsauftrag|kfn|
    order|orders) (?:(?:über|von|für|,|bitte|mit|in|an|der|des|die|den|neue|neuen|\S+) ){{0,4}}(?:#q|#n stück)
(?:bitte|gerne|dann|ja|noch|für mich|für uns|nehme|nehmen|hätte|hätten|brauche|brauchen|
    für) (?:\S+ ){{0,3}}#q(?! (?:gelesen|mal|jahre|leute))
(?:(?:komplett |sofort |alles |bitte |jetzt |nichts wie )*raus aus (?:\S+ )?(?:allem|allen|#x|varta|\w+ag|
    der position|dem titel|dem wert|der aktie|meinen|den aktien|diesem|dieser|\S+position)|raus|rein|komplett raus|
    alles raus|nichts wie raus|weg damit|weg mit|raus damit|raus mit)(?: (?:aus|in|mit|bei|bitte|#x|den|der|dem|
    meinen?|allen?|\S+position|jetzt|zum|markt|komplett|sofort|damit))*$
(?:führen|führe|machen|mach|machs|macht|setzen|setze) (?:sie )?(?:\S+ ){{0,5}}(?:aus|so|um|durch)(?= (?:bitte|danke|
    ,)|$)
#q (?:\S+ ){{0,5}}(?:bitte )?(?:kaufen|verkaufen|zeichnen|nehmen|ordern|kauf|verkauf|rein|raus|loswerden|abgeben|
    umschichten)(?! \?)
raus aus (?:\S+ ){{0,2}}(?:allem|allen|#x|position|titel|wert|aktien?|varta|diesem|dieser|\S+position|
    meinen \S+)(?! (?:der krise|dem tal))
(?:sichern|sichere|stocken|stocke|bauen|baue|decken|decke|lösen|löse|stellen|stelle|steigen|steige|schichten|
    schichte|stossen|stosse|kaufen|kaufe) (?:(?!(?:nicht|die frage|sich|beschwerde|versand|zusendung|
    antrag)(?!\S))[^\s,]+ ){{0,8}}?(?:ab|auf|ein|aus|glatt|um|zu|nach|dazu|zurück)(?= (?:bitte|,|danke|und|mit|bei|
    zu|zum|bis|limit)|$)
(?:sl|stop) (?:nachziehen|ziehen|setzen|auf)
(?:gewinne?|gewinn) (?:\S+ ){{0,2}}(?:mitnehmen|realisieren|sichern)
""")
_ELECTED = rules(r"""
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
_FRENCH = rules(r"""
(?:je prends|je vends|j achete|nous achetons|nous vendons|achetez|vendez|veuillez (?:acheter|vendre|annuler)|
    acheter|vendre|compro|vendo|compre|venda|comprar|vender) (?:\S+ ){0,5}(?:#q|#n|#x|titres|actions|acciones|tout|
    todo)
""")
_INFINITIVE = rules(
    r"""
(?:(?!(?:sie|wir|ich|man|nicht|soll|sollen|sollte|würden|oder|warum|wann|wie|viele|andere|anleger|insider|fonds|
    institutionelle|leute|banken|einige|investoren|grossanleger|analysten|um|zu|haben|hat|leerverkäufer|
    hedgefonds)(?!\S))[^\s,]+ ){1,7}(?:kaufen|verkaufen|zeichnen|glattstellen|abstossen|nachkaufen|zukaufen|
    auflösen|liquidieren|eindecken|umschichten|aufstocken|tauschen|mitnehmen|reduzieren|schliessen)(?= (?:,|bitte|
    danke|limit|bestens|billigst|zu|zum|bei|bis|mit|und)|$)
""",
    start=True,
)
_INTEREST = rules(r"""
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
_NO_INTEREST = rules(r"""
(?:not|no|no longer|never|nobody|kein|keine|keinerlei|nicht|without|zero|ohne|open|short|any) (?:(?:really|
    particularly|currently|very|further|much|real|grosses|sonderlich|weiter|mehr|the least|longer|so|buying|
    at the moment|that|be|am|are|at this|time|im moment|derzeit|momentan) ){0,3}(?:interest|interested|interesse|
    interessiert|appetite|dabei|käufer|verkäufer|buyers?|sellers?)
(?:interesse|interest|interested) (?:\S+ ){0,5}(?:nicht|no longer|not|keines|nein|keins)
""")

# What is only asked about, was done, is refused, is others' doing or only an opinion.
_ADVICE = rules(
    """
(?:should|shall|must|ought|need) (?:i|we|one|you|he|they|my|our|clients?) (?:\\S+ ){0,6}?(?:buy|sell|hold|short|
    cover|add|trim|reduce|exit|hedge|switch|take|be|wait|get|keep|do|roll|close|increase|cut|participate|subscribe|
    move|go|stay|dump|lock|double|lighten|sold|bought|consider)
(?:do|would|did|are|what do) you (?:guys |still |really |personally |actually |currently |also )*(?:recommend|
    suggest|think|advise|like|see|still|rate|say|believe|prefer|buy|sell|hold|buying|selling|recommending|
    suggesting|advising|sure|expect|feel|do|be|saying|short|add)
(?:is|was|would|are|wouldn|will) (?:it|this|that|now|these|there|#x|they) (?:\\S+ ){0,4}(?:time|worth|better|late|
    wise|good|a buy|a sell|sensible|still|safe|sense|smart|enough|reason|idea|case|too|makes? sense|advisable|
    possible|buy|sell|cheap|point)
(?:does|would|doesn) it (?:\\S+ ){0,2}(?:make sense|be better|pay|matter)
(?:buy|sell|hold|kaufen|verkaufen|halten) or (?:buy|sell|hold|wait|not|kaufen|verkaufen|halten)
(?:soll|sollen|sollte|sollten|muss|müssen|darf|lohnt|empfehlen|empfiehlt|raten|rät|ratet|empfehlt|würden sie|
    würdest du|würdet ihr|halten sie|meinen sie|glauben sie|denken sie|finden sie) (?:(?:ich|wir|man|sie|du|ihr|es|
    sich|mir|uns|zu|zum|jetzt|da|dazu|den|die|das) ){0,6}(?:\\S+ ){0,8}?(?:kaufen|verkaufen|kauf|verkauf|halten|
    einsteigen|aussteigen|zukaufen|nachkaufen|reduzieren|aufstocken|absichern|zeichnen|warten|einstieg|ausstieg|
    umschichten|handeln|machen|tun|tauschen|zukauf|nachlegen|schliessen|shorten|mitnehmen|bleiben|raus|rein|
    behalten|kaufenswert)
(?:ist|wäre|wär|wird|macht|gibt) (?:\\S+ ){0,5}(?:zeitpunkt|zeit|sinnvoll|sinn|besser|gut|ratsam|klug|zu spät|
    kaufenswert|ein kauf|lohnend|kaufgelegenheit|angebracht|empfehlenswert)
"""
)
_ASKING = rules(
    """
(?:why|how come|how much|how many|how|when|where|what|which|who|at what|warum|wieso|weshalb|wann|wie|was|wer|wo|
    welche[rsnm]?|zu welchem|wieviel|whats|what s) 
(?:did|has|have|had|was|were|is|are|am|does|hat|haben|wurde|wurden|ist|sind|war|waren|habt|hast) (?:(?!you able)\\S+)
(?:any|is there|are there|gibt es|still|noch) (?:\\S+ ){0,3}(?:reason|view|views|news|thoughts|update|idea|risk|
    chance|scope|stock left|room|colour|color|gründe|neuigkeiten|einschätzung|meinung)
(?:can|could|may|kann|können|darf|dürfen) (?:i|we|one|ich|wir|man|clients|kunden) (?:\\S+ ){0,5}(?:still|noch|even|
    only|at all|überhaupt|online|myself|selbst|directly|auch)
""",
    start=True,
)
_CAN_I = rules("(?:can|could|may|kann|könnte|könnten|können|darf) (?:i|we|ich|wir|man) ", start=True)
_DONE_BEFORE = rules(r"""
(?:already|bereits|schon|yesterday|last week|last month|last year|gestern|letzte woche|letzten monat|vorhin|
    earlier this|a while ago|months? ago|weeks? ago|days? ago) 
(?:i|we|they|he|she|you) (?:have |had |has |\S+ly |already |just |did )*(?:sold|bought|purchased|covered|shorted|
    trimmed|reduced|exited|hedged|added|switched|closed|cut|unwound|liquidated|traded|dealt|took|subscribed)
(?:habe|haben|hatten|hatte|hat|wurde|wurden|sind|bin|ist) (?:\S+ ){0,7}(?:gekauft|verkauft|gezeichnet|reduziert|
    aufgestockt|eingestiegen|ausgestiegen|abgesichert|raus|draussen|erworben|abgestossen|glattgestellt|geschlossen|
    umgeschichtet|gehandelt|investiert|eingedeckt|mitgenommen|storniert|gestrichen|ausgeführt|abgerechnet)
""")
_REFUSED = rules(rf"""
(?:not|never|no longer|nobody|no need to|no plans to|without|instead of|rather than|no intention of|no reason to|
    hard to|reluctant to|too late to|too early to|refuse to|unable to|not allowed to|can not|afraid to|no rush to|
    no point in|no desire to) (?:(?:be|want|wanting|looking|look|going|planning|plan|wish|intend|like|need|really|
    yet|to|in|us|me|you|ready|keen|prepared|allowed|able|currently|any|consider|considering|interested|here|at|this|
    level|levels) ){{0,6}}(?:{_STRONG}|{_STRONG_ING}|add|adding|reduce|reducing|exit|exiting|cover|covering|
    participate|participating|trade|trading|switch|switching|do anything|change anything|subscribe|invest|investing|
    take part|increase|chase|roll|close)
(?:kaufe|kaufen|verkaufe|verkaufen|zeichne|zeichnen|handeln|machen|nehmen|reduzieren|erhöhen|stocken|mache|nehme|
    steige|steigen) (?:(?:ich|wir|da|hier|heute|im|moment|aktuell|derzeit|erstmal|vorerst|das|die|den|jetzt|sie|
    zurzeit|momentan) ){{0,5}}(?:nicht|nichts|keine|keinen|kein|noch nicht|auf keinen fall)
(?:nicht|nichts|keine|keinen|kein|niemals|nie|ungern|noch nicht|keinesfalls|weder) (?:\S+ ){{0,5}}{_HANDELN}
""")
_INSTRUCTED_NOT = rules(
    """
(?:please |but |and |so |just |hi |, |\\S+ , )*(?:do not|never|please do not) (?:buy|sell|execute|trade|fill|cancel|
    touch|short|close|do anything|place|book|go ahead|proceed|work)(?! (?:the (?:hype|story|thesis|argument|idea|
    narrative|dip|rumou?rs?)|it that|into|that (?:story|argument|thesis|idea)|this (?:story|argument|thesis|idea|
    narrative)))
(?:bitte )(?:\\S+ ){0,5}(?:nicht|nichts|noch nicht|keinesfalls) (?:mehr )?(?:kaufen|verkaufen|ausführen|handeln|
    zeichnen|tauschen|platzieren|stornieren)
(?:please |just )*(?:hold off|hold fire|wait|hold|halt|warten|warte) (?:with|on|mit) (?:\\S+ )?(?:the |my |our |
    der |meiner |dem |den )?(?:order|orders|trade|execution|selling|buying|sale|purchase|sell|buy|auftrag|verkauf|
    kauf|ausführung)
""",
    start=True,
)
_OTHERS = rules(rf"""
(?:they|he|she|it|market|markets|insiders?|management|everyone|everybody|people|funds|hedge funds|analysts?|street|
    ceo|cfo|company|investors?|retail|traders|buffett|banks|brokers|competitors?|shareholders?|board|directors?|
    algos?|clients are|others|nobody|somebody|someone else|who) (?:(?:will|would|to|are|is|want|wants|have|has|had|
    may|might|could|can|do|does|did|keep|keeps|seem|seems|should|continue|continues|need|needs|all|been|be|plan|
    plans|just|still|looking|also|going|to|starting|started|likely|forced|trying|rushing|
    happily) ){{0,4}}(?:{_STRONG}|{_STRONG_ING}|buys|sells|{_WEAK})
(?:insider|forced|panic|heavy|short|foreign|institutional|programme|program|technical|tax|stop loss|
    aggressive) (?:selling|buying|covering|short)
(?:downgrade|downgraded|upgrade|upgraded|cut|rated|rating|recommendation|move|moved|went|going|raised|lowered|
    initiated|initiate|from|stay|stays|remain|remains|reiterate|reiterates|reiterated|keep|your|your own|their|a|an|
    strong|is still a|consensus|the|on) (?:(?:it|them|rating|rated|a|at|to|with|#x|from|of|the|still|strong|your|
    as) ){{0,3}}(?:buy|sell|hold|short|reduce|add|kaufen|verkaufen)(?= (?:rating|recommendation|from|to|on|is|was|,|
    call|list|side|case|thesis|or|and|again|at this|makes|seems|\?|for|with|looks|still|now|reco)|$)
(?:sell|buy) (?:ratings?|side|recommendations?|signals?|calls?|lists?|recos?|thesis|case|or|rated|off)
""")
_SELF = rules("(?:i|we|me|us|my|our|please|ich|wir|bitte|mir|uns)")
_HISTORY = rules(
    """
(?:how|what|where|when|why|which|who|did|has|was|is|have|any|do) (?:\\S+ ){0,6}(?:order|orders|fill|fills|trade|
    trades|execution|position|status)
""",
    start=True,
)
_STATUS = rules(
    "(?:status|update|news|confirmation|confirm (?:receipt|that|whether|if)|copy|details|stand|bestätigung|stand|rückmeldung) (?:of|on|for|about|re|zu|der|zum|zur|meiner|über) (?:\\S+ ){0,3}(?:orders?|trades?|fills?|auftrag|aufträge|order|ausführung|execution)"
)
_RUMINATING = rules(r"""
(?:thinking about|thinking of|might|may|considering|consider|perhaps|maybe|tempted to|could|vielleicht|überlege|
    überlegen|eventuell|würde vielleicht|denke über|denken über|spiele mit) (?:(?:well|be|also|soon|later|even|to|
    then|at some point|a|den|die|einen|zu|ob|wir|ich|mal|über|nach|wir|gedanken|,) ){0,6}(?:buy|sell|add|trim|
    reduce|buying|selling|adding|trimming|reducing|exit|exiting|hedge|hedging|switch|switching|take profits?|kauf|
    verkauf|kaufen|verkaufen|zukauf|reduzieren|aufstocken|zukaufen|einsteigen|aussteigen|einstieg|ausstieg|
    nachkaufen|cover|covering|short|shorting|add to|look at)
(?:if|wenn|falls|sollte|once|should) (?:(?:it|the|#x|der|die|das|price|kurs|they|shares|stock|we|you|rates|market|
    es|sie|aktie|wir|ich) ){1,3}
""")


def order(said: Sequence[Sentence]) -> str:
    """The sentence that asks for something to be done, "" where none does."""
    for one in said:
        if _is_order(one):
            return one.raw
    if len(said) <= 3:
        for one in said:
            if not one.asks and _ONLY_TERSE.match(one.said):
                return one.raw
    return ""


def perhaps(said: Sequence[Sentence]) -> str:
    """The sentence that may be one: a question with an amount, a plan, else ""."""
    for one in said:
        if _NO_INTEREST.search(one.said) or _DONE_BEFORE.search(one.said):
            continue
        if _RUMINATING.search(one.said) and _SELF.search(one.said) and not one.asks and not _OTHERS.search(one.said):
            return one.raw
        if (
            one.asks
            and (_CAN_I.match(one.said) or "#q" in one.said)
            and (
                _asked(one.said)
                or _TERSE.search(one.said)
                or re.search(r"(?<!\S)(?:buy|sell|kaufen|verkaufen|zeichnen|subscribe|participate)(?!\S)", one.said)
            )
        ):
            return one.raw
    return ""


def _is_order(one: Sentence) -> bool:
    said = one.said
    if re.search(r"watch ?list|model portfolio|musterdepot|focus list", said) and "#q" not in said:
        return False
    if one.asks and len(said.split()) < 3 and "#q" not in said:  # "Sell?" asks whether to
        return False
    if _INSTRUCTED_NOT.search(said):
        return True
    if _REFUSED.search(said) and not re.search(
        r"(?<!\S)(?:but|instead|aber|sondern|rather) (?:\S+ ){0,4}(?:buy|sell|kaufe?n?|verkaufe?n?|cancel)(?!\S)", said
    ):
        return False
    if (one.asks and _asks_only(said)) or _ADVICE.match(said):
        return False
    if _STATUS.search(said):
        return False
    past = _DONE_BEFORE.search(said)
    if (_BOOKED.search(said) or _GEBUCHT.search(said)) and not past and not _asks_status(said):
        return True
    if past and not re.search(
        r"(?<!\S)(?:now|another|also|please|but|rest|remaining|bitte|jetzt|noch|weitere|restlichen?|again|more)(?!\S)",
        said,
    ):
        return False
    if _commanded(said) or _asked(said):
        return _COMMANDED.search(said) is not None or not (_OTHERS.search(said) and not _SELF.search(said))
    if (
        not one.asks
        and not past
        and _INFINITIVE.search(said)
        and re.search(
            r"#[qx]|puts|calls|alle|alles|halfte|position|rest|aktien|bestand|anleihe|kontrakte|"
            + GROUPS["menge"].split("|")[0][3:],
            said,
        )
    ):
        return True
    if _ELECTED.search(said) or _FRENCH.search(said):
        return not past
    if _INTEREST.search(said) and not _NO_INTEREST.search(said):
        return True
    return bool(_TERSE.search(said)) and not past and not _tells(said)


def _asks_only(said: str) -> bool:
    if _CAN_I.match(said):
        return "#q" not in said
    return bool(_ADVICE.search(said)) or any(
        _ADVICE.match(part) for part in re.split(r" , | and | or | but | und | aber ", said)
    )


def _asks_status(said: str) -> bool:
    return bool(_HISTORY.search(said))


def _commanded(said: str) -> bool:
    if _COMMANDED.search(said):
        return True
    parts = re.split(r" , | and then | and | then | so | but | please ", said)
    condition = re.match(
        r"(?:if|once|when|wenn|falls|sobald) (?:[^\s,]+ ){2,9}?((?:buy|sell|short|cover|add|take|close|exit|kaufen|verkaufen|kaufe|verkaufe)(?!\S).*)",
        said,
    )
    if condition and re.search(r"#q|half|all|everything|rest|it|shares|alles", condition[1]):
        return True
    return len(parts) > 1 and any(_COMMANDED.search(part) for part in parts[1:] if not _OTHERS.search(part))


def _asked(said: str) -> bool:
    if _GEHANDELT.search(said):
        return not _NO_INTEREST.search(said)
    return bool(_ASKED.search(said)) and not _NO_INTEREST.search(said)


def _tells(said: str) -> bool:
    """True for a sentence about the world, in which numbers stand: somebody did or is something."""
    return bool(
        re.search(
            r"(?<!\S)(?:was|were|is|are|has|have|had|will|reported|said|says|fell|rose|down|up|closed|trading|trades|traded|target|"
            r"forecast|estimates?|revenue|sales|ebit|earnings|eps|hat|haben|ist|sind|war|waren|wird|liegt|steht|kursziel|umsatz|gewinn|"
            r"stopped|filled|expected|guidance|made|makes|cost|costs|paid|lost|earned|saw|shows?|why|how|what|when)(?!\S)",
            said,
        )
    )
