"""Live calls at Twilio: its requests as steps, our verbs as TwiML, recordings fetched, written down and deleted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from twilio.twiml.voice_response import VoiceResponse

from channels import spoken
from channels.http import InDoubt, NeverSent, Pool
from channels.twilio import RETRIES, Account
from channels.twilio_webhooks import read_form
from channels.words import clean
from dispatcher.model import ports, telephone
from dispatcher.model.errors import ProviderError
from dispatcher.settings import Settings

MOST_BYTES, FETCH_SECONDS, MOST_SPOKEN = 10 * 1024 * 1024, 10.0, 3000
MOST_WRITTEN = 120  # seconds
# A document may have 64 kB; this much of it for what is said leaves the rest for tags and addresses.
MOST_DOCUMENT = 56_000
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_RECORDING, _TRANSCRIPTION = re.compile(r"RE[0-9a-f]{32}"), re.compile(r"TR[0-9a-f]{32}")

# A voice that does not speak the language makes the verb fail, so the two go together.
VOICES = {
    "en": ("en-US", "Polly.Joanna"),
    "en-gb": ("en-GB", "Polly.Amy"),
    "en-au": ("en-AU", "Polly.Nicole"),
    "de": ("de-DE", "Polly.Vicki"),
    "fr": ("fr-FR", "Polly.Celine"),
    "fr-ca": ("fr-CA", "Polly.Chantal"),
    "es": ("es-ES", "Polly.Lucia"),
    "es-mx": ("es-MX", "Polly.Mia"),
    "it": ("it-IT", "Polly.Bianca"),
    "nl": ("nl-NL", "Polly.Lotte"),
    "pt": ("pt-PT", "Polly.Ines"),
    "pt-br": ("pt-BR", "Polly.Camila"),
    "pl": ("pl-PL", "Polly.Ewa"),
    "sv": ("sv-SE", "Polly.Astrid"),
    "da": ("da-DK", "Polly.Naja"),
    "nb": ("nb-NO", "Polly.Liv"),
    "ja": ("ja-JP", "Polly.Mizuki"),
    "zh": ("cmn-CN", "Polly.Zhiyu"),
}
# A withheld number can arrive spelt on the keypad: RESTRICTED, BLOCKED, UNKNOWN, ANONYMOUS, UNAVAILABLE.
_WITHHELD = {"+7378742833", "+2562533", "+8566696", "+266696687", "+86282452253"}
_ENDED = {"completed", "busy", "failed", "no-answer", "canceled"}
_DIALLED = {
    "completed": "completed",
    "answered": "completed",
    "busy": "busy",
    "no-answer": "no-answer",
    "failed": "failed",
    "canceled": "failed",
}


class TwilioLine:
    """The telephone line."""

    name = "twilio"

    def __init__(self, settings: Settings, pool: Pool | None = None) -> None:
        """Raises NotConfigured without the account's credentials."""
        self._account = Account(settings, pool)
        self._transcribes = settings.transcription == self.name

    def read(self, request: ports.WebRequest) -> telephone.CallStep:
        form = read_form(request)
        digits, answered_by = form.get("Digits", ""), form.get("AnsweredBy", "")
        recording = form.get("RecordingSid") or form.get("RecordingUrl", "").rpartition("/")[2]
        return telephone.CallStep(
            call_ref=form.get("CallSid", ""),
            caller=_shown(form.get("From", "")),
            called=form.get("To", ""),
            outbound=form.get("Direction", "").startswith("outbound"),
            digits="" if digits == "hangup" else digits,
            answered_by="human" if answered_by == "human" else "machine" if _is_machine(answered_by) else "",
            recording_ref=recording if _RECORDING.fullmatch(recording) else "",
            recording_seconds=_seconds(form.get("RecordingDuration", "")),
            dial_status=_dialled(form),
            hung_up=digits == "hangup" or form.get("CallStatus", "") in _ENDED,
        )

    def read_recording(self, request: ports.WebRequest) -> telephone.RecordingNews:
        form = read_form(request)
        if form.get("TranscriptionSid"):
            done = form.get("TranscriptionStatus") == "completed"
            words = form.get("TranscriptionText", "") if done else ""
            return telephone.RecordingNews(
                form.get("CallSid", ""), form.get("RecordingSid", ""), available=True, transcript=words
            )
        seconds = _seconds(form.get("RecordingDuration", ""))
        return telephone.RecordingNews(
            call_ref=form.get("CallSid", ""),
            recording_ref=form.get("RecordingSid", ""),
            available=form.get("RecordingStatus") == "completed" and seconds > 0,
            seconds=seconds,
        )

    def render(self, verbs: Sequence[telephone.Verb]) -> tuple[str, str]:
        """TwiML. Raises ValueError for a number that is none: nothing else may ever be dialled."""
        response = VoiceResponse()
        for verb in spoken.within(verbs, MOST_DOCUMENT):
            _add(response, verb, self._transcribes)
        return str(response), "text/xml"

    async def aclose(self) -> None:
        await self._account.pool.aclose()

    async def fetch_recording(self, recording_ref: str) -> ports.File | None:
        """The recording as WAV. Its address is made of our settings and the reference, never of what a request says."""
        _require(recording_ref)
        try:
            answer = await self._account.download(f"/Recordings/{recording_ref}.wav", MOST_BYTES, FETCH_SECONDS)
        except (NeverSent, InDoubt) as error:
            raise ProviderError(f"the recording could not be fetched: {error}") from error
        if answer.status == 404:  # also of one that is not ready yet
            return None
        kind = answer.header("Content-Type").partition(";")[0].strip().lower()
        if answer.status != 200:
            raise ProviderError(f"the recording could not be fetched: HTTP {answer.status}")
        if not kind.startswith("audio/"):
            raise ProviderError(f"the recording is {kind or 'nothing known'}, not audio")
        return ports.File(f"{recording_ref}.wav", kind, answer.body)

    async def erase_recording(self, recording_ref: str, *, transcripts: bool) -> None:
        """A transcription is a thing of its own at Twilio: it goes first, while the recording still tells of it."""
        _require(recording_ref)
        found = await _written_down(self._account, recording_ref) if transcripts else []
        for sid in [str(one.get("sid")) for one in found]:
            if _TRANSCRIPTION.fullmatch(sid):
                await _delete(self._account, f"/Transcriptions/{sid}")
        await _delete(self._account, f"/Recordings/{recording_ref}")


