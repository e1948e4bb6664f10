"""What analysts send by mail or text becomes a draft, once, and nothing more; a forged one becomes nothing."""

from __future__ import annotations

import base64
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from approvals import by_message, submission
from channels.carrier.inbound_mail import compose, form
from dispatcher import jobs
from dispatcher.bells import commit
from dispatcher.model import (
    AuditEntry,
    ContactPoint,
    Conversation,
    DistributionList,
    Grant,
    Letter,
    Message,
    Recording,
    Reply,
    Response,
    Staff,
    StaffCall,
    Suppression,
    Task,
)
from dispatcher.services import references, sweep, verify
from dispatcher.services.oracle import Question
from tests.webhooks.world import SECRET, World, world_of

ANALYST, PHONE = "analyst@bank.example", "+12025550177"
ALERTS = "alerts@in.bank.example"


def equip(world: World) -> World:
    with world.runtime.sessions() as session:
        analyst = session.get_one(Staff, world.bank.ids["analyst"])
        analyst.phone, analyst.channels = PHONE, ["email", "sms"]
        session.add(DistributionList(key="12", name="Number Twelve"))
        session.commit()
    return world


@pytest.fixture
def world(sessions: sessionmaker[Session], tmp_path: Path) -> World:
    return equip(world_of(sessions, tmp_path))


@pytest.fixture
def light(sqlite_url: str, tmp_path: Path) -> World:
    from dispatcher.storage import make_engine, make_sessions

    return equip(world_of(make_sessions(make_engine(sqlite_url)), tmp_path))


def work(world: World) -> None:
    """What the workers do with all that was rung for, but the letters."""
    world.work()
    while due := [ring for ring in world.bank.bells.rings if ring[1] == "take_alert"]:
        world.bank.bells.rings = [ring for ring in world.bank.bells.rings if ring not in due]
        jobs.configure(world.runtime)
        for _, _, ids in due:
            jobs.take_alert(int(ids[0]))


def by_mail(world: World, text: str, subject: str = "Downgrade", to: str = ALERTS, **more: Any) -> None:
    assert world.mail(more.pop("sender", ANALYST), to, text, subject, **more).status_code < 300
    work(world)


def by_text(world: World, text: str, sender: str = PHONE, **more: Any) -> None:
    assert world.sms(sender, text, **more).status_code < 300
    work(world)


def with_files(world: World, *files: tuple[str, str, bytes], text: str = "We cut LTMY.", html: str = "") -> None:
    attached = [
        {"filename": name, "type": kind, "content": base64.b64encode(content).decode()} for name, kind, content in files
    ]
    mail = compose(
        {"from": ANALYST, "to": ALERTS, "subject": "[semis] Cut", "text": text, "html": html, "attachments": attached}
    )
    body, kind = form(mail)
    password = base64.b64encode(f"inbound:{SECRET}".encode()).decode()
    answer = world.client.post(
        "/webhooks/sendgrid/inbound", data=body, content_type=kind, headers={"Authorization": f"Basic {password}"}
    )
    assert answer.status_code < 300
    work(world)


def messages(world: World) -> list[Message]:
    with world.runtime.sessions() as session:
        found = list(session.scalars(select(Message).order_by(Message.id)))
        for one in found:  # read while the session is open
            _ = [(v.lists, v.attachments, v.recording) for v in one.versions]
        return found


def draft(world: World) -> Message:
    (one,) = messages(world)
    assert (one.state, one.author_id) == ("draft", world.bank.ids["analyst"])
    return one


def keys(message: Message) -> list[str]:
    return [one.key for one in message.current.lists]


def letters(world: World, kind: str = "draft") -> list[Letter]:
    return world.letters(kind)


def dictated(world: World, *, text: str = "", minutes_ago: float = 5, **call: Any) -> int:
    """An alert dictated by the analyst, kept as a draft: the id of its message."""
    with world.runtime.sessions() as session:
        analyst = session.get_one(Staff, world.bank.ids["analyst"])
        message = submission.create(
            session, world.runtime, analyst, world.bank.submission(text=text, lists=["semis"]), draft=True, via="phone"
        )
        at = world.runtime.now() - timedelta(minutes=minutes_ago)
        made = {"staff_id": analyst.id, "proven_at": at, "ended_at": at, "message_id": message.id, "lists": [], **call}
        row = StaffCall(provider="twilio", call_ref=f"CA{message.id}", number=PHONE, **made)
        session.add(row)
        session.flush()
        session.add(
            Recording(provider="twilio", ref=f"RE{row.id}", purpose="alert", staff_call_id=row.id, state="kept")
        )
        session.commit()
        return message.id


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
    assert {(one.kind, one.state) for one in light.replies()} == {("automatic", "settled")}


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
    assert [one.kind for one in light.replies()] == ["opt-out", "answer"]
    with light.runtime.sessions() as session:
        assert session.scalars(select(Suppression.address)).all() == [PHONE]
    assert letters(light) == []


