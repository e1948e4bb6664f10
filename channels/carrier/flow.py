"""A TwiML document carried out on a line, verb by verb."""

from collections.abc import Awaitable, Callable
from time import time
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from channels.carrier.line import Document, HungUp, Line, Redirected
from channels.carrier.records import Doc
from channels.carrier.twiml import TwimlError, Verb

if TYPE_CHECKING:
    from channels.carrier.switchboard import Switchboard

LETTERS_PER_SECOND = 14.0
MOST_DOCUMENTS = 200
APOLOGY = "We are sorry, an application error has occurred. Goodbye."
Step = Document | bool
"""What a verb leads to: True goes on to the next verb, False ends the call, a document replaces this one."""


def saying_seconds(text: str) -> float:
    return max(0.5, len(text) / LETTERS_PER_SECOND)


class Flow:
    """Runs documents until one ends; HungUp when the line dies first."""

    def __init__(self, board: "Switchboard", line: Line, *, whisper: bool = False) -> None:
        self._board, self._line, self._whisper = board, line, whisper
        self._verbs: dict[str, Callable[[Verb, Document], Awaitable[Step]]] = {
            "Say": self._say,
            "Play": self._play,
            "Gather": self._gather,
            "Record": self._record,
            "Dial": self._dial,
            "Redirect": self._redirect,
            "Pause": self._pause,
            "Hangup": self._hangup,
            "Reject": self._hangup,
        }

    async def begin(self, first: Awaitable[Document]) -> bool:
        """As `run`, with the document still to come."""
        document = await self.first(first)
        return await self.apologise() if document is None else await self.run(document)

    async def first(self, first: Awaitable[Document]) -> Document | None:
        """The document, or that of the fallback; None when there is neither."""
        try:
            return await first
        except TwimlError as trouble:
            return await self._board.rescue(self._line, trouble)

    async def apologise(self) -> bool:
        """What the vendor itself says to whoever is on the line when a document is of no use; then it hangs up."""
        if not self._whisper:
            await self._heard("said", saying_seconds(APOLOGY), lambda: False, {"text": APOLOGY, "language": "en-US"})
        return False

    async def run(self, document: Document) -> bool:
        """Carry out; True when the last document simply ended, False after Hangup or an error."""
        step: Step = document
        for _ in range(MOST_DOCUMENTS):
            try:
                if not isinstance(step, Document):
                    return step
                step = await self._through(step)
            except Redirected:
                step = self._line.redirect or False
                self._line.redirect = None
            except TwimlError as trouble:
                rescued = await self._board.rescue(self._line, trouble)
                if rescued is None:
                    return await self.apologise()
                step = rescued
        self._board.complain(self._line.call, TwimlError(12400, f"More than {MOST_DOCUMENTS} documents in one call"))
        return False

    async def _through(self, document: Document) -> Step:
        for verb in document.verbs:
            step = await self._verbs[verb.name](verb, document)
            if step is not True:
                return step
        return True

    async def _submit(self, verb: Verb, document: Document, fields: dict[str, str]) -> Document:
        """The document that a verb's `action` answers; without one, the current document's own URL."""
        action = verb.attributes.get("action") or document.url
        if not document.url and not urlsplit(action).scheme:
            raise TwimlError(11100, f"{verb.name}: action must be absolute when TwiML was given inline")
        method = verb.attributes.get("method", "POST").upper()
        return await self._board.fetch(self._line.call, urljoin(document.url, action), method, fields)

    async def _say(self, verb: Verb, document: Document, until: Callable[[], bool] = lambda: False) -> Step:
        spoken = {"text": verb.text, "language": verb.attributes.get("language", "en-US")}
        for _ in range(min(verb.number("loop", 1), 10) or 10):
            if await self._heard("said", saying_seconds(verb.text), until, spoken):
                break
        return True

    async def _play(self, verb: Verb, document: Document, until: Callable[[], bool] = lambda: False) -> Step:
        if not verb.text:
            self._line.note("tones", digits=verb.attributes.get("digits", ""))
            return True
        sound = await self._board.sound(urljoin(document.url, verb.text))
        for _ in range(min(verb.number("loop", 1), 10) or 10):
            if await self._heard("played", float(sound["seconds"]), until, sound):
                break
        return True

    async def _heard(self, what: str, seconds: float, until: Callable[[], bool], more: Doc) -> bool:
        """Let the line hear something; True when it was interrupted."""
        entry = self._line.note(what, **more, complete=False)
        self._line.hears(entry)
        try:
            interrupted = await self._line.wait(seconds, until)
            entry["complete"] = not interrupted
        finally:
            self._line.hears(None)
        return interrupted

    async def _gather(self, verb: Verb, document: Document) -> Step:
        line, speech = self._line, "speech" in verb.attributes.get("input", "dtmf")
        for child in verb.children:
            if line.barges_in():
                break
            speak = {"Say": self._say, "Play": self._play}.get(child.name)
            if speak:
                await speak(child, document, line.barges_in)
            else:
                await line.wait(child.number("length", 1), line.barges_in)
        if not (line.keys or line.said):
            await line.asked_for_keys()
        line.hears({"what": "listening", "for": "keys"})
        digits, ended_by = await self._digits(verb, speech)
        line.hears(None)
        return await self._gathered(verb, document, digits, ended_by)

    async def _digits(self, verb: Verb, speech: bool) -> tuple[str, str]:
        """Keys as they come, and the key that finished them."""
        line = self._line
        most = verb.number("numDigits", 0)
        finish = verb.attributes.get("finishOnKey", "#")
        timeout = verb.attributes.get("timeout", "5")
        seconds = 5.0 if timeout == "auto" else float(timeout)
        digits = ""
        while not (most and len(digits) >= most):
            if not await line.wait(seconds, lambda: bool(line.keys or (speech and line.said))):
                break
            if not line.keys:
                break
            key = line.keys.popleft()
            if key in finish:
                return digits, key
            digits += key
        return digits, ""

    async def _gathered(self, verb: Verb, document: Document, digits: str, ended_by: str) -> Step:
        line = self._line
        if digits:
            line.unanswered = 0
            line.note("keys", digits=digits)
            fields = {"Digits": digits, "msg": "Gather End"}
            if ended_by:
                fields["FinishedOnKey"] = ended_by
            return await self._submit(verb, document, fields)
        if line.said and "speech" in verb.attributes.get("input", ""):
            words = line.said.popleft()
            line.unanswered = 0
            line.note("spoke", text=words)
            return await self._submit(verb, document, {"SpeechResult": words, "Confidence": "0.92"})
        line.unanswered += 1
        if verb.attributes.get("actionOnEmptyResult") == "true":
            return await self._submit(verb, document, {"Digits": "", "msg": "Gather End"})
        return True

    async def _record(self, verb: Verb, document: Document) -> Step:
        line = self._line
        timeout = verb.attributes.get("timeout", "5")
        finish = verb.attributes.get("finishOnKey", "1234567890*#")
        line.hears({"what": "listening", "for": "speech"})
        began = time()
        pcm, ended_by = await line.record(
            5.0 if timeout == "auto" else float(timeout), float(verb.number("maxLength", 3600)), finish
        )
        line.hears(None)
        recording = await self._board.keep_recording(line, pcm, began, verb, document.url)
        fields = {
            "RecordingUrl": self._board.recording_url(recording.sid),
            "RecordingSid": recording.sid,
            "RecordingDuration": str(recording.duration),
            "Digits": ended_by,
        }
        if ended_by == "hangup":
            # The caller is gone, yet what was said is still a submission.
            self._board.close(line.call)
            await self._submit(verb, document, fields)
            raise HungUp
        return await self._submit(verb, document, fields)

    async def _dial(self, verb: Verb, document: Document) -> Step:
        if self._whisper:
            raise TwimlError(12200, "Schema validation warning: Dial is not allowed in a Number's url")
        fields = await self._board.dial(self._line, verb, document)
        if self._line.dead:
            if "action" in verb.attributes:
                self._board.close(self._line.call)
                await self._submit(verb, document, fields)
            raise HungUp
        if "action" in verb.attributes:
            return await self._submit(verb, document, fields)
        return True

    async def _redirect(self, verb: Verb, document: Document) -> Step:
        url = urljoin(document.url, verb.text)
        return await self._board.fetch(self._line.call, url, verb.attributes.get("method", "POST").upper(), {})

    async def _pause(self, verb: Verb, document: Document) -> Step:
        await self._line.wait(verb.number("length", 1))
        return True

    async def _hangup(self, verb: Verb, document: Document) -> Step:
        self._line.note("note", text=verb.name)
        return False
