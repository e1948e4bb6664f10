"""Twilio's Transcriptions: made of a recording where its Record asked for one. Nobody here understands speech."""

from collections.abc import Sequence
from time import time
from typing import Any

from aiohttp import web

from channels.carrier.core import Carrier
from channels.carrier.names import rfc2822, sid
from channels.carrier.records import Doc, Recording
from channels.carrier.twilio_account import VERSION, TwilioFront, reply
from channels.carrier.twilio_errors import Refused

SECONDS = 1.0  # that it takes, once the recording is ready
SHORTEST, LONGEST = 2, 120  # seconds of sound


def write_down(carrier: Carrier, it: Recording, url: str) -> None:
    """What the vendor's machine does with a recording, and tells at `url`."""
    if it.status != "completed":
        return
    fits = SHORTEST <= it.duration <= LONGEST
    text = f"{it.duration} seconds of speech that nobody here understands." if fits else ""
    it.transcription = {
        "sid": sid("TR"), "created": time(), "status": "completed" if fits else "failed", "text": text,
    }  # fmt: skip
    carrier.book.changed(it)
    if not url:
        return
    console, call = carrier.console, carrier.book.calls.get(it.call)
    base = f"{console.api_url}/{VERSION}/Accounts/{console.account_sid}"
    fields = {
        "TranscriptionSid": it.transcription["sid"], "TranscriptionText": text,
        "TranscriptionStatus": it.transcription["status"], "TranscriptionType": "fast",
        "TranscriptionUrl": f"{base}/Recordings/{it.sid}/Transcriptions/{it.transcription['sid']}",
        "RecordingSid": it.sid, "RecordingUrl": f"{base}/Recordings/{it.sid}", "CallSid": it.call,
        "AccountSid": console.account_sid, "From": call.sender if call else "", "To": call.to if call else "",
        "CallStatus": call.status if call else "", "Direction": call.direction if call else "",
        "ApiVersion": VERSION, "url": url,
    }  # fmt: skip
    carrier.postman.later(url, fields)


class Transcriptions:
    """List, fetch and delete them."""

    def __init__(self, carrier: Carrier, front: TwilioFront) -> None:
        self._carrier, self._front = carrier, front

    def routes(self) -> list[web.RouteDef]:
        base, guard = self._front.base, self._front.guard
        return [
            web.get(f"{base}/Transcriptions.json", guard(self.list)),
            web.get(f"{base}/Recordings/{{recording}}/Transcriptions.json", guard(self.list)),
            web.get(f"{base}/Transcriptions/{{sid}}.json", guard(self.fetch)),
            web.delete(f"{base}/Transcriptions/{{sid}}.json", guard(self.forget)),
        ]

    def _all(self) -> Sequence[tuple[Recording, Doc]]:
        some = reversed(self._carrier.book.recordings.values())
        return [(it, it.transcription) for it in some if it.transcription]

    def list(self, request: web.Request) -> web.Response:
        of = request.match_info.get("recording")
        if of and of not in self._carrier.book.recordings:
            raise Refused(20404, request.path)
        found = [self._show(*one) for one in self._all() if not of or one[0].sid == of]
        name = f"Recordings/{of}/Transcriptions" if of else "Transcriptions"
        return self._front.page(request, name, "transcriptions", found, lambda one: one)

    def _find(self, request: web.Request) -> tuple[Recording, Doc]:
        found = [one for one in self._all() if one[1]["sid"] == request.match_info["sid"]]
        if not found:
            raise Refused(20404, request.path)
        return found[0]

    def fetch(self, request: web.Request) -> web.Response:
        return reply(self._show(*self._find(request)))

    def forget(self, request: web.Request) -> web.Response:
        it, _ = self._find(request)
        it.transcription = None
        self._carrier.book.changed(it)
        return web.Response(status=204)

    def _show(self, it: Recording, one: Doc) -> dict[str, Any]:
        return {
            "sid": one["sid"],
            "account_sid": self._front.account,
            "api_version": VERSION,
            "recording_sid": it.sid,
            "date_created": rfc2822(one["created"]),
            "date_updated": rfc2822(one["created"]),
            "status": one["status"],
            "type": "fast",
            "transcription_text": one["text"],
            "duration": str(it.duration),
            "price": "-0.05000",
            "price_unit": "USD",
            "uri": f"/{VERSION}/Accounts/{self._front.account}/Transcriptions/{one['sid']}.json",
        }
