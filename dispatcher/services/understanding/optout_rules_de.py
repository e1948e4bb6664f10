"""How people say in German that they want no more messages."""

from __future__ import annotations

from dispatcher.services.understanding.patterns import rules

DEUTSCH = rules(r"""
(?:^)(?:bitte )?(?:aus|von|vom) (?:\S+ )?{liste} (?:bitte )?(?:nehmen|streichen|löschen|entfernen|austragen)
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
(?:stellen|stelle|stellt) (?:\S+ ){0,4}(?:versand|zusendung|zusendungen|{komm}|belieferung|zustellung|lieferung|
    übermittlung|kontaktaufnahme) (?:\S+ ){0,5}ein
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
(?:kündige|kündigen|künde|künden|widerrufe|widerrufen|storniere|beende|beenden) (?:(?:ich|wir|hiermit|das|den|mein|
    meinen|unser|
    sie|bitte|dieses|diesen) ){0,5}(?:\S*abonnement|\S*newsletter|{komm})
(?:widerrufe|widerrufen|widerruf|zurückziehen|ziehe) (?:\S+ ){0,5}(?:einwilligung|zustimmung|einverständnis|
    erlaubnis|genehmigung zur)
(?:entziehe|entziehen|entzogen) (?:\S+ ){0,5}(?:erlaubnis|einwilligung|genehmigung|zustimmung|einverständnis)
(?:reicht|reicht s|genug|schluss|basta) (?:(?:aber|jetzt|es|langsam|endlich|nun) ){0,2}mit (?:\S+ ){0,2}{komm}
(?:einwilligung|zustimmung|einverständnis) (?:\S+ ){0,4}(?:widerrufe|widerrufen|zurück|widerruf|zurückgezogen)
(?:widerspreche|widersprechen|widerspruch) (?:\S+ ){0,7}(?:nutzung|verarbeitung|zusendung|verwendung|werbung|
    kontaktaufnahme|daten|{komm})
(?:nimm|nehmt|nehmen|streich|streicht|streichen|lass|lasst) (?:(?:sie|bitte|doch|endlich|mal|einfach) ){0,3}(?:mich|
    uns) (?:(?:da|hier|bitte|wieder|endlich|davon|aus|dem|der|diesem|dieser|ding|sache|gruppe|aussendung) ){0,4}(?:raus|
    heraus|draussen|runter)
(?:lass|lassen|lasst) (?:(?:sie|mich|uns|bitte|doch|endlich|einfach|damit|mit|ihr|euch|jetzt|diesem|diesen|den|
    \S*{komm}) ){1,6}(?:in ruhe|in frieden|zufrieden)
(?:lass|lasst|lassen) (?:\S+ ){0,5}{komm} (?:\S+ ){0,2}(?:bleiben|sein)
(?:von|mit) (?:\S+ ){0,3}{komm} (?:\S+ ){0,5}(?:abzusehen|absehen|verschonen|verschont|verschonen sie|aufzuhören|
    aufhören)
(?:verschonen|verschone|verschont) (?:\S+ ){0,3}(?:mich|uns) (?:\S+ ){0,4}(?:mit|von)
(?:sehen|sehe|bitte ich|bitten wir) (?:\S+ ){0,4}von (?:\S+ ){0,5}{komm} (?:\S+ ){0,4}(?:ab|abzusehen)
(?:löschung|entfernung|streichung|austragung|herausnahme|streichen|löschen) (?:\S+ ){0,4}(?:aus|von|
    vom) (?:\S+ ){0,3}{liste}
(?:löschung|entfernung|streichung) (?:meiner|unserer|meines|der) (?:\S+ ){0,3}(?:daten|adresse|nummer|mailadresse|
    kontaktdaten|emailadresse|eintrags)
(?:kein|keinen|keinerlei|keine) (?:weiteren? )?kontakt(?:aufnahme)?(?:e|en)?(?: (?:mehr|bitte|wünsche ich|gewünscht|
    erwünscht))+
(?:nicht mehr interessiert|kein interesse mehr|kein bedarf mehr) (?:, )?(?:\S+ ){0,4}(?:streichen|löschen|entfernen|
    abmelden|austragen|rausnehmen)
(?:verzichte|verzichten) (?:\S+ ){0,3}auf (?:\S+ ){0,3}{komm}
(?:keinen?|kein) (?:weiteren? )?(?:kontakt|interesse an|interesse mehr an|wert auf|bedarf an|bedarf mehr an|
    bedarf für) ?(?:(?:mehr|weiteren?|diesen|ihren|den|solchen|dieser|euren|derartigen) )*(?:{komm}|mehr|$)
(?:kein interesse|kein bedarf) mehr(?= (?:bitte|danke|,|an|mfg)|$)
(?:nicht|nicht mehr) (?:länger )?(?:auf|in) (?:\S+ )?{liste} (?:\S+ )?(?:stehen|sein|bleiben|geführt)
(?:raus|runter|weg) (?:(?:aus|von|vom) )(?:\S+ )?{liste}
(?:will|möchte|wollen|möchten|bitte) (?:\S+ ){0,2}(?:aus|von|vom) (?:\S+ )?{liste} (?:raus|runter|weg|heraus)
(?:nicht|nie) mehr (?:\S+ ){0,2}(?:bekommen|erhalten|kriegen|empfangen)(?= (?:bitte|danke|,)|$)
""")
