"""What the kinds of answers are called wherever people read it: on pages, in reports, in letters."""

from __future__ import annotations

# As a title, and as what a doubt is about: "It may be …".
_WORDS = {
    "order": ("Order request", "an order"),
    "question": ("Question", "a question"),
    "call": ("Wants a call", "a wish to be called"),
    "complaint": ("Complaint", "a complaint"),
    "other": ("Other", "something else"),
    "opt-out": ("Wants no more of this", "an opt-out"),
    "opt-in": ("Wants this again", "a wish to get this again"),
    "wrong-person": ("Wrong person", "a wrong person"),
    "out-of-office": ("Out of office", "an absence note"),
    "automatic": ("A machine's answer", "a machine's answer"),
    "alert": ("Alert", "an alert"),
}
KINDS = {kind: title for kind, (title, _) in _WORDS.items()}
DOUBTS = {kind: noun for kind, (_, noun) in _WORDS.items()}
