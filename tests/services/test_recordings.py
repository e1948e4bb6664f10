"""Recordings at the telephone's provider: fetched, judged, told, written down and erased; news in every order."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import itertools
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.bells import commit
from dispatcher.model import AuditEntry, Letter, Media, Recording, Reply, StaffCall, Task
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import File
from dispatcher.model.telephone import RecordingNews
from dispatcher.services import (
    calls,
    recording_erasure,
    recording_fetch,
    recording_news,
    recordings,
    sweep,
    transcripts,
)
from tests.small_bank import SmallBank, small_bank

REF = "RE1"


def wav(seconds: float = 3.0, *, level: float = 0.3) -> bytes:
    """As uneven as a voice."""
    out, at = io.BytesIO(), np.arange(int(8000 * seconds)) / 8000
    soundfile.write(out, level * np.sin(2 * np.pi * 400 * at) * np.sin(2 * np.pi * 2 * at), 8000, format="WAV")
    return out.getvalue()


class Dead(BaseException):
    """The worker is killed."""


class Line:
    """A provider with one recording, which can do as badly as told: `gives` is what each request comes to, in turn."""

    name = "a"

    def __init__(self) -> None:
        self.gives: list[bytes | BaseException | None] = []
        self.fetched = 0
        self.erased: list[tuple[str, bool]] = []
        self.asked: list[str] = []

    def _next(self) -> bytes | None:
        given = self.gives.pop(0) if len(self.gives) > 1 else self.gives[0]
        if isinstance(given, BaseException):
            raise given
        return given

    async def fetch_recording(self, recording_ref: str) -> File | None:
        self.fetched += 1
        content = self._next()
        return None if content is None else File("x.wav", "audio/x-wav", content)

    async def erase_recording(self, recording_ref: str, *, transcripts: bool) -> None:
        self._next()
        self.erased.append((recording_ref, transcripts))

    async def transcribe(self, recording_ref: str, sound: File, language: str) -> str | None:
        self.asked.append(language)
        content = self._next()
        return None if content is None else content.decode()

    async def aclose(self) -> None:
        return None


@dataclasses.dataclass
class Desk:
    """A bank whose telephone's provider is a Line."""

    bank: SmallBank
    line: Line

    def expect(self, purpose: str = "reply") -> int:
        with self.bank.sessions() as session:
            reply = _reply(session, self.bank) if purpose == "reply" else None
            one = recordings.expect(
                session, self.bank.runtime, provider="a", ref=REF, call_ref="C1", purpose=purpose, reply=reply,
                staff_call=None if reply else _call(session, self.bank),
            )  # fmt: skip
            commit(session, self.bank.runtime.bells)
            return one.id

    def fetch(self, number: int, *arrived: recording_fetch.Arrived) -> bool:
        return asyncio.run(recording_fetch.fetch(self.bank.runtime, number, *arrived))

    def news(self, *, available: bool = True, query: str = "", words: str | None = None) -> bool:
        with self.bank.sessions() as session:
            known = RecordingNews("C1", REF, available, 3.0 if available else 0.0, words)
            taken = recording_news.take(session, self.bank.runtime, "a", known, query)
            commit(session, self.bank.runtime.bells)
            return taken

    def with_settings(self, **changes: object) -> None:
        settings = self.bank.runtime.settings.model_copy(update=changes)
        self.bank.runtime = dataclasses.replace(self.bank.runtime, settings=settings)

    def transcribes(self) -> None:
        adapters = dataclasses.replace(self.bank.runtime.adapters, transcriber=self.line)
        self.bank.runtime = dataclasses.replace(self.bank.runtime, adapters=adapters)

    def rung(self, job: str) -> list[int]:
        """What was rung for this job since it was asked last."""
        found = [ring[2][0] for ring in self.bank.bells.rings if ring[1] == job]
        self.bank.bells.rings = [ring for ring in self.bank.bells.rings if ring[1] != job]
        return [int(one) for one in found]

    def swept(self, job: str) -> list[int]:
        self.rung(job)
        with self.bank.sessions() as session:
            sweep.sweep(session, self.bank.runtime, "recordings")
            commit(session, self.bank.runtime.bells)
            if job == "erase_recordings":  # one ring for all
                due = recording_erasure.due(session, self.bank.runtime)
                assert (("lookups", job, ()) in self.bank.bells.rings) == bool(due)
                self.bank.bells.rings.clear()
                return due
        return self.rung(job)

    def one(self) -> Recording:
        with self.bank.sessions() as session:
            found = session.scalars(select(Recording)).one()
            _ = found.media and found.media.content, found.reply
            return found