def test_an_officer_who_is_also_an_analyst_may_not_decide_on_it(light: World) -> None:
    by_mail(light, "Lists: semis\nWords", sender="colleague@bank.example")
    (message,) = messages(light)
    with light.runtime.sessions() as session:
        colleague = session.get_one(Staff, light.bank.ids["colleague"])
        from approvals import decisions

        assert decisions.why_barred(session, colleague, session.get_one(Message, message.id))


# --- whose words they are ---------------------------------------------------------------------------------


def as_rep(world: World, name: str = "rep") -> None:
    with world.runtime.sessions() as session:
        session.add(Grant(staff_id=world.bank.ids[name], role="analyst"))
        session.commit()


REP = "+12025550199"


def test_a_representative_who_is_also_an_analyst_answers_customers(light: World) -> None:
    as_rep(light)
    ids = light.alert()
    light.mail("ana@simon.example", light.reply_to(ids["ana"]), "Call me")
    work(light)
    notice = next(one for one in light.letters() if one.channel == "email")
    by_text(light, "Will do.", REP)
    by_text(light, f"#{notice.conversation_id} And again.", REP)
    by_mail(light, "By mail.", to=light.staff_address(notice), sender="rep@bank.example")
    with light.runtime.sessions() as session:
        assert [one.text for one in session.scalars(select(Response).order_by(Response.id))] == [
            "Will do.", "And again.", "By mail.",
        ]  # fmt: skip
    by_text(light, "#semis We cut LTMY.", REP)
    assert len(messages(light)) == 2
    with light.runtime.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Response)) == 3


def test_a_customer_with_an_analysts_number_stays_a_customer(light: World) -> None:
    with light.runtime.sessions() as session:
        session.add(ContactPoint(customer_id=light.bank.ids["ana"], channel="sms", address=PHONE))
        session.commit()
    by_text(light, "Sell all")
    (reply,) = light.replies()
    assert (reply.state, reply.customer_id) == ("matched", light.bank.ids["ana"])
    by_text(light, "#semis We cut LTMY.")
    assert keys(draft(light)) == ["semis"]


@pytest.mark.parametrize("also", ["customer", "rep"])
def test_what_may_be_for_a_customer_after_a_dictated_alert_goes_to_nobody(light: World, also: str) -> None:
    number = dictated(light)
    with light.runtime.sessions() as session:
        if also == "customer":
            session.add(ContactPoint(customer_id=light.bank.ids["ana"], channel="sms", address=PHONE))
        else:
            conversation = Conversation(customer_id=light.bank.ids["ana"], channel="sms", address="+12025550101")
            session.add(conversation)
            session.flush()
            session.add(
                Letter(kind="reply", dedupe="n", staff_id=light.bank.ids["analyst"], conversation_id=conversation.id,
                       channel="sms", address=PHONE, text="#1 Ana: hello", created_at=light.runtime.now())
            )  # fmt: skip
        session.commit()
    by_text(light, "We cut LTMY to hold.")
    (reply,) = light.replies()
    assert (reply.kind, reply.state) == ("alert", "unmatched")
    assert "begin with the reference of either" in letters(light)[0].text
    with light.runtime.sessions() as session:
        assert session.get_one(Message, number).current.text == ""
        assert not session.scalars(select(Response)).all()
    by_text(light, f"#{references.of(light.runtime, number)} We cut LTMY to hold.")
    with light.runtime.sessions() as session:
        assert session.get_one(Message, number).current.text == "We cut LTMY to hold."


# --- the written form of a dictated alert -----------------------------------------------------------------

WORDS = "We cut LTMY to hold."


@pytest.mark.parametrize(
    "front",
    ["{reference} ", "#{reference}\n", "{dashed}: ", "#{dashed} ", "Alert {reference}: ", "(ref. {reference}) ", ""],
)
def test_a_text_becomes_the_written_form(light: World, front: str) -> None:
    number = dictated(light)
    reference = references.of(light.runtime, number)
    by_text(light, front.format(reference=reference, dashed=reference.replace(" ", "-")) + WORDS)
    message = draft(light)
    assert (message.id, message.version, message.current.text, message.current.via) == (number, 2, WORDS, "sms")
    assert keys(message) == ["semis"]
    (letter,) = letters(light)
    assert letter.address == PHONE
    assert letter.text.startswith(f"Added to alert {reference}")


