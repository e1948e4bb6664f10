"""Whose it is, what a look-up has found, where a provider shows no id of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from channels.twilio_sms import _pattern, _plain
from dispatcher.bells import commit
from dispatcher.model import Attempt, Delivery, Pause, Task
from dispatcher.model.delivery import ALIKE
from dispatcher.model.ports import ANY_TAG, Event, Found, Outbound, Outcome, Probe
from dispatcher.services import good_news, letter_sending, letters, pause, reconcile, renditions, resend, status, verify
from dispatcher.services.sending import Pump
from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


class Listed:
    """A provider's list of what it made of some attempts, by reference: it shows words and no id, and tells them apart
    by letters and digits."""

    def __init__(self, bank: SmallBank, **made: str) -> None:
        self.asked = list[Probe]()
        self.meanwhile: Callable[[], None] = lambda: None
        with bank.sessions() as session:
            self.texts = {ref: text_of(session, bank, attempt) for ref, attempt in made.items()}
        bank.providers["sms"].find = self.find  # type: ignore[method-assign]  # scripted more closely

    async def find(self, probe: Probe) -> Found:
        self.asked.append(probe)
        self.meanwhile()
        seen = {ref: _plain(text) for ref, text in self.texts.items() if ref not in probe.others}
        alike = {ref: body for ref, body in seen.items() if _pattern(probe.text).fullmatch(body)}
        for ref, body in alike.items():
            if not any(_pattern(text).fullmatch(body) for text in probe.rivals):
                return Found("accepted", ref)
        return Found("cannot say" if alike else "absent")


def text_of(session: Session, bank: SmallBank, attempt_id: str) -> str:
    """As it leaves."""
    attempt = session.get_one(Attempt, attempt_id)
    if attempt.letter is not None:
        return attempt.letter.text
    assert attempt.delivery is not None
    made = renditions.content_for(session, bank.runtime, attempt.delivery.message, "sms").rendition.text
    return ANY_TAG.sub("abc23", made)


def silent(one: Outbound) -> Outcome | None:
    return None


def in_doubt(bank: SmallBank, *texts: str) -> list[str]:
    """Alerts to Bob of which nobody knows whether they left; their attempts."""
    bank.providers["sms"].answer = silent
    for text in texts:
        with bank.sessions() as session:
            bank.released(session, text=text)
        asyncio.run(Pump(bank.runtime, "sms").run())
        bank.time.pass_by(1)
    return [one.attempt for one in bank.providers["sms"].got][-len(texts) :]


def look_up(bank: SmallBank, times: int = 1) -> None:
    for _ in range(times):
        bank.time.pass_by(121)
        asyncio.run(reconcile.look_ups(bank.runtime))


def states(bank: SmallBank, attempts: list[str]) -> list[str]:
    with bank.sessions() as session:
        return [session.get_one(Attempt, one).state for one in attempts]


def tell(bank: SmallBank, attempt: str, ref: str) -> None:
    with bank.sessions() as session:
        news = Event("e", "delivered", bank.runtime.now(), attempt=attempt, provider_ref=ref)
        assert good_news.is_good(news)
        if attempt not in good_news.apply(session, bank.runtime, [news], [attempt]):
            status.apply(session, bank.runtime, "scripted", news)
        commit(session, bank.runtime.bells)


def breaches(bank: SmallBank) -> list[str]:
    with bank.sessions() as session:
        found = [str(one) for one in verify.check(session, bank.runtime)]
    return [one for one in found if "audit-anchors" not in one]  # no clock runs here


@pytest.mark.parametrize(("first", "second"), [("We cut LTMY.", "We cut LTMY."), ("We see -5%", "We see +5%")])
def test_what_could_be_of_either_of_two_is_neithers(bank: SmallBank, first: str, second: str) -> None:
    both = in_doubt(bank, first, second)
    Listed(bank, SM1=both[1])
    look_up(bank, reconcile.GIVE_UP_AFTER)
    assert states(bank, both) == ["unknown", "unknown"]
    with bank.sessions() as session:
        assert session.scalars(select(Task.kind)).all() == ["unknown", "unknown"]
    assert breaches(bank) == []


def test_two_look_ups_at_one_address_do_not_wait_for_each_other(bank: SmallBank) -> None:
    both = in_doubt(bank, "We cut LTMY.", "We cut LTMY.")
    Listed(bank, SM1=both[1])
    for _ in range(10):
        with bank.sessions() as session:
            session.execute(update(Attempt).values(looked_up=0))
            session.commit()
        look_up(bank)
    assert states(bank, both) == ["unknown", "unknown"]


def test_other_words_tell_two_texts_apart(bank: SmallBank) -> None:
    both = in_doubt(bank, "We cut LTMY.", "We raise LTMY.")
    Listed(bank, SM1=both[1])
    look_up(bank, 2)
    assert states(bank, both) == ["deferred", "accepted"]
    with bank.sessions() as session:
        assert session.get_one(Attempt, both[1]).code == ALIKE


def test_what_shows_our_id_is_ours_whatever_else_is_in_doubt(bank: SmallBank) -> None:
    both = in_doubt(bank, "We cut LTMY.", "We cut LTMY.")
    refs = iter(("SM1", "SM2"))

    async def find(probe: Probe) -> Found:
        return Found("accepted", next(refs), own=True)

    bank.providers["sms"].find = find  # type: ignore[method-assign]
    look_up(bank)
    assert states(bank, both) == ["accepted", "accepted"]


def test_once_news_says_whose_it_is_the_other_can_be_looked_for(bank: SmallBank) -> None:
    first, second = in_doubt(bank, "We cut LTMY.", "We cut LTMY.")
    listed = Listed(bank, SM1=second)
    look_up(bank)
    tell(bank, second, "SM1")
    look_up(bank, 2)
    assert [(one.attempt, one.others, one.rivals) for one in listed.asked[2:]] == [(first, frozenset({"SM1"}), ())] * 2
    assert states(bank, [first, second]) == ["deferred", "accepted"]


def test_what_began_while_the_provider_was_asked_may_be_meant_too(bank: SmallBank) -> None:
    (first,) = in_doubt(bank, "We cut LTMY.")
    listed = Listed(bank, SM1=first)

    def another() -> None:
        listed.meanwhile = lambda: None
        with bank.sessions() as session:
            bob = session.scalars(select(Delivery).where(Delivery.channel == "sms")).one()
            at, other = bank.runtime.now(), bank.runtime.new_id()
            session.add(Attempt(id=other, delivery_id=bob.id, n=0, provider="scripted", started_at=at))
            session.commit()

    listed.meanwhile = another
    look_up(bank)
    assert states(bank, [first]) == ["unknown"]


def test_a_persons_word_that_it_did_not_arrive_does_not_say_that_it_never_left(bank: SmallBank) -> None:
    first, second = in_doubt(bank, "We cut LTMY.", "We cut LTMY.")
    Listed(bank, SM1=second)
    with bank.sessions() as session:
        session.get_one(Attempt, second).looked_up = reconcile.GIVE_UP_AFTER - 1
        session.commit()
    look_up(bank)
    with bank.sessions() as session:
        task_id = session.scalars(select(Task.id).where(Task.kind == "unknown")).one()
        resend.answer(session, bank.runtime, bank.staff(session, "admin"), task_id, "next")
        commit(session, bank.runtime.bells)
    look_up(bank)
    assert states(bank, [first, second]) == ["unknown", "failed"]


def test_a_letters_text_is_not_taken_for_another_letters(bank: SmallBank) -> None:
    with bank.sessions() as session:
        for dedupe in ("one", "two"):
            letters.write(
                session, bank.runtime, kind="confirmation", dedupe=dedupe, channel="sms", address="+12025550177",
                subject="", text="You get no more texts from us.",
            )  # fmt: skip
        commit(session, bank.runtime.bells)
    bank.providers["sms"].answer = lambda one: Outcome(one.attempt, "accepted", provider_ref="SM1")
    asyncio.run(letter_sending.send_letter(bank.runtime, 1))
    bank.providers["sms"].answer = silent
    asyncio.run(letter_sending.send_letter(bank.runtime, 2))
    both = [one.attempt for one in bank.providers["sms"].got]
    Listed(bank, SM1=both[0])
    look_up(bank, 2)
    assert states(bank, both) == ["accepted", "deferred"]


# --- what a restored database has forgotten ---------------------------------------------------------------


def restored(bank: SmallBank, attempt: str, hours: float) -> None:
    """This attempt stands for what was lost, and the restore was found so many hours after it."""
    with bank.sessions() as session:
        one = session.get_one(Attempt, attempt)
        one.code = pause.RESTORED_CODE
        at = one.started_at + timedelta(hours=hours)
        session.add(Pause(cause="restore", reason="back", began_at=at, began_by="system", ended_at=at))
        session.commit()


@pytest.mark.parametrize("shown", [True, False])
def test_what_another_was_known_by_long_after_is_not_taken(bank: SmallBank, shown: bool) -> None:
    """Also where the provider's list, or an adapter, pays no heed to what belongs to others."""
    first, second = in_doubt(bank, "We cut LTMY.", "We cut LTMY.")
    restored(bank, first, 12)
    with bank.sessions() as session:
        later = session.get_one(Attempt, second)
        later.state, later.provider_ref, later.started_at = "accepted", "SM2", later.started_at + timedelta(hours=8)
        session.execute(update(Delivery).where(Delivery.id == later.delivery_id).values(state="accepted", due_at=None))
        session.commit()
    bank.time.pass_by(13 * 3600)
    listed = Listed(bank, SM2=second)
    if not shown:
        bank.providers["sms"].find = Scripted("SM2").find  # type: ignore[method-assign]
    look_up(bank)
    assert states(bank, [first]) == ["unknown"]
    assert not shown or listed.asked[0].others == frozenset({"SM2"})


