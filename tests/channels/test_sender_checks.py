"""Who wrote a mail: what our own receiving server found counts, what the sender wrote about itself does not."""

# ruff: noqa: E501 - a table, one case to a line

from __future__ import annotations

import pytest

from channels.inbound_headers import headers_of
from channels.sender_checks import aligned, check

OWN = "Received: by mx0001p1mdw1.sendgrid.net with SMTP id x; Fri, 20 Nov 2026 10:00:00 +0000 (UTC)"
FROM = "From: Ana <ana@simon.example>"
RESULTS = "Authentication-Results: mx0001p1mdw1.sendgrid.net; spf={} smtp.mailfrom={}; dkim={}; dmarc={}"

# spf, envelope's sender, dkim, headers → proven, forged, what is said
CASES = [
    ("pass", "ana@simon.example", "{@simon.example : pass}", (OWN, FROM), True, False, "spf=pass dkim=pass"),
    ("pass", "b+1@mail.simon.example", "none", (OWN, FROM), True, False, "spf=pass dkim=none"),
    ("softfail", "x@lists.example", "{@simon.example : pass}", (OWN, FROM), True, False, "spf=softfail dkim=pass"),
    ("none", "", "{@lists.example : pass, @simon.example : pass}", (OWN, FROM), True, False, "spf=none dkim=pass"),
    ("none", "", "{@simon.example : fail, @simon.example : pass}", (OWN, FROM), True, False, "spf=none dkim=pass"),
    ("none", "ana@simon.example", "none", (OWN, FROM), False, False, "spf=none dkim=none"),
    ("neutral", "ana@simon.example", "{@simon.example : fail}", (OWN, FROM), False, False, "spf=neutral dkim=fail"),
    ("softfail", "ana@simon.example", "none", (OWN, FROM), False, False, "spf=softfail dkim=none"),
    ("none", "", "{@simon.onmicrosoft.com : pass}", (OWN, FROM), False, False, "spf=none dkim=pass (for simon.onmicrosoft.com)"),
    ("", "", "", (FROM,), False, False, "spf=unknown dkim=none"),
    # somebody else in their name
    ("fail", "ana@simon.example", "none", (OWN, FROM), False, True, "spf=fail dkim=none"),
    ("fail", "x@evil.example", "{@evil.example : pass}", (OWN, FROM), False, True, "spf=fail dkim=pass (for evil.example)"),
    ("pass", "x@evil.example", "none", (OWN, FROM), False, True, "spf=pass (for evil.example) dkim=none"),
    ("pass", "x@evil.example", "{@evil.example : pass}", (OWN, FROM), False, True, "spf=pass (for evil.example) dkim=pass (for evil.example)"),
    ("pass", "x@simon.example.evil.example", "none", (OWN, FROM), False, True, None),
    ("pass", "x@notsimon.example", "none", (OWN, FROM), False, True, None),
    # DMARC by our own server
    ("none", "", "none", (RESULTS.format("pass", "simon.example", "none", "pass"), OWN, FROM), True, False, "spf=none dkim=none dmarc=pass"),
    ("pass", "x@evil.example", "none", (RESULTS.format("pass", "x", "none", "fail (p=REJECT sp=NONE)"), OWN, FROM), False, True,
     "spf=pass (for evil.example) dkim=none dmarc=fail (p=reject)"),
    ("none", "", "none", (RESULTS.format("none", "x", "none", "fail (p=quarantine)"), OWN, FROM), False, True, None),
    ("none", "", "none", (RESULTS.format("none", "x", "none", "fail (p=none)"), OWN, FROM), False, False, "spf=none dkim=none dmarc=fail (p=none)"),
    # what a sender writes about itself
    ("none", "", "none", (OWN, RESULTS.format("pass", "simon.example", "pass", "pass"), FROM), False, False, "spf=none dkim=none"),
    ("none", "", "none", (RESULTS.format("pass", "simon.example", "pass", "pass"), FROM), False, False, "spf=none dkim=none"),
    ("none", "", "none", (RESULTS.replace("mx0001p1mdw1.sendgrid.net", "mx.evil.example").format("pass", "x", "pass", "pass"), OWN, FROM), False, False,
     "spf=none dkim=none"),
    # two senders are none
    ("pass", "x@evil.example", "{@evil.example : pass}", (OWN, "From: x@evil.example, ana@simon.example"), False, False, None),
    ("pass", "x@evil.example", "{@evil.example : pass}", (OWN, FROM, "From: x@evil.example"), False, False, None),
]  # fmt: skip


@pytest.mark.parametrize(("spf", "envelope", "dkim", "lines", "proven", "forged", "said"), CASES)
def test_who_is_proven_who_is_forged_and_what_is_said(
    spf: str, envelope: str, dkim: str, lines: tuple[str, ...], proven: bool, forged: bool, said: str | None
) -> None:
    message = headers_of("\r\n".join(lines).encode())
    found = check(message, "ana@simon.example", spf=spf, envelope_from=envelope, dkim=dkim)
    assert (found.unverified == "", found.distrust.startswith("forged: ")) == (proven, forged)
    assert not (proven and forged)
    assert said is None or found.said == said
    assert len(found.said) <= 200


ALIGNED = [
    ("simon.example", "simon.example", True),
    ("mail.simon.example", "simon.example", True),
    ("simon.example", "desk.simon.example", True),
    ("mail.ubs.ch", "ubs.ch", True),
    ("mail.simon.co.uk", "simon.co.uk", True),
    ("evil.co.uk", "co.uk", False),
    ("co.uk", "simon.co.uk", False),
    ("onmicrosoft.com", "simon.onmicrosoft.com", False),
    ("evil.onmicrosoft.com", "simon.onmicrosoft.com", False),
    ("example", "simon.example", False),
    ("", "simon.example", False),
    ("", "", False),
    ("evilsimon.example", "simon.example", False),
]


@pytest.mark.parametrize(("proven", "claimed", "same"), ALIGNED)
def test_one_organisation(proven: str, claimed: str, same: bool) -> None:
    assert aligned(proven, claimed) == same
