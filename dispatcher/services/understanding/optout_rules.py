"""How people say that they want no more messages, or want them again."""

from __future__ import annotations

from dispatcher.services.understanding.patterns import rules

# What says it plainly, with nothing else that it could mean.
PLAIN = rules(r"""
(?:list|distribution|mailing) (?:\S+ ){0,6}(?:take|get|remove|drop) me off (?:it|this|them)(?= |$)
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
(?:be|get|been|being) (?:removed|taken|deleted|dropped|excluded) (?:off|from|out) (?:[^\s,]+ ){0,3}{list}
(?:want|like|wish|prefer|asked|need|ask|request|requested) (?:\S+ )?(?:to be |being )(?:removed|taken off|deleted|
    unsubscribed|left off|left out|off (?:it|this|that|the|your|these))
(?:i|we) (?:want|wish|would like|need|would like to get) (?:off|out of|out) (?:of )?(?:\S+ )?{list}
(?:off|out of) (?:your|the|this) (?:\S+ )?(?:list|mailing list|distribution|distribution list|mailing)(?= (?:please|
    thanks|now)|$)
(?:remove|delete|erase|lose|forget|scrub) (?:my|our|this) (?:\S+ )?(?:number|nummer|name|email|address|phone|mobile|
    cell|details|contact|contacts|contact details|data|personal data)(?! (?:on|in) (?:the )?(?:order|trade|
    contract))
(?:stop|cease|quit|discontinue|halt|desist|refrain from|end|suspend|no more|enough|give up|pack in|pack it in|
    knock off|cut out|lay off|leave off|avoid|stop with|done with|fed up with|sick of|tired of|enough of|
    enough with) (?:(?:with|of|from|all|any|the|these|those|this|your|such|sending|me|us|my|please|further|future|
    that|constant|bloody|damn|stupid|daily|out) ){0,5}(?:texting|messaging|emailing|mailing|contacting|alerting|
    bothering|spamming|ringing|phoning|faxing|pestering|harassing|annoying|disturbing|bugging|hassling|bombarding|
    writing to (?:me|us)|calling(?! the (?:top|bottom|market))|calls?(?! (?:option|spread))(?: (?:me|us|here|
    this))?|{comm})
(?:stop|quit|cease) \S+ing (?:up )?(?:my|our) (?:\S+ )?(?:phone|inbox|mailbox|mobile|cell|fax|line)
(?:knock it off|stop it|pack it in|give it a rest|give me a rest|enough|lay off|cut it out|away|
    off) with (?:\S+ ){0,3}{comm}
(?:consider|count|regard|mark|treat|list) (?:me|us|this (?:number|address)|my \S+) (?:as )?(?:unsubscribed|opted out|
    removed|no longer (?:interested|subscribed))
(?:not interested|no interest|not relevant(?: (?:for|to) (?:me|us))?|irrelevant(?: (?:for|to) (?:me|us))?|wrong list|
    wrong department|no thanks|not for (?:me|us)|no longer relevant) (?:, )?(?:so )?(?:please |kindly )?(?:remove|
    delete|
    stop|unsubscribe|drop|discontinue)(?= please|$)
(?:spare|save) (?:me|us|yourselves|yourself) (?:\S+ ){0,2}(?:{comm}|these|this|the (?:trouble|effort|paper|postage|
    stamps))
(?:i|we) (?:want|would like) off(?= (?:please|now|this|these)|$)
(?:un ?enrol|disenrol|unenroll|disenroll|un enroll) (?:me|us|my|our|this)
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
(?:no|any|little) (?:point|sense|use|need) in (?:\S+ ){0,2}(?:getting|receiving) (?:{comm}|these|this|them|any)
(?:take|get|strike|cross|leave|keep) (?:my|our) names? (?:off|out)
count (?:me|us) out (?:from now|from here|in future|of (?:these|this list|your))
(?:let|have) (?:these|this|them|it|the \S+) (?:all )?(?:end|stop|cease)(?: here| now)?$
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
    email|details|name|names) (?:off|out|from)(?= (?:please|thanks|,|your|the|this|now|again)|$)
(?:cancel|end|terminate|kill) (?:my|our|all|these|your|the|all my|all the) (?:\S+ )?(?:alerts|messages|texts|emails|
    mailings|newsletters?|notifications|updates|sms|bulletins)(?! (?:at|on|for) #)
(?:suppress|block|blacklist|deactivate|disable|blocklist|bar|exclude) {me}(?! (?:trade|order|shares|securities))
(?:not|without) (?:being|to be|be) (?:on|in|part of|included in) (?:\S+ ){0,2}{list}
(?:no|any) (?:further |more |longer )?use for (?:\S+ ){0,3}(?:{comm}|service|this|these|them)(?! (?:shares|stock|
    position|bond))
(?:request|ask|asking|asked|want|wish|demand) (?:\S+ )?to be (?:taken off|removed|deleted|dropped|
    unsubscribed)(?= (?:please|,|now|thanks|from|off)|$)
(?:leav(?:e|ing) (?:me|us) (?:alone|in peace|be)|lose (?:my|this) number|go away|fuck off|piss off|f off|bugger off|
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
# All that is said, politeness around it taken away.
ALONE = rules(
    r"""
(?:stop|stop it|stop this|stop that|stop these|stop them|stop now|stop immediately|stop at once|stop all|
    stop all of (?:this|it|these)|stop stop|stop ok ?\\??|just stop|stop already|stop everything|enough|
    enough already|enough is enough|that is enough|no more thanks|no more of (?:this|these))$
(?:schluss|schluss damit|schluss jetzt|aufhören|sofort aufhören|es reicht|mir reicht es|reicht jetzt|hören sie auf|
    hört auf|hör auf|genug|genug davon|aus dem verteiler|verteiler raus|bitte nicht mehr|nicht mehr|
    bitte nichts mehr|nichts mehr|austreten|stopp it|stop bitte|stop (?:das|es|dies|damit|alles)|
    (?:entfernen|rausnehmen|herausnehmen|abstellen|einstellen|abschalten|abdrehen|unterlassen)|nothing (?:further|
    more))$
(?:remove|remove me|remove us|delete me|delete us|take me off|take us off|drop me|opt out|out of the list|
    off the list|revoke|revoked|do not contact|do not call|do not text|do not email|quit it|delete my number|
    remove my number|unlist me|exclude me|stop sending|no (?:more )?(?:messages|texts|sms|calls|emails|alerts|spam|
    contact))$
""",
    start=True,
)
BARE_DOUBTS = rules(
    r"""
(?:cancel|cancel (?:it|that|this)|end|quit|revoke|finish|cancelled|ende|beenden|kündigen|löschen|streichen|no more|
    (?:i |we )?(?:just )?(?:(?:want|would like) )?out|(?:i )?am out|(?:ich )?will raus|
    stop (?:#x|index))$
""",
    start=True,
)
IN = rules(r"""
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
sign up (?:\S+ ){0,4}(?:me|us|colleagues?|team)
(?:start|keep|continue|resume) (?:sending|texting|emailing|messaging|calling) (?:\S+ ){0,4}(?:again|coming)?
(?:wieder|erneut|doch wieder|nochmals|doch) (?:\S+ ){0,5}(?:anmelden|aufnehmen|eintragen|erhalten|bekommen|
    empfangen|abonnieren|angemeldet|aufgenommen|freischalten|aktivieren|hinzufügen|rein|senden|schicken|zusenden)
(?:nehmen|tragen|melden|setzen|nimm|trag) (?:\S+ ){0,3}(?:mich|uns) (?:\S+ ){0,5}(?:wieder|erneut|in (?:den|ihren|
    die|ihre)) (?:\S+ ){0,4}(?:auf|ein|an|verteiler|liste)
(?:hätte|hätten|möchte|möchten|will|wollen|würde|würden) (?:\S+ ){0,3}auch (?:die|ihre|eure) (?:\S+ )?{komm}
(?:mich|uns|nummer|adresse) (?:\S+ ){0,3}(?:in|auf) (?:\S+ )?{liste} (?:\S+ )?(?:aufnehmen|aufzunehmen|eintragen|
    setzen|hinzufügen)
""")
IN_ALONE = rules(
    r"""
(?:start|subscribe|resubscribe|re subscribe|unstop|opt in|opt me in|opt me back in|start again|start texting|
    anmelden|wieder anmelden|resume|optin|subscribe me|sign me up|sign up|in den verteiler|subscribe again|
    please subscribe)$
""",
    start=True,
)
# What people put around a wish without changing it.
_FRONT = """
please kindly thanks thank hi hello hey dear sir madam team all ok okay sorry and just now bitte danke hallo guys folks
everyone , seriously look ja nein so said again once time last can could would will you i no for the
"""
_BACK = """
please kindly thanks thank you very much many all bitte danke sehr vielen dank now immediately guys sir asap , ? sofort
team cheers regards mfg ok this it to for me
"""


def without_politeness(said: str) -> str:
    """What is left of a wish when what people put around it is taken away; all of it where nothing is."""
    words = said.split()
    while words and words[0] in _POLITE_FRONT and not (words[0] == "no" and words[1:2] != [","]):
        del words[0]
    while words and words[-1] in _POLITE_BACK:
        del words[-1]
    return " ".join(words) or said


_POLITE_FRONT, _POLITE_BACK = frozenset(_FRONT.split()), frozenset(_BACK.split())
