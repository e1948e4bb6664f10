"""The words of the rules, by what they stand for: `{name}` in a rule is one of these."""

from __future__ import annotations

import re

_WORDS = r"""
comm = (?:(?:text|phone|voice|email|sms|mass|automated?|automatic|spam|marketing|research|junk|trading|stock|market|
    price|bank) )?(?:messages?|texts?|texting|sms|emails?|emailing|alerts?|calls?|calling|faxe?s?|newsletters?|
    notifications?|notices?|spam|spamming|communications?|mailings?|mailshots?|robocalls?|bulletins?|circulars?|
    updates?|research|reports?|flashes|blasts?|pushes|contact|correspondence|voicemails?|recordings?|stuff|crap|
    junk|rubbish|nonsense)
komm = (?:\S*nachrichten?|\S*mitteilung(?:en)?|sms|\S*emails?|\S*anrufe?n?|\S*meldung(?:en)?|\S*newsletters?|
    \S*benachrichtigung(?:en)?|\S*faxe?n?|spam|\S*werbung|\S*post|\S*infos?|\S*informationen|\S*alerts?|messages?|
    rundschreiben|zuschriften|\S*sendung(?:en)?|\S*texte|\S*updates?|kontaktaufnahme|telefonanrufe|whatsapps?|
    hinweise|research|mist|zeug)
list = (?:\S*list|lists|distribution|distributions|distro|distri|mailing|mailings|database|db|system|systems|
    records?|rota|roster|crm|contacts|books|audience|subscription|subscriptions|{comm})
liste = (?:\S*verteiler\S*|\S*liste|\S*listen|\S*datenbank|\S*system|\S*kartei|\S*adressbuch|\S*newsletter|crm|
    empfängerkreis|bestand|\S*abonnement)
me = (?:me|us|#mail|#tel|this mailbox|this inbox|this account|my entry|myself|ourselves|this (?:number|address|
    email|phone|line|mobile)|my (?:\S+ ){0,2}(?:name|number|nummer|numbers|address|email|phone|mobile|cell|details|
    contact|contacts|info|colleagues?|data)|our (?:\S+ )?(?:name|number|numbers|address|email|phone|firm|company|
    desk|details|team)|him|her|them|both of us|the both of us|(?:my|our) (?:\S+ ){1,2}and (?:me|myself|i)|
    me and (?:my|our) (?:\S+ ?){1,2})
mich = (?:mich|uns|meine[nr]?|unsere[nr]?|diese[nr]?)
tradable = (?:#x|shares?|stocks?|positions?|holdings?|exposure|bonds?|longs?|shorts?|puts|calls|(?:put|
    call) options?|contracts?|futures?|etfs?|funds?|notes?|bills?|gilts?|bunds?|treasur(?:y|ies)|options?|warrants?|
    lots?|units?|names?|delta|gamma|tranche|placement|issue|ipo|deal|block|bid|offer|paper|gold|oil|dollars?|euros?|
    sterling|yen|equit(?:y|ies)|credit|duration|stake|risk|adrs?|linkers|protection|swaps?|\S+ shares)
titel = (?:#x|\S*aktien?|\S*anleihen?|\S*position(?:en)?|\S*fonds|\S*papiere?|\S*stücke?|\S*anteile?|\S*bestand|
    \S*zertifikate?|\S*optionen|\S*option|\S*kontrakte?|\S*etfs?|\S*future|\S*depot|\S*titel|\S*emission|
    \S*platzierung|\S*tranche|gold|öl|dollar|\S*bonds?|bund|bunds|calls?|puts?|\S*obligationen|\S*wert|\S*werte|
    \S*engagement|\S*wandler|shares)
amount = (?:#q|half|all|everything|the lot|the rest|the remainder|the balance|the whole|a third|a quarter|
    two thirds|another #n|#n more|some more|a few|a bit more|some|more|#p|double|the same|my usual|the usual|
    our usual|full size|clip)
menge = (?:#q|die hälfte|zur hälfte|hälfte|alles|alle|sämtliche|den rest|restliche[nr]?|gesamten?|komplett|
    ein drittel|ein viertel|weitere #n|nochmals?|noch mal|#p|teil|das doppelte|vollständig)
sell = (?:buy|sell|purchase|short|offload|unload|liquidate|unwind|accumulate|hedge|trim|dump|divest|lighten|flatten|
    rebuy|buy back|outright)
selling = (?:buying|selling|purchasing|shorting|offloading|unloading|liquidating|unwinding|accumulating|hedging|
    trimming|dumping|lightening|flattening)
add = (?:add|reduce|exit|switch|roll|close|close out|lift|hit|work|cover|take|do|get|grab|pick up|pick me up|
    pick us up|stop out of|grab me|get me|sell me|buy me|take up|apply for|exercise|tender|close down|book|execute|
    fill|place|put|put in|enter|increase|swap|convert|redeem|subscribe|subscribe for|bid|offer|go long|go short|
    get long|get short|get out of|get rid of|scale into|scale out of|build|double|halve|top up|load up on|
    take profits?|take off|cut|rotate|move|invest|put #q|put #n|allocate|participate|join|buy into|sell out of|
    step in|average down|deal|trade|transact|cross|cut back|square|neutralise|neutralize|monetise|write)
adding = (?:adding|reducing|exiting|switching|rolling|closing|covering|taking|getting|picking up|increasing|
    swapping|cutting|bidding|offering|going long|going short|getting out|doing|rotating|participating|investing|
    joining|closing out)
deal = (?:{sell}(?! (?:rating|ratings|recommendation|recommendations|recos?|side|off|signal|list|rated|case|call|
    calls on|thesis|or|to hold|to buy|to sell|term|interest|and hold|note|version|answer|story|notice|squeeze|
    seller report))|{add} (?:(?!(?:look|call)(?!\S))\S+ ){0,5}?(?:{amount} (?:of |in )?(?:\S+ ){0,3}?{tradable}|#q|
    {tradable}|half|everything|all of (?:it|them)|the lot|the rest|all my))
dealing = (?:{selling}|{adding} (?:\S+ ){0,4}?(?:#q|{tradable}|half|everything|the lot|the rest|more))
who = (?:i|we|me|my (?:client|clients|fund|boss|pm|wife|husband|father|mother|company)|our (?:client|clients|fund|
    pm|pms|desk|cio)|client|clients|customer|the fund|the client)
lead = (?:(?:please|kindly|yes|yep|yeah|ya|yup|sure|ok|okay|right|great|perfect|fine|good|thanks|thank you|then|and|
    also|now|just|so|agreed|agree|alright|go ahead|go ahead and|let us|let me|but|actually|immediately|asap|urgent|
    urgently|first|second|next|instead|morning|hi|hello|no|well|in that case|if so|noted|understood|do|confirmed|
    as discussed|as agreed|for me|for us|today|tomorrow|at the open|on the open|on open|#n|or|same again|again|
    at best|at market|order|trade|instruction|\S+ ,|,) )*
book = (?:orders?|limits?|stops?|stop loss|stop losses|bids?|offers?|trades?|tickets?|gtcs?|instructions?|the #q|
    the #n|fills?|balance|remainder|rest of it|open order|ioi|indication|
    subscription (?:for|of|in|to) (?:(?:the|my|our|new|a) ){0,2}(?:\S+ )?(?:#q|#x|funds?|units?|issue|ipo|placement|
    placing|offering|shares|notes?|bonds?|rights)|hedge)
size = (?:#q|#n (?:\S+ )?(?:#x|lots?|contracts?|bonds?|shares|calls|puts|futures|stück|kontrakte)|
    #n(?= ,|$| \?| please| bitte))
auftrag = (?:\S*order|\S*orders|\S*auftrag|\S*aufträge|\S*aufträgen|\S*limit|\S*limite|\S*limits|stop|stops|
    stop loss|\S*stop|\S*stopkurs|stopp\S*|\S*gebot|kauf|verkauf|\S*zeichnung|#x|die #q)
buchen = (?:streichen|stornieren|löschen|ändern|abändern|anpassen|setzen|erhöhen|senken|reduzieren|hochsetzen|
    heraufsetzen|herabsetzen|runtersetzen|nachziehen|aufgeben|einstellen|zurückziehen|ausführen|platzieren|erteilen|
    entfernen|entferne|entfernt|aufheben|verlängern|annullieren|canceln|cancel|anheben|absenken|legen|einlegen|
    eingeben|zurücknehmen|rausnehmen|
    herausnehmen|reinlegen|reinstellen|belassen|aussetzen|stehen lassen|halbieren|verdoppeln|tauschen|ersetzen|
    ziehen|wegnehmen|durchführen|vormerken|raus|weg|zu streichen|zu stornieren|zu löschen|zu ändern|zu erhöhen|
    aufzugeben|anzupassen|gelöscht|gestrichen|storniert)
handeln = (?:kaufen|verkaufen|ver\s?kaufen|erwerben|veräussern|zukaufen|nachkaufen|dazukaufen|zeichnen|abstossen|
    glattstellen|aufstocken|eindecken|absichern|umschichten|liquidieren|ordern|einsteigen|aussteigen|abbauen|
    aufbauen|shorten|hedgen|mitnehmen|loswerden|auflösen|ausbauen|mitzeichnen|rollen|reingehen|rausgehen|
    verbilligen|nachlegen|zuschlagen|leerverkaufen|covern|anschaffen|abgeben|teilverkaufen|zurückkaufen|zu kaufen|
    zu verkaufen|zu zeichnen|zu erwerben|einzusteigen|auszusteigen|aufzustocken|abzubauen|abzustossen|
    glattzustellen|abzusichern|umzuschichten|traden|handeln|realisieren|einkaufen|umtauschen|schliessen|reduzieren|
    verkleinern|halbieren|tauschen|erhöhen|verdoppeln|investieren|anlegen|raus|rein|trennen)
gone = (?:no longer|not|does not|doesnt|do not|has not|is no longer|never|have not) (?:\S+ )?(?:works?|working|
    worked|employed|with|at|part of|a member of|based|employee|an employee|been here|been with|been employed|here)
house = (?:here|us|our|this (?:firm|company|bank|number|office|address|desk|department|organisation|organization|
    fund|team|email)|the (?:firm|company|bank|fund|organisation|organization|team|business|desk|group|office)|
    any more|any longer|in this (?:role|office|department|company))
"""

# A line each; an indented one goes on with the one above.
GROUPS = dict(line.split(" = ", 1) for line in re.sub(r"\n {4,}", "", _WORDS).splitlines() if line)