@pytest.mark.parametrize("place", ["middle", "end", "subject", "answer"])
def test_the_reference_may_stand_anywhere(world: World, place: str) -> None:
    number = dictated(world)
    reference = references.of(world.runtime, number)
    if place == "middle":
        by_text(world, f"We cut LTMY {reference} to hold.")
    elif place == "end":
        by_mail(world, f"{WORDS}\n({reference})", "Cut")
    elif place == "subject":
        by_mail(world, WORDS, f"Re: reference {reference}")
    else:
        with world.runtime.sessions() as session:
            letter = Letter(kind="dictation", dedupe="d", staff_id=world.bank.ids["analyst"], message_id=number,
                            channel="email", address=ANALYST, text="x", created_at=world.runtime.now())  # fmt: skip
            session.add(letter)
            session.commit()
            address = world.staff_address(letter)
        by_mail(world, WORDS, "Re: your alert", address, spf="fail")  # the token in its address proves it
    message = draft(world)
    assert (message.id, message.current.text) == (number, WORDS)


def test_a_wrong_reference_adds_nothing_and_is_told(light: World) -> None:
    number = dictated(light)
    right = references.code_of(light.runtime, number)
    for wrong in range(5):
        by_text(light, f"#{number}-{(int(right) + wrong + 1) % 10000:04d} Forged words.")
    assert draft(light).current.text == ""
    assert "digits of the reference are wrong" in letters(light)[0].text
    by_text(light, f"#{number}-{right} Forged words.")  # guessing has an end
    assert draft(light).current.text == ""


def test_somebody_elses_reference_adds_nothing(light: World) -> None:
    number = dictated(light)
    with light.runtime.sessions() as session:
        session.get_one(Staff, light.bank.ids["colleague"]).phone = "+12025550178"
        session.commit()
    by_text(light, f"{references.of(light.runtime, number)} Words", "+12025550178")
    first, second = messages(light)
    assert (first.id, first.current.text) == (number, "")
    assert second.author_id == light.bank.ids["colleague"]


@pytest.mark.parametrize(
    "case", ["an hour ago", "not proven", "heard only", "silent", "of another", "names a list", "has text"]
)
def test_what_follows_no_dictated_alert_is_a_new_one(light: World, case: str) -> None:
    calls: dict[str, dict[str, Any]] = {
        "not proven": {"proven_at": None},
        "of another": {"staff_id": light.bank.ids["colleague"]},
    }
    number = dictated(
        light,
        minutes_ago=61 if case == "an hour ago" else 5,
        text="Spoken for" if case == "has text" else "",
        **calls.get(case, {}),
    )
    with light.runtime.sessions() as session:
        recording = session.scalars(select(Recording)).one()
        if case == "heard only":
            session.delete(recording)
        if case == "silent":
            recording.state = "silent"
        session.commit()
    by_text(light, ("#top " if case == "names a list" else "") + WORDS)
    first, second = messages(light)
    assert (first.id, first.version) == (number, 1)
    assert second.current.text == WORDS


def test_a_text_that_replaces_another_names_the_alert(light: World) -> None:
    number = dictated(light)
    by_text(light, WORDS)
    by_text(light, f"{references.of(light.runtime, number)} We cut LTMY to sell.")
    assert draft(light).current.text == "We cut LTMY to sell."
    letter = letters(light)[0]
    with light.runtime.sessions() as session:
        session.add(letter := Letter(kind="draft", dedupe="d", staff_id=light.bank.ids["analyst"], message_id=number,
                    channel="email", address=ANALYST, text="x", created_at=light.runtime.now()))  # fmt: skip
        session.commit()
        address = light.staff_address(letter)
    by_mail(light, "Thanks!", f"Re: alert {references.of(light.runtime, number)}", address)
    assert draft(light).current.text == "We cut LTMY to sell."
    assert "has its text already" in letters(light)[-1].text


def test_what_was_decided_takes_no_text(light: World) -> None:
    number = dictated(light)
    with light.runtime.sessions() as session:
        session.get_one(Message, number).state = "released"
        session.commit()
    by_text(light, f"{references.of(light.runtime, number)} {WORDS}")
    assert "it is released" in letters(light)[0].text
    with light.runtime.sessions() as session:
        assert session.get_one(Message, number).version == 1


def test_a_text_waits_for_the_recording_that_it_belongs_to(world: World) -> None:
    number = dictated(world, message_id=None)
    by_text(world, WORDS)
    (reply,) = world.replies()
    assert (reply.state, reply.tries) == ("new", 0)
    world.bank.time.pass_by(30)
    with world.runtime.sessions() as session:
        session.scalars(select(StaffCall)).one().message_id = number
        session.commit()
        assert sweep.sweep(session, world.runtime, "alerts") == {"alerts": 1}
    jobs.configure(world.runtime)
    jobs.take_alert(reply.id)
    assert draft(world).current.text == WORDS


def test_a_text_whose_recording_never_comes_is_a_draft_of_its_own(light: World) -> None:
    dictated(light, message_id=None)
    by_text(light, WORDS)
    light.bank.time.pass_by(700)
    jobs.configure(light.runtime)
    jobs.take_alert(light.replies()[0].id)
    assert [one.current.text for one in messages(light)] == ["", WORDS]


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
        actions = session.scalars(select(AuditEntry.action)).all()
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
