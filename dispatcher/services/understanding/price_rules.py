"""How dealing desks ask for a price on which they would deal, and how for one that they only want to know."""

from __future__ import annotations

from dispatcher.services.understanding.patterns import rules

# A price is asked for a size: whoever only wants to know it names none.
PRICE = rules(r"""
(?:where|how|what) (?:(?:is|are|do|does|can|could|would|will|you|the desk|guys|we|i|now|please|me|us|your|the|best|
    firm|a|two way|2 way|on|for) ){0,5}(?:market|bid|offer|two way|2 way|price|level|quote|pay|make|show|offered|ask|
    take|sell|buy|run)s? (?:(?:in|on|for|me|us|to|out|at|a|an|the|my|around|about|up|another|each) ){0,4}{size}
(?:bids?|offers?|market|prices?|quotes?|levels?|two way) (?:is |are )?(?:wanted|sought|needed|required|please|
    requested) ?(?:(?:in|on|for|,|of) ?){0,2}(?:\S+ ){0,2}{size}
(?:bids?|offers?) (?:wanted|sought)
(?:bwic|owic|rfq)s?
(?:make|show|give|quote|send|get|have|need|want|like|looking for|after|see) (?:(?:me|us|a|an|your|the|some|one|please|
    firm|best|to|tight|good|i|we) ){0,5}(?:prices?|market|bids?|offers?|two way|2 way|quotes?|levels?) (?:(?:in|on|
    for|of|
    at|to|from|around|about|either way|,|firm|please) ){1,3}(?:\S+ )?{size}
(?:price|quote|market|two way|2 way) (?:in|on|for|me|us|up) (?:\S+ )?{size}
(?:care|able|willing|prepared|keen|can you|could you|would you|will you) (?:to )?(?:bid|offer|show|quote|price|make|pay|
    take) (?:(?:me|us|a|for|in|on|an|your|firm|best|price|bid|offer|market|two way) ){0,6}{size}
(?:wo|wie|was) (?:stellt|stellst|stellen|quotiert|quotieren|nehmt|nehmen|nimmst|zahlt|zahlen|zahlst|gebt|geben|seid|
    sind) (?:(?:ihr|sie|du|mir|uns|mich|für|in|auf|brief|geld|die|den|circa|so|bei|ab) ){1,5}{size}
(?:geld|brief|geldkurs|briefkurs|geldseite|briefseite|preis|preise|kurs|quote|indikation) (?:(?:bitte|für|in|auf|über|
    gesucht|gefragt|gewünscht|,|von|firm|fest) ){1,4}{size}
(?:stell|stelle|stellt|stellen|quotier|quotiert|quotieren) (?:(?:sie|mir|uns|bitte|mal|einen|ein|eine|festen|gern|
    gerne|firmen|kurz|ihr|preis|für|in|,|beidseitig) ){0,6}{size}
(?:geld|brief|geldkurs|briefkurs) (?:gesucht|gefragt)
""")
# No size, or a name in its place: perhaps to deal.
PERHAPS = rules(r"""
(?:show|do|deal|trade|make|bid|offer|quote|handle|good for) (?:me |us |in |any |some |decent |real |more |for )*size
(?:make|show|give|quote) (?:me|us) (?:a |an |your |the )?(?:firm |best |tight )?(?:price|market|bid|offer|two way|2 way)
(?:where|what|how) (?:is|are) (?:you|your) (?:market|bid|offer|two way|2 way|axe)
(?:are you|you|anything) (?:a |still |better )*(?:axed|axe|better (?:buyer|seller|bid|offered))
(?:stellt|stellen|quotiert|quotieren|stellst) (?:ihr|sie|du) (?:\S+ ){0,3}(?:preise?|kurse?|markt)
""")
ONLY_TO_KNOW = rules(r"""
(?:just|only|merely|nur) (?:looking|curious|curiosity|asking|checking|to know|zur info\S*|interessehalber|
    aus neugier|neugierig|mal gefragt)
(?:out of curiosity|curious|indicative|indicatively|for (?:information|info|valuation|(?:our |my )?(?:marks?|records))|
    valuation purposes|not (?:looking to )?(?:deal|dealing|trade|trading|doing anything)|indikativ\S*|
    unverbindlich\S*|informativ|interessehalber|zur bewertung|nichts zu tun|nichts machen)
""")