def _reply(session: Session, bank: SmallBank) -> Reply:
    reply = Reply(
        dedupe="r", channel="voice", sender="+12025550102", customer_id=bank.ids["cleo"], kind="voice",
        received_at=bank.runtime.now(),
    )  # fmt: skip
    session.add(reply)
    session.flush()
    return reply


def _call(session: Session, bank: SmallBank) -> StaffCall:
    call = StaffCall(provider="a", call_ref="C1", staff_id=bank.ids["analyst"], lists=[], proven_at=bank.runtime.now())
    session.add(call)
    session.flush()
    return call


def desk_of(sessions: sessionmaker[Session], folder: Path) -> Desk:
    bank, line = small_bank(sessions, folder), Line()
    bank.runtime.adapters.lines["a"] = line  # type: ignore[index]  # a dict, as every bank's
    return Desk(bank, line)


@pytest.fixture
def desk(sessions: sessionmaker[Session], tmp_path: Path) -> Desk:
    """On SQLite and on PostgreSQL."""
    return desk_of(sessions, tmp_path)


@pytest.fixture
def light(sqlite_sessions: sessionmaker[Session], tmp_path: Path) -> Desk:
    """On SQLite alone, for tables of many cases."""
    return desk_of(sqlite_sessions, tmp_path)


# --- what comes of it -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "state", "text", "note"),
    [
        (wav(), "kept", "Spoken answer, 0:03.", ""),
        (wav(level=0.0001), "silent", "A spoken answer of 0:03 was left, but nothing is to be heard on it.", ""),
        (wav(0), "empty", "A spoken answer was begun, but nothing was recorded.", ""),
        (wav(0.3), "silent", "but nothing is to be heard on it.", "shorter than half a second"),
        (b"no sound", "silent", "but nothing is to be heard on it.", "cannot be read|not a recording"),
    ],
    ids=["a voice", "silence", "nothing", "too short", "no sound"],
)
def test_what_a_customer_said(light: Desk, content: bytes, state: str, text: str, note: str) -> None:
    number = light.expect()
    light.line.gives = [content]
    assert light.fetch(number)
    assert not light.fetch(number)
    one = light.one()
    assert one.state == state
    assert one.reply is not None
    assert one.reply.text.endswith(text)
    assert any(part in one.reply.note for part in note.split("|"))
    # All that the provider has of somebody's words is kept, by its hash.
    assert (one.media.content if one.media else None) == (None if state == "empty" else content)
    assert one.reply.recording_id == one.media_id
    assert light.line.fetched == 1


def test_pieces_in_order_and_what_follows_from_each(desk: Desk) -> None:
    with desk.bank.sessions() as session:
        call = _call(session, desk.bank)
        for ref in ("RE1", "RE2", "RE1", "RE3"):
            recordings.expect(
                session, desk.bank.runtime, provider="a", ref=ref, call_ref="C1",
                purpose="reason" if ref == "RE3" else "alert", staff_call=call,
            )  # fmt: skip
        commit(session, desk.bank.runtime.bells)
        assert [one.ref for one in recordings.pieces(session, call)] == ["RE1", "RE2"]
    desk.line.gives = [wav(1), wav(level=0)]
    arrived: list[tuple[str, str]] = []

    def take(session: Session, runtime: object, recording: Recording) -> None:
        arrived.append((recording.ref, recording.state))
        if recording.ref == "RE1":
            raise ValueError("nobody knows what to do with it")
        session.add(Media(sha256="0", media_type="audio/wav", size=1))  # which the database refuses

    for number in dict.fromkeys(desk.rung("fetch_recording")):
        assert desk.fetch(number, take)
    assert arrived == [("RE1", "kept"), ("RE2", "silent"), ("RE3", "silent")]
    with desk.bank.sessions() as session:
        # What followed failed; they are kept all the same, and somebody is told.
        assert {one.state for one in session.scalars(select(Recording))} == {"kept", "silent"}
        assert "nothing came of it" in session.scalars(select(Task.text)).all()[0]