class Scripted:
    def __init__(self, ref: str) -> None:
        self.ref = ref

    async def find(self, probe: Probe) -> Found:
        return Found("accepted", self.ref)


def test_of_two_that_were_forgotten_neither_is_what_was_found(bank: SmallBank) -> None:
    first, second = in_doubt(bank, "We cut LTMY.", "We cut LTMY.")
    for one in (first, second):
        restored(bank, one, 12)
    with bank.sessions() as session:
        session.get_one(Attempt, second).started_at += timedelta(hours=9)
        session.commit()
    bank.time.pass_by(13 * 3600)
    Listed(bank, SM1=second)
    look_up(bank)
    assert states(bank, [first, second]) == ["unknown", "unknown"]


# --- news knows better ------------------------------------------------------------------------------------


def test_what_can_never_be_written_down_comes_to_a_person(bank: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    (only,) = in_doubt(bank, "We cut LTMY.")
    listed = Listed(bank, SM1=only)

    def broken(*_: object) -> None:
        raise ValueError("whatever the provider has named it")

    monkeypatch.setattr(reconcile.outcomes, "settle", broken)
    for _ in range(reconcile.GIVE_UP_AFTER):
        with pytest.raises(ValueError, match="whatever"):
            look_up(bank)
    look_up(bank, 3)
    assert len(listed.asked) == reconcile.GIVE_UP_AFTER
    with bank.sessions() as session:
        assert session.scalars(select(Task.kind).where(Task.state == "open")).all() == ["unknown"]
    assert states(bank, [only]) == ["unknown"]


def put_off(bank: SmallBank, session: Session, attempt_id: str, code: str) -> Attempt:
    """Called not made, and to be tried again tomorrow."""
    attempt = session.get_one(Attempt, attempt_id)
    attempt.state, attempt.code = "deferred", code
    tomorrow = bank.runtime.now() + timedelta(days=1)
    of = update(Delivery).where(Delivery.id == attempt.delivery_id)
    session.execute(of.values(state="deferred", due_at=tomorrow))
    return attempt


@pytest.mark.parametrize("same", [False, True])
def test_what_a_list_shows_late_is_not_anothers(bank: SmallBank, same: bool) -> None:
    """Called absent twice and in the list after all: whose it is nobody knows, but for two attempts of one delivery."""
    first, second = in_doubt(bank, "We cut LTMY.", "We cut LTMY.")
    with bank.sessions() as session:
        late, other = put_off(bank, session, second, "absent"), session.get_one(Attempt, first)
        late.absences = 2
        if same:
            late.delivery_id, late.n, other.n = other.delivery_id, 1, 2
            session.execute(update(Delivery).where(Delivery.id == other.delivery_id).values(tries=2))
        session.commit()
    Listed(bank, SM1=second)
    look_up(bank)
    assert states(bank, [first]) == ["accepted" if same else "unknown"]


def test_a_lost_pasts_attempt_stays_one_when_its_look_alike_was_anothers(bank: SmallBank) -> None:
    first, second = in_doubt(bank, "We cut LTMY.", "We cut LTMY.")
    with bank.sessions() as session:
        put_off(bank, session, second, "503")
        session.commit()
    restored(bank, first, 12)
    bank.time.pass_by(13 * 3600)
    listed = Listed(bank, SM1=second)
    look_up(bank)
    assert listed.asked[-1].any_attempt
    assert states(bank, [first]) == ["accepted"]
    tell(bank, second, "SM1")
    assert states(bank, [first]) == ["unknown"]
    look_up(bank, 2)
    assert listed.asked[-1].any_attempt


def test_what_was_called_delivered_by_anothers_receipt_is_in_doubt_again(bank: SmallBank) -> None:
    first, second = mistaken(bank)
    with bank.sessions() as session:
        receipt = Event("e0", "delivered", bank.runtime.now(), provider_ref="SM1")
        assert status.apply(session, bank.runtime, "scripted", receipt)
        commit(session, bank.runtime.bells)
    tell(bank, second, "SM1")
    with bank.sessions() as session:
        told = {one: session.get_one(Attempt, one).delivery for one in (first, second)}
        assert [told[one].state for one in (first, second)] == ["unknown", "delivered"]


def mistaken(bank: SmallBank) -> tuple[str, str]:
    """The second was refused with a 503 and made all the same, and its text was then taken for the first's."""
    first, second = in_doubt(bank, "We cut LTMY.", "We cut LTMY.")
    with bank.sessions() as session:
        put_off(bank, session, second, "503")
        session.commit()
    Listed(bank, SM1=second)
    look_up(bank)
    assert states(bank, [first]) == ["accepted"]
    return first, second


def test_what_was_taken_for_anothers_is_in_doubt_again_when_news_names_it(bank: SmallBank) -> None:
    first, second = mistaken(bank)
    tell(bank, second, "SM1")
    with bank.sessions() as session:
        one, other = session.get_one(Attempt, first), session.get_one(Attempt, second)
        assert (one.state, one.provider_ref, one.code) == ("unknown", None, None)
        assert other.provider_ref == "SM1"
        of = session.get_one(Delivery, one.delivery_id)
        assert (of.state, of.accepted_at, of.due_at) == ("unknown", None, bank.runtime.now())
    assert [one for one in breaches(bank) if "no callback that was kept" not in one] == []
    look_up(bank, 2)
    assert states(bank, [first]) == ["deferred"], "it never left, and leaves now"


def test_news_of_what_was_recognised_makes_it_certain(bank: SmallBank) -> None:
    first, second = mistaken(bank)
    tell(bank, first, "SM1")
    with bank.sessions() as session:
        one = session.get_one(Attempt, first)
        assert (one.state, one.provider_ref, one.code) == ("accepted", "SM1", None)
        assert session.get_one(Delivery, one.delivery_id).state == "delivered"
    assert states(bank, [second]) == ["deferred"]


def test_one_reference_of_two_attempts_is_named(bank: SmallBank) -> None:
    first, second = mistaken(bank)
    with bank.sessions() as session:
        session.get_one(Attempt, second).provider_ref = "SM1"
        session.commit()
    assert f"P1 attempt {second}: has the reference of attempt {first}: one of them was not made" in breaches(bank)


def test_news_of_one_request_undoes_each_guess_however_it_is_cut(bank: SmallBank) -> None:
    """Mails of one request share its reference: news of two comes together, and one of them tells of a third's."""
    _, second = mistaken(bank)
    with bank.sessions() as session:
        other = Attempt(id="f" * 32, delivery_id=None, n=1, provider="scripted", started_at=bank.runtime.now())
        made = session.get_one(Attempt, second)
        elsewhere = session.scalars(select(Delivery.id).where(Delivery.id.not_in([made.delivery_id])).limit(1)).one()
        other.delivery_id, other.state = elsewhere, "accepted"
        made.state = "accepted"
        session.execute(update(Delivery).where(Delivery.id == made.delivery_id).values(state="accepted"))
        session.add(other)
        session.flush()
        both = sorted([second, other.id])
        news = [Event(one, "delivered", bank.runtime.now(), attempt=one, provider_ref="SM1") for one in both]
        done = good_news.apply(session, bank.runtime, news, both)
        assert second not in done, "status puts right what was taken for another's"
