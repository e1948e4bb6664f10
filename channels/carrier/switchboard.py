"""Calls from dialling to hanging up: ringing, detection, status callbacks, recordings."""

import asyncio
from email.utils import formatdate
from time import time
from urllib.parse import urljoin, urlsplit

from channels.carrier import audio, transcriptions
from channels.carrier.bridge import dial
from channels.carrier.core import Carrier
from channels.carrier.flow import Flow
from channels.carrier.line import VOICEMAIL_SECONDS, Document, HungUp, Line, Redirected
from channels.carrier.names import sid
from channels.carrier.postman import Answer
from channels.carrier.records import Call, Doc, Recording
from channels.carrier.twilio_account import VERSION
from channels.carrier.twiml import TwimlError, Verb, parse
from channels.carrier.twiml_rules import SOUNDS

RING_SECONDS = 1.5
TWIML_TYPES = ("text/xml", "application/xml", "text/html", "application/xhtml+xml")


class Switchboard:
    """Every live call is a task; `lines` has the far end of each."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.lines: dict[str, Line] = {}
        self._sounds: dict[str, Doc] = {}
        self._next_slot = 0.0

    def resume(self) -> None:
        """A restart cuts every call: say so, as the vendor's callbacks would."""
        for call in list(self.carrier.book.calls.values()):
            if call.live:
                self._end(call, "completed" if call.status == "in-progress" else "failed")

    # Outbound calls.

    def originate(self, call: Call) -> None:
        line = Line(self.carrier, call, self.carrier.behaviours.of("voice", call.to))
        self.carrier.book.add_call(call)
        self.lines[call.sid] = line
        self.carrier.spawn(self._outbound(line))

    async def _outbound(self, line: Line) -> None:
        call = line.call
        try:
            await self._slot()
            outcome = await self.ring(line, float(call.asked.get("Timeout") or 60))
            if outcome != "answered":
                self._end(call, outcome)
                return
            if limit := call.asked.get("TimeLimit"):
                self.carrier.after(float(limit), line.cut_off, "completed")
            await self._detect(line)
            if digits := call.asked.get("SendDigits"):
                line.note("tones", digits=digits)
            await Flow(self, line).begin(self._first(call))
        except HungUp:
            pass
        finally:
            self.lines.pop(call.sid, None)
            self._end(call, "completed")

    async def _slot(self) -> None:
        """Calls leave at the account's pace, when a pace is set; the surplus waits as `queued`."""
        pace = self.carrier.faults.calls_per_second
        if pace:
            at = max(time(), self._next_slot)
            self._next_slot = at + 1 / pace
            await asyncio.sleep(at - time())

    async def ring(self, line: Line, timeout: float) -> str:
        """Dial: `answered`, or the status that the call ends with."""
        call = line.call
        if not self.carrier.faults.callback_first:
            await self.carrier.sleep(0.15)
        if line.cut:
            return "canceled"
        self.tell(call, "initiated")
        call.started = time()
        if line.mode in ("failed", "invalid"):
            call.sip = 404
            return "failed"
        call.status = "ringing"
        call.rang_at = call.clock(self.carrier.speed)
        line.hears({"what": "ringing"})
        self.tell(call, "ringing")
        try:
            return await self._rings(line, timeout)
        except HungUp:
            return "canceled" if line.cut else "busy"
        except Redirected:
            return "canceled"
        finally:
            line.hears(None)

    async def _rings(self, line: Line, timeout: float) -> str:
        if line.mode == "busy":
            await line.wait(0.8)
            line.call.sip = 486
            return "busy"
        patient = line.mode in ("manual", "no-answer") or self._is_at_hand(line)
        wait = timeout if patient else min(timeout, float(line.behaviour.get("ring_seconds", RING_SECONDS)))
        picked_up = await line.wait(wait, lambda: line.picked_up)
        if patient and not picked_up:
            line.call.sip = 487
            return "no-answer"
        self._answered(line)
        return "answered"

    def _is_at_hand(self, line: Line) -> bool:
        """Whether somebody has this telephone on the page, or the one that is joined to it, to pick up by hand."""
        parent = self.carrier.book.calls.get(line.call.parent or "")
        numbers = [line.call.to, *([parent.person] if parent else [])]
        return line.mode == "human" and not line.script and any(map(self.carrier.is_watched, numbers))

    def _answered(self, line: Line) -> None:
        call = line.call
        call.sip = 200
        self._picked_up(line)
        if line.mode in ("human", "manual") or line.touched:
            call.reached = time()
        if line.mode == "machine":
            self.carrier.after(VOICEMAIL_SECONDS, line.hang_up)
        self.carrier.book.changed(call)
        self.tell(call, "answered")

    def _picked_up(self, line: Line) -> None:
        """The call begins, and with it the seconds after which somebody hangs up, come what may."""
        call, faults = line.call, self.carrier.faults
        call.status, call.answered = "in-progress", time()
        call.answered_at = call.clock(self.carrier.speed)
        after = float(line.behaviour.get("hang_up_after") or 0)
        if not after and faults.hang_up_within_s:
            after = faults.chance.uniform(0, faults.hang_up_within_s)
        if after:
            self.carrier.spawn(self._hang_up(line, after))

    async def _detect(self, line: Line) -> None:
        """Answering machine detection, before the document or beside it."""
        wanted = line.call.asked.get("MachineDetection")
        if not wanted or wanted == "false" or line.call.asked.get("SendDigits"):
            return
        found, seconds = self._kind(line, wanted)
        if line.call.asked.get("AsyncAmd") == "true":
            self.carrier.spawn(self._detected(line.call, found, seconds))
            return
        await line.wait(seconds)
        line.call.answered_by = found
        line.note("note", text=f"detected: {found}")

    @staticmethod
    def _kind(line: Line, wanted: str) -> tuple[str, float]:
        if line.mode == "machine" and not line.touched:
            at_end = wanted == "DetectMessageEnd"
            usual = ("machine_end_beep", 5.0) if at_end else ("machine_start", 2.5)
            return str(line.behaviour.get("answered_by", usual[0])), usual[1]
        if line.mode == "fax":
            return "fax", 2.0
        return str(line.behaviour.get("answered_by", "human")), 1.0

    async def _detected(self, call: Call, found: str, seconds: float) -> None:
        await self.carrier.sleep(seconds)
        call.answered_by = found
        self.carrier.book.changed(call)
        fields = {
            "CallSid": call.sid, "AccountSid": self.carrier.console.account_sid, "AnsweredBy": found,
            "MachineDetectionDuration": str(int(seconds * 1000)),
        }  # fmt: skip
        self.carrier.postman.later(call.asked.get("AsyncAmdStatusCallback", ""), fields)

    async def _first(self, call: Call) -> Document:
        url = call.asked.get("Url")
        if not url:
            return Document(parse(call.asked.get("Twiml", "<Response/>")))
        return await self.fetch(call, url, call.asked.get("Method", "POST").upper(), {})

    async def _hang_up(self, line: Line, after: float) -> None:
        """By the call's own clock, so that it happens at the same point however slow the product is."""
        while line.call.live and (left := after - (line.after or 0.0)) > 0:
            await self.carrier.sleep(max(left, 0.02))
        line.hang_up()

    async def rescue(self, line: Line, trouble: TwimlError) -> Document | None:
        """What the fallback address says after an error, once a call; None where there is none, or it fails as well."""
        call = line.call
        self.complain(call, trouble)
        inbound = call.direction == "inbound"
        url = self.carrier.console.voice_fallback if inbound else call.asked.get("FallbackUrl", "")
        if not url or line.rescued:
            return None
        line.rescued = True
        more = {"ErrorCode": str(trouble.code), "ErrorUrl": trouble.url or call.asked.get("Url", "")}
        try:
            return await self.fetch(call, url, call.asked.get("FallbackMethod", "POST").upper(), more)
        except TwimlError as again:
            self.complain(call, again)
            return None

    # Inbound calls.

    def ring_us(self, sender: str, to: str, script: list[Doc] | None, hang_up_after: float = 0) -> Call:
        """A person calls one of our lines; without a script they stay until told otherwise, or for so many seconds."""
        now = time()
        call = Call(
            sid=sid("CA"), to=to, sender=sender, direction="inbound", status="ringing", created=now,
            updated=now, started=now, rang_at=0.0, events=["completed"],
            asked={"StatusCallback": self.carrier.console.voice_status_webhook},
        )  # fmt: skip
        line = Line(self.carrier, call, {"mode": "human", "script": script or [], "hang_up_after": hang_up_after})
        line.touched = not script
        self.carrier.book.add_call(call)
        self.lines[call.sid] = line
        self.carrier.spawn(self._inbound(line))
        return call

    async def _inbound(self, line: Line) -> None:
        call, flow = line.call, Flow(self, line)
        try:
            document = await flow.first(self.fetch(call, self.carrier.console.voice_webhook, "POST", {}))
            if document is not None and [verb.name for verb in document.verbs] == ["Reject"]:
                self._end(call, "busy" if document.verbs[0].attributes.get("reason") == "busy" else "no-answer")
                return
            call.reached = time()
            self._picked_up(line)
            self.carrier.book.changed(call)
            if document is None:
                await flow.apologise()
            else:
                await flow.run(document)
        except HungUp:
            pass
        finally:
            self.lines.pop(call.sid, None)
            self._end(call, "completed" if call.answered else "failed")

    # What flows need.

    def fields(self, call: Call) -> dict[str, str]:
        """The parameters every voice request has."""
        fields = {
            "CallSid": call.sid, "AccountSid": self.carrier.console.account_sid, "From": call.sender,
            "To": call.to, "Caller": call.sender, "Called": call.to, "CallStatus": call.status,
            "Direction": call.direction, "ApiVersion": VERSION, "FromCountry": "US", "FromState": "",
            "FromCity": "", "FromZip": "", "ToCountry": "US", "ToState": "", "ToCity": "", "ToZip": "",
            "CallerCountry": "US", "CalledCountry": "US",
        }  # fmt: skip
        if call.answered_by:
            fields["AnsweredBy"] = call.answered_by
        if call.parent:
            fields["ParentCallSid"] = call.parent
        if call.direction == "inbound":
            fields["StirVerstat"] = "TN-Validation-Passed-A"
        return fields

    async def fetch(self, call: Call, url: str, method: str, more: dict[str, str]) -> Document:
        """Ask the product what to do; TwimlError with the debugger's code when the answer is no use."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise TwimlError(11100, f"Invalid URL format: {url}")
        answer = await self._ask(call, url, {**self.fields(call), **more}, method)
        if not answer.status:
            why = answer.body.decode("utf-8", "replace")
            raise TwimlError(11205, f"HTTP connection failure: {url}: {why}", url)
        if not 200 <= answer.status < 300:
            raise TwimlError(11200, f"HTTP retrieval failure: {url} answered {answer.status}", url)
        if call.direction != "inbound" and not answer.body.strip():
            return Document([], url, method)
        if answer.content_type not in TWIML_TYPES:
            raise TwimlError(12300, f"Invalid Content-Type {answer.content_type!r} from {url}", url)
        try:
            return Document(parse(answer.body), url, method)
        except TwimlError as trouble:
            raise TwimlError(trouble.code, str(trouble), url) from None

    async def _ask(self, call: Call, url: str, fields: dict[str, str], method: str) -> Answer:
        """One request of a live call; its time is the product's own and not that of the simulated line."""
        line, began = self.lines.get(call.sid), time()
        call.asked_at = began
        after = line.after if line else None
        try:
            answer = await self.carrier.postman.live(url, fields, method)
        finally:
            call.asking, call.asked_at = call.asking + time() - began, None
        parts = urlsplit(url)
        asked = {"after": after, "path": parts.path, "query": parts.query, "digits": fields.get("Digits")}
        call.requests.append({**asked, "status": answer.status, "ms": round((time() - began) * 1000)})
        if line and self.carrier.faults.voice_late_copies:
            if line.asked_last:
                self.carrier.postman.copy(*line.asked_last)
            line.asked_last = (url, fields, method)
        return answer

    async def sound(self, url: str) -> Doc:
        """Really fetch what is to be played: `{url, sha256, seconds, audio}`."""
        host = urlsplit(url).hostname
        if host not in (urlsplit(self.carrier.console.product_url).hostname, "localhost", "127.0.0.1"):
            raise TwimlError(
                11200, f"Play: {url} is not on the product's host; the simulated carrier goes nowhere else"
            )
        answer = await self.carrier.postman.fetch(url, audio.MOST_BYTES)
        if answer.status != 200:
            why = f"answered {answer.status}" if answer.status else answer.body.decode("utf-8", "replace")
            raise TwimlError(11200, f"Play: {url} {why}")
        if answer.content_type not in SOUNDS:
            raise TwimlError(13420, f"Play: Invalid Content-Type {answer.content_type} from {url}")
        known = audio.keep(self.carrier.audio, answer.body)
        if known not in self._sounds:
            try:
                seconds = await asyncio.to_thread(audio.length, answer.body)
            except audio.NotAudio as trouble:
                raise TwimlError(12400, f"Play: {url} cannot be decoded: {trouble}") from None
            self._sounds[known] = {"sha256": known, "seconds": round(seconds, 2), "type": answer.content_type}
        return {"url": url, **self._sounds[known], "audio": f"/carrier/audio/{known}"}

    def recording_url(self, recording: str) -> str:
        console = self.carrier.console
        return f"{console.api_url}/{VERSION}/Accounts/{console.account_sid}/Recordings/{recording}"

    async def keep_recording(self, line: Line, pcm: audio.Pcm, began: float, verb: Verb, base: str) -> Recording:
        """Store the sound; a little later it is ready, and told to be."""
        faults = self.carrier.faults
        it = Recording(sid=sid("RE"), call=line.call.sid, created=began, duration=round(len(pcm) / audio.RATE))
        content = await asyncio.to_thread(audio.wav, pcm)
        (self.carrier.audio / f"{it.sid}.wav").write_bytes(content)
        self.carrier.book.add_recording(it)
        line.note("recorded", recording=it.sid, seconds=it.duration, audio=f"/carrier/audio/{it.sid}.wav")
        url = verb.attributes.get("recordingStatusCallback", "")
        events = verb.attributes.get("recordingStatusCallbackEvent", "completed").split()
        absent = not len(pcm) or faults.strikes(faults.recording_absent_share)
        end = "absent" if absent else "failed" if faults.strikes(faults.recording_failed_share) else "completed"
        self.carrier.after(faults.recording_ready_s, self._recorded, it, end, urljoin(base, url) if url else "", events)
        if verb.attributes.get("transcribe") == "true":
            told = verb.attributes.get("transcribeCallback", "")
            ready = faults.recording_ready_s + transcriptions.SECONDS
            self.carrier.after(ready, transcriptions.write_down, self.carrier, it, urljoin(base, told) if told else "")
        return it

    def _recorded(self, it: Recording, end: str, url: str, events: list[str]) -> None:
        it.status = end
        it.fetchable = time() + self.carrier.faults.recording_media_lag_s / self.carrier.speed
        if end != "completed":
            it.duration = 0
        self.carrier.book.changed(it)
        # Of a failure the vendor tells whoever asked for the good end.
        if not url or ("completed" if end == "failed" else end) not in events:
            return
        fields = {
            "RecordingSource": it.source, "RecordingSid": it.sid, "RecordingUrl": self.recording_url(it.sid),
            "RecordingStatus": end, "RecordingChannels": "1", "ErrorCode": "0", "CallSid": it.call,
            "RecordingStartTime": formatdate(it.created), "RecordingDuration": str(it.duration),
            "AccountSid": self.carrier.console.account_sid,
        }  # fmt: skip
        self.carrier.postman.later(url, fields)

    async def dial(self, line: Line, verb: Verb, document: Document) -> dict[str, str]:
        return await dial(self, line, verb, document)

    # Ends and news.

    def complain(self, call: Call, trouble: TwimlError) -> None:
        """A warning in the vendor's debugger; the caller hears that an application error has occurred."""
        call.error = f"{trouble.code}: {trouble}"
        self.carrier.book.alert(trouble.code, str(trouble), sid=call.sid)

    def close(self, call: Call, status: str = "completed") -> None:
        self._end(call, status)

    def _end(self, call: Call, status: str) -> None:
        if not call.live:
            return
        call.status, call.ended, call.now = status, time(), None
        if call.answered:
            call.duration = max(0, round(call.clock(self.carrier.speed) - (call.answered_at or 0)))
        self.carrier.book.changed(call)
        self.tell(call, "completed")

    def tell(self, call: Call, event: str) -> None:
        """The status callback of an event, when it was asked for."""
        url = call.asked.get("StatusCallback", "")
        if not url or event not in call.events:
            return
        status = {"initiated": "initiated", "answered": "in-progress"}.get(event, call.status)
        fields = {
            **self.fields(call), "CallStatus": status, "SequenceNumber": str(call.sequence),
            "Timestamp": formatdate(time()), "CallbackSource": "call-progress-events",
        }  # fmt: skip
        if event == "completed":
            fields["CallDuration"] = str(call.duration or 0)
            fields["Duration"] = str(-(-(call.duration or 0) // 60))
            if call.sip:
                fields["SipResponseCode"] = str(call.sip)
        call.sequence += 1
        self.carrier.postman.later(url, fields, call.asked.get("StatusCallbackMethod", "POST").upper())