# --- news and steps in any order --------------------------------------------------------------------------

ORDERS = [
    ("step",), ("news",), *itertools.product(("step", "news"), ("step", "news", "fetch")),
    *itertools.permutations(("step", "news", "fetch")), ("news", "news", "fetch", "step", "step"),
]  # fmt: skip


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
@pytest.mark.parametrize("available", [True, False], ids=["completed", "absent"])
def test_every_order_ends_the_same(light: Desk, order: tuple[str, ...], available: bool) -> None:
    with light.bank.sessions() as session:
        message = light.bank.released(session)
        message_id = message.id
        commit(session, light.bank.runtime.bells)
    light.line.gives = [wav() if available else None]
    query = f"customer={light.bank.ids['cleo']}&message={message_id}"

    def step() -> None:
        with light.bank.sessions() as session:
            caller = calls.again(session, light.bank.runtime, light.bank.ids["cleo"], message_id)
            assert caller is not None
            calls.leaves_recording(session, light.bank.runtime, "a", caller, REF, 3.0, call_ref="C1")
            commit(session, light.bank.runtime.bells)

    for deed in (*order, "step", "news", "sweep"):
        if deed == "step":
            step()
        elif deed == "news":
            assert light.news(available=available, query=query)
        elif deed == "sweep":
            light.bank.time.pass_by(120)
            for number in light.swept("fetch_recording"):
                light.fetch(number)
        else:
            for number in light.rung("fetch_recording"):
                light.fetch(number)
    one = light.one()
    assert one.reply is not None
    assert (one.state, one.reply.text) == (
        ("kept", "Spoken answer, 0:03.") if available
        else ("empty", "A spoken answer was begun, but nothing was recorded.")
    )  # fmt: skip
    assert one.reply.doubt == ("order" if available else "")
    with light.bank.sessions() as session:
        assert len(session.scalars(select(Reply)).all()) == 1
        (letter,) = session.scalars(select(Letter).where(Letter.kind == "reply")).all()
        if available:
            assert one.reply.text in letter.text
            assert "Listen:" in letter.text
        assert (letter.state, one.reply.kind) == (("queued", "other") if available else ("cancelled", "automatic"))
        assert session.scalars(select(Task)).all() == []


@pytest.mark.parametrize("purpose", ["alert", "reason"])
def test_news_of_a_staff_call_makes_what_its_step_will_find(desk: Desk, purpose: str) -> None:
    query = f"line=staff&for={purpose}"
    assert not desk.news(query=query)  # nothing is known of the call yet: it is asked again
    with desk.bank.sessions() as session:
        _call(session, desk.bank)
        session.commit()
    assert desk.news(query=query)
    assert desk.news(query=query)
    assert not desk.news(query="line=staff&for=reply") or desk.one().purpose == purpose
    one = desk.one()
    assert (one.purpose, one.call_ref, one.state, one.staff_call_id) == (purpose, "C1", "waiting", 1)


def test_no_news_at_all(desk: Desk) -> None:
    number = desk.expect()
    assert desk.rung("fetch_recording") == [number]  # and lost
    desk.bank.time.pass_by(6)
    assert desk.swept("fetch_recording") == [number]
    desk.line.gives = [wav()]
    assert desk.fetch(number)
    desk.bank.time.pass_by(60)
    assert desk.swept("fetch_recording") == []


# --- failures ---------------------------------------------------------------------------------------------


