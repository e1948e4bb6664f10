"""What pages say of values that are kept for programs."""

from __future__ import annotations

import json

from dispatcher.web import filters


def test_details_of_the_record_in_words() -> None:
    kept = {
        "digest": "ab" * 32, "audience": "371-" + "cd" * 32, "whole": True, "key": "", "until": None,
        "due_at": "2026-11-24 01:50:44.967253+00:00", "counts": {"sms": 3}, "to": ["a", "b"], "reason": "2026 is odd",
    }  # fmt: skip
    assert filters.details(json.dumps(kept)) == (
        "digest abababababab…, audience 371-cdcdcdcdcdcd…, whole yes, until none, due at 2026-11-24 01:50:44, "
        "counts (sms 3), to a b, reason 2026 is odd"
    )
    assert filters.details("no JSON") == "no JSON"
