"""Which rules apply to a submission, in which order. Every wrong field is reported at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from approvals import rules
from approvals.rules import Submission
from dispatcher.model.errors import Refused


def wrong_fields(
    form: Submission, *, known_lists: Iterable[str], now: datetime, draft: bool, has_recording: bool
) -> dict[str, str]:
    """What is wrong by field; empty when the submission keeps every rule. A draft may be incomplete."""
    found = [
        rules.subject_fits(form),
        rules.text_fits(form),
        rules.topic_fits(form),
        rules.urgency_is_known(form),
        rules.times_fit(form, now),
        rules.recording_is_sound(form),
        rules.attachments_fit(form),
        rules.lists_exist(form, known_lists),
    ]
    if not draft:
        # A draft keeps what came, as it came: its author mends it.
        found.append(rules.words_are_as_written(form))
        found.append(rules.complete(form, has_recording or form.recording is not None))
    merged: dict[str, str] = {}
    for wrong in found:
        for name, text in wrong.items():
            merged.setdefault(name, text)
    return merged


def require(
    form: Submission, *, known_lists: Iterable[str], now: datetime, draft: bool, has_recording: bool = False
) -> None:
    """Raise Refused with every wrong field unless the submission keeps every rule."""
    wrong = wrong_fields(form, known_lists=known_lists, now=now, draft=draft, has_recording=has_recording)
    if wrong:
        raise Refused(wrong)
