"""Twilio's Calls and Recordings resources."""

from time import time
from typing import Any

from aiohttp import web

from channels.carrier import audio
from channels.carrier.core import Carrier
from channels.carrier.line import Document
from channels.carrier.names import E164, rfc2822, sid
from channels.carrier.records import Call, Recording
from channels.carrier.switchboard import Switchboard
from channels.carrier.twilio_account import VERSION, Form, TwilioFront, one, read_form, reply, within
from channels.carrier.twilio_errors import Refused
from channels.carrier.twilio_messages import is_url
from channels.carrier.twiml import TwimlError, parse

EVENTS = ("initiated", "ringing", "answered", "completed")
_KEPT = (
    "Url", "Method", "FallbackUrl", "FallbackMethod", "Twiml", "StatusCallback", "StatusCallbackMethod",
    "Timeout", "TimeLimit", "SendDigits", "MachineDetection", "AsyncAmd", "AsyncAmdStatusCallback",
)  # fmt: skip


class Calls:
    """Create, list, fetch, change calls; recordings."""

    def __init__(self, carrier: Carrier, front: TwilioFront, board: Switchboard) -> None:
        self._carrier, self._front, self._board = carrier, front, board

    def routes(self) -> list[web.RouteDef]:
        base, guard = self._front.base, self._front.guard
        return [
            web.post(f"{base}/Calls.json", self.create),
            web.get(f"{base}/Calls.json", guard(self.list)),
            web.get(f"{base}/Calls/{{sid}}.json", guard(self.fetch)),
            web.post(f"{base}/Calls/{{sid}}.json", self.update),
            web.get(f"{base}/Recordings.json", guard(self.recordings)),
            web.get(f"{base}/Calls/{{call}}/Recordings.json", guard(self.recordings)),
            web.get(f"{base}/Recordings/{{sid}}", self.media),
            web.delete(f"{base}/Recordings/{{sid}}.json", guard(self.forget)),
        ]

    async def create(self, request: web.Request) -> web.StreamResponse:
        form, raw = await read_form(request)
        if not self._front.known(request):
            return self._front.unauthorized()

        def work() -> web.Response:
            try:
                call = self._checked(form, raw)
            except Refused as no:
                return no.answer()
            self._board.originate(call)
            return reply(self.show(call), 201)

        return await self._front.gate.create(work)

    def _checked(self, form: Form, raw: str) -> Call:
        """A new call, or the refusal Twilio would give."""
        to, sender = one(form, "To"), one(form, "From")
        if not to:
            raise Refused(21201)
        if not sender:
            raise Refused(21213)
        if not E164.match(to) or self._carrier.behaviours.of("voice", to)["mode"] == "invalid":
            raise Refused(21211, to)
        if sender not in self._carrier.console.numbers:
            raise Refused(21210 if E164.match(sender) else 21212, sender)
        self._check_document(form)
        callback = one(form, "StatusCallback")
        if callback and not is_url(callback):
            raise Refused(21609, callback)
        if one(form, "MachineDetection") not in ("", "Enable", "DetectMessageEnd"):
            raise Refused(21263, "MachineDetection")
        # The SDK repeats the parameter; others put all events into one, with spaces.
        events = [event for value in form.get("StatusCallbackEvent", []) for event in value.split()]
        for event in events:
            if event not in EVENTS:
                raise Refused(21626, event)
        self._check_numbers(form)
        now = time()
        return Call(
            sid=sid("CA"), to=to, sender=sender, direction="outbound-api", status="queued", created=now,
            updated=now, asked={name: one(form, name) for name in _KEPT if name in form},
            events=events or ["completed"], raw=raw,
        )  # fmt: skip

    @staticmethod
    def _check_document(form: Form) -> None:
        url, twiml = one(form, "Url"), one(form, "Twiml")
        if not url and not twiml and not one(form, "ApplicationSid"):
            raise Refused(21205, "(none given)")
        if url and not is_url(url):
            raise Refused(21205, url)
        if len(twiml) > 4000:
            raise Refused(20001, "Twiml may not exceed 4000 characters")

    @staticmethod
    def _check_numbers(form: Form) -> None:
        for name, most in (("Timeout", 600), ("TimeLimit", 86400), ("MachineDetectionTimeout", 59)):
            value = one(form, name)
            if value and not (value.isdigit() and 1 <= int(value) <= most):
                raise Refused(20001, name)
        if len(one(form, "SendDigits")) > 32:
            raise Refused(20001, "SendDigits")

    def show(self, it: Call) -> dict[str, Any]:
        """The resource as Twilio's file describes it."""
        uri = f"/{VERSION}/Accounts/{self._front.account}/Calls/{it.sid}"
        kinds = ("events", "notifications", "recordings", "payments", "siprec", "streams", "transcriptions")
        ended = it.ended is not None
        return {
            "sid": it.sid,
            "account_sid": self._front.account,
            "api_version": VERSION,
            "annotation": None,
            "answered_by": it.answered_by,
            "caller_name": None,
            "date_created": rfc2822(it.created),
            "date_updated": rfc2822(it.updated),
            "direction": it.direction,
            "duration": str(it.duration or 0) if ended else None,
            "end_time": rfc2822(it.ended),
            "forwarded_from": None,
            "from": it.sender,
            "from_formatted": it.sender,
            "group_sid": None,
            "parent_call_sid": it.parent,
            "phone_number_sid": None,
            "price": "-0.01400" if ended and it.answered else None,
            "price_unit": "USD",
            "queue_time": "0",
            "start_time": rfc2822(it.answered or it.started),
            "status": it.status,
            "subresource_uris": {kind: f"{uri}/{kind.capitalize()}.json" for kind in kinds},
            "to": it.to,
            "to_formatted": it.to,
            "trunk_sid": None,
            "uri": f"{uri}.json",
        }

    def list(self, request: web.Request) -> web.Response:
        query, book = request.query, self._carrier.book
        to, sender = query.get("To"), query.get("From")
        source = book.calls_of.get(to or sender or "", []) if to or sender else list(book.calls.values())
        found = [
            it
            for it in reversed(source)
            if (not to or it.to == to)
            and (not sender or it.sender == sender)
            and query.get("Status", it.status) == it.status
            and query.get("ParentCallSid", it.parent) == it.parent
            and within(query, "StartTime", it.started)
            and within(query, "EndTime", it.ended)
            and not self._front.gate.hidden(it.created)
        ]
        return self._front.page(request, "Calls", "calls", found, self.show)

    def _find(self, request: web.Request) -> Call:
        it = self._carrier.book.calls.get(request.match_info["sid"])
        if it is None or self._front.gate.hidden(it.created):
            raise Refused(20404, request.path)
        return it

    def fetch(self, request: web.Request) -> web.Response:
        return reply(self.show(self._find(request)))

    async def update(self, request: web.Request) -> web.StreamResponse:
        form, _ = await read_form(request)

        def work(request: web.Request) -> web.Response:
            it = self._find(request)
            self._change(it, form)
            return reply(self.show(it))

        return await self._front.guard(work)(request)

    def _change(self, it: Call, form: Form) -> None:
        line, status = self._board.lines.get(it.sid), one(form, "Status")
        if status:
            if status not in ("completed", "canceled"):
                raise Refused(20001, "Status")
            if line is None or not it.live or (status == "canceled" and it.status == "in-progress"):
                raise Refused(21220)
            line.cut_off(status)
            return
        url, twiml = one(form, "Url"), one(form, "Twiml")
        if line is None or it.status != "in-progress":
            raise Refused(21220)
        if url and not is_url(url):
            raise Refused(21205, url)
        try:
            # A Redirect verb makes a new URL and a new document the same thing to the flow.
            text = twiml or f"<Response><Redirect method='{_method(form)}'>{_escaped(url)}</Redirect></Response>"
            line.go_to(Document(parse(text), url))
        except TwimlError as trouble:
            self._board.complain(it, trouble)
            raise Refused(20001, "Twiml") from None

    # Recordings.

    def show_recording(self, it: Recording) -> dict[str, Any]:
        uri = f"/{VERSION}/Accounts/{self._front.account}/Recordings/{it.sid}"
        return {
            "sid": it.sid,
            "account_sid": self._front.account,
            "api_version": VERSION,
            "call_sid": it.call,
            "conference_sid": None,
            "date_created": rfc2822(it.created),
            "date_updated": rfc2822(it.created),
            "start_time": rfc2822(it.created),
            "duration": str(it.duration) if it.status == "completed" else "-1",
            "status": it.status,
            "channels": 1,
            "source": it.source,
            "error_code": None,
            "price": None,
            "price_unit": "USD",
            "encryption_details": None,
            "media_url": f"{self._carrier.console.api_url}{uri}",
            "uri": f"{uri}.json",
            "subresource_uris": {"transcriptions": f"{uri}/Transcriptions.json"},
        }

    def recordings(self, request: web.Request) -> web.Response:
        call = request.match_info.get("call") or request.query.get("CallSid")
        found = [it for it in reversed(self._carrier.book.recordings.values()) if not call or it.call == call]
        return self._front.page(request, "Recordings", "recordings", found, self.show_recording)

    async def media(self, request: web.Request) -> web.StreamResponse:
        """`RE….json`, `RE….wav`, `RE….mp3`, or `RE…` alone, which is the WAV."""
        name, _, kind = request.match_info["sid"].partition(".")

        def work(request: web.Request) -> web.Response:
            it = self._carrier.book.recordings.get(name)
            if it is None or kind not in ("", "json", "wav", "mp3"):
                raise Refused(20404, request.path)
            if kind == "json":
                return reply(self.show_recording(it))
            if it.status != "completed" or it.fetchable > time():
                raise Refused(20404, request.path)
            content = (self._carrier.audio / f"{it.sid}.wav").read_bytes()
            if kind == "mp3":
                return web.Response(body=audio.mp3(content), content_type="audio/mpeg")
            return web.Response(body=content, content_type="audio/x-wav")

        return await self._front.guard(work)(request)

    def forget(self, request: web.Request) -> web.Response:
        name = request.match_info["sid"]
        if name not in self._carrier.book.recordings:
            raise Refused(20404, request.path)
        self._carrier.book.forget_recording(name)
        (self._carrier.audio / f"{name}.wav").unlink(missing_ok=True)
        return web.Response(status=204)


def _method(form: Form) -> str:
    return "GET" if one(form, "Method").upper() == "GET" else "POST"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