class TwilioTranscripts:
    """Twilio's own transcription: asked for with the verb Record, of 2 to 120 seconds, in American English only."""

    name = "twilio"

    def __init__(self, settings: Settings, pool: Pool | None = None) -> None:
        """Raises NotConfigured without the account's credentials."""
        self._account = Account(settings, pool)

    async def transcribe(self, recording_ref: str, sound: ports.File, language: str) -> str | None:
        """The words, if they are ready: its callback tells them, this is for when that was lost."""
        _require(recording_ref)
        if not _writes_down(language):
            return ""
        found = await _written_down(self._account, recording_ref)
        if not found or any(one.get("status") == "in-progress" for one in found):
            return None
        words = [one.get("transcription_text") for one in found if one.get("status") == "completed"]
        return " ".join(one for one in words if isinstance(one, str))

    async def aclose(self) -> None:
        await self._account.pool.aclose()


def _require(recording_ref: str) -> None:
    if not _RECORDING.fullmatch(recording_ref):
        raise ProviderError("that is no reference of a recording")


def _writes_down(language: str) -> bool:
    return language.lower().partition("-")[0] == "en"


async def _written_down(account: Account, recording_ref: str) -> list[Mapping[str, Any]]:
    try:
        answer = await account.get(f"/Recordings/{recording_ref}/Transcriptions")
    except (NeverSent, InDoubt) as error:
        raise ProviderError(f"the transcription could not be asked for: {error}") from error
    page = answer.json()
    rows = page.get("transcriptions") if answer.status == 200 and isinstance(page, dict) else None
    if answer.status == 404:
        return []
    if not isinstance(rows, list):
        raise ProviderError(f"the transcription could not be asked for: HTTP {answer.status}")
    return [one for one in rows if isinstance(one, dict)]


