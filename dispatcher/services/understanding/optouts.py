"""Whether somebody wants no more of our messages, or wants them again: by verb, object and negation, not by sentences.

"Stop", "cancel", "end" and "remove" are a dealing desk's daily words. They count only with what we send, with a list,
or with being written to as their object; alone only where they are all that is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.services.understanding.patterns import rules
from dispatcher.services.understanding.sentences import Sentence

# What says it plainly, with nothing else that it could mean.
_PLAIN = rules(r"""
(?:unsubscribe|unsubscribing|deregister|de register|un subscribe|desubscribe)
(?:opt|opting|opted) (?:me |us |my number |this number )?out(?! of (?:the )?(?:position|trade|deal|offer|#x))
(?:remove|removed|removing|take|taken|taking|delete|deleted|deleting|drop|strike|scratch|scrub|pull|get|erase|cross|
    exclude|clear|wipe|knock) {me} (?:\S+ )?(?:off|from|out of|of) (?:(?!stop|hold|order|trade|risk)\S+ ){0,4}{list}
(?:remove|take|delete|drop|strike|scratch|get|pull) {me} off(?= (?:this|here|it|these|that|of this|of here|now|
    immediately|asap|please|thanks|,|going|pronto|today)|$)(?: (?:this|here|it|these|that|of this|
    of here))?(?= (?:please|now|thanks|immediately|asap|today|,|for good|permanently|any more|kindly|pronto|and|or|
    i|we)|$)
(?:remove|delete|unsubscribe|unlist|deregister) (?:me|us)(?= (?:please|now|thanks|immediately|asap|,|at once|today)|$)
(?:remove|take|get|delete) {me} (?:from|out of) (?:this|here|it|these|that|everything|all of (?:this|these|it)|
    all)(?= (?:please|now|thanks|immediately|asap|today|,|and|i|we)|$)
(?:be|get|been|being) (?:removed|taken|deleted|dropped|excluded) (?:off|from|out) ~ {list}
(?:want|like|wish|prefer|asked|need|ask|request|requested) (?:\S+ )?(?:to be |being )(?:removed|taken off|deleted|
    unsubscribed|left off|left out)
(?:i|we) (?:want|wish|would like|need|would like to get) (?:off|out of|out) (?:of )?(?:\S+ )?{list}
(?:off|out of) (?:your|the|this) (?:\S+ )?(?:list|mailing list|distribution|distribution list|mailing)(?= (?:please|
    thanks|now)|$)
(?:remove|delete|erase|lose|forget|scrub) (?:my|our|this) (?:\S+ )?(?:number|name|email|address|phone|mobile|cell|
    details|contact|contacts|contact details|data|personal data)(?! (?:on|in) (?:the )?(?:order|trade|contract))
(?:stop|cease|quit|discontinue|halt|desist|refrain from|end|suspend|no more|enough|give up|pack in|pack it in|
    knock off|cut out|lay off|leave off|avoid|stop with|done with|fed up with|sick of|tired of|enough of|
    enough with) (?:(?:with|of|from|all|any|the|these|those|this|your|such|sending|me|us|my|please|further|future|
    that|constant|bloody|damn|stupid|daily|out) ){0,5}(?:texting|messaging|emailing|mailing|contacting|alerting|
    bothering|spamming|ringing|phoning|faxing|pestering|harassing|annoying|disturbing|bugging|hassling|bombarding|
    writing to (?:me|us)|calling(?! the (?:top|bottom|market))|calls?(?! (?:option|spread))(?: (?:me|us|here|
    this))?|{comm})
(?:stop|cease|quit|halt) (?:sending|forwarding|pinging|blasting|pushing) (?:me|us|this|these|those|them|it|any|
    anything|all|your|such|out|to (?:me|us|this|my))
(?:no|not any|any|no more|no further) (?:more|further|additional) (?:of (?:this|these|those|them|that|the|
    your) ?)?{comm}(?! from)
(?:no|not) (?:more|further) (?:of (?:this|these|those|them|that|your \S+))(?= (?:please|thanks|,)|$)
(?:do not|never|not to|must not|should not|rather not|rather you did not|prefer not|not want you to|you not to|
    no need to|not wish you to|did not) (?:(?:please|ever|want|wish|like|need|to|be|you|get|getting|bother|keep|
    continue|have|care) ){0,4}(?:contact|contacted|contacting|alerted|notified|texted|emailed|mailed|messaged|
    phoned|bother|bothered|spam|spammed|disturb|disturbed|pester|pestered|hassle|harass|faxed|rung)(?: (?:me|us|
    this|my|him|her|at|on|by|again|any|with|for|in|ever|please|please|about|,)|$)
(?:do not|never|not to|must not|rather not|rather you did not|please not|stop to) (?:(?:please|ever|want|to|you|be|
    have) ){0,3}(?:text|texting|call|calling|called|ring|phone|email|mail|message|fax|write to|write|sms|
    ping)(?: to)? (?:me|us|this|my (?:\S+ )?(?:number|phone|mobile|cell|email|office|line|home)|here|him|her|again|
    any (?:more|longer))(?! (?:the|about|a price|the price|a|with the|unless|until|before|if)(?!\S))
(?:do not|never|not to|no need to|must not|not have to|rather you did not|stop to) (?:(?:please|ever|want|to|you|
    keep|bother|need|continue|like|wish) ){0,4}(?:send|sending|forward|forwarding|push) (?:to )?(?:me|us|my \S+|
    this number|any|anything|these|this|them|those)(?: (?:to )?(?:me|us))?(?: (?:any|these|this|those|them|such|
    more|further|the|your|that|of|anything|else|things|like|stuff|again|to|trading|market|automated|automatic|kind|
    sort|kinds|sorts|sort of))* ?(?:{comm}|again|any more|any longer|anything|these|this|them|those|stuff|further|
    like this|ever)
(?:no longer|not|never|do not|did not|not really|no) (?:(?:actually|really|any longer|particularly|even|currently|
    longer|ever|want|wish|need|like|require|interested|care|wishing|have|had|to|in|for|be|getting|desire|asked|ask|
    for|my colleagues?|me|us|keep|you) ){1,6}(?:receive|receiving|received|get|getting|be getting|have|having|hear|
    hearing|be on|being on|see|seeing|be sent|be part of|be included|be contacted|be called|be texted|be emailed|
    be messaged|be bothered|be disturbed|be rung|be phoned|be alerted|be notified|be informed|be updated|sent|on|
    continue) (?:(?!(?:the|a|an) (?:view|report|details|answer|call)|back)\S+ ){0,5}(?:{comm}|these|this|them|those|
    list|again|any more|any longer|from you|contacted|from this|from your \S+)
(?:no longer|do not|not|never) (?:want|wish|need|like|care) to be (?:alerted|notified|contacted|informed|updated|
    called|texted|emailed|messaged|on this|included)(?! (?:of|about|when|if|by \S+ instead))
(?:no longer|do not|not|never) (?:(?:really|actually|particularly|any longer|longer|wish|to|further) ){0,2}(?:want|
    need|require|like|wish for|welcome|appreciate|wanted|asked for) (?:(?:any|these|those|this|the|your|such|all|
    more|of|further|to|be|kind|sort|kinds|types?|trading|that) ){0,5}{comm}(?! (?:option|back))
(?:no longer|do not|not) (?:really |actually )?(?:want|need|require|wanted) (?:any more of )?(?:these|those|this|
    them|it)(?: (?:any more|any longer|thanks|please|,|at all)|$)
rather (?:not|you did not|you do not|you stopped|that you stop|that you did not|
    that you stopped) (?:\S+ ){0,5}(?:{comm}|these|this|them|me|us|those)
(?:prefer|like|want|wish|appreciate it|grateful|glad|love|happy|appreciated|need|it would be great|it would be good|
    better|great|happier) (?:it )?(?:if )?(?:(?:you|for you|them|for|would|could|to|that|all|these|those|
    this) ){0,4}(?:stop|stopped|cease|ceased|quit|end|to stop|not to be) ?(?:sending|texting|calling|emailing|
    contacting|messaging|{comm}|these|this|contacted|them|coming|bothering|$)
(?:stop|make) (?:these|this|those|them|it|the|all|your) (?:\S+ )?(?:{comm} )?(?:coming|stop|from coming|arriving|
    to me|to us|to my)
(?:no|not) (?:longer |any longer )?(?:want|wish|to|be|a part|part|longer|subscribed|subscriber|
    on) (?:\S+ ){0,4}(?:list|mailing|mailing list|distribution list|distribution|newsletter)
(?:cancel|cancelling|end|terminate|discontinue|stop|close) (?:(?:my|our|this|the|all|any|
    please) ){0,3}(?:\S+ )?(?:subscriptions?|newsletters?|enrolment|enrollment|registration|alerts? (?:service|
    subscription|please)|{comm} (?:service|subscription))
(?:revoke|withdraw|rescind|withdrawing|revoking|cancel) (?:(?:my|our|all|any|the|prior|previous|express|
    to) ){0,4}(?:consent|permission|authori[sz]ation to (?:contact|text|call|email)|opt in|agreement to receive)
(?:consent|permission) (?:is |are )?(?:hereby )?(?:withdrawn|revoked)
(?:i|we) (?:hereby )?object to (?:\S+ ){0,4}(?:marketing|messages|emails|calls|texts|processing|being contacted|
    alerts|use of my|contact)
(?:see to it|make sure|ensure|arrange|see) (?:that )?(?:\S+ ){0,5}(?:no longer|do not|stop|stops|not|no more|
    no further) (?:\S+ ){0,3}(?:arrive|arriving|reach|come|coming|sent|get|receive|contacted|bothered|land|hear|
    emailed|called|texted|{comm})
(?:no|any|little) (?:point|sense|use|need) (?:in |of |for |to )?(?:\S+ ){0,2}(?:sending|contacting|texting|calling|
    emailing|send|keep sending) (?:me|us|these|this|them|any)
(?:remove|delete|drop|take|strike|scratch|cut) (?:off |out |from )?(?:(?:from|off|out of) )(?:(?:your|the|this|all|
    any|mailing|distribution) ){0,3}list(?:s)?(?! of)
(?:these|they|this|those|your {comm}|it) (?:is|are) (?:of )?(?:no (?:use|interest|value|relevance)|not (?:useful|
    relevant|of interest|for me|wanted|interesting)|useless|irrelevant|unwanted) (?:\S+ ){0,6}(?:discontinue|stop|
    cease|remove|unsubscribe|no more|end)
(?:want|would like|like|wish) (?:to be )?(?:out of|off) (?:this|the|your|that) (?:\S+ )?list
(?:call|switch|turn|shut) off (?:(?:your|the|these|all|this|my|those) ){1,3}{comm}
(?:do not|never) (?:please )?(?:send|text|write|call|email|contact|message|ring|phone|mail) (?:\S+ )?(?:again|
    any more|any longer|ever)(?= (?:please|thanks|,|to)|$)
(?:take|remove|delete|get) (?:both|all|these|those|my|our|the) (?:\S+ )?(?:addresses|address|numbers|number|emails|
    email|details|name|names) (?:off|out|from)(?= (?:please|thanks|,|your|the|this|now)|$)
(?:leave (?:me|us) (?:alone|in peace|be)|lose (?:my|this) number|go away|fuck off|piss off|f off|bugger off|
    get lost|sod off|buzz off|do not bother|let me be)
(?:not|no longer|never|un) ?(?:interested|interest) in (?:\S+ ){0,4}(?:{comm}|being contacted|hearing from you|
    receiving)
(?:do not|not|never) (?:call|text|email|contact|mail|disturb|fax) list
(?:have|had) (?:had )?(?:more than |quite )?enough of (?:these|this|your|the|all)
(?:turn|switch|shut) (?:(?:these|those|this|them|the|your|all|my|off|it) ){0,3}(?:{comm} )?off(?= (?:please|thanks|
    for me|for us|now|,)|$)
(?:turn|switch|shut) off (?:(?:these|those|the|your|all|my) ){0,2}(?:{comm}|this|these|them)
(?:please )?(?:end|stop|halt|kill|ditch|cut|drop|cease) (?:(?:all|any|the|these|those|your|this|with) ){1,3}{comm}
""")

_DEUTSCH = rules(r"""
(?:abmelden|abmelde|abgemeldet|abbestellen|abbestelle|abbestellt|austragen|ausgetragen|abmeldung|abbestellung|
    austragung|deabonnieren|abzumelden|abzubestellen|auszutragen|entabonnieren)(?! (?:vom|von der|zur) (?:konferenz|
    call|termin|veranstaltung|hauptversammlung|hv))
(?:melde|meldet|melden|bestelle|bestellt|bestellen|trage|tragen|tragt) (?:(?:sie|ich|mich|uns|bitte|das|den|diese|
    die|wir|hiermit|den|alle|ihren|ihre) ){1,5}(?:\S+ ){0,4}(?:ab|aus)(?= (?:bitte|danke|,|und)|$)
(?:streiche|streichen|streicht|streich|nehme|nehmen|nimm|nehmt|lösche|löschen|löscht|entferne|entfernen|entfernt|
    trage|tragen|schmeiss|schmeissen|werfen|wirf|holen|genommen|gestrichen|gelöscht) (?:(?:sie|bitte|doch|mich|uns|
    meine|unsere|meinen|unseren|diese|den|namen|nummer|adresse|kollegen|kollegin|und|endlich|umgehend|sofort|beide|
    einfach|mal|email|danach|dann|anschliessend|wieder|hiermit|alle|ihn|auch|gleich|schnellstmöglich|jetzt|künftig|
    eintrag|kontakt|daten|mailadresse|jetzt) ){1,7}(?:aus|von|vom) (?:\S+ ){0,4}{liste}
(?:keine|nicht|niemals|nie) (?:mehr )?(?:\S+ ){0,3}(?:mails?|emails?|sms|nachrichten|anrufe) (?:mehr )?(?:an|auf|
    unter) (?:diese|meine|unsere|die) (?:\S+ )?(?:adresse|nummer|mailadresse|handy|anschluss)
(?:unerwünscht|unerbeten|unaufgefordert|nicht erwünscht|nicht gewünscht)(?: (?:\S+ ){0,3})?(?={komm}|$|,)
(?:bitte |gerne |könnt ihr |können sie |würden sie )(?:\S+ ){0,3}(?:mich|uns|meine \S+) (?:\S+ ){0,5}(?:streichen|
    entfernen|löschen|austragen|rausnehmen|herausnehmen)(?! lassen)
(?:streiche|streichen|streicht|streich|nehme|nehmen|nimm|nehmt|lösche|löschen|entferne|entfernen) (?:(?:sie|bitte|
    doch|endlich|umgehend|sofort) ){0,3}mich (?:(?:da|hier|bitte|wieder|endlich|sofort|umgehend|doch|
    davon) ){0,4}(?:raus|heraus|runter|herunter|von hier|davon)
(?:{mich} )(?:\S+ ){0,4}(?:aus|von|vom) (?:\S+ ){0,4}{liste} (?:\S+ ){0,3}(?:nehmen|streichen|löschen|entfernen|
    austragen|abmelden|zu nehmen|zu streichen|zu löschen|zu entfernen|genommen|gestrichen|gelöscht|entfernt|werfen)
(?:mich|uns|bitte|namen|nummer|adresse|will|möchte|werden|gerne) (?:\S+ ){0,6}?(?:aus|von|vom) (?:(?:dem|der|den|
    allen|diesem|dieser|ihrem|ihrer|euerm|eurem|eurer|ihren|euren|sämtlichen) )?(?:\S+ )?{liste} (?:(?:bitte|zu|
    wieder|sofort|endlich) ){0,2}(?:nehmen|streichen|löschen|entfernen|austragen|raus|genommen|gestrichen|gelöscht|
    entfernt|werden)
(?:lösche|löschen|löscht|entferne|entfernen|streichen|vergessen) (?:(?:sie|bitte|ich|doch|umgehend|sofort|
    endlich) ){0,3}(?:meine|unsere|diese|meinen|unseren) (?:\S+ )?(?:nummer|adresse|daten|email|kontakt|
    kontaktdaten|namen|personenbezogenen daten|handy|mobilnummer|eintrag)
(?:meine|unsere|diese) (?:\S+ )?(?:nummer|adresse|daten|kontaktdaten|mobilnummer) (?:\S+ ){0,4}(?:löschen|
    zu löschen|entfernen|gelöscht|streichen|austragen)
(?:keine?|keinerlei|nie wieder|nie|ohne) (?:(?:weiteren?|solchen?|dieser|derartigen?|mehr|einzige|lust|auf|bock|
    interesse|an|ihren?|diesen?|euren?|automatischen?|telefonischen?|weiterer|ihrer|
    eurer) ){0,6}{komm} (?:\S+ ){0,4}(?:mehr|erhalten|bekommen|wünschen|erwünscht|gewünscht|senden|schicken|
    zusenden|zuschicken|empfangen|haben|kriegen|zukommen|schreiben|wünsche|will|möchte|zu|erhalte)(?!\S)
(?:keine?|keinerlei) (?:(?:weiteren?|solchen?|derartigen?) ){1,2}{komm}
(?:keine?|keinerlei) mehr (?:(?:von|dieser|diesen|ihren|solche|solcher) ){0,2}{komm}
{komm} (?:\S+ ){0,5}nicht (?:mehr|länger|weiter) (?:(?:zu|bitte|von|ihnen|euch) ){0,2}(?:erhalten|bekommen|senden|
    schicken|zusenden|zuschicken|empfangen|haben|lesen|kriegen|brauche|benötige|will|möchte|wünsche|gewünscht|
    erwünscht|brauchen|benötigen)
(?:brauche|benötige|will|möchte|wünsche|brauchen|benötigen|wollen|möchten|wünschen) (?:(?:ich|wir|das|die|diese|
    dieses|ihre|solche|bitte|eure|euren|den|das alles|sie) ){0,4}(?:{komm} )?(?:\S+ )?(?:nicht mehr|nicht länger|
    keinesfalls)(?: (?:haben|bekommen|erhalten|empfangen|lesen|kriegen|sehen))?(?= (?:bitte|danke|,)|$)
nichts? (?:mehr|weiter|weiteres|länger) (?:(?:von|ihnen|euch|zu|dazu|davon|dieser|bitte|mir|uns|art|
    hier) ){0,4}(?:hören|bekommen|erhalten|senden|schicken|zusenden|zuschicken|empfangen|lesen|kriegen|haben|wissen|
    geschickt)
(?:will|möchte|wünsche|wollen|möchten) (?:\S+ ){0,4}(?:von ihnen|von euch) nichts mehr(?!\S)
(?:nicht|nie|niemals|nie wieder|nicht mehr|nie mehr)(?: (?:mehr|wieder|länger|weiter|weiterhin|zu|von ihnen|
    von euch|per sms|telefonisch|ständig|dauernd|immer))* (?:anrufen|anzurufen|angerufen|anschreiben|angeschrieben|
    anzuschreiben|kontaktieren|kontaktiert|kontaktieret|belästigen|belästigt|behelligt|behelligen|anmailen|anmorsen|
    stören|gestört|benachrichtigen|benachrichtigt|zusenden|zuschicken|informiert werden|schreiben|simsen|anfaxen|
    anfunken|zuspammen|zutexten|zugeschickt)(?: werden)?(?= (?:bitte|danke|,|und|werden|ich|wir|sonst)|$)
(?:rufen|rufe|ruf|ruft|schreiben|schreibe|schreib|schreibt|kontaktieren|kontaktiere|belästigen|belästigt|senden|
    schicken|schick|schickt|mailen|texten|simsen|anrufen) (?:(?:sie|bitte|mich|mir|uns|hier|diese|nummer|unter|auf|
    so|etwas|sowas|das|die|diese) ){0,5}(?:nicht|nie|nichts|nie wieder|nie mehr|niemals|keine|
    keine einzige)(?: (?:mehr|wieder|länger|noch einmal|weiter|{komm}))+
(?:hör|hören|hört) (?:(?:sie|bitte|doch|endlich|mal|sofort|jetzt) ){0,4}(?:auf|damit auf)(?:(?= (?:mich|mir|uns|mit|
    damit|zu|bitte|,|diese|anzurufen|ständig|dauernd)|$))
(?:stellen|stelle|stellt) (?:\S+ ){0,4}(?:versand|zusendung|zusendungen|{komm}|belieferung|
    kontaktaufnahme) (?:\S+ ){0,5}ein
(?:versand|zusendung|zusendungen) (?:\S+ ){0,5}(?:einstellen|einzustellen|beenden|stoppen|unterlassen|zu unterlassen)
(?:brauche|benötige|will|möchte|brauchen|benötigen|wünsche) (?:(?:ich|wir|sie|es|das|diese|die|ihre|
    davon) ){1,3}(?:nicht mehr|nicht länger|nicht weiter)
(?:stoppen|stoppe|stopp|stop|stoppt|beenden|beendet|beende|einstellen|unterlassen|unterlasst|unterlasse|sparen|
    spart|sparen sie sich|schluss mit|genug von|aufhören mit) (?:(?:sie|bitte|ich|das|den|die|der|diese|diesen|
    dieser|ihre|ihren|ihrer|eure|euren|alle|mir|sich|sofort|mit|ständigen|doch|endlich|jede|weiteren?|es|zusendung|
    zusenden|von|versand|senden) ){1,7}{komm}
(?:die|diese|den|ihre|alle|weitere|den versand|zusendung) (?:\S+ ){0,4}{komm} (?:\S+ ){0,2}(?:stoppen|einstellen|
    einzustellen|unterlassen|beenden|zu stoppen|zu unterlassen|abstellen|abschalten|abzustellen|zu beenden|
    sein lassen|künden|kündigen)
(?:{komm}|abonnement|abo|verteiler) (?:\S+ )?(?:kündigen|künden|gekündigt|beenden|stornieren|widerrufen)
(?:kündige|kündigen|widerrufe|widerrufen|storniere|beende|beenden) (?:(?:ich|wir|hiermit|das|den|mein|meinen|unser|
    sie|bitte|dieses|diesen) ){0,5}(?:\S*abonnement|\S*newsletter|{komm})
(?:widerrufe|widerrufen|widerruf|zurückziehen|ziehe) (?:\S+ ){0,5}(?:einwilligung|zustimmung|einverständnis|
    erlaubnis|genehmigung zur)
(?:einwilligung|zustimmung|einverständnis) (?:\S+ ){0,4}(?:widerrufe|widerrufen|zurück|widerruf|zurückgezogen)
(?:widerspreche|widersprechen|widerspruch) (?:\S+ ){0,7}(?:nutzung|verarbeitung|zusendung|verwendung|werbung|
    kontaktaufnahme|daten|{komm})
(?:lass|lassen|lasst) (?:(?:sie|mich|uns|bitte|doch|endlich|einfach|damit|mit|ihr|euch|jetzt|diesem|diesen|den|
    \S*{komm}) ){1,6}(?:in ruhe|in frieden|zufrieden)
(?:von|mit) (?:\S+ ){0,3}{komm} (?:\S+ ){0,5}(?:abzusehen|absehen|verschonen|verschont|verschonen sie|aufzuhören|
    aufhören)
(?:verschonen|verschone|verschont) (?:\S+ ){0,3}(?:mich|uns) (?:\S+ ){0,4}(?:mit|von)
(?:sehen|sehe|bitte ich|bitten wir) (?:\S+ ){0,4}von (?:\S+ ){0,5}{komm} (?:\S+ ){0,4}(?:ab|abzusehen)
(?:löschung|entfernung|streichung|austragung|herausnahme|streichen|löschen) (?:\S+ ){0,4}(?:aus|von|
    vom) (?:\S+ ){0,3}{liste}
(?:löschung|entfernung|streichung) (?:meiner|unserer|meines|der) (?:\S+ ){0,3}(?:daten|adresse|nummer|mailadresse|
    kontaktdaten|emailadresse|eintrags)
(?:verzichte|verzichten) (?:\S+ ){0,3}auf (?:\S+ ){0,3}{komm}
(?:keinen?|kein) (?:weiteren? )?(?:kontakt|interesse an|interesse mehr an|wert auf|bedarf an|bedarf mehr an|
    bedarf für) ?(?:(?:mehr|weiteren?|diesen|ihren|den|solchen|dieser|euren|derartigen) )*(?:{komm}|mehr|$)
(?:kein interesse|kein bedarf) mehr(?= (?:bitte|danke|,|an|mfg)|$)
(?:nicht|nicht mehr) (?:länger )?(?:auf|in) (?:\S+ )?{liste} (?:\S+ )?(?:stehen|sein|bleiben|geführt)
(?:raus|runter|weg) (?:(?:aus|von|vom) )(?:\S+ )?{liste}
(?:will|möchte|wollen|möchten|bitte) (?:\S+ ){0,2}(?:aus|von|vom) (?:\S+ )?{liste} (?:raus|runter|weg|heraus)
(?:nicht|nie) mehr (?:\S+ ){0,2}(?:bekommen|erhalten|kriegen|empfangen)(?= (?:bitte|danke|,)|$)
""")

# All that is said, politeness around it taken away.
_ALONE = rules(
    """
(?:stop|stop it|stop this|stop that|stop these|stop them|stop now|stop immediately|stop at once|stop all|
    stop all of (?:this|it|these)|stop stop|stop ok ?\\??|just stop|stop already|stop everything|enough|
    enough already|enough is enough|that is enough|no more|no more thanks|no more of (?:this|these))$
(?:schluss|schluss damit|schluss jetzt|aufhören|sofort aufhören|es reicht|mir reicht es|reicht jetzt|hören sie auf|
    hört auf|hör auf|genug|genug davon|aus dem verteiler|verteiler raus|bitte nicht mehr|nicht mehr|
    bitte nichts mehr|nichts mehr|austreten|stopp it|stop bitte)$
(?:remove|remove me|remove us|delete me|delete us|take me off|take us off|drop me|opt out|out of the list|
    off the list|revoke|revoked|do not contact|do not call|do not text|do not email|quit it|delete my number|
    remove my number|unlist me|exclude me)$
""",
    start=True,
)
_BARE_DOUBTS = re.compile(
    r"(?:cancel|end|quit|revoke|finish|cancelled|ende|beenden|kündigen|kuendigen|no more|stop (?:#x|index))$"
)

# Only some of it, only for a time, only perhaps: a person reads it.
_PARTLY = rules(r"""
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
(?:perhaps|maybe|might|thinking about|thinking of|considering|consider|wondering whether|not sure|tempted|possibly|
    one day|at some point|probably|eventually)
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
_LESS = rules(r"""
(?:so|too|as|this) (?:many|much|often|frequently|early|late)
""")
_LIST = rules(r"(?:unsubscribe|opt|remove|take|delete|{list}|{liste}|abmelden|abbestellen|austragen)")
_SOMETIMES = rules(r"""
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
_WHOLLY = rules(r"""
(?:immediately|at once|effective immediately|permanently|for good|ever again|all (?:future|further)|ab sofort|
    sofort|endgültig|dauerhaft|umgehend|nie wieder|any more at all|everything)
""")
# It is said that they do not want out, or somebody else does, or it is long past.
_NOT_OUT = rules(r"""
(?:stock|share|shares|name|names|company|aktie|aktien|#x|bond|bonds|titel|index|members?|they) (?:(?:has|have|had|
    was|were|is|are|will|should|been|be|now|just|being|removed|the|never|gets|got|ought|to|can|
    could) ){0,4}(?:removed|taken|dropped|deleted|come off|excluded|struck|us from the index|gestrichen|genommen)
(?:brauchen?|brauchst|müssen?|musst|muss) (?:\S+ ){0,4}(?:nicht|keine)(?! mehr)
(?:do not|did not|never|not|please do not|have not|would not|had not|will not|wont|rather not|
    no need to) (?:(?:want|wish|mean|ever|to|be|please|intend|going|yet|accidentally|like|have|asking|
    ask) ){0,4}(?:unsubscribe|unsubscribed|unsubscribing|opt out|opted out|opting out|remove (?:me|us)|take (?:me|
    us) off|be removed|removed|stop (?:sending|these|the|receiving|getting|texting|calling)|drop (?:me|us)|
    delete (?:me|us))
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
# What is theirs to end, and none of our messages.
_DEAL_OBJECT = rules(r"""
(?:unsubscribe|opt out|remove|withdraw) (?:me |us )?(?:from|out of|of) (?:the |this |my )?(?:rights issue|rights|
    offer|offering|ipo|placement|tender|deal|book|fund|allocation|subscription for)
""")
_BUSINESS_OBJECT = rules(r"""
(?:stop|cancel|end|quit|remove|delete|drop|no more|kein|keine) ~ (?:orders?|limits?|stops?|stop loss|trades?|
    positions?|bids?|offers?|gtc|price alerts?|#q|#n|limit|dividends?|buybacks?|standing order|direct debit|shares|
    calls at|puts|call options?|margin calls?|call spreads?|auftrag|aufträge|dauerauftrag|leerverkäufe)
""")
_THIRD = rules(r"""
(?:unsubscribe|remove|take|delete|drop|opt out|abmelden|streichen sie|nehmen sie|entfernen sie|
    löschen sie) (?:\S+ )?(?:him|her|them|my (?:colleague|client|assistant|wife|husband|boss|friend|secretary|
    partner|team)|our (?:client|trader|intern|colleague)|john|meinen kollegen|meine kollegin|herrn|frau|meine frau|
    meinen mann|ihn)(?! and (?:me|i|myself|us)| und (?:mich|uns|ich))
""")
_IN = rules(r"""
(?:put|add|get|take|sign|place|include) (?:me|us|my (?:number|name|email|address)|this number) (?:back|again|
    up again|back up|up once more) ?(?:on|onto|to|in|into|for)?
(?:add|put|include|sign|subscribe|register) (?:me|us|my (?:number|email|name)|this number) (?:(?:up|to|on|onto|for|
    in|into|again|back|the|your|this|these|list|alerts?|please) )*(?:list|alerts?|messages?|distribution|
    mailing list|newsletter|texts|emails|again|notifications)
(?:re subscribe|resubscribe|resubscribed|re subscribed|unstop|opt (?:me |us )?(?:back )?in|opt in again|re activate|
    reactivate|re enable) ?(?:me|us)?
(?:want|like|wish|happy|love|ready|keen|need|prefer) (?:\S+ ){0,3}(?:receive|receiving|get|getting|have|subscribe|
    subscribed|start) (?:\S+ ){0,4}(?:again|once more|back|after all)
(?:want|like|wish|happy|love) (?:to be )?(?:on|back on|on to|to be on|added to|added back to|put back on|
    included in|to subscribe to|to join|to sign up for|to receive) (?:\S+ ){0,3}(?:list|alerts?|distribution|
    mailing|newsletter|messages|mailing list)
(?:resume|restart|start|continue|turn on|switch on|reinstate|restore) (?:(?:sending|the|my|your|these|those|all|me|
    us|to|with|texting|emailing|calling) ){0,4}(?:{comm}|subscription|texting|calling|emailing|sending (?:them|
    these|those))(?: again)?
(?:send|text|email|call|mail) (?:(?:me|us|them|these|those|the|it|your|alerts|messages|to) ){1,4}again
(?:turn|switch|put|bring) (?:\S+ ){0,3}(?:{comm}|me|them|it|us) (?:back on|on again)
(?:turn|switch) back on (?:\S+ ){0,2}{comm}
(?:start|keep|continue|resume) (?:sending|texting|emailing|messaging|calling) (?:\S+ ){0,4}(?:again|coming)?
(?:wieder|erneut|doch wieder|nochmals|doch) (?:\S+ ){0,5}(?:anmelden|aufnehmen|eintragen|erhalten|bekommen|
    empfangen|abonnieren|angemeldet|aufgenommen|freischalten|aktivieren|hinzufügen|rein|senden|schicken|zusenden)
(?:nehmen|tragen|melden|setzen|nimm|trag) (?:\S+ ){0,3}(?:mich|uns) (?:\S+ ){0,5}(?:wieder|erneut|in (?:den|ihren|
    die|ihre)) (?:\S+ ){0,4}(?:auf|ein|an|verteiler|liste)
(?:mich|uns|nummer|adresse) (?:\S+ ){0,3}(?:in|auf) (?:\S+ )?{liste} (?:\S+ )?(?:aufnehmen|aufzunehmen|eintragen|
    setzen|hinzufügen)
""")
_IN_ALONE = rules(
    """
(?:start|subscribe|resubscribe|re subscribe|unstop|opt in|opt me in|opt me back in|start again|start texting|
    anmelden|wieder anmelden|resume|subscribe me|sign me up|sign up|in den verteiler|subscribe again|
    please subscribe)$
""",
    start=True,
)

_POLITE_FRONT = re.compile(
    r"^(?:(?:please|kindly|thanks|thank you|hi|hello|hey|dear|sir|madam|team|all|ok|okay|sorry|and|just|now|no|bitte|danke|hallo|"
    r"guys|folks|everyone|,|seriously|look|ja|nein|so|can you|could you|would you|will you|i said|for the last time|once again|again)(?: |$))+"
)
_POLITE_BACK = re.compile(
    r"(?:(?:^| )(?:please|kindly|thanks|thank you|you|very much|many|all|bitte|danke|sehr|vielen dank|now|immediately|guys|sir|asap|,|\?|"
    r"sofort|team|cheers|regards|mfg|to me|for me|ok|this|it))+$"
)


@dataclass(frozen=True, slots=True)
class Found:
    """The sentence that says so, and whether it is only perhaps, only partly, or not certainly that."""

    because: str
    doubtful: bool
    sentences: frozenset[str] = frozenset()


def opt_out(said: Sequence[Sentence]) -> Found | None:
    """That they want no more of this, or may; None where nothing says so."""
    whole = len(said) <= 3
    found: list[tuple[str, bool]] = []
    for at, one in enumerate(said):
        plain = _says(one)
        bare = _without_politeness(one.said)
        if plain is None and _ALONE.match(bare):
            # "Stop." beside other words is a word of warning as often as a wish.
            plain = whole and not any(_business(other) for other in said)
        elif plain is None and _BARE_DOUBTS.match(bare) and len(said) == 1:
            plain = False
        beside = said[at + 1].said if at + 1 < len(said) else ""
        if plain and len(beside.split()) < 12 and _PARTLY.search(beside) and not _WHOLLY.search(one.said):
            plain = False
        if plain is not None:
            found.append((one.raw, plain))
    if not found:
        return None
    certain = [raw for raw, plain in found if plain]
    return Found(certain[0] if certain else found[0][0], not certain, frozenset(raw for raw, _ in found))


def opt_in(said: Sequence[Sentence]) -> str:
    """The sentence that asks for our messages again, "" where none does."""
    for one in said:
        if _NOT_OUT.search(one.said) and not one.asks:
            continue
        if (len(said) == 1 and _IN_ALONE.match(_without_politeness(one.said))) or (
            _IN.search(one.said)
            and not re.search(r"(?<!\S)(?:not|no|never|kein|keine|nicht|nie|#q|stop|why|warum)(?!\S)", one.said)
        ):
            return one.raw
    return ""


def _says(one: Sentence) -> bool | None:
    """True where a sentence says it plainly, False where it may, None where it does not."""
    said = one.said
    plain = _PLAIN.search(said) or _DEUTSCH.search(said)
    if _NOT_OUT.search(said):
        return None
    if not plain:
        return False if _SOMETIMES.search(said) and not _business(one) else None
    if _BUSINESS_OBJECT.search(said) and not re.search(
        r"(?<!\S)(?:unsubscribe|opt out|list|verteiler|abmelden)(?!\S)", said
    ):
        return None if re.search(r"#|order|limit|auftrag|stop loss", plain[0]) else False
    around = said.replace(plain[0], " … ", 1) if len(plain[0]) > 12 else said
    if _PARTLY.search(around) or _PARTLY.search(plain[0]) or (_LESS.search(said) and not _LIST.search(plain[0])):
        return False
    return not _THIRD.search(said)


def _business(one: Sentence) -> bool:
    return bool(re.search(r"#[qx]|(?<!\S)(?:buy|sell|order|limit|position|kaufen|verkaufen|auftrag)(?!\S)", one.said))


def _without_politeness(said: str) -> str:
    return _POLITE_BACK.sub("", _POLITE_FRONT.sub("", said)) or said
