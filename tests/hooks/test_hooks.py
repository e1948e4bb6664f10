"""Outgoing webhooks: told of everything, once or again with the same id, signed; no receiver holds anybody up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from channels.poster import Poster
from dispatcher.bells import commit
from dispatcher.model import Delivery, Hook, HookPost, Task
from dispatcher.model.errors import NotAllowed, NotFound, Refused, StateConflict
from dispatcher.model.ports import Posted
from dispatcher.services import hook_posting, hooks, reply_store, responses, suppressions, sweep
from dispatcher.services.hook_posting import post_due
from dispatcher.services.understanding import Understood
from tests.hooks.receiver import Receiver, is_genuine, receiving
from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    """On SQLite and on PostgreSQL."""
    return posting(sessions, tmp_path)


@pytest.fixture
def light(sqlite_sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return posting(sqlite_sessions, tmp_path)


def posting(sessions: sessionmaker[Session], folder: Path) -> SmallBank:
    bank = small_bank(sessions, folder)
    adapters = replace(bank.runtime.adapters, poster=Poster((), local=True))
    bank.runtime = replace(bank.runtime, adapters=adapters)
    return bank


def act(bank: SmallBank, what: Callable[[Session], Any]) -> Any:
    with bank.sessions() as session:
        found = what(session)
        commit(session, bank.runtime.bells)
        return found


def hook(bank: SmallBank, url: str, *events: str) -> tuple[int, str]:
    """A hook for these events, and its secret."""

    def make(session: Session) -> tuple[int, str]:
        made, secret = hooks.make(session, bank.runtime, bank.staff(session, "admin"), url, events or ("*",), "CRM")
        return made.id, secret

    found: tuple[int, str] = act(bank, make)
    return found


def work(bank: SmallBank) -> None:
    """What a ring does; the poster is closed with its loop."""

    async def job() -> None:
        await post_due(bank.runtime)
        assert bank.runtime.adapters.poster is not None
        await bank.runtime.adapters.poster.aclose()

    asyncio.run(job())


def posts(bank: SmallBank) -> list[HookPost]:
    with bank.sessions() as session:
        return list(session.scalars(select(HookPost).order_by(HookPost.id)))


def rung(bank: SmallBank) -> bool:
    bank.bells.rings.clear()
    act(bank, lambda session: sweep.sweep(session, bank.runtime, "hooks"))
    return ("hooks", "post_hooks", ()) in bank.bells.rings


def release(bank: SmallBank) -> int:
    with bank.sessions() as session:
        return bank.released(session).id


def answer(bank: SmallBank, message_id: int, kind: str = "question") -> int:
    from dispatcher.model import Customer

    def keep(session: Session) -> int:
        ana = session.get_one(Customer, bank.ids["ana"])
        kept = reply_store.keep(
            session, bank.runtime, dedupe=f"x:{kind}", channel="email", sender="ana@simon.example",
            understood=Understood(kind, "rule", "Why?"), text="Why?", person=ana, message_id=message_id,
        )  # fmt: skip
        return kept.conversation_id or 0

    found: int = act(bank, keep)
    return found


def test_all_of_it_is_told_signed_and_once(bank: SmallBank, receiver: Receiver) -> None:
    assert not rung(bank), "without hooks nothing is done"
    _, secret = hook(bank, receiver.url)
    message_id = release(bank)
    conversation = answer(bank, message_id)
    rep = "rep"
    act(
        bank,
        lambda session: responses.respond(
            session, bank.runtime, bank.staff(session, rep), conversation, "Because.", via="page"
        ),
    )
    act(
        bank, lambda session: suppressions.suppress(session, bank.runtime, "sms", "+12025550101", "opt-out", "sms STOP")
    )
    assert rung(bank)
    work(bank)
    assert {
        "message.submitted", "message.approved", "message.released", "reply.received", "conversation.responded",
        "contact.suppressed",
    } <= set(receiver.names())  # fmt: skip
    assert all(is_genuine(secret, *one) for one in receiver.posts)
    ids = [headers["webhook-id"] for headers, _ in receiver.posts]
    assert len(set(ids)) == len(ids)
    before = len(receiver.posts)
    assert not rung(bank)
    work(bank)
    assert len(receiver.posts) == before
    told = {one["type"]: one["data"] for one in receiver.told()}
    assert told["reply.received"]["customer"] == "ana"
    assert told["reply.received"]["text"] == "Why?"
    assert told["conversation.responded"]["response"]["text"] == "Because."
    assert told["contact.suppressed"] | {"by": ""} == {
        "channel": "sms", "address": "+12025550101", "customers": ["bob"], "reason": "opt-out", "source": "sms STOP",
        "topic": None, "by": "",
    }  # fmt: skip


def test_of_an_alert_before_its_release_not_a_word_is_told(light: SmallBank, receiver: Receiver) -> None:
    hook(light, receiver.url, "message.*")
    with light.sessions() as session:
        light.submitted(session)
    work(light)
    assert receiver.names() == ["message.submitted"]
    assert b"Downgrade" not in receiver.posts[0][1]
    assert b"LTMY" not in receiver.posts[0][1]
    release(light)
    work(light)
    assert receiver.told()[-1]["data"]["subject"] == "Downgrade"


def test_deliveries_are_told_as_they_stand(bank: SmallBank, receiver: Receiver) -> None:
    hook(bank, receiver.url, "delivery.*")
    message_id = release(bank)
    bank.time.pass_by(6)

    def settle(session: Session) -> None:
        found = session.scalars(select(Delivery).where(Delivery.message_id == message_id).order_by(Delivery.id)).all()
        for one in found:
            one.state, one.accepted_at = "accepted", bank.time()
        found[0].state, found[0].settled_at = "delivered", bank.time()
        found[1].state, found[1].settled_at, found[1].error = "failed", bank.time(), "busy"

    act(bank, settle)
    assert rung(bank)
    work(bank)
    assert sorted(receiver.names()) == ["delivery.accepted"] * 3 + ["delivery.delivered", "delivery.failed"]
    bank.time.pass_by(6)
    work(bank)
    assert len(receiver.posts) == 5, "looked at twice, told once"
    failed = next(one for one in receiver.told() if one["type"] == "delivery.failed")["data"]
    assert (failed["state"], failed["error"], len(failed["customers"])) == ("failed", "busy", 1)


def test_what_is_not_taken_comes_again_with_the_same_id(light: SmallBank, receiver: Receiver) -> None:
    receiver.answers = [500, 302, 200]
    receiver.headers = {"location": "http://127.0.0.1:1/"}
    hook(light, receiver.url, "message.submitted")
    with light.sessions() as session:
        light.submitted(session)
    for seconds in (0, 4, 3, 60, 20):
        light.time.pass_by(seconds)
        work(light)
    assert len(receiver.posts) == 3
    assert len({headers["webhook-id"] for headers, _ in receiver.posts}) == 1
    assert [(one.state, one.status, one.tries) for one in posts(light)] == [("sent", 200, 3)]


def test_a_receiver_may_ask_to_be_left_alone(light: SmallBank, receiver: Receiver) -> None:
    receiver.answers, receiver.headers = [429], {"retry-after": "120"}
    hook(light, receiver.url, "message.submitted")
    with light.sessions() as session:
        light.submitted(session)
    work(light)
    light.time.pass_by(119)
    work(light)
    assert len(receiver.posts) == 1
    light.time.pass_by(2)
    work(light)
    assert len(receiver.posts) == 2


def test_who_is_gone_is_told_no_more_and_who_never_answers_is_paused(light: SmallBank, receiver: Receiver) -> None:
    gone, _ = hook(light, receiver.url, "message.submitted")
    receiver.answers = [410]
    with light.sessions() as session:
        light.submitted(session)
    work(light)
    never, _ = hook(light, "http://127.0.0.1:1/", "message.submitted")
    with light.sessions() as session:
        light.submitted(session)
    for _ in range(9):
        work(light)
        light.time.pass_by(12 * 3600)
    with light.sessions() as session:
        assert session.get_one(Hook, gone).state == "ended"
        assert session.get_one(Hook, never).state == "paused"
        assert len(session.scalars(select(Task).where(Task.kind == "alarm")).all()) == 2
    assert len(receiver.posts) == 1
    act(
        light,
        lambda session: hooks.change(
            session, light.runtime, light.staff(session, "admin"), never, url=receiver.url, state="active"
        ),
    )
    work(light)
    assert receiver.names() == ["message.submitted"] * 2, "told of what happened meanwhile"


def test_one_receiver_that_hangs_holds_up_no_other(light: SmallBank, receiver: Receiver) -> None:
    with receiving() as slow:
        slow.slow = 0.3
        hook(light, slow.url, "message.submitted")
        hook(light, receiver.url, "message.submitted")
        with light.sessions() as session:
            for _ in range(12):
                light.submitted(session)
        work(light)
        assert len(receiver.posts) == len(slow.posts) == 12


def test_a_fault_over_one_post_is_seen_and_the_others_are_noted(
    light: SmallBank, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = Poster.post

    async def post(poster: Poster, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        if url != receiver.url:
            raise RuntimeError("a fault")
        return await good(poster, url, headers, body)

    monkeypatch.setattr(Poster, "post", post)
    hook(light, "http://127.0.0.1:1/", "message.submitted")
    hook(light, receiver.url, "message.submitted")
    receiver.slow = 0.2
    with light.sessions() as session:
        light.submitted(session)
    with pytest.raises(RuntimeError, match="a fault"):
        work(light)
    assert sorted(one.state for one in posts(light)) == ["sending", "sent"]


def test_whoever_dies_between_post_and_commit_tells_it_again(light: SmallBank, receiver: Receiver) -> None:
    hook(light, receiver.url, "message.submitted")
    with light.sessions() as session:
        light.submitted(session)
    hook_posting._gather(light.runtime)
    [claimed] = hook_posting._claim(light.runtime)  # and its worker dies
    work(light)
    assert receiver.posts == []
    light.time.pass_by(61)
    assert rung(light)
    work(light)
    assert [headers["webhook-id"] for headers, _ in receiver.posts] == [claimed.headers["webhook-id"]]


def test_a_new_secret_and_the_old_one_sign_for_a_day(light: SmallBank, receiver: Receiver) -> None:
    number, old = hook(light, receiver.url, "message.submitted")
    new = act(light, lambda session: hooks.rotate(session, light.runtime, light.staff(session, "admin"), number))
    assert new != old
    for hours, genuine in ((0, [True, True]), (25, [False, True])):
        light.time.pass_by(hours * 3600)
        with light.sessions() as session:
            light.submitted(session)
        work(light)
        assert [is_genuine(one, *receiver.posts[-1]) for one in (old, new)] == genuine


@pytest.mark.parametrize("what", ["event", "since", "failed"])
def test_told_again_on_demand(light: SmallBank, receiver: Receiver, what: str) -> None:
    number, _ = hook(light, receiver.url, "message.submitted")
    with light.sessions() as session:
        light.submitted(session)
    began = light.time()
    work(light)
    uid = receiver.posts[0][0]["webhook-id"]
    asked: dict[str, Any] = {"event": uid} if what == "event" else {"since": began - timedelta(hours=1)}
    if what == "failed":
        act(light, lambda session: setattr(session.scalars(select(HookPost)).one(), "state", "failed"))
        asked = {"failed": True}
    again = act(light, lambda s: hooks.replay(s, light.runtime, light.staff(s, "admin"), number, **asked))
    assert again == 1
    work(light)
    assert [headers["webhook-id"] for headers, _ in receiver.posts] == [uid, uid]


def test_a_test_event_goes_to_one_hook_alone(light: SmallBank, receiver: Receiver) -> None:
    number, _ = hook(light, receiver.url, "message.submitted")
    hook(light, receiver.url, "*")
    act(light, lambda session: hooks.ping(session, light.runtime, light.staff(session, "admin"), number))
    work(light)
    assert receiver.names() == ["ping"]


def test_a_hook_is_told_of_nothing_before_it_was_there(light: SmallBank, receiver: Receiver) -> None:
    release(light)
    hook(light, receiver.url)
    work(light)
    assert receiver.names() == []


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.bank.example/x", "ftp://crm.bank.example/x", "https://", "crm.bank.example",
        "https://user:pw@crm.example/",
        "https://10.0.0.1/", "https://127.1/", "https://2130706433/", "https://169.254.169.254/latest/meta-data", "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/", "https://localhost:x/", "https://intranet/", "https://db.internal/",
        "https://a b.example/",
        "https://crm.example/#x", "https://metadata.local/",
    ],
)  # fmt: skip
def test_where_nothing_is_posted(light: SmallBank, url: str) -> None:
    with light.sessions() as session, pytest.raises(Refused) as refused:
        hooks.make(session, light.runtime, light.staff(session, "admin"), url, ["no.such"])
    assert set(refused.value.fields) == {"url", "events"}


def test_only_administrators_keep_them(light: SmallBank) -> None:
    with light.sessions() as session:
        for name in ("rep", "analyst", "officer"):
            with pytest.raises(NotAllowed):
                hooks.make(session, light.runtime, light.staff(session, name), "https://crm.example/", ["*"])
        with pytest.raises(NotFound):
            hooks.get(session, light.staff(session, "admin"), 7)


def test_many_deliveries_are_gathered_in_chunks(light: SmallBank) -> None:
    hook(light, "http://127.0.0.1:1/", "delivery.delivered")
    message_id = release(light)

    def many(session: Session) -> None:
        session.add_all(
            Delivery(
                message_id=message_id, channel="sms", address=f"+1303555{n:04d}", state="delivered",
                accepted_at=light.time(), settled_at=light.time(),
            )
            for n in range(1200)
        )  # fmt: skip

    light.time.pass_by(6)
    act(light, many)
    hook_posting._gather(light.runtime)
    assert len(posts(light)) == 1200


def test_a_second_new_secret_within_a_day_is_refused(light: SmallBank) -> None:
    number, _ = hook(light, "https://crm.example/")
    admin = "admin"
    act(light, lambda session: hooks.rotate(session, light.runtime, light.staff(session, admin), number))
    with light.sessions() as session, pytest.raises(StateConflict):
        hooks.rotate(session, light.runtime, light.staff(session, admin), number)


def test_a_hook_paused_for_days_has_missed_no_delivery(light: SmallBank, receiver: Receiver) -> None:
    number, _ = hook(light, receiver.url, "delivery.delivered")
    admin = "admin"

    def be(state: str) -> None:
        act(light, lambda s: hooks.change(s, light.runtime, light.staff(s, admin), number, state=state))

    message_id = release(light)
    be("paused")
    light.time.pass_by(60)

    def settle(session: Session) -> None:
        for one in session.scalars(select(Delivery).where(Delivery.message_id == message_id)):
            one.state, one.accepted_at, one.settled_at = "delivered", light.time(), light.time()

    act(light, settle)
    light.time.pass_by(9 * 24 * 3600)
    be("active")
    work(light)
    assert receiver.names() == ["delivery.delivered"] * 3


def test_what_was_told_is_forgotten_after_a_month_and_what_waits_of_an_ended_hook_at_once(
    light: SmallBank, receiver: Receiver
) -> None:
    number, _ = hook(light, receiver.url, "message.submitted")
    with light.sessions() as session:
        light.submitted(session)
    work(light)
    act(light, lambda session: setattr(session.scalars(select(HookPost)).one(), "state", "failed"))
    light.time.pass_by(31 * 24 * 3600)
    with light.sessions() as session:
        light.submitted(session)
    hook_posting._gather(light.runtime)
    assert [one.state for one in posts(light)] == ["queued"]
    admin = "admin"
    act(light, lambda session: hooks.end(session, light.runtime, light.staff(session, admin), number))
    assert posts(light) == []


def test_a_post_that_kills_who_takes_it_is_given_up(light: SmallBank) -> None:
    hook(light, "http://127.0.0.1:1/", "message.submitted")
    with light.sessions() as session:
        light.submitted(session)
    hook_posting._gather(light.runtime)
    for _ in range(12):
        hook_posting._claim(light.runtime)
        light.time.pass_by(61)
    assert [one.state for one in posts(light)] == ["failed"]


def test_the_same_hook_twice_is_refused(light: SmallBank) -> None:
    hook(light, "https://crm.example/", "reply.*")
    with pytest.raises(Refused, match="already"):
        hook(light, "https://crm.example/", "reply.*")
    hook(light, "https://crm.example/", "order.*")
