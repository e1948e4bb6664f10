"""Twilio's Messages resource."""

from time import time
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from channels.carrier.core import Carrier
from channels.carrier.names import E164, rfc2822, seconds, segments, sid
from channels.carrier.records import Message
from channels.carrier.sms_life import SmsLife
from channels.carrier.twilio_account import VERSION, Form, TwilioFront, one, read_form, reply, within
from channels.carrier.twilio_errors import DELIVERY_ERRORS, Refused, problem


def is_url(text: str) -> bool:
    """Whether Twilio takes a callback URL: http(s) and a host without underscores."""
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "_" not in (parts.hostname or "")


class Messages:
    """Create, list, fetch, cancel, redact, delete texts."""

    def __init__(self, carrier: Carrier, front: TwilioFront, life: SmsLife) -> None:
        self._carrier, self._front, self._life = carrier, front, life
        self._ours = set(carrier.console.sms_from) | {
            carrier.console.customer_line,
            carrier.console.analyst_line,
        }

    def routes(self) -> list[web.RouteDef]:
        base, guard = self._front.base, self._front.guard
        return [
            web.post(f"{base}/Messages.json", self.create),
            web.get(f"{base}/Messages.json", guard(self.list)),
            web.get(f"{base}/Messages/{{sid}}.json", guard(self.fetch)),
            web.post(f"{base}/Messages/{{sid}}.json", self.update),
            web.delete(f"{base}/Messages/{{sid}}.json", guard(self.delete)),
        ]

    async def create(self, request: web.Request) -> web.StreamResponse:
        form, raw = await read_form(request)
        if not self._front.known(request):
            return self._front.unauthorized()

        def work() -> web.Response:
            try:
                it = self._checked(form, raw)
            except Refused as no:
                return no.answer()
            self._carrier.book.add_message(it)
            self._life.begin(it)
            return reply(self.show(it), 201)

        return await self._front.gate.create(work)

    def _checked(self, form: Form, raw: str) -> Message:
        """A new message, or the refusal Twilio would give."""
        to, sender, service = one(form, "To"), one(form, "From"), one(form, "MessagingServiceSid")
        body, media = one(form, "Body"), form.get("MediaUrl", [])
        if not to:
            raise Refused(21604)
        if not sender and not service:
            raise Refused(21603)
        if not body and not media and not one(form, "ContentSid"):
            raise Refused(21602)
        if len(body) > 1600:
            raise Refused(21617)
        if len(media) > 10:
            raise Refused(21623)
        self._check_numbers(to, sender, service)
        callback = one(form, "StatusCallback")
        if callback and not is_url(callback):
            raise Refused(21609, callback)
        validity = one(form, "ValidityPeriod")
        if validity and not (validity.isdigit() and 1 <= int(validity) <= 36000):
            raise Refused(90007)
        now = time()
        return Message(
            sid=sid("MM" if media else "SM"), to=to, sender=sender or None, body=body,
            status=self._first_status(form, service, now), direction="outbound-api", created=now, updated=now,
            callback=callback, service=service or None, segments=segments(body), media=media, raw=raw,
        )  # fmt: skip

    def _check_numbers(self, to: str, sender: str, service: str) -> None:
        if not E164.match(to):
            raise Refused(21211, to)
        behaviour = self._carrier.behaviours.of("sms", to)
        mode = behaviour["mode"]
        if mode == "invalid":
            raise Refused(21211, to)
        if sender and sender not in self._ours:
            raise Refused(21606 if E164.match(sender) else 21212, sender)
        if service and service != self._carrier.console.messaging_service:
            raise Refused(21701, service)
        if (sender or service, to) in self._carrier.book.opted_out or mode == "stopped":
            raise Refused(21610)
        if mode == "landline":
            raise Refused(21614, to)
        if mode == "refuse":
            raise Refused(int(behaviour.get("code", 21612)), to)

    def _first_status(self, form: Form, service: str, now: float) -> str:
        if one(form, "ScheduleType") != "fixed":
            return "accepted" if service else "queued"
        if not service:
            raise Refused(35118)
        try:
            at = seconds(one(form, "SendAt"))
        except ValueError:
            raise Refused(35114) from None
        if not now + 900 <= at <= now + 35 * 86400:
            raise Refused(35114)
        return "scheduled"

    def show(self, it: Message) -> dict[str, Any]:
        """The resource as Twilio's file describes it."""
        uri = f"/{VERSION}/Accounts/{self._front.account}/Messages/{it.sid}"
        final = it.status in ("sent", "delivered", "undelivered", "received")
        return {
            "account_sid": self._front.account,
            "api_version": VERSION,
            "body": it.body,
            "date_created": rfc2822(it.created),
            "date_sent": rfc2822(it.sent),
            "date_updated": rfc2822(it.updated),
            "direction": it.direction,
            "error_code": it.error,
            "error_message": DELIVERY_ERRORS.get(it.error, f"Error {it.error}") if it.error else None,
            "from": it.sender,
            "messaging_service_sid": it.service,
            "num_media": str(len(it.media)),
            "num_segments": "0" if it.service and it.status in ("accepted", "scheduled") else str(it.segments),
            "price": f"-{0.0079 * it.segments:.5f}" if final else None,
            "price_unit": "USD",
            "sid": it.sid,
            "status": it.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": it.to,
            "uri": f"{uri}.json",
        }

    def list(self, request: web.Request) -> web.Response:
        query, book = request.query, self._carrier.book
        to, sender = query.get("To"), query.get("From")
        source = book.messages_of.get(to or sender or "", []) if to or sender else list(book.messages.values())
        found = [
            it
            for it in reversed(source)
            if not it.deleted
            and (not to or it.to == to)
            and (not sender or it.sender == sender)
            and within(query, "DateSent", it.sent)
            and not self._front.gate.hidden(it.created)
        ]
        return self._front.page(request, "Messages", "messages", found, self.show)

    def _find(self, request: web.Request) -> Message:
        it = self._carrier.book.messages.get(request.match_info["sid"])
        if it is None or it.deleted or self._front.gate.hidden(it.created):
            raise Refused(20404, request.path)
        return it

    def fetch(self, request: web.Request) -> web.Response:
        return reply(self.show(self._find(request)))

    async def update(self, request: web.Request) -> web.StreamResponse:
        form, _ = await read_form(request)

        def work(request: web.Request) -> web.Response:
            it = self._find(request)
            if one(form, "Status") == "canceled":
                if it.status not in ("accepted", "scheduled", "queued"):
                    raise Refused(30409)
                it.status = "canceled"
            elif "Body" in form:
                if one(form, "Body"):
                    raise Refused(20001, "Body")
                it.body = ""
            self._carrier.book.changed(it)
            return reply(self.show(it))

        return await self._front.guard(work)(request)

    def delete(self, request: web.Request) -> web.Response:
        it = self._find(request)
        if it.status in ("queued", "sending", "accepted"):
            return problem(20009, "Cannot delete message because delivery has not been completed.", 409)
        # Deleting hides the resource from the API; that it reached somebody stays true in the ledger.
        it.deleted = True
        self._carrier.book.changed(it)
        return web.Response(status=204)
