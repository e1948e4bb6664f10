"""The standing words around an alert, in the language it is written in: whoever approves it reads these very words.

A version has one rendition a channel, so they cannot follow each customer's own language.
"""

from __future__ import annotations

from collections.abc import Mapping

from dispatcher.model.ports import Draft

# Text messages: only letters of GSM-7, for one other letter makes each segment less than half as long.
WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "sms stop": "STOP ends these texts",
        "sms full": "full text: {url}",
        "sms call": "Or call {phone}",
        "sms code": "Or call {phone}, code {code}",
        "sms answer": "Answer here or: {url}",
        "sms listen": "Answer, or listen ({length}): {url}",
        "answer": "Answer this alert",
        "answer or listen": "Answer or listen",
        "listen": "Listen to the recording ({length})",
        "call": "Or call {phone}: from any telephone, we know you by the code {code}",
        "attached": "Attached: {names}",
        "why mail": "{firm} sends you this because you are on its list for these alerts.",
        "change": "Change how we reach you, or stop these mails",
        "telephone": "Telephone: {phone}",
        "fax back": "write on this page and fax it back to {fax}",
        "fax call": "call {phone}",
        "fax code": "call {phone} and key the code {code}",
        "fax or": ", or ",
        "fax answer": "To answer, {ways}",
        "fax listen": "To answer, or listen to the recording ({length}): {url}",
        "fax write": "To answer in writing: {url}",
        "why fax": "You receive this because you are on {firm}'s list for these alerts.",
        "fax stop": "To stop these faxes: {ways}",
    },
    "de": {
        "sms stop": "STOP beendet diese SMS",
        "sms full": "ganzer Text: {url}",
        "sms call": "Oder Anruf: {phone}",
        "sms code": "Oder Anruf: {phone}, Code {code}",
        "sms answer": "Antwort hier oder: {url}",
        "sms listen": "Antwort oder Aufnahme ({length}): {url}",
        "answer": "Auf diese Meldung antworten",
        "answer or listen": "Antworten oder anhören",
        "listen": "Die Aufnahme anhören ({length})",
        "call": "Oder rufen Sie an, {phone}: Von jedem Telefon aus kennen wir Sie am Code {code}",
        "attached": "Anlagen: {names}",
        "why mail": "{firm} sendet Ihnen das, weil Sie auf der Liste für diese Meldungen stehen.",
        "change": "Ändern, wie wir Sie erreichen, oder diese E-Mails beenden",
        "telephone": "Telefon: {phone}",
        "fax back": "schreiben Sie auf diese Seite und faxen Sie sie an {fax}",
        "fax call": "rufen Sie {phone} an",
        "fax code": "rufen Sie {phone} an und tippen Sie den Code {code}",
        "fax or": ", oder ",
        "fax answer": "Zum Antworten {ways}",
        "fax listen": "Zum Antworten oder Anhören der Aufnahme ({length}): {url}",
        "fax write": "Zum schriftlichen Antworten: {url}",
        "why fax": "Sie erhalten das, weil Sie bei {firm} auf der Liste für diese Meldungen stehen.",
        "fax stop": "Um diese Faxe zu beenden: {ways}",
    },
}


def say(draft: Draft, name: str, **blanks: str) -> str:
    """One of them, its blanks filled in; English where the alert's language has none."""
    return WORDS[language(draft)][name].format(**blanks)


def language(draft: Draft) -> str:
    """The language that they are in."""
    return draft.language if draft.language in WORDS else "en"
