"""What our telephone lines say in German."""

SAID = {
    "welcome": "Willkommen bei {firm}.",
    "last alert": "Hier ist Ihre letzte Nachricht.",
    "no alert": "Für Sie liegt keine aktuelle Nachricht vor.",
    "speak": "Um jetzt mit {rep} zu sprechen, drücken Sie die 1.",
    "call back": "Um von {rep} angerufen zu werden, drücken Sie die 1.",
    "leave": "Um eine Antwort zu hinterlassen, drücken Sie die 2.",
    "hear again": "Um dies noch einmal zu hören, drücken Sie die 3.",
    "no more": "Um keine Anrufe mehr zu bekommen, drücken Sie die 9.",
    "nothing heard": "Wir haben keine Taste empfangen.",
    "wrong key": "Diese Taste ist hier nicht belegt.",
    "connecting": "Vielen Dank. Wir verbinden Sie mit {rep}. Bitte bleiben Sie am Apparat.",
    "will call": "Vielen Dank. {rep} ist gebeten, Sie anzurufen.",
    "not reached": "{rep} ist im Moment nicht zu erreichen und ist gebeten, Sie zurückzurufen.",
    "leave too": "Um außerdem eine Antwort zu hinterlassen, drücken Sie die 2.",
    "record": "Ihre Antwort wird aufgezeichnet. Bitte sprechen Sie nach dem Ton, "
    "und drücken Sie am Ende eine beliebige Taste.",
    "recorded": "Vielen Dank. Ihre Antwort geht jetzt an {rep}.",
    "silence": "Wir haben nichts gehört.",
    "once more": "Noch einmal.",
    "enough": "Sie haben dies {times} Mal gehört.",
    "stopped": "Verstanden. Wir rufen diese Nummer nicht mehr an.",
    "how to answer": "Um zu antworten, rufen Sie uns bitte an unter {line}.",
    "answer by rep": "Um zu antworten, rufen Sie bitte {rep} an.",
    "not valid": "Hier gibt es nichts mehr zu hören. Wenn Sie eine Frage haben, rufen Sie bitte Ihre Betreuung an.",
    "unknown caller": "Willkommen bei {firm}. Wir kennen die Nummer nicht, von der Sie anrufen. "
    "Bitte rufen Sie Ihre Betreuung an.",
    "goodbye": "Auf Wiederhören.",
}
