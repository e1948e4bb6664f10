"""Conversations: who sees them, how the answer finds its way, what belongs to nobody yet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import (
    AuditEntry,
    ContactPoint,
    Conversation,
    Customer,
    Grant,
    Letter,
    Preference,
    Reply,
    Response,
    Staff,
)
from dispatcher.model.errors import NotAllowed, NotFound, Refused, StateConflict
from dispatcher.model.ports import File, InboundReply
from dispatcher.services import conversations, replies, responses, suppressions
from tests.webhooks.world import SUBJECT, World

BOB = "+12025550101"


@pytest.fixture
def session(light: World) -> Iterator[Session]:
    with light.runtime.sessions() as session:
        yield session


def staff(world: World, session: Session, name: str) -> Staff:
    return session.get_one(Staff, world.bank.ids[name])


def second_rep(world: World, session: Session) -> Staff:
    made = Staff(email="second@bank.example", name="Second", channels=["email"], grants=[Grant(role="rep")])
    session.add(made)
    session.commit()
    return made


def begun(world: World, text: str = "Sell 500?") -> int:
    """Bob has answered an alert: the number of the conversation."""
    world.alert()
    world.sms(BOB, text)
    world.work()
    return world.replies()[-1].conversation_id or 0


def test_who_sees_it(world: World) -> None:
    number = begun(world)
    with world.runtime.sessions() as session:
        rep, admin, analyst = (staff(world, session, name) for name in ("rep", "admin", "analyst"))
        second = second_rep(world, session)
        for person, sees in ((rep, True), (admin, True), (analyst, False), (second, False)):
            assert [one.id for one in session.scalars(conversations.visible(session, person))] == [number] * sees
            assert len(session.scalars(replies.visible(session, person)).all()) == sees
        assert session.scalars(conversations.visible(session, admin, rep="rep@bank.example", state="open")).all()
        assert not session.scalars(conversations.visible(session, admin, rep=second.id)).all()
        assert not session.scalars(conversations.visible(session, admin, state="closed")).all()
        for act in (conversations.claim, conversations.close):
            with pytest.raises(NotFound):
                act(session, world.runtime, second, number)
        with pytest.raises(NotFound):
            responses.respond(session, world.runtime, second, number, "hello", via="page")
        rep.active = False
        assert not session.scalars(conversations.visible(session, rep)).all()


def test_claim_and_close(light: World, session: Session) -> None:
    number = begun(light, "What now?")
    rep, admin = staff(light, session, "rep"), staff(light, session, "admin")
    for _ in range(2):
        assert conversations.claim(session, light.runtime, rep, number).claimed_by == rep.id
    with pytest.raises(StateConflict):
        conversations.claim(session, light.runtime, admin, number)
    for _ in range(2):
        assert conversations.close(session, light.runtime, rep, number).state == "closed"
    with pytest.raises(StateConflict):
        conversations.claim(session, light.runtime, rep, number)
    acts = session.scalars(
        select(AuditEntry.action).where(AuditEntry.subject == f"conversation {number}").order_by(AuditEntry.seq)
    ).all()
    assert acts == ["route conversation", "claim conversation", "close conversation"]


def test_a_response_goes_by_the_way_the_customer_came(world: World) -> None:
    number = begun(world)
    with world.runtime.sessions() as session:
        rep = staff(world, session, "rep")
        first = responses.respond(session, world.runtime, rep, number, "  Sold.\r\n", via="page", dedupe="form-1")
        again = responses.respond(session, world.runtime, rep, number, "Sold.", via="page", dedupe="form-1")
        other = responses.respond(session, world.runtime, rep, number, "Sold at 21.", via="page")
        assert first.id == again.id != other.id
        letter = session.get_one(Letter, first.letter_id)
        assert (letter.kind, letter.channel, letter.address) == ("response", "sms", BOB)
        assert letter.text == "Rep, Example Bank: Sold."
        conversation = session.get_one(Conversation, number)
        assert (conversation.state, conversation.claimed_by) == ("claimed", rep.id)
        assert session.scalars(select(AuditEntry).where(AuditEntry.action == "respond")).first()


@pytest.mark.parametrize("text", ["", "  \n", "x" * 1501, "\x00"])
def test_a_response_that_will_not_do(light: World, session: Session, text: str) -> None:
    number = begun(light)
    with pytest.raises(Refused) as refused:
        responses.respond(session, light.runtime, staff(light, session, "rep"), number, text, via="api")
    assert set(refused.value.fields) == {"text"}
    assert session.scalars(select(Response)).all() == []


def test_a_response_to_a_call_goes_by_the_first_written_way(light: World, session: Session) -> None:
    """Cleo has a telephone only; Ana, who used the page, has mail."""
    ids = light.alert()
    replies.from_page(session, light.runtime, ids["cleo"], "Sell", False)
    replies.from_page(session, light.runtime, ids["ana"], "Sell", False)
    rep = staff(light, session, "rep")
    cleo, ana = session.scalars(select(Conversation).order_by(Conversation.id))
    with pytest.raises(Refused) as refused:
        responses.respond(session, light.runtime, rep, cleo.id, "Sold.", via="page")
    assert "no mail address or number of Cleo may be used; telephone them" in refused.value.fields["text"]
    letter = session.get_one(
        Letter, responses.respond(session, light.runtime, rep, ana.id, "Sold.", via="page").letter_id
    )
    assert (letter.channel, letter.address, letter.subject) == ("email", "ana@simon.example", f"Re: {SUBJECT}")


@pytest.mark.parametrize(
    ("preference", "stopped", "invalid", "channel"),
    [
        (["sms", "email"], (), (), "sms"),
        (["email", "sms"], (), (), "email"),
        (["voice", "email"], (), (), "email"),
        ([], (), (), "email"),
        (["sms", "email"], ("sms",), (), "email"),
        (["sms", "email"], (), ("sms",), "email"),
        (["sms", "email"], ("sms", "email"), (), None),
    ],
)
def test_the_first_written_way(
    light: World,
    session: Session,
    preference: list[str],
    stopped: tuple[str, ...],
    invalid: tuple[str, ...],
    channel: str | None,
) -> None:
    ids = light.alert()
    bob = session.scalars(select(Customer).where(Customer.key == "bob")).one()
    bob.preferences = []
    session.flush()
    bob.preferences = [Preference(rank=rank, channel=one) for rank, one in enumerate(preference)]
    addresses = {point.channel: point for point in bob.contact_points}
    for one in stopped:
        suppressions.suppress(session, light.runtime, one, addresses[one].address, "opt-out", "test")
    for one in invalid:
        addresses[one].valid = False
    reply = replies.from_page(session, light.runtime, ids["bob"], "Sell", False)
    rep = staff(light, session, "rep")
    if channel is None:
        with pytest.raises(Refused):
            responses.respond(session, light.runtime, rep, reply.conversation_id or 0, "Sold.", via="page")
    else:
        made = responses.respond(session, light.runtime, rep, reply.conversation_id or 0, "Sold.", via="page")
        assert session.get_one(Letter, made.letter_id).channel == channel


LOGO = File("logo.png", "image/png", b"\x89PNG")


@pytest.mark.parametrize(
    ("files", "html", "told"),
    [
        ((), "", ""),
        (
            (File("model.xlsx", "application/zip", b"PK"), File("b.pdf", "application/pdf", b"%PDF")),
            "",
            "model.xlsx, b.pdf",
        ),
        ((LOGO,), "<img src='cid:logo.png@01'>", ""),
        ((LOGO,), "<p>see there</p>", "logo.png"),
        (tuple(File(f"{n}.pdf", "application/pdf", b"%PDF") for n in range(12)), "", "8.pdf, 9.pdf and 2 more"),
    ],
)
def test_files_beside_an_answer_are_not_dropped_silently(
    light: World, session: Session, files: tuple[File, ...], html: str, told: str
) -> None:
    number = begun(light)
    notice = next(one for one in light.letters() if one.channel == "email")
    mail = InboundReply(
        dedupe="mail:1", channel="email", sender="rep@bank.example", recipients=(light.staff_address(notice),),
        text="Here is the model.", html=html, subject="Re: Reply", received_at=light.runtime.now(), attachments=files,
    )  # fmt: skip
    assert replies.receive(session, light.runtime, mail, None) is None
    session.commit()
    assert [one.conversation_id for one in light.letters("response")] == [number], "the words have gone"
    letters = [one.text for one in light.letters() if one.channel == "email" and "not passed on" in one.text]
    assert len(letters) == bool(told)
    assert all(told in one for one in letters)


def test_two_robots_that_found_each_other_are_parted(light: World) -> None:
    begun(light)
    notice = next(one for one in light.letters() if one.channel == "email")
    for number in range(35):
        light.mail("rep@bank.example", light.staff_address(notice), f"I am away {number}")
    light.work()
    assert len(light.letters("response")) == responses.MOST_AN_HOUR
    assert 0 < len([one for one in light.letters() if "NOT passed on" in one.text]) <= 60


def new_owner(world: World) -> int:
    """Bob is the second representative's from now on."""
    with world.runtime.sessions() as session:
        second = second_rep(world, session)
        session.scalars(select(Customer).where(Customer.key == "bob")).one().rep_id = second.id
        session.commit()
        return second.id


