"""A bounce by mail counts only with a token of ours for that address; then it does what a provider's does."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from dispatcher.model import (
    Attempt,
    ContactPoint,
    Conversation,
    Delivery,
    Letter,
    ProviderEvent,
    Recipient,
    Reply,
    Task,
)
from dispatcher.services import directory_marks, oracle_news
from dispatcher.services.oracle import Question
from tests.raw_mail import bring
from tests.webhooks.world import World

ANA = "ana@simon.example"
MAILBOX = "bounces@in.bank.example"  # an address of ours that says nothing


@pytest.fixture
def world(light: World) -> World:
    return light


def report(
    address: str = ANA, quoted: str = "", *, action: str = "failed", status: str = "5.1.1", said: str = "User unknown"
) -> bytes:
    """A report as Postfix writes it; `quoted` are headers of the mail that it returns."""
    mail = f"""\
From: MAILER-DAEMON@mx.simon.example (Mail Delivery System)
To: {MAILBOX}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{abs(hash((address, quoted, action, status)))}@mx.simon.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="A1"

--A1
Content-Description: Notification
Content-Type: text/plain

<{address}>: host mail.simon.example said: 550 {status} {said}

--A1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.simon.example

Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} {said}

--A1
Content-Type: text/rfc822-headers

From: Bank <alerts@bank.example>
{quoted}
Subject: Downgrade

