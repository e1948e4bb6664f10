"""How people ask, with a question mark or without."""

from __future__ import annotations

from dispatcher.services.understanding.patterns import rules

ASKING = rules(
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
ASKING_VERB = rules(
    r"""
(?:(?:und|aber|also|ja|hallo|,|\S+ ,) )*(?:(?:haben|sind|sehen|kennen|glauben|denken|meinen|halten|bleiben|rechnen|
    erwarten|gehen|wissen|empfehlen|raten|würden|können|könnten|werden|planen|müssen|sollen|dürfen) (?:sie|wir|die|
    das|es|der|diese|ihre)|(?:hat|kann|könnte|ist|soll|sollte|wird|muss|darf|bleibt|gilt|liegt|lohnt|kommt|gab|war|
    waren|wurde) (?:der|die|das|es|sie|er|man|ich|dies|diese|dieser|sich|jemand|ihre?|denn|schon|da|mein|meine|dein|
    sein|#x|eine?))(?= \S)
""",
    start=True,
)
QUESTION = rules(r"""
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
    konkretisieren|hören was|kurze rückinfo|rückinfo|aufklärung|nachreichen|nachliefern|quelle|link|kopie|
    protokoll)(?! (?:danke|dass ich))
(?:ich|wir|mir|uns|mich) (?:\S+ ){0,4}(?:frage mich|fragen uns|interessieren|interessiert (?:ihre|was|wie|ob|warum|
    die)|nicht (?:ganz )?(?:klar|verstanden|verständlich|nachvollziehbar|verstehen)|unklar|
    verstehe (?:\S+ ){0,7}nicht|verstehen (?:\S+ ){0,7}nicht|wissen (?:ob|wie|wann|was|warum|wo))
(?:bitte|um) (?:\S+ ){0,2}(?:info|infos|auskunft|erklärung|erläuterung|rückmeldung|stellungnahme|einschätzung|
    details|aufklärung|klärung|rückinfo|antwort|feedback|kurze nachricht)
(?:unklar ist|wüsste gern|wüsste gerne|würde gerne wissen|würde mich interessieren|mich würde interessieren|
    mal fragen|wollte fragen|wollte wissen|wollte nur fragen|gibt es schon|was ist mit|wie sieht)
""")
# What is asked without wanting to know.
IDLE = rules(
    r"""
(?:how are you|how is it going|how are things|hope you are well|ok|right|really|ja|nein|wie geht (?:es )?(?:ihnen|
    dir|euch)?|alles gut|alles klar|no|yes|you know|who knows|who cares|why not|what else is new|so what|oder|gell|
    ne|geht es gut|is that ok|is that okay|ist das ok|deal|what can i say|na und|makes sense|isnt it|is it not|
    was soll s|was solls|was soll ich sagen|wer weiss|thoughts) ?\??$
""",
    start=True,
)
