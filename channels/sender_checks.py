"""What is known of who wrote a mail: SPF, DKIM and DMARC as our own receiving server found them, and no word of others.

A domain vouches for a mail where a check passed for it, or for one of the same organisation (DMARC's relaxed
alignment). Without a list of public suffixes an organisation's domain is taken to be one of the two, the other below
it, and what is known to be handed out to strangers is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message

from channels.inbound_headers import addresses, header, raw_headers
from channels.words import one_line

_PASSED = re.compile(r"@([\w.-]+)\s*:\s*(\w+)")  # the vendor's "{@example.org : pass}", which is no JSON
_METHOD = re.compile(r"(?i)(?:^|[;\s])(spf|dkim|dmarc)\s*=\s*(\w+)([^;]*)")
_PROPERTY = re.compile(r"(?i)\b(header\.d|header\.from|smtp\.mailfrom|policy\.dmarc|p)\s*=\s*@?([\w.@+-]+)")
_BY = re.compile(r"(?i)\bby\s+([\w.-]+)")
# Below a country, what firms get their names under; and where strangers get names beside each other.
_SECOND_LEVEL = re.compile(
    r"(co|com|org|net|ac|gov|edu|ne|or|go|ltd|plc|me|nom|gob|gouv|mil|sch|asn|info|biz|gv|nhs|id|ind|firm|gen)\.[a-z]{2}"
)
_LENT_OUT = re.compile(
    r"(onmicrosoft|herokuapp|blogspot|wordpress|cloudfront|amazonaws|googleapis|appspot|gappssmtp)\.com|github\.io|"
    r"azurewebsites\.net|pages\.dev|netlify\.app|vercel\.app|duckdns\.org"
)
STRICT = ("reject", "quarantine")


@dataclass(frozen=True, slots=True)
class Checked:
    """`unverified` and `distrust` are as in InboundReply, `said` is its `sender_check`; each may be ""."""

    unverified: str = ""
    distrust: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class _Results:
    spf: str = ""
    spf_domain: str = ""
    dkim: tuple[tuple[str, str], ...] = ()  # domain, result
    dmarc: str = ""
    policy: str = ""


def check(message: Message, sender: str, *, spf: str, envelope_from: str | None, dkim: str) -> Checked:
    """What the vendor's own fields and its server's headers say of this sender."""
    found = _results(message, spf, envelope_from, dkim)
    domain = sender.rpartition("@")[2]
    said = _said(found, domain)
    several = len({one for text in raw_headers(message, "From") for one in addresses(text)})
    if several > 1:
        return Checked(f"it names {several} senders", "", said)
    signed = any(result == "pass" and aligned(by, domain) for by, result in found.dkim)
    if found.dmarc == "fail" and found.policy in STRICT:
        return Checked(_why(found), f"forged: {domain} asks to {found.policy} mail like this", said)
    if signed or found.dmarc == "pass" or (found.spf == "pass" and aligned(found.spf_domain, domain)):
        return Checked(said=said)
    if found.spf == "fail":
        return Checked(_why(found), f"forged: {found.spf_domain or domain} does not send from there", said)
    if found.spf == "pass" and found.spf_domain:
        return Checked(_why(found), f"forged: {found.spf_domain} has sent it, and nothing of {domain}", said)
    return Checked(_why(found), "", said)


def _results(message: Message, spf: str, envelope_from: str | None, dkim: str) -> _Results:
    dmarc, policy = _dmarc(message)
    return _Results(
        spf=one_line(spf).lower()[:20],
        spf_domain=(envelope_from or "").rpartition("@")[2].strip("<> ").lower(),
        dkim=tuple((one[1].lower(), one[2].lower()) for one in _PASSED.finditer(dkim)),
        dmarc=dmarc,
        policy=policy,
    )


def _dmarc(message: Message) -> tuple[str, str]:
    """Result and policy, where our own receiving server wrote them; "" where it did not.

    Whoever receives a mail puts its headers on top, Received first of all. What stands below the topmost Received may
    be the sender's own invention, whatever server it names.
    """
    above: list[str] = []
    for name, value in message.raw_items():
        if name.lower() == "received":
            break
        if name.lower() == "authentication-results":
            above.append(one_line(str(value)))
    else:
        return "", ""  # no server of ours is to be seen
    by = _BY.search(header(message, "Received"))
    for text in above:
        server = text.partition(";")[0].split()[0].lower() if text.partition(";")[0].split() else ""
        if by is None or not aligned(server, by[1].lower()):
            continue
        for method in _METHOD.finditer(text):
            if method[1].lower() == "dmarc":
                named = {one[1].lower(): one[2].lower() for one in _PROPERTY.finditer(method[3])}
                return method[2].lower(), named.get("p", named.get("policy.dmarc", ""))
    return "", ""


def aligned(proven: str, claimed: str) -> bool:
    """Whether one domain is the other or below it, and the upper one a firm's rather than a public suffix."""
    if proven == claimed:
        return "." in proven
    upper, lower = sorted((proven, claimed), key=len)
    return lower.endswith("." + upper) and not _is_suffix(upper)


def _is_suffix(domain: str) -> bool:
    return "." not in domain or bool(_SECOND_LEVEL.fullmatch(domain) or _LENT_OUT.fullmatch(domain))


def _why(found: _Results) -> str:
    return f"SPF {found.spf or 'unknown'}, DKIM {_signatures(found.dkim)}"[:200]


def _signatures(dkim: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{result} for {by}" for by, result in dkim) or "none"


def _said(found: _Results, domain: str) -> str:
    """In the words of those who know them, e.g. "spf=pass dkim=pass dmarc=fail (p=reject)"."""
    best = max(found.dkim, key=lambda one: (one[1] == "pass") + (one[1] == "pass" and aligned(one[0], domain)),
               default=("", "none"))  # fmt: skip
    dkim = best[1] + ("" if not best[0] or aligned(best[0], domain) else f" (for {best[0]})")
    spf = (found.spf or "unknown") + (
        f" (for {found.spf_domain})" if found.spf == "pass" and not aligned(found.spf_domain, domain) else ""
    )
    dmarc = f" dmarc={found.dmarc}" + (f" (p={found.policy})" if found.policy else "") if found.dmarc else ""
    return f"spf={spf} dkim={dkim}{dmarc}"[:200]
