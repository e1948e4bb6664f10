"""The far end of one call: a person, a machine, and what they press, say and do."""

import asyncio
from base64 import b64decode
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import time

import numpy as np

from channels.carrier.audio import Pcm, decode, is_quiet, silence, tone
from channels.carrier.behaviour import Behaviour
from channels.carrier.core import Carrier
from channels.carrier.names import rfc3339
from channels.carrier.records import Call, Doc
from channels.carrier.twiml import Verb

VOICEMAIL_SECONDS = 90


class HungUp(Exception):
    """The line is dead, whoever did it."""


class Redirected(Exception):
    """The API gave the call another document."""


@dataclass(frozen=True)
class Document:
    """TwiML and where it came from; `url` is empty for TwiML given inline."""

    verbs: list[Verb]
    url: str = ""
    method: str = "POST"


class Line:
    """One end of a call while it lasts. `touched`: a live person works it through the page or the API."""

    def __init__(self, carrier: Carrier, call: Call, behaviour: Behaviour) -> None:
        self.carrier, self.call, self.behaviour = carrier, call, behaviour
        self.mode = str(behaviour["mode"])
        self.script: deque[Doc] = deque(behaviour.get("script") or [])
        self.keys: deque[str] = deque()
        self.said: deque[str] = deque()
        self.speech: deque[Pcm] = deque()
        self.gone = False
        self.cut = ""
        self.picked_up = False
        self.touched = False
        self.unanswered = 0
        self.redirect: Document | None = None
        self.rescued = False
        self.asked_last: tuple[str, dict[str, str], str] | None = None
        self._changed = asyncio.Event()

    # What people and the API do to a line.

    def hang_up(self) -> None:
        self.gone = True
        self._changed.set()

    def cut_off(self, status: str) -> None:
        """We end it: `completed` or `canceled`."""
        self.cut = status
        self._changed.set()

    def go_to(self, document: Document) -> None:
        self.redirect = document
        self._changed.set()

    def pick_up(self) -> None:
        self.picked_up = self.touched = True
        self._changed.set()

    def press(self, digits: str) -> None:
        self.keys.extend(digits)
        self._changed.set()

    def say(self, words: str) -> None:
        self.said.append(words)
        self._changed.set()

    def speak(self, pcm: Pcm, *, live: bool = False) -> None:
        """Sound from this end. What a microphone brings bit by bit while nobody records is lost, as on a telephone."""
        if live and (self.call.now or {}).get("for") != "speech":
            return
        self.speech.append(pcm)
        self._changed.set()

    # What the switchboard does with it.

    def note(self, what: str, **more: object) -> Doc:
        """Add to the call's transcript. `after`: simulated seconds since it was answered."""
        line: Doc = {"at": rfc3339(time()), "after": self.after, "what": what, **more}
        self.call.transcript.append(line)
        self.carrier.book.changed(self.call)
        return line

    @property
    def after(self) -> float | None:
        """Simulated seconds since the call was answered; None before."""
        answered = self.call.answered_at
        return None if answered is None else round(self.call.clock(self.carrier.speed) - answered, 2)

    def hears(self, now: Doc | None) -> None:
        self.call.now = now
        self.carrier.book.changed(self.call)

    @property
    def dead(self) -> bool:
        return self.gone or bool(self.cut)

    async def wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Simulated seconds, or less: True when `until` came true. HungUp, Redirected as they happen.

        By the clock that the call is told by: the loop's may run a thousandth apart while the machine's time is set.
        """
        end = time() + seconds / self.carrier.speed
        while True:
            self._changed.clear()
            if self.dead:
                raise HungUp
            if self.redirect is not None:
                raise Redirected
            if until():
                return True
            left = end - time()
            if left <= 0:
                return False
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                continue

    async def asked_for_keys(self) -> None:
        """A Gather has begun to listen: a scripted person acts, one without a script loses patience."""
        if self.script:
            await self._act()
        elif not self.touched and self.mode == "human" and self.unanswered:
            await self.wait(0.5)
            self.hang_up()
            raise HungUp

    async def _act(self) -> None:
        step = self.script[0]
        if "speak_seconds" in step or "speak_wav_base64" in step:
            return
        self.script.popleft()
        if "wait" in step:
            await self.wait(float(step["wait"]))
            if self.script:
                await self._act()
        elif "press" in step:
            await self.wait(0.3)
            self.press(str(step["press"]))
        elif "say" in step:
            self.say(str(step["say"]))
        elif step.get("hangup"):
            await self.wait(0.3)
            self.hang_up()
            raise HungUp

    def barges_in(self) -> bool:
        """Whether the scripted person presses while the prompt still speaks."""
        if self.script and self.script[0].get("barge"):
            self.press(str(self.script.popleft().get("press", "")))
        return bool(self.keys or self.said)

    def next_speech(self) -> Pcm | None:
        """What a scripted person says at the beep; None: nothing."""
        if not self.script or self.speech:
            return None
        step = self.script[0]
        if "speak_seconds" in step:
            self.script.popleft()
            return tone(float(step["speak_seconds"]))
        if "speak_wav_base64" in step:
            self.script.popleft()
            return decode(b64decode(step["speak_wav_base64"]))
        return None

    async def record(self, seconds_silence: float, most: float, finish: str) -> tuple[Pcm, str]:
        """Listen after the beep: the sound, and the key that ended it, `hangup`, or nothing."""
        self.keys.clear()
        heard: list[Pcm] = []
        length = quiet = 0.0
        if (pcm := self.next_speech()) is not None:
            self.speech.append(pcm)
        try:
            while length < most:
                if self.speech:
                    pcm = self.speech.popleft()[: int((most - length) * 8000)]
                    heard.append(await self._listen(pcm, lambda: self._ends(finish)))
                    length += len(pcm) / 8000
                    quiet = quiet + len(pcm) / 8000 if is_quiet(pcm) else 0.0
                    if quiet >= seconds_silence and not self._ends(finish):
                        break
                elif self.script and self.script[0].get("hangup"):
                    self.script.popleft()
                    self.hang_up()
                elif self.script and "press" in self.script[0]:
                    self.press(str(self.script.popleft()["press"]))
                elif not await self.wait(seconds_silence - quiet, lambda: bool(self.speech) or self._ends(finish)):
                    if not heard:
                        heard.append(silence(min(seconds_silence, most)))
                    break
                if self._ends(finish):
                    return _joined(heard), self.keys.popleft()
                if self.dead:
                    raise HungUp
        except HungUp:
            return _joined(heard), "hangup"
        return _joined(heard), ""

    async def _listen(self, pcm: Pcm, until: Callable[[], bool]) -> Pcm:
        """Sound while it is spoken: what of it was heard before a key or a hang-up cut it short."""
        began = time()
        try:
            if not await self.wait(len(pcm) / 8000, until):
                return pcm
        except HungUp:
            pass
        return pcm[: int((time() - began) * self.carrier.speed * 8000)]

    def _ends(self, finish: str) -> bool:
        while self.keys and self.keys[0] not in finish:
            self.keys.popleft()
        return bool(self.keys)


def _joined(parts: list[Pcm]) -> Pcm:
    return np.concatenate(parts) if parts else silence(0)
