"""SendGrid's checks of a mail/send request, in the words of its error page."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from time import time
from typing import Any

from channels.carrier.names import EMAIL

Doc = dict[str, Any]
HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html"
MOST_BYTES = 30 * 1024 * 1024
_RESERVED = """
x-sg-id x-sg-eid received dkim-signature content-type content-transfer-encoding to from subject reply-to cc bcc
"""
_TOP_FIELDS = """
personalizations from reply_to reply_to_list subject content attachments template_id headers categories
custom_args send_at batch_id asm ip_pool_name mail_settings tracking_settings sections
"""
_PERSONAL_FIELDS = """
from to cc bcc subject headers substitutions dynamic_template_data custom_args send_at
"""
RESERVED = frozenset(_RESERVED.split())
_TOP = frozenset(_TOP_FIELDS.split())
_PERSONAL = frozenset(_PERSONAL_FIELDS.split())


@dataclass(frozen=True)
class Wrong:
    message: str
    field: str | None = None
    help: str | None = HELP


def check(mail: Any) -> list[Wrong]:
    """Everything wrong with a request; an empty list when it is accepted."""
    if not isinstance(mail, dict):
        return [Wrong("Bad Request", None, None)]
    return [
        *_unknown(mail, _TOP, ""),
        *_personalizations(mail),
        *_envelope(mail),
        *_content(mail),
        *_extras(mail),
    ]


def _unknown(doc: Doc, known: frozenset[str], where: str) -> Iterator[Wrong]:
    for name in doc:
        if name not in known:
            yield Wrong(f"Unknown parameter: {name}", f"{where}{name}")


def _address(value: Any, where: str) -> Iterator[Wrong]:
    if not isinstance(value, dict) or not isinstance(value.get("email"), str):
        yield Wrong("The email address object must contain an email parameter.", f"{where}.email")
    elif not EMAIL.match(value["email"]):
        yield Wrong("Does not contain a valid address.", f"{where}.email", HELP + "#message." + where)
    elif not isinstance(value.get("name", ""), str):
        yield Wrong("The name parameter must be a string.", f"{where}.name")


def _personalizations(mail: Doc) -> Iterator[Wrong]:
    groups = mail.get("personalizations")
    if not isinstance(groups, list) or not groups:
        yield Wrong(
            "The personalizations field is required and must have at least one personalization.",
            "personalizations",
            HELP + "#-Personalizations-Errors",
        )
        return
    if len(groups) > 1000:
        yield Wrong("There is a limit of 1000 personalizations per request.", "personalizations")
        return
    seen: set[str] = set()
    total = 0
    for number, group in enumerate(groups):
        where = f"personalizations.{number}"
        if not isinstance(group, dict):
            yield Wrong("Bad Request", where)
            continue
        yield from _personalization(mail, group, where)
        for field in ("to", "cc", "bcc"):
            people = group.get(field) or []
            total += len(people)
            yield from _twice(people, seen, f"{where}.{field}")
    if total > 1000:
        yield Wrong("The maximum number of recipients in a request is 1000.", "personalizations")


def _twice(people: Any, seen: set[str], where: str) -> Iterator[Wrong]:
    for person in people if isinstance(people, list) else []:
        address = str(person.get("email", "")).lower() if isinstance(person, dict) else ""
        if address in seen:
            yield Wrong(
                "Each email address in the personalization block should be unique between to, cc, and bcc. "
                f"We found the first duplicate instance of [{address}] in the {where} field.",
                where.rpartition(".")[0],
                HELP + "#message.recipient-errors",
            )
        seen.add(address)


def _personalization(mail: Doc, group: Doc, where: str) -> Iterator[Wrong]:
    yield from _unknown(group, _PERSONAL, where + ".")
    if not isinstance(group.get("to"), list) or not group["to"]:
        yield Wrong(
            "The to array is required for all personalization objects, and must have at least one email object "
            "with a valid email address.",
            f"{where}.to",
            HELP + "#message.personalizations.to",
        )
    for field in ("to", "cc", "bcc"):
        for number, person in enumerate(group.get(field) or []):
            yield from _address(person, f"{where}.{field}.{number}")
    if "from" in group:
        yield from _address(group["from"], f"{where}.from")
        if _domain(group["from"]) != _domain(mail.get("from")):
            yield Wrong("The from domain must match the domain of the message's from.", f"{where}.from")
    subject = group.get("subject")
    if not (subject or mail.get("subject") or mail.get("template_id")):
        yield _no_subject(f"{where}.subject")
    substitutions = group.get("substitutions") or {}
    if substitutions:
        yield from _substitutions(mail, substitutions, where)
    yield from _headers(group.get("headers"), where + ".")
    yield from _custom_args({**(mail.get("custom_args") or {}), **(group.get("custom_args") or {})}, where + ".")
    yield from _send_at(group.get("send_at"), where + ".")


def _no_subject(where: str) -> Wrong:
    return Wrong(
        "The subject is required. You can get around this requirement if you use a template with a subject "
        "defined or if every personalization has a subject defined.",
        where if where.startswith("subject") else "subject",
        HELP + "#message.subject",
    )


def _substitutions(mail: Doc, substitutions: Any, where: str) -> Iterator[Wrong]:
    field = f"{where}.substitutions"
    if not isinstance(substitutions, dict) or any(not isinstance(v, str) for v in substitutions.values()):
        yield Wrong("Substitutions must be an object of strings.", field)
    elif len(json.dumps(substitutions, ensure_ascii=False).encode()) > 10_000:
        yield Wrong("Substitutions are limited to 10,000 bytes per personalization.", field)
    if str(mail.get("template_id", "")).startswith("d-"):
        yield Wrong("Substitutions may not be used with dynamic templating", field)


def _domain(address: Any) -> str:
    return str(address.get("email", "")).rpartition("@")[2].lower() if isinstance(address, dict) else ""


def _envelope(mail: Doc) -> Iterator[Wrong]:
    if "from" not in mail:
        yield Wrong(
            "The from object must be provided for every email send. It is an object that requires the email "
            "parameter, but may also contain a name parameter.",
            "from.email",
            HELP + "#message.from",
        )
    else:
        yield from _address(mail["from"], "from")
    if mail.get("reply_to") is not None and mail.get("reply_to_list") is not None:
        yield Wrong("Only one of reply_to and reply_to_list may be used.", "reply_to_list")
    if mail.get("reply_to") is not None:
        yield from _address(mail["reply_to"], "reply_to")
    for number, person in enumerate(mail.get("reply_to_list") or []):
        yield from _address(person, f"reply_to_list.{number}")
    subject = mail.get("subject")
    if subject is not None and (not isinstance(subject, str) or not subject):
        yield _no_subject("subject")


def _content(mail: Doc) -> Iterator[Wrong]:
    content = mail.get("content")
    if not content:
        if not mail.get("template_id"):
            yield Wrong(
                "Unless a valid template_id is provided, the content parameter is required. There must be at "
                "least one defined content block. We typically suggest both text/plain and text/html blocks are "
                "included, but only one block is required.",
                "content",
                HELP + "#message.content",
            )
        return
    kinds: list[str] = []
    for number, part in enumerate(content if isinstance(content, list) else [None]):
        if not isinstance(part, dict) or not isinstance(part.get("type"), str) or not part["type"]:
            yield Wrong("The content type is required.", f"content.{number}.type")
            continue
        kinds.append(part["type"])
        if not isinstance(part.get("value"), str) or not part["value"]:
            yield Wrong(
                "The content value must be a string at least one character in length.",
                f"content.{number}.value",
            )
    order = {"text/plain": 0, "text/x-amp-html": 1, "text/html": 2}
    ranks = [order.get(kind, 3) for kind in kinds]
    if ranks != sorted(ranks):
        yield Wrong(
            "If present, text/plain and text/html may only be provided once, and text/plain must come first, "
            "followed by text/html, then any other content.",
            "content",
        )


def _headers(headers: Any, where: str) -> Iterator[Wrong]:
    if headers is None:
        return
    if not isinstance(headers, dict):
        yield Wrong("The headers parameter must be an object of strings.", f"{where}headers")
        return
    for name, value in headers.items():
        if name.lower() in RESERVED:
            yield Wrong(f"The following header is reserved and cannot be used: {name}", f"{where}headers.{name}")
        if not name.isascii() or any(ch in name for ch in ":\r\n "):
            yield Wrong("Headers must be defined with ASCII names.", f"{where}headers.{name}")
        if not isinstance(value, str) or "\r" in value or "\n" in value:
            yield Wrong("The header value must be a string without line breaks.", f"{where}headers.{name}")


def _custom_args(arguments: Any, where: str) -> Iterator[Wrong]:
    if any(not isinstance(value, str) for value in arguments.values()):
        yield Wrong("The custom_args values must be strings.", f"{where}custom_args")
    elif len(json.dumps(arguments, ensure_ascii=False).encode()) > 10_000:
        yield Wrong("The custom_args may not exceed 10,000 bytes.", f"{where}custom_args")


def _send_at(value: Any, where: str) -> Iterator[Wrong]:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        yield Wrong("The send_at parameter is an integer.", f"{where}send_at")
    elif value > time() + 72 * 3600:
        yield Wrong("Scheduling more than 72 hours in advance is forbidden.", f"{where}send_at")


def _extras(mail: Doc) -> Iterator[Wrong]:
    yield from _headers(mail.get("headers"), "")
    yield from _send_at(mail.get("send_at"), "")
    arguments = mail.get("custom_args")
    if arguments is not None and not isinstance(arguments, dict):
        yield Wrong("The custom_args parameter must be an object of strings.", "custom_args")
    categories = mail.get("categories") or []
    if not isinstance(categories, list) or any(not isinstance(c, str) for c in categories):
        yield Wrong("The categories parameter must be an array of strings.", "categories")
    else:
        if len(categories) > 10:
            yield Wrong("You cannot have more than 10 categories per request.", "categories")
        if len(set(categories)) != len(categories):
            yield Wrong("The categories must be unique.", "categories")
        if any(len(category) > 255 for category in categories):
            yield Wrong("A category may not exceed 255 characters.", "categories")
    asm = mail.get("asm")
    if asm is not None and not (isinstance(asm, dict) and isinstance(asm.get("group_id"), int)):
        yield Wrong("The asm.group_id is required and is an integer.", "asm.group_id")
    elif asm and len(asm.get("groups_to_display") or []) > 25:
        yield Wrong("There is a limit of 25 groups to display.", "asm.groups_to_display")
    pool = mail.get("ip_pool_name")
    if pool is not None and not (isinstance(pool, str) and 2 <= len(pool) <= 64):
        yield Wrong("The length of ip_pool_name is 2 to 64 characters.", "ip_pool_name")
    for number, file in enumerate(mail.get("attachments") or []):
        yield from _attachment(file, f"attachments.{number}")


def _attachment(file: Any, where: str) -> Iterator[Wrong]:
    for name in ("content", "filename"):
        if not isinstance(file, dict) or not isinstance(file.get(name), str) or not file[name]:
            yield Wrong(
                f"The attachment {name} is required.",
                f"{where}.{name}",
                HELP + f"#message.attachments.{name}",
            )
            return
    if any(ch in file["filename"] + str(file.get("type", "")) for ch in ";\r\n"):
        yield Wrong("The attachment name and type may not contain ; or line breaks.", f"{where}.filename")
    if len(file["content"]) % 4 or not set(file["content"][:80]) <= _BASE64:
        yield Wrong("The attachment content must be base64 encoded.", f"{where}.content")


_BASE64 = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
