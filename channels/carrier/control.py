"""The carrier's own JSON API: the ledger, and people who write, text and misbehave."""

import base64
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

import orjson
from aiohttp import web

from channels.carrier import mail_render
from channels.carrier.core import Carrier
from channels.carrier.faults import from_json
from channels.carrier.inbound_mail import InboundParse, Posted, compose
from channels.carrier.mail_life import MailLife
from channels.carrier.names import E164, seconds
from channels.carrier.records import Call, Doc, Fax, InboundMail, Mail, Message
from channels.carrier.sms_life import SmsLife

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def reply(document: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(document), content_type="application/json")


def refuse(text: str, status: int = 400) -> web.Response:
    return reply({"error": text}, status)


async def read_json(request: web.Request) -> Doc:
    """The body as an object; a 400 answer otherwise, 403 when another site's page sent it."""
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        raise web.HTTPForbidden(body=b'{"error": "not from another site"}', content_type="application/json")
    try:
        document = orjson.loads(await request.read() or b"{}")
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise web.HTTPBadRequest(body=b'{"error": "the body must be a JSON object"}', content_type="application/json")
    return document


class Control:
    def __init__(self, carrier: Carrier, sms: SmsLife, mail: MailLife, inbound: InboundParse) -> None:
        self._carrier, self._sms, self._mail, self._inbound = carrier, sms, mail, inbound

    def routes(self) -> list[web.RouteDef]:
        api = "/carrier/api"
        return [
            web.get(f"{api}/ledger", self.ledger),
            web.delete(f"{api}/ledger", self.empty),
            web.get(f"{api}/ledger/summary", self.summary),
            web.get(f"{api}/requests/{{id}}", self.request),
            web.get(f"{api}/requests/{{id}}/attachments/{{number}}", self.attachment),
            web.post(f"{api}/sms", self.text),
            web.post(f"{api}/mail", self.write),
            web.get(f"{api}/mail", self.written),
            web.post(f"{api}/mail/{{id}}/events", self.mail_event),
            web.get(f"{api}/behaviour", self.behaviours),
            web.post(f"{api}/behaviour", self.behave),
            web.delete(f"{api}/behaviour", self.forget_behaviours),
            web.get(f"{api}/faults", self.faults),
            web.post(f"{api}/faults", self.order),
            web.delete(f"{api}/faults", self.good_day),
            web.get(f"{api}/alerts", self.alerts),
            web.get("/healthz", self.health),
        ]

    def entries(self, channel: str = "", to: str = "", since: float = 0) -> Iterator[Doc]:
        """The ledger: what was accepted, in order within a channel."""
        book = self._carrier.book
        if channel in ("", "sms"):
            for it in book.messages_of.get(to, []) if to else book.messages.values():
                if it.direction == "outbound-api" and it.created > since and (not to or it.to == to):
                    yield it.entry()
        if channel in ("", "email"):
            for mail in book.mails_of.get(to.lower(), []) if to else book.mails.values():
                request = book.requests.get(mail.request)
                if mail.created > since and request is not None:
                    yield mail_render.entry(request, mail)
        if channel in ("", "fax"):
            for fax in book.faxes_of.get(to, []) if to else book.faxes.values():
                if fax.direction == "outbound" and fax.created > since and (not to or fax.to == to):
                    yield fax.entry()
        if channel in ("", "voice"):
            for call in book.calls_of.get(to, []) if to else book.calls.values():
                if call.direction == "outbound-api" and call.created > since and (not to or call.to == to):
                    yield call.entry()

    async def ledger(self, request: web.Request) -> web.Response:
        query = request.query
        try:
            since = seconds(query["since"]) if query.get("since") else 0.0
        except ValueError:
            return refuse("since is epoch seconds or an RFC 3339 time")
        found = list(self.entries(query.get("channel", ""), query.get("to", ""), since))
        found.sort(key=lambda entry: entry["accepted_at"])
        if query.get("limit", "").isdigit():
            found = found[-int(query["limit"]) :]
        return reply({"entries": found})

    async def empty(self, request: web.Request) -> web.Response:
        self._carrier.book.clear()
        return web.Response(status=204)

    async def summary(self, request: web.Request) -> web.Response:
        """Counts without rendering anything, for large ledgers. Dial legs are not API acceptances."""
        book = self._carrier.book
        texts = [it for it in book.messages.values() if it.direction == "outbound-api"]
        calls = [it for it in book.calls.values() if it.direction == "outbound-api"]
        mails = list(book.mails.values())
        faxes = [it for it in book.faxes.values() if it.direction == "outbound"]
        reach: dict[str, Sequence[Message | Mail | Call | Fax]] = {
            "sms": texts, "email": mails, "voice": calls, "fax": faxes,
        }  # fmt: skip
        pairs: Counter[tuple[str, str]] = Counter()
        for channel, records in reach.items():
            pairs.update((channel, it.to.lower()) for it in records)
        times = [it.created for records in reach.values() for it in records]
        return reply(
            {
                "channels": {
                    channel: {
                        "accepted": len(records),
                        "reached": sum(it.reached is not None for it in records),
                    }
                    for channel, records in reach.items()
                },
                "total": len(times),
                "first_accepted_at": min(times, default=None),
                "last_accepted_at": max(times, default=None),
                "duplicates": [{"channel": c, "to": to, "count": n} for (c, to), n in pairs.items() if n > 1],
                "callbacks_waiting": self._carrier.postman.waiting + len(book.events),
            }
        )

    async def request(self, request: web.Request) -> web.Response:
        found = self._carrier.book.requests.get(request.match_info["id"])
        return reply(found["mail"]) if found else refuse("no such request", 404)

    async def attachment(self, request: web.Request) -> web.Response:
        found = self._carrier.book.requests.get(request.match_info["id"])
        try:
            file = (found or {})["mail"]["attachments"][int(request.match_info["number"])]
        except (KeyError, IndexError, ValueError):
            return refuse("no such attachment", 404)
        # Offered for saving only: an attachment may hold a page with a script in it.
        name = "".join(ch if ch.isalnum() or ch in "._- " else "_" for ch in file["filename"])
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(
            body=base64.b64decode(file["content"]), content_type="application/octet-stream", headers=headers
        )

    async def text(self, request: web.Request) -> web.Response:
        doc = await read_json(request)
        sender, body = str(doc.get("from", "")), str(doc.get("body", ""))
        to = str(doc.get("to") or self._carrier.console.sms_from[0])
        if not E164.match(sender) or not body:
            return refuse("from must be a number in E.164 and body a text")
        if to not in self._carrier.console.numbers:
            return refuse(f"{to} is none of the bank's numbers")
        return reply({"sid": self._sms.written(sender, to, body).sid}, 201)

    async def write(self, request: web.Request) -> web.Response:
        try:
            it = compose(await read_json(request))
            self._inbound.send(it)
        except Posted as no:
            return refuse(str(no))
        return reply({"id": it.id, "message_id": it.message_id}, 201)

    async def written(self, request: web.Request) -> web.Response:
        """Mails people wrote: `?from=`; each with its posting state and the webhook's answer."""
        book, sender = self._carrier.book, request.query.get("from", "").lower()
        found: list[InboundMail] = book.inbound_of.get(sender, []) if sender else list(book.inbound.values())
        return reply({"mails": [outline_inbound(it) for it in found]})

    async def mail_event(self, request: web.Request) -> web.Response:
        doc = await read_json(request)
        it = self._carrier.book.mails.get(request.match_info["id"])
        if it is None:
            return refuse("no such mail", 404)
        if doc.get("event") not in ("open", "click", "spamreport", "unsubscribe"):
            return refuse("event is open, click, spamreport or unsubscribe")
        self._mail.told(it, doc["event"])
        return web.Response(status=204)

    async def behaviours(self, request: web.Request) -> web.Response:
        return reply({"behaviours": self._carrier.behaviours.all()})

    async def behave(self, request: web.Request) -> web.Response:
        doc = await read_json(request)
        channel, address = str(doc.pop("channel", "")), str(doc.pop("address", ""))
        try:
            self._carrier.behaviours.set(channel, address, doc)
        except ValueError as no:
            return refuse(str(no))
        return reply({"channel": channel, "address": address, **self._carrier.behaviours.of(channel, address)})

    async def forget_behaviours(self, request: web.Request) -> web.Response:
        self._carrier.behaviours.clear()
        return web.Response(status=204)

    async def faults(self, request: web.Request) -> web.Response:
        return reply(self._carrier.faults.show())

    async def order(self, request: web.Request) -> web.Response:
        try:
            self._carrier.faults = from_json(await read_json(request), self._carrier.faults)
        except ValueError as no:
            return refuse(str(no))
        return reply(self._carrier.faults.show())

    async def good_day(self, request: web.Request) -> web.Response:
        self._carrier.reset_faults()
        return reply(self._carrier.faults.show())

    async def alerts(self, request: web.Request) -> web.Response:
        return reply({"alerts": self._carrier.book.alerts})

    async def health(self, request: web.Request) -> web.Response:
        return reply({"status": "ok", "speed": self._carrier.speed})


def outline_inbound(it: InboundMail) -> Doc:
    """A written mail without the bytes of its attachments."""
    doc = asdict(it)
    for file in doc["attachments"]:
        content = base64.b64decode(file.pop("content", ""))
        file["size"], file["sha256"] = len(content), hashlib.sha256(content).hexdigest()
    return doc