--A1--
"""
    return mail.replace("\n", "\r\n").encode()


def quoting(attempt: str) -> str:
    return f"Message-ID: <{attempt}@bank.example>"


def challenge(n: int = 1) -> bytes:
    return (
        f"From: {ANA}\r\nTo: x\r\nSubject: Please confirm your message\r\nMessage-ID: <c{n}@x>\r\n"
        "X-Delivery-Agent: TMDA/1.1.12\r\n\r\nYour message is held until you confirm that you are a person.\r\n"
    ).encode()


def state_of(world: World, delivery_id: int) -> str:
    with world.runtime.sessions() as session:
        return session.get_one(Delivery, delivery_id).state


def is_valid(world: World, address: str = ANA) -> bool:
    with world.runtime.sessions() as session:
        return session.scalars(select(ContactPoint.valid).where(ContactPoint.address == address)).one()


def second_way(world: World, number: str = "+12025550177") -> None:
    """Ana has a mobile telephone, too."""
    with world.runtime.sessions() as session:
        session.add(ContactPoint(customer_id=world.bank.ids["ana"], channel="sms", address=number))
        session.commit()


def breaches(world: World) -> list[str]:
    with world.runtime.sessions() as session:
        promises = (oracle_news.every_receipt_kept, oracle_news.news_counts, oracle_news.for_somebody)
        question = Question()
        return [str(one) for promise in promises for one in promise(session, world.runtime, question)]


@pytest.mark.parametrize("way", ["Message-ID", "address", "quoted address"])
def test_a_proven_bounce(world: World, way: str) -> None:
    ids = world.alert()
    second_way(world)
    quoted = {
        "Message-ID": quoting(world.attempt_of(ids["ana"])),
        "quoted address": f"Reply-To: {world.reply_to(ids['ana'])}",
    }.get(way, "")
    bring(world, report(quoted=quoted), world.reply_to(ids["ana"]) if way == "address" else MAILBOX)
    with world.runtime.sessions() as session:
        delivery = session.get_one(Delivery, ids["ana"])
        assert (delivery.state, delivery.error) == ("bounced", "smtp; 550 5.1.1 User unknown")
        point = session.scalars(select(ContactPoint).where(ContactPoint.address == ANA)).one()
        assert (point.valid, point.invalid_because) == (False, "bounce by mail 5.1.1")
        recipient = session.scalars(select(Recipient).where(Recipient.customer_id == world.bank.ids["ana"])).one()
        assert recipient.channel == "sms"
        assert session.scalars(select(ProviderEvent.state)).all() == ["bounced"]
        reply = session.scalars(select(Reply)).one()
        assert (reply.kind, reply.kind_by, reply.customer_id) == ("automatic", "header", world.bank.ids["ana"])
        assert reply.note.startswith(f"did not reach {ANA}: ")
        conversation = session.scalars(select(Conversation)).one()
        assert (conversation.state, conversation.claimed_by, conversation.claim_by) == ("closed", None, None)
        assert session.scalars(select(Letter)).all() == []
        directory_marks.set_valid(session, world.runtime, world.bank.staff(session, "admin"), point.id)
        assert point.valid
    assert breaches(world) == []


UNPROVEN = ["no token", "forged attempt", "other address", "other's token", "two tokens", "old", "expired address"]


@pytest.mark.parametrize("case", UNPROVEN)
def test_a_bounce_that_proves_nothing_changes_nothing(world: World, case: str) -> None:
    old = case in ("old", "expired address")
    ids = world.alert(days_ago=31 if old else 0)
    if old:
        with world.runtime.sessions() as session:
            for attempt in session.scalars(select(Attempt)):
                attempt.started_at -= timedelta(days=31)
            session.commit()
    mine = quoting(world.attempt_of(ids["ana"]))
    mail, to = {
        "no token": (report(), MAILBOX),
        "forged attempt": (report(quoted=quoting("0f" * 16)), MAILBOX),
        "other address": (report("else@simon.example", mine), MAILBOX),
        "other's token": (report(), world.reply_to(ids["bob"])),
        "two tokens": (report(quoted=mine), world.reply_to(ids["bob"])),
        "old": (report(quoted=mine), MAILBOX),
        "expired address": (report(), world.reply_to(ids["ana"])),
    }[case]
    bring(world, mail, to)
    assert state_of(world, ids["ana"]) == "accepted"
    assert state_of(world, ids["bob"]) == "accepted"
    assert is_valid(world)
    (reply,) = world.replies()
    assert reply.kind == "automatic"
    assert "nothing was changed" in reply.note
    assert world.letters() == []
    with world.runtime.sessions() as session:
        assert session.scalars(select(ProviderEvent)).all() == []


@pytest.mark.parametrize(
    ("action", "status", "said", "state"),
    [
        ("failed", "5.2.2", "mailbox full", "bounced"),
        ("failed", "5.7.1", "Access denied by policy", "bounced"),
        ("failed", "5.0.0", "something", "bounced"),
        ("failed", "4.4.7", "expired", "bounced"),
        ("delayed", "4.4.1", "timed out", "accepted"),
    ],
)
def test_only_codes_that_say_so_call_an_address_wrong(
    world: World, action: str, status: str, said: str, state: str
) -> None:
    ids = world.alert()
    quoted = quoting(world.attempt_of(ids["ana"]))
    bring(world, report(quoted=quoted, action=action, status=status, said=said), MAILBOX)
    assert state_of(world, ids["ana"]) == state
    assert is_valid(world)
    (reply,) = world.replies()
    assert reply.note.startswith("did not reach" if state == "bounced" else f"{ANA} has not got it yet")
    assert breaches(world) == []


def test_general_codes_give_way_to_the_servers_own_words(world: World) -> None:
    ids = world.alert()
    quoted = quoting(world.attempt_of(ids["ana"]))
    mail = report(quoted=quoted).replace(b"Status: 5.1.1", b"Status: 5.0.0")
    bring(world, mail, MAILBOX)
    assert not is_valid(world)


def test_copies_and_later_bounces_do_nothing_again(world: World) -> None:
    ids = world.alert()
    second_way(world)
    quoted = quoting(world.attempt_of(ids["ana"]))
    for status in ("5.1.1", "5.1.1", "5.2.1"):
        bring(world, report(quoted=quoted, status=status), MAILBOX)
    assert len(world.replies()) == 2
    with world.runtime.sessions() as session:
        assert (
            len(session.scalars(select(Delivery).where(Delivery.channel == "sms", Delivery.position == -1)).all()) == 1
        )
        assert session.scalars(select(Task)).all() == []
    assert breaches(world) == []


def test_a_challenge_is_no_delivery(world: World) -> None:
    ids = world.alert()
    second_way(world)
    for n in range(3):
        bring(world, challenge(n), world.reply_to(ids["ana"]), ANA)
    assert state_of(world, ids["ana"]) == "bounced"
    assert is_valid(world)
    with world.runtime.sessions() as session:
        recipient = session.scalars(select(Recipient).where(Recipient.customer_id == world.bank.ids["ana"])).one()
        assert recipient.channel == "sms"
        (task,) = session.scalars(select(Task)).all()
        assert (task.rep_id, task.delivery_id) == (world.bank.ids["rep"], ids["ana"])
        assert "prove to be a person" in task.text
    assert {one.kind for one in world.replies()} == {"automatic"}
    assert world.letters() == []
    assert breaches(world) == []


def test_a_challenge_of_somebody_else_changes_nothing(world: World) -> None:
    """Whoever an alert was passed on to has its token, too."""
    ids = world.alert()
    mail = challenge().replace(ANA.encode(), b"friend@other.example")
    bring(world, mail, world.reply_to(ids["ana"]), "friend@other.example")
    assert state_of(world, ids["ana"]) == "accepted"
    with world.runtime.sessions() as session:
        assert session.scalars(select(Task)).all() == []


@pytest.mark.parametrize(
    ("sender", "envelope", "state", "tasks"),
    [
        ("MAILER-DAEMON@mx.other.example", "", "bounced", 0),
        ("postmaster@other.example", "postmaster@other.example", "bounced", 0),
        ("it@simon.example", "it@simon.example", "bounced", 0),
        ("reports@other.example", "<>", "bounced", 0),
        ("friend@other.example", "friend@other.example", "accepted", 1),
        ("MAILER-DAEMON@bank.example", "evil@other.example", "accepted", 0),  # its domain disowns it
    ],
)
def test_a_strangers_bounce_is_a_persons_to_judge(
    world: World, sender: str, envelope: str, state: str, tasks: int
) -> None:
    ids = world.alert()
    quoted = quoting(world.attempt_of(ids["ana"]))
    mail = report(quoted=quoted).replace(b"MAILER-DAEMON@mx.simon.example", sender.encode())
    bring(world, mail, MAILBOX, envelope)
    assert state_of(world, ids["ana"]) == state
    assert is_valid(world) is (state == "accepted")
    with world.runtime.sessions() as session:
        asked = session.scalars(select(Task)).all()
        assert [(one.rep_id, one.delivery_id) for one in asked if "no mail server" in one.text] == [
            (world.bank.ids["rep"], ids["ana"])
        ] * tasks


def test_a_challenge_without_a_token_changes_nothing(world: World) -> None:
    ids = world.alert()
    bring(world, challenge(), MAILBOX, ANA)
    assert state_of(world, ids["ana"]) == "accepted"
    with world.runtime.sessions() as session:
        assert session.scalars(select(Task)).all() == []


def test_a_representatives_answer_that_bounces_is_their_task(world: World) -> None:
    ids = world.alert()
    world.mail(ANA, world.reply_to(ids["ana"]), "Please call me.")
    world.work()
    from dispatcher.services import responses

    with world.runtime.sessions() as session:
        conversation = session.scalars(select(Conversation)).one()
        response = responses.respond(
            session, world.runtime, world.bank.staff(session, "rep"), conversation.id, "At three?", via="page"
        )
        letter = session.get_one(Letter, response.letter_id)
        letter.state, letter.tries, letter.accepted_at = "accepted", 1, world.runtime.now()
        attempt = Attempt(id="ab" * 16, letter_id=letter.id, provider="sendgrid", state="accepted", n=1,
                          started_at=world.runtime.now())  # fmt: skip
        session.add(attempt)
        session.commit()
    bring(world, report(quoted=quoting("ab" * 16), status="5.2.2"), MAILBOX)
    with world.runtime.sessions() as session:
        assert session.get_one(Letter, letter.id).state == "bounced"
        (task,) = session.scalars(select(Task)).all()
        assert task.rep_id == world.bank.ids["rep"]
        assert re.search("The response to the customer did not go out by email", task.text)
        assert session.scalars(select(Conversation)).one().state == "claimed"
    assert breaches(world) == []
