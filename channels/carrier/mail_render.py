"""One recipient's mail out of a request for many: merged, substituted, as it lies in the mailbox."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from email.utils import format_datetime, formataddr
from typing import Any

from channels.carrier.names import rfc3339
from channels.carrier.records import Doc, Mail


def personalization(request: Doc, it: Mail) -> Doc:
    group: Doc = request["mail"]["personalizations"][it.index]
    return group


def custom_args(request: Doc, it: Mail) -> dict[str, str]:
    """Both levels, the personalization's winning."""
    return {
        **(request["mail"].get("custom_args") or {}),
        **(personalization(request, it).get("custom_args") or {}),
    }


def address(person: Doc | None) -> str:
    """`Name <a@b>` or the bare address."""
    if not person:
        return ""
    return (
        formataddr((person.get("name") or "", person["email"]), charset="utf-8")
        if person.get("name")
        else str(person["email"])
    )


def substitute(text: str, table: dict[str, str]) -> str:
    """All tags in one pass: what a value brings is not looked at again."""
    if not table:
        return text
    tags = re.compile("|".join(re.escape(tag) for tag in sorted(table, key=len, reverse=True)))
    return tags.sub(lambda found: table[found[0]], text)


def reply_to(request: Doc, it: Mail) -> str:
    mail, table = request["mail"], personalization(request, it).get("substitutions") or {}
    people = mail.get("reply_to_list") or ([mail["reply_to"]] if mail.get("reply_to") else [])
    return ", ".join(substitute(address(person), table) for person in people)


def subject(request: Doc, it: Mail) -> str:
    mail, group = request["mail"], personalization(request, it)
    return substitute(group.get("subject") or mail.get("subject") or "", group.get("substitutions") or {})


def sender(request: Doc, it: Mail) -> Doc:
    found: Doc = personalization(request, it).get("from") or request["mail"]["from"]
    return found


def headers(request: Doc, it: Mail) -> list[list[str]]:
    """As the recipient's server gets them. A Message-ID of ours is replaced, as the vendor is known to do."""
    mail, group = request["mail"], personalization(request, it)
    own = {**(mail.get("headers") or {}), **(group.get("headers") or {})}
    lines = [
        ["From", address(sender(request, it))],
        ["To", ", ".join(address(person) for person in group.get("to", []))],
    ]
    if group.get("cc"):
        lines.append(["Cc", ", ".join(address(person) for person in group["cc"])])
    lines += [
        ["Subject", subject(request, it)],
        ["Date", format_datetime(datetime.fromtimestamp(int(it.created), UTC))],
    ]
    if answer := reply_to(request, it):
        lines.append(["Reply-To", answer])
    lines.append(["Message-ID", it.smtp_id])
    lines += [[name, value] for name, value in own.items() if name.lower() != "message-id"]
    return lines


def parts(request: Doc, it: Mail) -> dict[str, str]:
    """The contents by MIME type."""
    table = personalization(request, it).get("substitutions") or {}
    return {part["type"]: substitute(part["value"], table) for part in request["mail"].get("content") or []}


def attachments(request: Doc, request_id: str) -> list[Doc]:
    """Name, type, size, hash and where to fetch each."""
    found = []
    for number, file in enumerate(request["mail"].get("attachments") or []):
        content = base64.b64decode(file["content"])
        found.append(
            {
                "filename": file["filename"],
                "type": file.get("type", "application/octet-stream"),
                "disposition": file.get("disposition", "attachment"),
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "url": f"/carrier/api/requests/{request_id}/attachments/{number}",
            }
        )
    return found


def entry(request: Doc, it: Mail) -> Doc:
    """The ledger's view of one mail."""
    content = parts(request, it)
    group = personalization(request, it)
    answer: dict[str, Any] = {
        "id": it.id, "channel": "email", "to": it.to, "from": sender(request, it)["email"],
        "from_header": address(sender(request, it)), "role": it.role,
        "reply_to": reply_to(request, it) or None, "subject": subject(request, it),
        "text": content.get("text/plain"), "html": content.get("text/html"),
        "headers": headers(request, it), "attachments": attachments(request, it.request),
        "custom_args": custom_args(request, it), "categories": request["mail"].get("categories") or [],
        "provider_ref": it.message_id, "accepted_at": rfc3339(it.created),
        "reached": it.reached is not None, "reached_at": rfc3339(it.reached), "state": it.state,
        "error": it.error, "request_id": it.request, "raw_request": group,
    }  # fmt: skip
    return answer