def owner_and_told(world: World, number: int) -> tuple[int | None, str]:
    """Bob writes once more: to whom the conversation belongs then, and who is told."""
    world.sms(BOB, "Hello?")
    world.work()
    with world.runtime.sessions() as session:
        owner = session.get_one(Conversation, number).rep_id
    return owner, next(one.address for one in reversed(world.letters()) if one.channel == "email")


def leaves(world: World, staff_id: int) -> None:
    with world.runtime.sessions() as session:
        session.get_one(Staff, staff_id).active = False
        session.commit()


def test_the_owner_changes_with_the_directory(light: World) -> None:
    number = begun(light)
    second = new_owner(light)
    assert owner_and_told(light, number) == (second, "second@bank.example")


def test_a_representative_who_left_loses_it_to_the_firms_and_at_last_to_the_administrators(light: World) -> None:
    second, rep = new_owner(light), light.bank.ids["rep"]
    number = begun(light)
    assert owner_and_told(light, number) == (second, "second@bank.example")
    leaves(light, second)
    assert owner_and_told(light, number) == (rep, "rep@bank.example")
    leaves(light, rep)
    assert owner_and_told(light, number) == (light.bank.ids["admin"], "admin@bank.example")


def test_an_administrator_gives_an_unmatched_reply_to_a_customer(world: World) -> None:
    ids = world.alert()
    world.sms("+12025550177", "Sell all")
    world.sms("+12025550178", "hmm")
    world.work()
    first, second = world.replies()
    with world.runtime.sessions() as session:
        admin, rep = staff(world, session, "admin"), staff(world, session, "rep")
        assert [one.id for one in session.scalars(conversations.unmatched(session, admin))] == [first.id, second.id]
        assert session.scalars(conversations.unmatched(session, rep)).all() == []
        with pytest.raises(NotAllowed):
            conversations.assign(session, world.runtime, rep, first.id, "ana")
        with pytest.raises(Refused):
            conversations.assign(session, world.runtime, admin, first.id, "nobody")
        with pytest.raises(NotFound):
            conversations.assign(session, world.runtime, admin, 999, "ana")
        given = conversations.assign(session, world.runtime, admin, first.id, "ana")
        assert (given.state, given.message_id, given.customer_id) == ("matched", ids["message"], world.bank.ids["ana"])
        with pytest.raises(StateConflict):
            conversations.assign(session, world.runtime, admin, first.id, "bob")
        conversations.settle(session, world.runtime, admin, second.id, "a wrong number")
        assert session.scalars(conversations.unmatched(session, admin)).all() == []
        session.commit()
    assert world.replies()[1].note == "a wrong number"
    mails = [one for one in world.letters() if one.address == "rep@bank.example"]
    assert ["Sell all" in one.text for one in mails] == [True]


def test_what_is_given_to_another_than_its_sender_is_answered_to_nobody_but_them(world: World) -> None:
    """Bob's number may be typed at random; what the representative tells Ana is not for him."""
    world.sms(BOB, "Sell all")
    world.work()
    with world.runtime.sessions() as session:
        reply = session.scalars(select(Reply)).one()
        reply.state, reply.customer_id, reply.conversation_id = "unmatched", None, None
        session.flush()
        given = conversations.assign(session, world.runtime, staff(world, session, "admin"), reply.id, "ana")
        assert given.conversation is not None
        assert given.conversation.address == ""
        session.commit()


def test_a_shared_mailbox_knows_who_signed(light: World, session: Session) -> None:
    for name in ("Gus Hill", "Ida Wood"):
        session.add(
            Customer(key=name, name=name, contact_points=[ContactPoint(channel="email", address="desk@simon.example")])
        )
    session.commit()
    light.mail("desk@simon.example", "alerts@in.bank.example", "Sell. Ida Wood")
    light.work()
    assert light.replies()[0].state == "unmatched"
