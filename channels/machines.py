"""Tells by a mail's headers and structure whether a machine wrote it, and which: RFC 3834 and what products do instead.

What only words can tell is left to those who know which words are the sender's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.message import Message
from itertools import islice

from channels import returned
from channels.inbound_mail import Body, decoded
from channels.mail_headers import OWN_MARK
from channels.words import one_line
from dispatcher.model.ports import Returned

MOST_HEADERS, MOST_VALUE = 1_000, 2_000
_NOTHING = ("", "no", "none", "false", "0")


@dataclass(frozen=True, slots=True)
class Signs:
    """`machine` is one of InboundReply's kinds, decided by `because`; without it, `hint` makes one think of one."""

    machine: str = ""
    because: str = ""
    hint: str = ""
    returned: Returned | None = None


# A header and what it must hold to decide, with the kind it speaks for. The first that fits counts.
_DECIDING: tuple[tuple[str, str, str], ...] = (
    # Services that want to be sure of a person first.
    ("x-delivery-agent", "(?i)tmda", "challenge"),
    ("x-askversion", ".", "challenge"),
    ("x-boxtrapper", ".", "challenge"),
    ("x-spamarrest", ".", "challenge"),
    ("x-boxbe-notice", ".", "challenge"),
    # Lists of every make; "bulk" besides, which vacation programs write as well, decides nothing about the kind.
    ("list-id", ".", "list"),
    ("list-post", ".", "list"),
    ("x-beenthere", ".", "list"),
    ("x-mailman-version", ".", "list"),
    ("mailing-list", ".", "list"),
    ("x-mailing-list", ".", "list"),
    ("x-google-group-id", ".", "list"),
    ("x-listname", ".", "list"),
    ("x-listserv", ".", "list"),
    ("x-list-administrivia", "(?i)yes", "list"),
    ("precedence", "(?i)^list$", "list"),
)
_TICKETS = re.compile(
    r"x-(?:zendesk|servicenow|jira|atlassian|otrs|znuny|zammad|freshdesk|fd|kayako|osticket|spiceworks|topdesk|glpi|"
    r"redmine|rt|github|gitlab|hubspot|helpscout|intercom|desk|remedy|bmc|manageengine|sdp|cherwell|ivanti)(?:-.*)?|"
    r"rt-(?:ticket|originator)"
)
_TICKET_VALUES = {
    "x-mailer": re.compile(
        r"(?i)zendesk|otrs|znuny|zammad|jira|freshdesk|kayako|osticket|request tracker|servicenow|topdesk|glpi|"
        r"spiceworks|manageengine|help ?scout|redmine"
    ),
    "x-powered-by": re.compile(r"(?i)otrs|znuny|request tracker|zammad"),
    "x-managed-by": re.compile(r"(?i)^rt\b"),
}
_AUTO_NAME = re.compile(
    r"x-(?:[a-z0-9]+-)*(?:auto-?(?:reply|respon(?:d|der|se)|generated|submitted|answer)|vacation|out-?of-?office|"
    r"machine-?generated)(?:-(?:from|status|type|message|id))?"
)
_AUTO_VALUES = {
    "precedence": re.compile(r"(?i)^(?:bulk|junk|auto_reply)$"),
    "preference": re.compile(r"(?i)^auto_reply$"),
    "delivered-to": re.compile(r"(?i)^autoresponder"),
    "x-mailer": re.compile(r"(?i)vacation|auto-?respon|auto-?reply"),
    "x-post-messageclass": re.compile(r"(?i)autorespond"),
    "x-fc-machinegenerated": re.compile(r"(?i)^(?:true|yes|1)"),
    "x-ms-exchange-generated-message-source": re.compile(r"(?i)agent|rules|transport"),
    "x-loop": re.compile("."),
}
_BOUNCER = re.compile(
    r"(?i)^(?:mailer-daemon|mail-?daemon|mdaemon|mailerdaemon|mail-?delivery-?(?:sub)?system)(?:[+.-][^@]*)?@"
)
_POSTMASTER = re.compile(r"(?i)^(?:postmaster|bounces?|microsoftexchange[0-9a-f]+)(?:[+-][^@]*)?@")
_NO_PERSON = re.compile(
    r"(?i)^(?:no-?reply|do-?not-?reply|nicht-?antworten|auto-?(?:reply|responder|confirm|answer|mailer)|vacation)"
    r"(?:[+._-][^@]*)?@"
)
_RETURNED_SUBJECT = re.compile(
    r"""(?ix)^\s*(?:\[?(?:postmaster|mailer)[^\]]{0,40}\]\s*)?(?:delivery[ ]status[ ]notification|undeliver|
    mail[ ]delivery[ ](?:failed|failure|system|subsystem)|mail[ ]system[ ]error|returned[ ]mail|failure[ ]notice|
    delivery[ ](?:failure|has[ ]failed|delayed|final|notification)|message[ ]delivery|mail[ ]could[ ]not|
    warning:?[ ](?:could[ ]not|message)|nondeliverable|non-?delivery|unzustellbar|nicht[ ]zustellbar|zustellung|
    zustellfehler|non[ ]remis|could[ ]not[ ]send)"""
)


def signs(message: Message, body: Body, envelope_from: str | None, sender: str, subject: str) -> Signs:
    """What its headers and structure say of who wrote it. `envelope_from` None: not known."""
    heads = _heads(message)
    if heads.get(OWN_MARK.lower()):
        return Signs("own", OWN_MARK)
    if found := _by_structure(message, body, heads, envelope_from, sender, subject):
        return found
    for name, value in heads.items():
        if _TICKETS.fullmatch(name):
            return Signs("ticket", _told(name, message))
        if name in _TICKET_VALUES and _TICKET_VALUES[name].search(value):
            return Signs("ticket", f"{_told(name, message)}: {value[:100]}")
    for name, wanted, machine in _DECIDING:
        if name in heads and re.search(wanted, heads[name]):
            return Signs(machine, _told(name, message))
    return _by_automatic(heads, message, envelope_from, sender)