def test_a_provider_that_is_not_ready_is_asked_again_soon_and_no_failure_counted(desk: Desk) -> None:
    number = desk.expect("alert")
    desk.line.gives = [None, None, wav()]
    assert not desk.fetch(number)
    assert (desk.one().fetches, desk.one().fetch_at) == (0, desk.bank.time.at + timedelta(seconds=2))
    desk.rung("fetch_recording")
    with desk.bank.sessions() as session:
        one = session.get_one(Recording, number)
        recordings.look(session, desk.bank.runtime, one)  # too soon
        desk.bank.time.pass_by(2)
        recordings.look(session, desk.bank.runtime, one)
        commit(session, desk.bank.runtime.bells)
    assert desk.rung("fetch_recording") == [number]
    assert not desk.fetch(number)
    assert not desk.fetch(number), "not before its time"
    assert desk.line.fetched == 2
    assert desk.news()  # the provider says that it is ready: now
    assert desk.rung("fetch_recording") == [number]
    assert desk.fetch(number)
    with desk.bank.sessions() as session:
        recordings.look(session, desk.bank.runtime, session.get_one(Recording, number))
        commit(session, desk.bank.runtime.bells)
    assert desk.rung("fetch_recording") == []


def test_news_while_it_is_fetched_in_vain_is_not_forgotten(light: Desk) -> None:
    number = light.expect("alert")

    class Slow(Line):
        async def fetch_recording(self, recording_ref: str) -> File | None:
            light.news()
            return None

    light.bank.runtime.adapters.lines["a"] = Slow()  # type: ignore[index]  # a dict, as every bank's
    assert not light.fetch(number)
    assert light.one().fetch_at == light.bank.time.at
    light.bank.runtime.adapters.lines["a"] = light.line  # type: ignore[index]  # a dict, as every bank's
    light.line.gives = [wav()]
    assert light.fetch(number)


@pytest.mark.parametrize("purpose", ["reply", "alert"])
def test_a_recording_that_cannot_be_fetched_becomes_a_task(
    desk: Desk, purpose: str, caplog: pytest.LogCaptureFixture
) -> None:
    number = desk.expect(purpose)
    desk.line.gives = [ConnectionError("https://key@provider.example/secret")]
    for _ in range(80):
        for one in desk.swept("fetch_recording"):
            assert not desk.fetch(one)
        desk.bank.time.at += timedelta(minutes=20)
    assert desk.line.fetched == len(recording_fetch.WAITS)
    desk.bank.time.at += timedelta(days=1)
    assert desk.swept("fetch_recording") == []
    assert desk.one().state == "lost"
    with desk.bank.sessions() as session:
        task = session.scalars(select(Task)).one()
        if purpose == "reply":
            assert (task.kind, task.rep_id, task.customer_id) == ("poison", desk.bank.ids["rep"], desk.bank.ids["cleo"])
        else:
            assert (task.kind, task.rep_id) == ("poison", None)
            assert "Analyst recorded by telephone" in task.text
    assert "secret" not in caplog.text
    # The vendor finds it after all.
    desk.line.gives = [wav()]
    assert desk.news()
    assert desk.fetch(number)
    assert desk.one().state == "kept"
    with desk.bank.sessions() as session:
        assert session.scalars(select(Task.state)).all() == ["closed"]
        assert [one.note for one in session.scalars(select(Reply))] in ([""], [])


def test_a_worker_that_is_killed_leaves_it_for_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    number = desk.expect()
    desk.line.gives = [Dead()]
    with pytest.raises(Dead):
        desk.fetch(number)
    desk.line.gives = [wav()]
    assert not desk.fetch(number), "not at once: it may have been killed by it"
    desk.bank.time.pass_by(66)

    def killed(*_: object) -> None:
        raise Dead

    with monkeypatch.context() as broken:  # between fetching and keeping
        broken.setattr(recordings, "keep", killed)
        with pytest.raises(Dead):
            desk.fetch(number)
    desk.bank.time.pass_by(126)
    assert desk.swept("fetch_recording") == [number]
    assert desk.fetch(number)
    assert desk.one().state == "kept"


def test_what_kills_every_worker_is_set_aside(light: Desk) -> None:
    number = light.expect()
    light.line.gives = [Dead()]
    for _ in recording_fetch.WAITS:
        with pytest.raises(Dead):
            light.fetch(number)
        light.bank.time.at += timedelta(hours=9)
    assert not light.fetch(number)
    assert (light.one().state, light.line.fetched) == ("lost", len(recording_fetch.WAITS))


