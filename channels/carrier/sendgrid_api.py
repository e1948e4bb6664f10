"""SendGrid's v3 API: mail/send and scopes."""

import gzip
import os
from time import time
from typing import Any

import orjson
from aiohttp import web

from channels.carrier.core import Carrier
from channels.carrier.gate import Front
from channels.carrier.mail_life import MailLife
from channels.carrier.mail_rules import MOST_BYTES, Wrong, check
from channels.carrier.names import message_id
from channels.carrier.records import Doc, Mail

RATE_LIMIT = 600


def errors(status: int, *wrongs: Wrong, headers: dict[str, str] | None = None) -> web.Response:
    """SendGrid's `{"errors": [{message, field, help}]}`."""
    body = {"errors": [{"message": w.message, "field": w.field, "help": w.help} for w in wrongs]}
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", headers=headers)


def reply(document: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(document), content_type="application/json")


class SendGridFront(Front):
    """Who may ask, and how SendGrid refuses."""

    def __init__(self, carrier: Carrier) -> None:
        super().__init__(carrier, b"Bearer " + carrier.console.sendgrid_key.encode())

    def unauthorized(self) -> web.Response:
        return errors(401, Wrong("The provided authorization grant is invalid, expired, or revoked", None, None))

    def too_many(self) -> web.Response:
        headers = {
            "X-RateLimit-Limit": str(RATE_LIMIT),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(time()) + 1),
            "Retry-After": "1",
        }
        return errors(429, Wrong("too many requests", None, None), headers=headers)

    def broken(self) -> web.Response:
        return errors(500, Wrong("internal server error", None, None))

    async def unknown(self, request: web.Request) -> web.StreamResponse:
        if not self.known(request):
            return self.unauthorized()
        return errors(404, Wrong("not found", None, None))


class MailSend:
    """POST /v3/mail/send: one record per recipient, 202 with X-Message-Id."""

    def __init__(self, carrier: Carrier, front: SendGridFront, life: MailLife) -> None:
        self._carrier, self._front, self._life = carrier, front, life

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v3/mail/send", self.send),
            web.get("/v3/scopes", self._front.guard(lambda _: reply({"scopes": ["mail.send", "messages.read"]}))),
        ]

    async def send(self, request: web.Request) -> web.StreamResponse:
        if not self._front.known(request):
            return self._front.unauthorized()
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            raw = b" " * (MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            return errors(413, Wrong("content too large", None, None))
        if request.content_type != "application/json":
            return errors(415, Wrong("Content-Type should be application/json.", None, None))
        try:
            if request.headers.get("Content-Encoding") == "gzip" and raw[:2] == b"\x1f\x8b":
                raw = gzip.decompress(raw)
            mail = orjson.loads(raw)
        except (orjson.JSONDecodeError, OSError, EOFError):
            return errors(400, Wrong("Bad Request", None, None))
        wrongs = check(mail)
        if wrongs:
            return errors(400, *wrongs)
        return await self._front.gate.create(lambda: self._accept(mail))

    def _accept(self, mail: Doc) -> web.Response:
        ref = message_id()
        sandbox = ((mail.get("mail_settings") or {}).get("sandbox_mode") or {}).get("enable")
        if sandbox:
            return web.Response(status=200)
        mails = list(self._recipients(mail, ref))
        self._carrier.book.add_mails(ref, {"mail": mail, "at": time()}, mails)
        self._life.begin(mails)
        return web.Response(status=202, headers={"X-Message-Id": ref})

    def _recipients(self, mail: Doc, ref: str) -> list[Mail]:
        now = time()
        found: list[Mail] = []
        tail = f"recvd-7d4cfb7f9c-{os.urandom(3).hex()[:5]}-1-{int(now):X}"
        for index, group in enumerate(mail["personalizations"]):
            for role in ("to", "cc", "bcc"):
                for person in group.get(role) or ():
                    number = len(found)
                    found.append(
                        Mail(
                            id=f"{ref}.{tail}-{number:X}.0", request=ref, index=index, to=person["email"],
                            state="accepted", created=now, role=role, message_id=ref,
                            smtp_id=f"<{ref[:18]}{number:04x}@geopod-ismtpd-12>",
                        )
                    )  # fmt: skip
        return found
