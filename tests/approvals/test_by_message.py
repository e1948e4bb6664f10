"""What analysts send by mail or text becomes a draft, once, and nothing more; a forged one becomes nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from approvals import by_message, decisions
from dispatcher import jobs
from dispatcher.bells import commit
from dispatcher.model import (
    AuditEntry,
    Conversation,
    DistributionList,
    Grant,
    Message,
    Reply,
    Staff,
    Suppression,
    Task,
)
from dispatcher.services import references, sweep, verify
from dispatcher.services.oracle import Question
from tests.webhooks.world import World
from tests.writing_analyst import (
    ALERTS,
    ANALYST,
    PHONE,
    by_mail,
    by_text,
    draft,
    equip,
    keys,
    letters,
    messages,
    with_files,
    work,
)


@pytest.fixture
def world(world: World) -> World:
    return equip(world)


@pytest.fixture
def light(light: World) -> World:
    return equip(light)


# --- drafts -----------------------------------------------------------------------------------------------


def test_a_mail_becomes_a_draft_and_its_author_gets_a_link(world: World) -> None:
    by_mail(world, "Lists: semis, top\nWe cut LTMY to hold.\n\n-- \nAnalyst\nBank")
    message = draft(world)
    version = message.current
    assert (version.subject, version.text, version.via) == ("Downgrade", "We cut LTMY to hold.", "mail")
    assert keys(message) == ["semis", "top"]
    (letter,) = letters(world)
    assert (letter.channel, letter.address, letter.message_id) == ("email", ANALYST, message.id)
    reference = references.of(world.runtime, message.id)
    token = world.runtime.token("submit", version.id)
    for words in (
        reference,
        f"https://alerts.bank.example/s/{token}",
        "Semis, Top (3 customers)",
        "Nothing is submitted",
    ):
        assert words in letter.text
    assert "LTMY" not in letter.text + letter.subject
    assert "Downgrade" not in letter.text + letter.subject
    (reply,) = world.replies()
    assert (reply.kind, reply.state, reply.note) == ("alert", "settled", f"draft {message.id}")
    with world.runtime.sessions() as session:
        assert not session.scalars(select(Conversation)).all()
        assert verify.check(session, world.runtime) == []


def test_a_text_becomes_a_draft(world: World) -> None:
    by_text(world, "#semis Cut LTMY\nWe cut LTMY to hold.")
    message = draft(world)
    version = message.current
    assert (version.subject, version.text, version.via) == ("Cut LTMY", "We cut LTMY to hold.", "sms")
    assert keys(message) == ["semis"]
    (letter,) = letters(world)
    assert (letter.channel, letter.address) == ("sms", PHONE)
    assert f"/s/{world.runtime.token('submit', version.id)}" in letter.text
    assert references.of(world.runtime, message.id) in letter.text
    assert "LTMY" not in letter.text


# Where lists are named: address, subject, text (mail), then text messages.
@pytest.mark.parametrize(
    ("to", "subject", "text", "lists", "rest"),
    [
        (ALERTS, "Cut", "Words", [], ("Cut", "Words")),
        ("semis@in.bank.example", "Cut", "Words", ["semis"], ("Cut", "Words")),
        ("Semis@IN.bank.example", "Cut", "Words", ["semis"], ("Cut", "Words")),
        (ALERTS, "[semis] Cut", "Words", ["semis"], ("Cut", "Words")),
        (ALERTS, "[Semis, top] Cut", "Words", ["semis", "top"], ("Cut", "Words")),
        (ALERTS, "[semis][top] Cut", "Words", ["semis", "top"], ("Cut", "Words")),
        (ALERTS, "[External] Cut", "Words", [], ("[External] Cut", "Words")),
        (ALERTS, "Cut", "lists: Top; 12\n\nWords", ["12", "top"], ("Cut", "Words")),
        (ALERTS, "Cut", "Verteiler: semis\nWords", ["semis"], ("Cut", "Words")),
        (ALERTS, "Cut", "Listed: semis\nWords", [], ("Cut", "Listed: semis\nWords")),
        ("", "", "#semis #top Words", ["semis", "top"], ("Alert by Analyst", "Words")),
        ("", "", "semis: Words", ["semis"], ("Alert by Analyst", "Words")),
        ("", "", "Semis, top: Words", ["semis", "top"], ("Alert by Analyst", "Words")),
        ("", "", "LTMY: cut to hold", [], ("Alert by Analyst", "LTMY: cut to hold")),
        ("", "", "semis, oil: Words", [], ("Alert by Analyst", "semis, oil: Words")),
        ("", "", "#LTMY cut", [], ("Alert by Analyst", "#LTMY cut")),
        ("", "", "Heading\nWords", [], ("Heading", "Words")),
    ],
)
def test_lists_are_named_in_many_ways(
    light: World, to: str, subject: str, text: str, lists: list[str], rest: tuple[str, str]
) -> None:
    if to:
        by_mail(light, text, subject, to)
    else:
        by_text(light, text)
    message = draft(light)
    assert (keys(message), (message.current.subject, message.current.text)) == (lists, rest)


def test_a_list_that_is_none_is_named_in_the_letter(light: World) -> None:
    by_mail(light, "Lists: semis, oil\nWords")
    assert keys(draft(light)) == ["semis"]
    assert "There is no list 'oil'" in letters(light)[0].text


@pytest.mark.parametrize(
    ("subject", "text", "told"),
    [
        ("[oil] Cut", "Words", "[oil] names no list and stays in the alert."),
        ("", "#oil Words", "#oil names no list and stays in the alert."),
        ("[External] [semis] Cut", "Words", "[External] names no list and stays in the alert."),
        ("[semis] [External] Cut", "Words", ""),
        ("Cut", "Words", ""),
    ],
)
def test_a_mark_that_names_no_list_stays_and_is_named_in_the_letter(
    light: World, subject: str, text: str, told: str
) -> None:
    if subject:
        by_mail(light, text, subject, ALERTS)
    else:
        by_text(light, text)
    words = letters(light)[0].text
    assert told in words
    assert ("names no list" in words) == bool(told)


def test_files_are_taken_where_they_fit_and_named_where_not(light: World, samples: Path) -> None:
    with_files(
        light,
        ("memo.m4a", "audio/mp4", b"not a sound"),
        ("memo.wav", "audio/wav", (samples / "alert-1.wav").read_bytes()),
        ("second.wav", "audio/wav", (samples / "alert-1.wav").read_bytes()),
        ("note.pdf", "application/pdf", b"%PDF-1.4"),
        ("run.exe", "application/octet-stream", b"MZ"),
        ("empty.txt", "text/plain", b""),
        ("logo.png", "image/png", b"\x89PNG"),
        html='<p>We cut LTMY.</p><img src="cid:logo.png@01DC">',
    )
    version = draft(light).current
    assert version.recording is not None
    assert version.recording.seconds
    assert [one.name for one in version.attachments] == ["note.pdf"]
    (letter,) = letters(light)
    for words in ("a recording of", "1 attachment", "run.exe (is of a kind", "second.wav (an alert has one recording)",
                  "memo.m4a (is not a WAV", "logo.png (a picture in the text)"):  # fmt: skip
        assert words in letter.text


def test_a_recording_alone_is_an_alert(light: World, samples: Path) -> None:
    with_files(light, ("memo.wav", "audio/wav", (samples / "alert-1.wav").read_bytes()), text="")
    assert (draft(light).current.subject, draft(light).current.text) == ("Cut", "")


@pytest.mark.parametrize(
    ("subject", "text", "why"),
    [
        ("", "", "it is empty"),
        ("Cut", "w" * 20_001, "at most 20000"),
    ],
)
def test_what_no_alert_can_be_is_refused_and_told(light: World, subject: str, text: str, why: str) -> None:
    by_mail(light, text, subject)
    assert messages(light) == []
    (letter,) = letters(light)
    assert "NOT taken" in letter.text
    assert why in letter.text
    assert light.replies()[0].state == "settled"


@pytest.mark.parametrize("text", ["4711", "471182", "12 34", "#4711", "PIN 471182", "My pin is 4711"])
def test_a_pin_by_text_is_no_alert(light: World, text: str) -> None:
    by_text(light, text)
    assert messages(light) == []
    assert "Never write your PIN" in letters(light)[0].text
    assert text not in letters(light)[0].text


def test_odd_mails_do_no_harm(light: World) -> None:
    by_mail(light, "a\x00b\x07c\u202ed \U0001f4c8 " + "x" * 9000, subject="=?utf-8?q?Caf=C3=A9?=\t" + "s" * 900)
    message = draft(light)
    assert message.current.text.startswith("abc")
    assert len(message.current.subject) <= 300


# --- what proves nothing ----------------------------------------------------------------------------------


def test_a_forged_mail_makes_no_draft_and_its_victim_hears_of_it(world: World) -> None:
    for _ in range(30):
        by_mail(world, "Sell all", spf="fail")
    assert messages(world) == []
    told = letters(world)
    assert len(told) == world.runtime.settings.cap_answers_per_sender_day
    assert {(one.channel, one.address) for one in told} == {("email", ANALYST)}
    assert "NOT taken: it is not proven to be from you (SPF fail" in told[0].text
    assert "Sell all" not in told[0].text
    assert {(one.kind, one.state) for one in world.replies()} == {("alert", "settled")}


def test_a_machine_gets_no_answer(light: World) -> None:
    by_mail(light, "I am away.", "Automatic reply: Alert", headers="Auto-Submitted: auto-replied\r\n")
    by_mail(light, "I am away.", "Out of office")
    assert messages(light) == []
    assert letters(light) == []
    assert {(one.kind, one.state) for one in light.replies()} == {("out-of-office", "settled")}


def test_copies_make_one_draft(world: World) -> None:
    for _ in range(3):
        world.mail(ANALYST, ALERTS, "Words", "Cut", message_id="<one@mail.example>")
        world.sms(PHONE, "#semis Words", sid="SM" + "1" * 32)
    work(world)
    (first, second) = world.replies()
    jobs.configure(world.runtime)
    for one in (first, second, first):
        jobs.take_alert(one.id)
    assert len(messages(world)) == 2
    assert len(letters(world)) == 2


def test_twenty_workers_make_one_draft(world: World) -> None:
    world.mail(ANALYST, "semis@in.bank.example", "Words", "Cut")
    world.work()
    (reply,) = world.replies()
    start = threading.Barrier(20)

    def take() -> None:
        start.wait()
        with world.runtime.sessions() as session:
            by_message.take(session, world.runtime, reply.id)
            commit(session, world.runtime.bells)

    threads = [threading.Thread(target=take) for _ in range(20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert keys(draft(world)) == ["semis"]
    assert len(letters(world)) == 1


def test_a_link_in_a_text_message_costs_little(light: World) -> None:
    with light.runtime.sessions() as session:
        session.add_all(DistributionList(key=f"list{n}", name=f"A list with a long name {n}") for n in range(9))
        session.commit()
    by_text(light, " ".join(f"#list{n}" for n in range(9)) + " Words")
    assert len(keys(draft(light))) == 9
    text = letters(light)[0].text
    assert "and 7 more (0 customers)" in text
    assert len(text) <= 306


def test_many_drafts_of_one_author_end(light: World) -> None:
    for number in range(23):
        by_text(light, f"#semis Words {number}")
    assert len(messages(light)) == 20
    assert any("20 have come in your name" in one.text for one in letters(light))


@pytest.mark.parametrize("who", ["inactive", "officer", "stranger", "shared number"])
def test_others_write_no_alerts(light: World, who: str) -> None:
    with light.runtime.sessions() as session:
        if who == "inactive":
            session.get_one(Staff, light.bank.ids["analyst"]).active = False
        if who == "shared number":
            session.get_one(Staff, light.bank.ids["colleague"]).phone = PHONE
        session.commit()
    sender = {"officer": "officer@bank.example", "stranger": "eve@mail.example"}.get(who, ANALYST)
    if who != "shared number":
        by_mail(light, "Words", sender=sender)
    by_text(light, "#semis Words", "+12025550166" if who in ("officer", "stranger") else PHONE)
    assert messages(light) == []
    assert {one.state for one in light.replies()} == {"unmatched"}
    assert letters(light) == []


def test_who_is_no_analyst_any_more_when_it_is_taken_in(light: World) -> None:
    light.mail(ANALYST, ALERTS, "Words", "Cut")
    light.work()
    with light.runtime.sessions() as session:
        for grant in session.scalars(select(Grant).where(Grant.staff_id == light.bank.ids["analyst"])):
            session.delete(grant)
        session.commit()
    work(light)
    assert messages(light) == []
    assert light.replies()[0].state == "unmatched"


def test_stop_by_text_stays_an_opt_out_and_help_is_nothing(light: World) -> None:
    by_text(light, "STOP", OptOutType="STOP")
    by_text(light, "HELP", OptOutType="HELP")
    assert messages(light) == []
    assert [one.kind for one in light.replies()] == ["opt-out", "other"]
    with light.runtime.sessions() as session:
        assert session.scalars(select(Suppression.address)).all() == [PHONE]
    assert letters(light) == []


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_an_alert_that_tells_customers_to_stop_is_an_alert(light: World, channel: str) -> None:
    words = "Please stop buying LTMY and take it off your lists. No more of this."
    if channel == "sms":
        by_text(light, f"#semis {words}")
    else:
        by_mail(light, words, "[semis] Cut LTMY")
    assert draft(light).current.text.endswith("No more of this.")
    with light.bank.sessions() as session:
        assert list(session.scalars(select(Suppression))) == []


def test_an_officer_who_is_also_an_analyst_may_not_decide_on_it(light: World) -> None:
    by_mail(light, "Lists: semis\nWords", sender="colleague@bank.example")
    (message,) = messages(light)
    with light.runtime.sessions() as session:
        colleague = session.get_one(Staff, light.bank.ids["colleague"])
        assert decisions.why_barred(session, colleague, session.get_one(Message, message.id))


# --- workers that die -------------------------------------------------------------------------------------


def test_the_sweep_finds_what_nobody_took_in(world: World) -> None:
    world.sms(PHONE, "#semis Words")
    world.work()
    world.bank.bells.rings.clear()
    with world.runtime.sessions() as session:
        assert sweep.sweep(session, world.runtime, "alerts") == {"alerts": 0}
    world.bank.time.pass_by(6)
    with world.runtime.sessions() as session:
        assert sweep.sweep(session, world.runtime, "alerts") == {"alerts": 1}
        commit(session, world.runtime.bells)
    work(world)
    assert draft(world)


def test_what_nobody_can_read_is_set_aside(light: World, monkeypatch: pytest.MonkeyPatch) -> None:
    light.sms(PHONE, "#semis Words")
    light.work()
    (reply,) = light.replies()

    def fails(*_: object) -> None:
        raise RuntimeError("breaks whoever reads it")

    monkeypatch.setattr("approvals.by_message.take", fails)
    jobs.configure(light.runtime)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            jobs.take_alert(reply.id)
        jobs.take_alert(reply.id)  # somebody has it in hand: nothing
        light.bank.time.pass_by(61)
    jobs.take_alert(reply.id)
    assert light.replies()[0].state == "unmatched"
    with light.runtime.sessions() as session:
        assert session.scalars(select(Task).where(Task.kind == "poison")).one()
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)).all()
    assert "write message" not in actions
    assert {reply.kind for reply in light.replies()} == {"alert"}
    assert isinstance(reply, Reply)


def test_the_oracle_knows_what_nobody_took_in(light: World) -> None:
    light.sms(PHONE, "#semis Words")
    light.work()
    with light.runtime.sessions() as session:
        assert verify.check(session, light.runtime) == []
        (breach,) = verify.check(session, light.runtime, Question(at_rest=True))
        assert "nobody has taken it in" in breach.text
        session.scalars(select(Reply)).one().due_at = None
        session.flush()
        assert "never due" in verify.check(session, light.runtime)[0].text