def test_a_provider_that_hangs_is_waited_for_once(desk: Desk) -> None:
    """Those with failures behind them go alone: they may be what kills the worker."""
    at_once, most = 0, 0

    class Slow(Line):
        async def fetch_recording(self, recording_ref: str) -> File | None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.2)
            at_once -= 1
            return File("x.wav", "audio/x-wav", wav(1))

    desk.bank.runtime.adapters.lines["a"] = Slow()  # type: ignore[index]  # a dict, as every bank's
    with desk.bank.sessions() as session:
        for number in range(12):
            one = recordings.expect(
                session, desk.bank.runtime, provider="a", ref=f"RE{number}", call_ref="C1", purpose="alert"
            )
            one.fetches = recording_fetch.ALONE_AFTER if number in (1, 2) else 0
        session.commit()
    work = recording_fetch.fetch_with_others
    assert asyncio.run(work(desk.bank.runtime, 2)) == 1
    assert (asyncio.run(work(desk.bank.runtime, 1)), most) == (recording_fetch.TOGETHER, recording_fetch.TOGETHER)
    assert asyncio.run(work(desk.bank.runtime, 1)) == 0
    assert asyncio.run(work(desk.bank.runtime, 12)) == 2
    with desk.bank.sessions() as session:
        assert [one.id for one in session.scalars(select(Recording).where(Recording.state == "waiting"))] == [3]


# --- erased at the provider -------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "after"), [(7, 7.0), (0, 0.0), (1, 1.0), (-1, None)])
def test_it_is_erased_by_policy_and_on_record(light: Desk, days: int, after: float | None) -> None:
    light.with_settings(recordings_at_provider_days=days)
    number = light.expect()
    light.line.gives = [wav()]
    light.fetch(number)
    sha256 = light.one().media.sha256  # type: ignore[union-attr]  # it was kept
    if after:
        light.bank.time.at += timedelta(days=after, seconds=-1)
        assert light.swept("erase_recordings") == []
        light.bank.time.pass_by(2)
    if after is None:
        light.bank.time.at += timedelta(days=400)
    assert light.swept("erase_recordings") == ([] if after is None else [number])
    if after is None:
        return
    assert asyncio.run(recording_erasure.erase(light.bank.runtime, number))
    assert not asyncio.run(recording_erasure.erase(light.bank.runtime, number))
    assert light.line.erased == [(REF, False)]
    assert light.one().erased_at == light.bank.time.at
    light.bank.time.at += timedelta(days=30)
    assert light.swept("erase_recordings") == []
    with light.bank.sessions() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "erase recording at provider")).one()
        assert (entry.subject, sha256 in entry.detail) == (f"recording {number}", True)


def test_a_backlog_is_erased_by_few_at_a_time(light: Desk) -> None:
    light.with_settings(recordings_at_provider_days=0)
    with light.bank.sessions() as session:
        for number in range(20):
            recordings.expect(
                session, light.bank.runtime, provider="a", ref=f"RE{number}", call_ref="C1", purpose="alert"
            )
        session.commit()
    light.line.gives = [wav(1)]
    for number in range(1, 21):
        light.fetch(number)
    assert len(light.swept("erase_recordings")) == 20
    assert asyncio.run(recording_erasure.erase_due(light.bank.runtime)) == 20
    assert light.swept("erase_recordings") == []
    assert asyncio.run(recording_erasure.erase_due(light.bank.runtime)) == 0


def test_a_policy_that_is_changed_counts_for_what_is_there(light: Desk) -> None:
    light.with_settings(recordings_at_provider_days=-1)
    number = light.expect()
    light.line.gives = [wav()]
    light.fetch(number)
    light.bank.time.at += timedelta(days=30)
    assert light.swept("erase_recordings") == []
    light.with_settings(recordings_at_provider_days=31)
    assert light.swept("erase_recordings") == []
    light.with_settings(recordings_at_provider_days=30)
    assert light.swept("erase_recordings") == [number]