async def _delete(account: Account, path: str) -> None:
    try:
        answer = await account.delete(path)
    except (NeverSent, InDoubt) as error:
        raise ProviderError(f"it could not be deleted: {error}") from error
    if answer.status not in (204, 404):  # 404: an earlier request was carried out, though no answer came
        raise ProviderError(f"it could not be deleted: HTTP {answer.status}")


def _shown(caller: str) -> str:
    """The caller's number, or "" where it is withheld."""
    return caller if _NUMBER.fullmatch(caller) and caller not in _WITHHELD else ""


def _is_machine(answered_by: str) -> bool:
    return answered_by.startswith("machine") or answered_by == "fax"


def _dialled(form: Mapping[str, str]) -> str:
    """Somebody who hangs up on the whisper has answered, and yet was joined with nobody."""
    status = _DIALLED.get(form.get("DialCallStatus", ""), "")
    return "no-answer" if status == "completed" and form.get("DialBridged") == "false" else status


def _seconds(text: str) -> float:
    return float(text) if re.fullmatch(r"\d{1,6}", text) else 0.0


def _voice(language: str) -> tuple[str, str]:
    tag = language.lower().replace("_", "-")
    return VOICES.get(tag) or VOICES.get(tag.partition("-")[0]) or VOICES["en"]


def _spoken(text: str) -> list[str]:
    """The text without characters that break the document, in pieces that a Say may hold, cut between sentences."""
    rest, pieces = clean(text), []
    while len(rest) > MOST_SPOKEN:
        cut = max(rest.rfind(end, 0, MOST_SPOKEN) for end in (". ", "! ", "? ", "\n"))
        cut = cut if cut > 0 else rest.rfind(" ", 0, MOST_SPOKEN)
        cut = cut + 1 if cut > 0 else MOST_SPOKEN
        pieces.append(rest[:cut].strip())
        rest = rest[cut:].strip()
    return [*pieces, rest] if rest else pieces


def _add(into: Any, verb: telephone.Verb, transcribes: bool = False) -> None:
    """Append one verb to a response or, for what may stand there, to a gather."""
    match verb:
        case telephone.Say(text, language):
            tag, voice = _voice(language)
            for piece in _spoken(text):
                into.say(piece, language=tag, voice=voice)
        case telephone.Play(url):
            into.play(url)
        case telephone.Pause(seconds):
            into.pause(length=seconds)
        case telephone.Gather(prompts, next_url, digits, timeout, ends):
            gather = into.gather(
                input="dtmf",
                action=next_url,
                method="POST",
                num_digits=digits,
                # Left out it is #, which would then be no key of a menu.
                finish_on_key=ends,
                timeout=timeout,
                action_on_empty_result=True,
            )
            for prompt in prompts:
                _add(gather, prompt)
        case telephone.Record(next_url, done_url, max_seconds, silence, language):
            written = {"transcribe": True, "transcribe_callback": _retried(done_url)}
            into.record(
                action=next_url,
                method="POST",
                timeout=silence,
                max_length=max_seconds,
                play_beep=True,
                recording_status_callback=_retried(done_url),
                recording_status_callback_method="POST",
                recording_status_callback_event="completed absent",
                # Of a longer one Twilio refuses the whole document (13617).
                **(written if transcribes and _writes_down(language) and max_seconds <= MOST_WRITTEN else {}),
            )
        case telephone.Dial(number, caller_id, next_url, whisper_url, timeout):
            if not _NUMBER.fullmatch(number):
                raise ValueError("only a telephone number in E.164 can be dialled")
            dial = into.dial(
                caller_id=caller_id or None, action=next_url, method="POST", timeout=timeout, answer_on_bridge=True
            )
            dial.number(number, **({"url": whisper_url, "method": "POST"} if whisper_url else {}))
        case telephone.Go(url):
            into.redirect(url, method="POST")
        case telephone.Hangup():
            into.hangup()


def _retried(url: str) -> str:
    return url if "#" in url else url + RETRIES
