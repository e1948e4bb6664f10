"""How orders are given in German."""

from __future__ import annotations

from dispatcher.services.understanding.patterns import rules

GEBUCHT = rules(r"""
(?:beende|beenden|stoppe|stoppen|kündige|kündigen|setze|setzen|pausiere|pausieren) (?:\S+ ){0,4}(?:sparplan|
    dauerauftrag|fondssparplan|auszahlplan|entnahmeplan|algo)
(?:sparplan|dauerauftrag|auszahlplan) (?:\S+ ){0,4}(?:beenden|stoppen|kündigen|aussetzen|pausieren|löschen|
    einstellen|ändern|erhöhen|senken)
{auftrag} (?:(?!(?:wurde|wird|ist|war)(?!\S))\S+ ){0,6}{buchen}
{auftrag} (?:\S+ ){0,3}(?:auf|bei|mit limit|limit) #
(?:streiche|storniere|lösche|setze|setzt|ändere|erhöhe|senke|reduziere|ziehe|ziehen|platziere|gib|geben|gebe|nehme|
    nehmen|nimm|stelle|stellen|lege|legen|führe|führen|cancel|streich|stornier|canceln|annulliere|verlängere|
    erteile|lass|lassen|passen|passe|erhöhen|setzen|streichen|stornieren|löschen|ändern|senken|reduzieren|
    platzieren|verlängern|canceln|zieh|führt|führe|ziehe) (?:(?!{liste}(?!\S)|
    {komm}(?!\S))\S+ ){0,5}{auftrag}(?! (?:verteiler|liste))
(?:orderauftrag|auftragserteilung|order|kauforder|verkaufsorder|auftrag|kaufauftrag|verkaufsauftrag|
    zeichnungsauftrag) , 
(?:anbei|hier|hiermit) (?:\S+ ){0,3}{auftrag}
""")
GEHANDELT = rules(r"""
(?:möchte|möchten|will|wollen|würde|würden|würd|wünsche|werde|werden|hätte|hätten|muss|müssen|mag|plane|planen|
    beabsichtige|beabsichtigen|überlege|gedenke|wöllte|täte|mechte|bitte|bitten|beauftrage|erteile|gerne|gern|
    lieber|jetzt|sofort|dann|alles|auf jeden fall|tendiere dazu|dafür) (?!(?:sie|du|ihr) (?:\S+ )*(?:\?|
    $)(?:kaufen))(?:(?!(?:haben|hat|wurde|nicht)(?!\S))\S+ ){0,12}?(?:{handeln}|short gehen|long gehen|zugreifen|
    zuschlagen)(?! oder)
(?:können|könnten|könnt|könntest|kannst|würden|mögen) (?:sie|ihr|du) (?:(?:mir|uns|bitte|für mich|für uns|noch|
    heute|doch|vielleicht|mal|gleich|sofort|kurz) ){0,4}(?:(?!mir (?:sagen|erklären))\S+ ){0,10}?{handeln}
(?:kaufe|kauf|kauft|verkaufe|verkauf|verkauft|zeichne|zeichnet|ordere|ordre|nehme|nehm|nehmen(?! sie)|verkaufts|
    kaufs|decke|löse|stelle|schliesse|schliess|schließt|reduziere|erhöhe|erwerbe|shorte|hedge|tausche|rolle|gebe|
    geben|brauche|brauchen|suche|suchen|bestelle|handle|halbiere|verdopple|kaufen|verkaufen|zeichnen|erwerben|
    reduzieren|schliessen|tauschen|halbieren|liquidiere|stocke|stocken|baue|bauen|steige|steigen) (?:(?:ich|wir|sie|
    bitte|mir|uns|für|mich|mal|doch|dann|jetzt|gerne|noch|sofort|heute|zusätzlich|nochmal|nochmals|weitere|bis zu|
    ca|circa|etwa|rund|den|die|das|meine|unsere|mein|unser|unseren|meinen|davon|von|der|ganzen?|komplette|gesamte|
    auf|aus|in|kunde|depot|dem|seinem|ihrem|unserem|meinem|zu|markt|billigst|bestens|\S+,) ){0,7}(?:{menge}|{titel}|
    #n)
(?:kaufe|kaufen|verkaufe|verkaufen|zeichne|zeichnen) (?:wir|sie|ich)(?: (?:bitte|dann|jetzt|gerne|heute|sofort|auch|
    das|die|sie|mit))*(?= (?:bitte|,|danke)|$)(?! \?)
(?:hätte|hätten|haben|habe|hab|besteht|bekunde|bekunden|melde|melden|kunde hat|grosses|starkes|gewisses|
    mit) (?:\S+ ){0,5}interesse(?! (?:an (?:ihrer|einem|einer|der|dem) (?:\S+ )?(?:gespräch|einschätzung|meinung|
    studie|telefonat|termin|treffen|research|analyse|veranstaltung|konferenz))|mehr)
interesse (?:an|für|am|bis|bei|von|in|über|zu|mit|weiter) (?!(?:ihrer|einem|einer|der|dem) (?:\S+ )?(?:gespräch|
    einschätzung|meinung|studie|telefonat|termin|treffen|research|analyse|veranstaltung|konferenz|
    call))(?:\S+ ){0,4}(?:#q|#n|{titel}|mehr|limit|kauf|verkauf|zukauf|beteiligung)
(?:sind|bin|wäre|wären|kunde ist) (?:\S+ ){0,4}(?:interessiert|dabei|käufer|verkäufer|abgeber|
    abnehmer)(?! (?:zu (?:hören|erfahren|wissen)|wie|was|ob|warum))
(?:interesse|interessiert)$
(?:zeichnung|zeichnungswunsch|zeichne|kauf|verkauf|kauforder|verkaufsorder|erwerb|kaufauftrag|verkaufsauftrag|kfn|
    order|orders) (?:(?:über|von|für|,|bitte|mit|in|an|der|des|die|den|neue|neuen|\S+) ){0,4}(?:#q|#n stück)
(?:bitte|gerne|dann|ja|noch|für mich|für uns|nehme|nehmen|hätte|hätten|brauche|brauchen|
    für) (?:\S+ ){0,3}#q(?! (?:gelesen|mal|jahre|leute))
(?:^|(?<=, )|(?<=und )|(?<=dann )|(?<=bitte )|(?<=also )|(?<=ja ))(?:kauf|verkauf|halbier|reduzier|liquidier|nimm|
    nehmt|leg|legt|gib|gebt|stell|zeichn|order|tausch|schmeiss|wirf|hol|holt|besorg|räum|löse|deck|roll|verdoppel|
    verklein|schliess|mach|macht|machen sie|hau|stoss|bau|nehm)(?:e|en|t|st|s)? (?:(?!(?:verteiler|liste|nummer|
    adresse|system|newsletter)(?!\S))\S+ ){0,5}?(?:#q|#n stücke?|position|{titel}|hälfte|alles|depot|
    meinen? (?:bestand|anteil\S*|kompletten\S*|ganzen\S*))(?! (?:verteiler|liste|system))
(?:können|könnten|kann|könnte|dürfen) (?:wir|ich) (?:\S+ ){0,6}#q (?:\S+ ){0,4}(?:bekommen|haben|kriegen|kaufen|
    verkaufen|zeichnen|abgeben)
(?:trenne|trennen|trennt) (?:(?:sie|wir|ich|uns|mich|sich|bitte|dann|jetzt) ){1,4}von
(?:mach|machen|macht) (?:sie |wir |bitte )*#q (?:\S+ )?(?:draus|daraus)
(?:weg damit|alles weg|alle weg|weg mit|alles raus|komplett raus|alles verkaufen|raus bei|raus aus|
    raus mit)(?! (?:verteiler|liste|\S+ verteiler|\S+ liste))
(?:(?:komplett |sofort |alles |bitte |jetzt |nichts wie )*raus aus (?:\S+ )?(?:allem|allen|#x|varta|\w+ag|
    der position|dem titel|dem wert|der aktie|meinen|den aktien|diesem|dieser|\S+position)|raus|rein|komplett raus|
    alles raus|nichts wie raus|weg damit|weg mit|raus damit|raus mit)(?: (?:aus|in|mit|bei|bitte|#x|den|der|dem|
    meinen?|allen?|\S+position|jetzt|zum|markt|komplett|sofort|damit))*$
(?:führen|führe|machen|mach|machs|macht|setzen|setze) (?:sie )?(?:\S+ ){0,5}(?:aus|so|um|durch)(?= (?:bitte|danke|,)|$)
#q (?:\S+ ){0,5}(?:bitte )?(?:kaufen|verkaufen|zeichnen|nehmen|ordern|kauf|verkauf|rein|raus|loswerden|abgeben|
    umschichten)(?! \?)
raus aus (?:\S+ ){0,2}(?:allem|allen|#x|position|titel|wert|aktien?|varta|diesem|dieser|\S+position|
    meinen \S+)(?! (?:der krise|dem tal))
(?:sichern|sichere|stocken|stocke|bauen|baue|decken|decke|lösen|löse|stellen|stelle|steigen|steige|schichten|
    schichte|stossen|stosse|kaufen|kaufe) (?:(?!(?:nicht|die frage|sich|beschwerde|versand|zusendung|zustellung|
    dienst|service|lieferung|belieferung|
    antrag)(?!\S))[^\s,]+ ){0,8}?(?:ab|auf|ein|aus|glatt|um|zu|nach|dazu|zurück)(?= (?:bitte|,|danke|und|mit|bei|zu|
    zum|bis|limit)|$)
(?:sl|stop) (?:nachziehen|ziehen|setzen|auf)
(?:gewinne?|gewinn) (?:\S+ ){0,2}(?:mitnehmen|realisieren|sichern)
""")
INFINITIVE = rules(
    r"""
(?:(?!(?:sie|wir|ich|man|nicht|soll|sollen|sollte|würden|oder|warum|wann|wie|viele|andere|anleger|insider|fonds|
    institutionelle|leute|banken|einige|investoren|grossanleger|analysten|um|zu|haben|hat|leerverkäufer|
    hedgefonds)(?!\S))[^\s,]+ ){1,7}(?:kaufen|verkaufen|zeichnen|glattstellen|abstossen|nachkaufen|zukaufen|
    auflösen|liquidieren|eindecken|umschichten|aufstocken|tauschen|mitnehmen|reduzieren|schliessen)(?= (?:,|bitte|
    danke|limit|bestens|billigst|zu|zum|bei|bis|mit|und)|$)
""",
    start=True,
)

# What an infinitive alone must have beside it to be an order: "Puts verkaufen, 20 Kontrakte".
OBJEKT = rules(r"(?:#q|#x|puts|calls|alle|alles|hälfte|position|rest|aktien|bestand|anleihe|kontrakte|{menge})")