@pytest.mark.parametrize("state", ["waiting", "empty", "lost", "spoilt"])
def test_only_what_is_here_with_its_hash_is_ever_erased(light: Desk, state: str) -> None:
    light.with_settings(recordings_at_provider_days=0)
    number = light.expect()
    if state == "spoilt":
        light.line.gives = [wav()]
        light.fetch(number)
    with light.bank.sessions() as session:
        if state == "spoilt":
            session.scalars(select(Media)).one().content = b"other"
        else:
            session.get_one(Recording, number).state = state
        session.commit()
    light.bank.time.at += timedelta(days=9)
    light.swept("erase_recordings")
    assert not asyncio.run(recording_erasure.erase(light.bank.runtime, number))
    assert light.line.erased == []
    if state == "spoilt":
        with light.bank.sessions() as session:
            assert "not what was stored" in session.scalars(select(Task.text)).one()
        light.bank.time.at += timedelta(days=9)
        assert light.swept("erase_recordings") == []


def test_failures_to_erase_are_repeated_and_told_in_the_end(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.with_settings(recordings_at_provider_days=0)
    number = desk.expect()
    desk.line.gives = [wav(), ProviderError("HTTP 500 secret")]
    desk.fetch(number)
    tries = 0
    for _ in range(30):
        for one in desk.swept("erase_recordings"):
            tries += 1
            assert not asyncio.run(recording_erasure.erase(desk.bank.runtime, one))
        desk.bank.time.at += timedelta(minutes=30)
    assert tries == len(recording_erasure.WAITS)
    assert "secret" not in caplog.text
    with desk.bank.sessions() as session:
        assert "stays at a: ProviderError" in session.scalars(select(Task.text)).one()
    assert desk.one().erased_at is None


# --- written down -----------------------------------------------------------------------------------------


def test_words_are_told_by_the_provider(desk: Desk) -> None:
    desk.transcribes()
    number = desk.expect()
    desk.line.gives = [wav()]
    desk.fetch(number)
    assert desk.news(words=" Sell LTMY \x00 now. ")
    assert desk.news(words="Something else")
    one = desk.one()
    assert (one.transcript, one.transcribe_at, one.reply.text if one.reply else "") == (
        "Sell LTMY  now.", None, "Spoken answer, 0:03.",
    )  # fmt: skip
    desk.bank.time.at += timedelta(hours=1)
    assert desk.swept("transcribe_recording") == []
    with desk.bank.sessions() as session:
        assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "write down recording")).all()) == 1


def test_words_are_asked_for_where_no_news_came_and_erasing_waits_for_them(desk: Desk) -> None:
    desk.transcribes()
    desk.with_settings(recordings_at_provider_days=0)
    number = desk.expect()
    desk.line.gives = [wav(), None, ProviderError("away"), b"Buy more."]
    desk.fetch(number)
    for answer in (False, False, True):
        assert desk.swept("erase_recordings") == []
        desk.bank.time.at += timedelta(minutes=3)
        assert desk.swept("transcribe_recording") == [number]
        assert asyncio.run(transcripts.ask(desk.bank.runtime, number)) is answer
    assert desk.one().transcript == "Buy more."
    assert desk.line.asked == ["en"] * 3
    assert desk.swept("erase_recordings") == [number]
    assert asyncio.run(recording_erasure.erase(desk.bank.runtime, number))
    assert desk.line.erased == [(REF, True)]


def test_words_that_never_come_hold_up_nothing(light: Desk) -> None:
    light.transcribes()
    number = light.expect()
    light.line.gives = [wav(), None]
    light.fetch(number)
    for _ in range(30):
        for one in light.swept("transcribe_recording"):
            asyncio.run(transcripts.ask(light.bank.runtime, one))
        light.bank.time.at += timedelta(minutes=5)
    assert len(light.line.asked) == len(transcripts.WAITS)
    assert (light.one().transcript, light.one().transcribe_at) == (None, None)
    light.bank.time.at += timedelta(days=7)
    assert light.swept("erase_recordings") == [number]


@pytest.mark.parametrize("content", [wav(level=0), b"no sound", wav(0)], ids=["silence", "no sound", "nothing"])
def test_silence_is_not_written_down(light: Desk, content: bytes) -> None:
    light.transcribes()
    number = light.expect()
    light.line.gives = [content]
    light.fetch(number)
    assert light.one().transcribe_at is None