def _by_automatic(heads: Mapping[str, str], message: Message, envelope_from: str | None, sender: str) -> Signs:
    """Headers that say that it is a machine's, but not which one's."""
    submitted = heads.get("auto-submitted", "").lower()
    if (word := re.split(r"[\s;(]", submitted)[0]) not in _NOTHING:
        away = re.search(r"vacation|out.?of.?office|absence", submitted)
        return Signs("absence" if away else "other", f"Auto-Submitted: {submitted[:60] if away else word}")
    for name, value in heads.items():
        if (_AUTO_NAME.fullmatch(name) and value.lower() not in _NOTHING) or (
            name in _AUTO_VALUES and _AUTO_VALUES[name].search(value)
        ):
            away = re.search(r"vacation|out-?of-?office", name)
            told = f"{_told(name, message)}: {value.lower()[:60]}" if name in _AUTO_VALUES else _told(name, message)
            return Signs("absence" if away else "other", told)
    if _is_null(envelope_from, heads):
        return Signs("other", "null sender, as bounces have")
    if _BOUNCER.match(sender):
        return Signs("other", "written by a machine's address")
    if _NO_PERSON.match(sender) or _POSTMASTER.match(sender):
        # Dealers' gateways and order desks write so, too, what a person has said.
        return Signs(hint="written by a machine's address")
    suppress = heads.get("x-auto-response-suppress", "").lower()
    # Exchange writes it on what people send as well: it decides nothing.
    return Signs(hint="" if suppress in _NOTHING else "X-Auto-Response-Suppress")


def _by_structure(
    message: Message, body: Body, heads: Mapping[str, str], envelope_from: str | None, sender: str, subject: str
) -> Signs | None:
    kind = message.get_content_type()
    report = str(message.get_param("report-type") or "").lower()
    if kind == "application/pkcs7-mime" and "receipt" in str(message.get_param("smime-type") or "").lower():
        return Signs("receipt", "a signed receipt")
    whole = returned.whole(message, body)
    types = {part.get_content_type() for part in returned.parts(whole)}
    if report == "disposition-notification" or "message/disposition-notification" in types:
        return Signs("receipt", "a report of type disposition-notification")
    if report == "feedback-report" or "message/feedback-report" in types:
        return Signs("other", "a report of type feedback-report")
    if "text/calendar" in types and _answers_invitation(whole):
        return Signs("calendar", "a calendar's answer (METHOD:REPLY)")
    is_report = kind == "multipart/report" or "message/delivery-status" in types
    suspected = bool(
        is_report
        or heads.get("x-failed-recipients")
        or _BOUNCER.match(sender)
        or (_RETURNED_SUBJECT.match(subject) and (_is_null(envelope_from, heads) or _POSTMASTER.match(sender)))
    )
    if not suspected:
        return None
    by_server = bool(_is_null(envelope_from, heads) or _BOUNCER.match(sender) or _POSTMASTER.match(sender))
    found = replace(returned.read(whole), by_server=by_server)
    actions = returned.actions(whole)
    because = "a report of type delivery-status" if is_report else _told("x-failed-recipients", message)
    if not is_report and not heads.get("x-failed-recipients"):
        because = f"a mail server's report from {sender.partition('@')[0]}"
    if actions and actions <= {"delivered", "relayed", "expanded"}:
        return Signs("receipt", "a report that it was delivered")
    late = actions == {"delayed"} or (found.delayed and not found.failed) or _is_late(subject)
    if late and "failed" not in actions:
        return Signs("delayed", because, returned=found)
    if is_report or found.failed or _RETURNED_SUBJECT.match(subject):
        return Signs("bounce", because, returned=found)
    return None


def _is_late(subject: str) -> bool:
    return bool(re.search(r"(?i)\bdelay(?:ed)?\b|verzögert|still trying|^warning: could not send", subject))


def _answers_invitation(message: Message) -> bool:
    for part in returned.parts(message):
        if part.get_content_type() == "text/calendar":
            if str(part.get_param("method") or "").upper() == "REPLY":
                return True
            content = part.get_payload(decode=True) if len(str(part.get_payload())) < 200_000 else b""
            if isinstance(content, bytes) and re.search(r"(?im)^METHOD:REPLY\s*$", decoded(content[:5_000], "utf-8")):
                return True
    return False


def _is_null(envelope_from: str | None, heads: Mapping[str, str]) -> bool:
    if envelope_from is not None and envelope_from.strip() in ("", "<>"):
        return True
    return re.sub(r"\s", "", heads.get("return-path", "")) == "<>"


def _heads(message: Message) -> dict[str, str]:
    """The first value of each header by its name in lower case; a mail with more than MOST_HEADERS hides the rest."""
    found: dict[str, str] = {}
    for name, value in islice(message.raw_items(), MOST_HEADERS):
        found.setdefault(str(name).lower(), one_line(str(value)[:MOST_VALUE].encode("utf-8", "replace").decode()))
    return found


def _told(name: str, message: Message) -> str:
    """The header's name as it was written."""
    known = (str(one) for one, _ in islice(message.raw_items(), MOST_HEADERS))
    return next((one for one in known if one.lower() == name), name)[:80]
