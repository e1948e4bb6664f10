"""Opt-outs here and on the provider's own list are the same, over the simulated carrier's HTTP."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from channels.sendgrid_suppressions import SendGridSuppressions
from dispatcher.bells import commit
from dispatcher.model import Customer, Letter, ListReading, Suppression, Task, now
from dispatcher.model.errors import NotConfigured, ProviderError
from dispatcher.model.ports import Listed, SuppressionList
from dispatcher.runtime import Runtime
from dispatcher.services import directory_marks, mirrors, preferences, suppressions, sweep
from dispatcher.settings import Settings
from dispatcher.storage import make_engine, make_sessions
from tests.channels.vendors import settings
from tests.loopback import up
from tests.small_bank import SmallBank, small_bank

ROOT = Path(__file__).parents[2]
ANA = "ana@simon.example"


@dataclass
class Carrier:
    """The carrier's process: its lists, seen from outside."""

    url: str
    settings: Settings

    def api(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        key = self.settings.sendgrid_api_key.get_secret_value()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            raw = answer.read()
            return json.loads(raw) if raw else None

    def on(self, address: str, kind: str = "unsubscribes") -> bool:
        return any(one["email"] == address for one in self.api("GET", f"/v3/suppression/{kind}"))

    def told(self, address: str, event: str) -> None:
        """A mail to them, of which the reader makes something."""
        mail = {
            "personalizations": [{"to": [{"email": address}]}], "from": {"email": self.settings.email_from},
            "subject": "x", "content": [{"type": "text/plain", "value": "x"}],
        }  # fmt: skip
        self.api("POST", "/v3/mail/send", mail)
        query = {"query": f"to_email = '{address}'", "limit": 1}
        end = time.monotonic() + 60
        while not (found := self.api("POST", "/v3/logs", query)["messages"]):
            assert time.monotonic() < end
            time.sleep(0.02)
        self.api("POST", f"/carrier/api/mail/{found[0]['sg_message_id']}/events", {"event": event})


@pytest.fixture(scope="module")
def carrier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carrier]:
    state = str(tmp_path_factory.mktemp("carrier"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "channels.carrier"]
    init = [*command, "init", "--state", state, "--port", port, "--product-url", "http://127.0.0.1:9"]
    made = subprocess.run(init, capture_output=True, check=True, cwd=ROOT)
    offered = {name.lower(): value for name, value in json.loads(made.stdout).items()}
    ours = settings(**offered)
    serve = [*command, "serve", "--state", state, "--speed", "20"]
    env = {**os.environ, "CARRIER_DIE_WITH_PARENT": "1"}
    process = subprocess.Popen(serve, cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while not up(f"{ours.sendgrid_api_url}/healthz"):
            assert time.monotonic() < end, "the carrier does not answer"
            time.sleep(0.05)
        yield Carrier(ours.sendgrid_api_url, ours)
    finally:
        process.terminate()
        process.wait(60)


@dataclass
class Scripted:
    """A list that does as it is told, and remembers what it was asked."""

    name: str = "scripted"
    channel: str = "email"
    reasons: tuple[str, ...] = ("opt-out",)
    asked: list[tuple[str, str]] = field(default_factory=list)
    fails: bool = False
    meanwhile: Callable[[], None] = lambda: None
    listed: list[Listed] = field(default_factory=list)

    async def put(self, address: str) -> None:
        await self._do("put", address)

    async def take_off(self, address: str, reason: str) -> None:
        await self._do("take", address)

    async def read(self, reason: str, since: datetime | None, skip: int) -> Sequence[Listed]:
        await self._do("read", str(since))
        return self.listed[skip : skip + 2]

    async def _do(self, what: str, about: str) -> None:
        self.asked.append((what, about))
        if self.fails:
            raise ProviderError("the provider is down")
        self.meanwhile()

    async def aclose(self) -> None:
        return None


def bank_with(url: str, folder: Path, one: SuppressionList) -> SmallBank:
    bank = small_bank(make_sessions(make_engine(url)), folder)
    bank.time.at = now()
    adapters = dataclasses.replace(bank.runtime.adapters, lists={one.name: one})
    bank.runtime = dataclasses.replace(bank.runtime, adapters=adapters)
    return bank


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture
def bank(sqlite_url: str, tmp_path: Path, scripted: Scripted) -> SmallBank:
    return bank_with(sqlite_url, tmp_path, scripted)


@pytest.fixture
def real(sqlite_url: str, tmp_path: Path, carrier: Carrier) -> Iterator[SmallBank]:
    one = SendGridSuppressions(carrier.settings)
    yield bank_with(sqlite_url, tmp_path, one)
    _LOOP.run(one.aclose())


_LOOP = asyncio.Runner()  # connections belong to their loop


def run(work: Coroutine[Any, Any, int]) -> int:
    return _LOOP.run(work)


def ana(bank: SmallBank, what: Callable[[Session, Runtime, Customer, str], object]) -> None:
    with bank.sessions() as session:
        what(session, bank.runtime, session.get_one(Customer, bank.ids["ana"]), "email")
        commit(session, bank.runtime.bells)


def stop(bank: SmallBank) -> None:
    ana(bank, lambda session, runtime, customer, way: preferences.stop(session, runtime, customer, way, "page"))


def resume(bank: SmallBank) -> None:
    ana(bank, preferences.resume)


def mirror_states(bank: SmallBank) -> list[str]:
    with bank.sessions() as session:
        return list(session.scalars(select(Suppression.mirror).order_by(Suppression.id)))


def standing(bank: SmallBank, address: str = ANA) -> str:
    with bank.sessions() as session:
        order = suppressions.in_force(session, "email", address)
        return order.reason if order else ""


# --- with the carrier -------------------------------------------------------------------------------------


def test_ours_is_put_there_after_its_confirmation_and_taken_off_at_once(real: SmallBank, carrier: Carrier) -> None:
    stop(real)
    assert run(mirrors.mirror_due(real.runtime)) == 0  # else the provider drops what confirms it
    real.time.pass_by(361)
    assert run(mirrors.mirror_due(real.runtime)) == 1
    assert carrier.on(ANA)
    assert mirror_states(real) == ["listed"]
    resume(real)
    assert ("lookups", "mirror_orders", ()) in real.bells.rings
    assert run(mirrors.mirror_due(real.runtime)) == 1
    assert not carrier.on(ANA)
    assert mirror_states(real) == ["gone"]
    with real.sessions() as session:  # what says that they are back waits until the provider lets it pass
        stopped, back = session.scalars(select(Letter).where(Letter.kind == "confirmation").order_by(Letter.id))
        assert stopped.dedupe.startswith("stopped:")
        assert back.due_at is not None
        assert back.due_at >= real.runtime.now() + timedelta(seconds=20)


def test_what_the_provider_learnt_holds_here(real: SmallBank, carrier: Carrier) -> None:
    gone, angry = "gone@simon.example", "angry@simon.example"
    carrier.told(gone, "unsubscribe")
    carrier.told(angry, "spamreport")
    assert run(mirrors.read_due(real.runtime)) >= 2
    assert (standing(real, gone), standing(real, angry)) == ("opt-out", "complaint")
    assert run(mirrors.read_due(real.runtime)) == 0  # not again within the hour
    real.time.pass_by(600)  # the carrier's clock is the real one, and ours has stood since this test began
    with real.sessions() as session:
        assert suppressions.lift(session, real.runtime, "email", gone, "customer gone")
        assert not suppressions.lift(session, real.runtime, "email", angry, reasons=suppressions.THEIR_OWN)
        session.commit()
    real.time.pass_by(3601)
    run(mirrors.read_due(real.runtime))  # it stands there still, but they came back after it
    assert standing(real, gone) == ""
    assert run(mirrors.mirror_due(real.runtime)) == 1
    assert not carrier.on(gone)
    with real.sessions() as session:
        assert suppressions.lift(session, real.runtime, "email", angry, real.staff(session, "admin"))
        session.commit()
    run(mirrors.mirror_due(real.runtime))
    assert not carrier.on(angry, "spam_reports")


def test_what_is_on_the_list_or_off_it_already_is_no_fault(carrier: Carrier) -> None:
    async def go() -> None:
        one = SendGridSuppressions(carrier.settings)
        for _ in range(2):
            await one.put("twice+x@simon.example")
        assert carrier.on("twice+x@simon.example")
        for _ in range(2):
            await one.take_off("twice+x@simon.example", "complaint")
        assert not carrier.on("twice+x@simon.example")
        await one.aclose()

    asyncio.run(go())


def test_a_key_that_may_not(carrier: Carrier) -> None:
    wrong = settings(carrier.url, sendgrid_api_key="SG.x.y")

    async def go() -> None:
        one = SendGridSuppressions(wrong)
        with pytest.raises(ProviderError, match="give it Suppressions"):
            await one.put(ANA)
        with pytest.raises(ProviderError):
            await one.read("opt-out", None, 0)
        await one.aclose()

    asyncio.run(go())
    with pytest.raises(NotConfigured):
        SendGridSuppressions(settings(email_provider=""))


# --- with one that does as it is told ---------------------------------------------------------------------


def test_who_comes_back_at_once_was_never_put_there(bank: SmallBank, scripted: Scripted) -> None:
    stop(bank)
    resume(bank)
    bank.time.pass_by(7200)
    assert run(mirrors.mirror_due(bank.runtime)) == 0
    assert scripted.asked == []
    assert mirror_states(bank) == [""]


def test_who_comes_back_while_it_is_put_there_is_taken_off(bank: SmallBank, scripted: Scripted) -> None:
    stop(bank)
    bank.time.pass_by(400)
    scripted.meanwhile = lambda: resume(bank) if len(scripted.asked) == 1 else None
    run(mirrors.mirror_due(bank.runtime))
    assert scripted.asked == [("put", ANA), ("take", ANA)]
    assert mirror_states(bank) == ["gone"]


def test_who_stops_again_is_not_taken_off(bank: SmallBank, scripted: Scripted) -> None:
    stop(bank)
    bank.time.pass_by(400)
    run(mirrors.mirror_due(bank.runtime))
    resume(bank)
    stop(bank)
    bank.time.pass_by(400)
    run(mirrors.mirror_due(bank.runtime))
    assert scripted.asked == [("put", ANA), ("put", ANA)]
    assert mirror_states(bank) == ["gone", "listed"]


def test_it_is_tried_again_and_given_up_with_an_alarm(bank: SmallBank, scripted: Scripted) -> None:
    stop(bank)
    scripted.fails = True
    bank.time.pass_by(400)
    for wait in mirrors.WAITS:
        assert run(mirrors.mirror_due(bank.runtime)) == 0
        bank.time.pass_by(wait * 60 + 1)
    assert [one[0] for one in scripted.asked] == ["put"] * len(mirrors.WAITS)
    assert mirror_states(bank) == ["failed"]
    with bank.sessions() as session:
        (text,) = session.scalars(select(Task.text).where(Task.kind == "alarm"))
        assert "by hand" in text
    assert standing(bank) == "opt-out"
    scripted.fails = False
    resume(bank)
    run(mirrors.mirror_due(bank.runtime))
    assert scripted.asked[-1] == ("take", ANA)


def test_a_dead_worker_is_followed_by_another(bank: SmallBank, scripted: Scripted) -> None:
    stop(bank)
    bank.time.pass_by(400)
    scripted.meanwhile = lambda: (_ for _ in ()).throw(SystemExit())
    with pytest.raises(SystemExit):
        run(mirrors.mirror_due(bank.runtime))
    scripted.meanwhile = lambda: None
    assert run(mirrors.mirror_due(bank.runtime)) == 0
    bank.time.pass_by(61)
    assert run(mirrors.mirror_due(bank.runtime)) == 1


@pytest.mark.parametrize("reason", ["doubt", "complaint", "by-hand", "wrong-person", "bounce"])
def test_only_opt_outs_for_all_topics_are_put_there(bank: SmallBank, reason: str) -> None:
    with bank.sessions() as session:
        suppressions.suppress(session, bank.runtime, "email", ANA, reason, "test")
        suppressions.suppress(session, bank.runtime, "email", "b@simon.example", "opt-out", "page", topic="rates")
        suppressions.suppress(session, bank.runtime, "sms", "+12025550101", "opt-out", "page")
        session.commit()
    assert mirror_states(bank) == ["", "", ""]


def test_an_unsubscription_at_the_provider_needs_no_mirror_and_no_letter(bank: SmallBank) -> None:
    with bank.sessions() as session:
        directory_marks.learn(session, bank.runtime, "email", ANA, "opt-out", "sendgrid unsubscribe")
        session.commit()
    assert mirror_states(bank) == ["listed"]
    stop(bank)
    with bank.sessions() as session:
        assert session.scalars(select(Letter).where(Letter.kind == "confirmation")).all() == []


def test_lists_are_read_by_pages_each_hour_and_from_where_they_were_read_to(
    bank: SmallBank, scripted: Scripted
) -> None:
    at = bank.runtime.now()
    scripted.listed = [Listed(f"p{n}@x.example", at) for n in range(5)]
    with bank.sessions() as session:
        assert mirrors.readings_due(session, bank.runtime) == ["scripted opt-out"]
        assert sweep.sweep(session, bank.runtime, "mirrors") == {"mirrors": 1}
    assert run(mirrors.read_due(bank.runtime)) == 5
    assert [one[1] for one in scripted.asked] == ["None"] * 4
    with bank.sessions() as session:
        assert mirrors.readings_due(session, bank.runtime) == []
    bank.time.pass_by(3601)
    scripted.asked.clear()
    assert run(mirrors.read_due(bank.runtime)) == 0
    since = datetime.fromisoformat(scripted.asked[0][1])
    assert since == (at - timedelta(minutes=10)).astimezone(UTC)


def test_a_list_that_cannot_be_read_is_an_alarm_in_the_end(bank: SmallBank, scripted: Scripted) -> None:
    scripted.fails = True
    for _ in range(6):
        run(mirrors.read_due(bank.runtime))
        bank.time.pass_by(3601)
    with bank.sessions() as session:
        assert session.get_one(ListReading, "scripted opt-out").tries == 6
        (text,) = session.scalars(select(Task.text).where(Task.kind == "alarm"))
        assert "could not be read 6 times" in text


def test_a_list_on_both_databases(sessions: sessionmaker[Session], tmp_path: Path) -> None:
    bank = small_bank(sessions, tmp_path)
    one = Scripted(listed=[Listed(ANA, bank.runtime.now()), Listed("x" * 400, bank.runtime.now())])
    bank.runtime = dataclasses.replace(
        bank.runtime, adapters=dataclasses.replace(bank.runtime.adapters, lists={"scripted": one})
    )
    assert run(mirrors.read_due(bank.runtime)) == 2
    resume(bank)
    assert run(mirrors.mirror_due(bank.runtime)) == 1
    with bank.sessions() as session:
        session.execute(update(ListReading).values(due_at=bank.runtime.now()))
        session.commit()
    assert run(mirrors.read_due(bank.runtime)) == 0
    assert standing(bank) == ""
