"""The control API's calls: call us, answer, press keys, speak, hang up."""

import asyncio
from typing import Any

from aiohttp import web

from channels.carrier import audio
from channels.carrier.control import read_json, refuse, reply
from channels.carrier.core import Carrier
from channels.carrier.line import Line
from channels.carrier.names import E164, rfc3339
from channels.carrier.records import Call, Doc
from channels.carrier.switchboard import Switchboard

KEYS = set("0123456789*#ABCDw")


class ControlCalls:
    def __init__(self, carrier: Carrier, board: Switchboard) -> None:
        self._carrier, self._board = carrier, board

    def routes(self) -> list[web.RouteDef]:
        api = "/carrier/api/calls"
        return [
            web.get(api, self.list),
            web.post(api, self.call_us),
            web.get(f"{api}/{{sid}}", self.show),
            web.post(f"{api}/{{sid}}/answer", self.answer),
            web.post(f"{api}/{{sid}}/keys", self.keys),
            web.post(f"{api}/{{sid}}/say", self.say),
            web.post(f"{api}/{{sid}}/speak", self.speak),
            web.post(f"{api}/{{sid}}/hangup", self.hang_up),
            web.post("/carrier/api/watch", self.watch),
            web.get("/carrier/audio/{name}", self.sound),
        ]

    def outline(self, call: Call) -> Doc:
        """A call as the control API shows it. Seconds are those of the call at speed 1: see `Call.clock`."""
        clock, rang = call.clock(self._carrier.speed), call.rang_at or 0.0
        return {
            **call.entry(), "sid": call.sid, "status": call.status, "live": call.live, "now": call.now,
            "parent": call.parent, "created_at": rfc3339(call.created), "ended_at": rfc3339(call.ended),
            "rang_for": None if call.answered_at is None else round(call.answered_at - rang, 2),
            "seconds": None if call.answered_at is None else round(clock - call.answered_at, 2),
            "requests": call.requests, "legs": [self._leg(sid) for sid in call.legs],
        }  # fmt: skip

    def _leg(self, sid: str) -> Doc:
        call = self._carrier.book.calls.get(sid)
        return {"sid": sid} if call is None else {"sid": sid, "to": call.to, "status": call.status, "live": call.live}

    async def list(self, request: web.Request) -> web.Response:
        """`?number=` either end, `?live=1`; newest last, at most `limit` (200)."""
        book, query = self._carrier.book, request.query
        number = query.get("number")
        found: Any = book.calls_of.get(number, []) if number else book.calls.values()
        chosen = [call for call in found if call.live or not query.get("live")]
        limit = int(query["limit"]) if query.get("limit", "").isdigit() else 200
        return reply({"calls": [self.outline(call) for call in chosen[-limit:]]})

    async def call_us(self, request: web.Request) -> web.Response:
        doc = await read_json(request)
        sender, to = str(doc.get("from", "")), str(doc.get("to") or self._carrier.console.customer_line)
        # Withheld caller ids are what a real network delivers too.
        if not E164.match(sender) and sender not in ("anonymous", "+266696687"):
            return refuse("from must be a number in E.164, or anonymous")
        if to not in self._carrier.console.numbers:
            return refuse(f"{to} is none of the bank's numbers")
        script, after = doc.get("script"), doc.get("hang_up_after") or 0
        if script is not None and not isinstance(script, list):
            return refuse("script is a list of steps")
        if not isinstance(after, int | float) or after < 0:
            return refuse("hang_up_after is a number of seconds")
        return reply(self.outline(self._board.ring_us(sender, to, script, float(after))), 201)

    async def show(self, request: web.Request) -> web.Response:
        call = self._carrier.book.calls.get(request.match_info["sid"])
        return reply(self.outline(call)) if call else refuse("no such call", 404)

    def _line(self, request: web.Request) -> Line:
        line = self._board.lines.get(request.match_info["sid"])
        if line is None:
            raise web.HTTPConflict(body=b'{"error": "this call is over"}', content_type="application/json")
        line.touched = True
        return line

    async def answer(self, request: web.Request) -> web.Response:
        line = self._line(request)
        if line.call.status not in ("queued", "ringing") or line.call.direction == "inbound":
            return refuse("this call is not ringing here", 409)
        line.pick_up()
        return reply(self.outline(line.call))

    async def keys(self, request: web.Request) -> web.Response:
        digits = str((await read_json(request)).get("digits", ""))
        if not digits or not set(digits) <= KEYS:
            return refuse("digits are 0-9, *, #")
        line = self._line(request)
        line.press(digits.replace("w", ""))
        return reply(self.outline(line.call))

    async def say(self, request: web.Request) -> web.Response:
        """Words for a Gather that recognises speech: `{text}`."""
        line = self._line(request)
        line.say(str((await read_json(request)).get("text", "")))
        return reply(self.outline(line.call))

    async def speak(self, request: web.Request) -> web.Response:
        """Sound on the line: an audio file by multipart `audio`, or `{"sample": "tone", "seconds": 3}`.

        `?live=1`: a bit of what a microphone hears; it counts only while the line records.
        """
        try:
            pcm = await self._spoken(request)
        except audio.NotAudio as no:
            return refuse(f"not a sound file: {no}")
        line = self._line(request)
        line.speak(pcm, live=bool(request.query.get("live")))
        return reply(self.outline(line.call))

    async def _spoken(self, request: web.Request) -> audio.Pcm:
        if request.content_type == "multipart/form-data":
            form = await request.post()
            file = form.get("audio")
            content = file.file.read() if isinstance(file, web.FileField) else b""
            return await asyncio.to_thread(audio.decode, content)
        doc = await read_json(request)
        seconds = min(300.0, max(0.1, float(doc.get("seconds", 3))))
        return audio.silence(seconds) if doc.get("sample") == "silence" else audio.tone(seconds)

    async def watch(self, request: web.Request) -> web.Response:
        """`{numbers, gone}`: telephones that somebody has before them, or no longer; those ring until picked up."""
        doc = await read_json(request)
        for name, watched in (("numbers", True), ("gone", False)):
            numbers = doc.get(name)
            for number in numbers if isinstance(numbers, list) else []:
                self._carrier.watch(str(number), watched)
        return web.Response(status=204)

    async def hang_up(self, request: web.Request) -> web.Response:
        line = self._line(request)
        line.hang_up()
        await asyncio.sleep(0)
        return reply(self.outline(line.call))

    async def sound(self, request: web.Request) -> web.StreamResponse:
        """What was played or recorded, for the page."""
        name = request.match_info["name"]
        path = self._carrier.audio / name
        if not name.replace(".wav", "").isalnum() or not path.is_file():
            return refuse("no such sound", 404)
        kind = "audio/wav" if name.endswith(".wav") else audio.kind_of(path.read_bytes()[:4])
        return web.FileResponse(path, headers={"Content-Type": kind, "X-Content-Type-Options": "nosniff"})
