"""Whatever people send us, in whatever order and however often it is brought: the same conversations come of it."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url, select, text
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.bells import commit
from dispatcher.model import Conversation, Letter, OrderRequest, Reply, Response, Suppression, Task
from dispatcher.services import calls, replies, verify
from dispatcher.storage import make_engine, make_sessions
from tests.postgres import connected
from tests.webhooks.world import World, world_of

ANA, BOB, TWINS, NOBODY = "ana@simon.example", "+12025550101", "+12025550103", "+12025550177"
REP, REPS_PHONE = "rep@bank.example", "+12025550199"
ZOE = "zoe@elsewhere.example"  # to whom Ana has passed her alert on, its reply address with it
ABSENT = "Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n"
Post = Callable[["Desk"], None]


@dataclass
class Desk:
    """A bank that has sent two alerts, and all who may answer them."""

    world: World
    older: dict[str, int]
    newer: dict[str, int]

    def deliver(self, name: str) -> None:
        if name == WORK:
            self.world.work()
        else:
            (POSTS | ANSWERS)[name](self)

    def after(self, posts: Sequence[str], answers: Sequence[str]) -> Desk:
        for name in [*posts, WORK, *answers, WORK]:
            self.deliver(name)
        return self

    def caller(self, session: Session) -> calls.Caller:
        found = calls.by_attempt(session, self.world.runtime, self.world.attempt_of(self.newer["cleo"]))
        assert found is not None
        return found


def text_message(sender: str, words: str) -> Post:
    return lambda desk: _taken(desk.world.sms(sender, words, _same("SM", sender, words)))


def mail(sender: str, words: str, to: str = "", *, old: bool = False, headers: str = "", subject: str = "") -> Post:
    """An answer to Ana's alert by its token, or a mail to the address `to`."""

    def post(desk: Desk) -> None:
        ids = desk.older if old else desk.newer
        where = to or desk.world.reply_to(ids["ana"])
        message_id = f"<{_same('', sender, words, to, str(old))}@mail.example>"
        subjects = {"subject": subject} if subject else {}
        _taken(desk.world.mail(sender, where, words, message_id=message_id, headers=headers, **subjects))

    return post


def page(name: str, words: str, wants_call: bool = False, *, old: bool = False) -> Post:
    def post(desk: Desk) -> None:
        runtime, ids = desk.world.runtime, desk.older if old else desk.newer
        with runtime.sessions() as session:
            replies.from_page(session, runtime, ids[name], words, wants_call)
            commit(session, runtime.bells)

    return post


def pressed(key: str) -> Post:
    """Cleo, while we call her: 1 to be joined, 2 to leave a spoken answer, 9 for no more calls."""

    def post(desk: Desk) -> None:
        runtime = desk.world.runtime
        with runtime.sessions() as session:
            caller = desk.caller(session)
            if key == "1":
                calls.asks_for_call(session, runtime, "twilio", "CA1", caller)
            elif key == "2":
                calls.leaves_recording(session, runtime, "twilio", caller, "RE1", 4.0, call_ref="CA1")
            else:
                calls.wants_no_calls(session, runtime, "twilio", "CA1", caller)
            commit(session, runtime.bells)

    return post


def _same(prefix: str, *parts: str) -> str:
    return prefix + uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(parts)).hex


def _taken(answer: object) -> None:
    assert getattr(answer, "status_code", 0) in (200, 204), answer


WORK = "the worker works"
POSTS: dict[str, Post] = {
    "ana orders": mail(ANA, "Please sell 500 at market."),
    "ana asks": mail(ANA, "What is your new price target?"),
    "ana thanks": mail(ANA, "Thanks, noted."),
    "ana complains of the older": mail(ANA, "I want to make a formal complaint about this.", old=True),
    "ana wants no more": mail(ANA, "Please unsubscribe me from these alerts."),
    "ana about the older": mail(ANA, "Please call me.", old=True),
    "somebody else has ana's address": mail(ANA, "Ana no longer works here.", old=True),
    "ana is away": mail(
        ANA, "I am out of the office until Monday.", headers=ABSENT, subject="Automatic reply: Downgrade"
    ),
    "ana without a token": mail(ANA, "And what about the bonds?", "alerts@in.bank.example"),
    "passed on by ana": mail(ZOE, "Who are you?"),
    "a stranger": mail("new@elsewhere.example", "Hello, may I open an account?", "alerts@in.bank.example"),
    "forged": mail(ANA, "Sell all", f"reply+{'a' * 30}@in.bank.example"),
    "bob orders": text_message(BOB, "buy 200 at market"),
    "bob stops": text_message(BOB, "STOP"),
    "bob on the page": page("bob", "Please call me tomorrow."),
    "bob's older page": page("bob", "Is that still right?", old=True),
    "cleo presses 1": pressed("1"),
    "cleo speaks": pressed("2"),
    "cleo presses 9": pressed("9"),
    "cleo asks on the page": page("cleo", "What does this mean for my bonds?"),
    "cleo wants a call": page("cleo", "", True),
    "emil by name": text_message(TWINS, "Emil Stone here, sell 100"),
    "dora by name": text_message(TWINS, "This is Dora Stone. Please call me."),
    "somebody else has the number": text_message(TWINS, "wrong number"),
    "one of two": text_message(TWINS, "why?"),
    "one of two starts": text_message(TWINS, "START"),
    "nobody's number": text_message(NOBODY, "hello?"),
}


# --- what the representative answers ----------------------------------------------------------------------


def by_mail(name: str, words: str) -> Post:
    """An answer to the first mail about what this customer wrote; none where they have written nothing."""

    def post(desk: Desk) -> None:
        notice = next((one for one in desk.world.letters() if one.channel == "email" and _about(desk, one, name)), None)
        if notice is not None:
            to = desk.world.staff_address(notice)
            _taken(desk.world.mail(REP, to, words, message_id=f"<{_same('', name, words)}@bank.example>"))

    return post


def by_text(name: str, words: str) -> Post:
    def post(desk: Desk) -> None:
        notice = next((one for one in desk.world.letters() if one.channel == "sms" and _about(desk, one, name)), None)
        if notice is not None:
            _taken(
                desk.world.sms(
                    REPS_PHONE, f"{desk.world.reference(notice.conversation_id)} {words}", _same("SM", name, words)
                )
            )

    return post


def _about(desk: Desk, notice: Letter, name: str) -> bool:
    with desk.world.runtime.sessions() as session:
        talk = session.get_one(Conversation, notice.conversation_id) if notice.conversation_id else None
        if talk is None or talk.message_id != desk.newer["message"]:
            return False
        return talk.customer.key == name and notice.staff_id == desk.world.bank.ids["rep"]


ANSWERS: dict[str, Post] = {
    "to ana by mail": by_mail("ana", "It is 41 dollars."),
    "to ana again": by_mail("ana", "And the bonds are fine."),
    "to bob by text": by_text("bob", "Which account?"),
    "to bob by mail": by_mail("bob", "I shall call at ten."),
    "to cleo by text": by_text("cleo", "I am free at noon."),
    "to emil by text": by_text("emil", "Both of you?"),
}


# --- what came of it --------------------------------------------------------------------------------------


def outcome(desk: Desk) -> dict[str, object]:
    """All that must be the same, without what is given by the order in which rows were written."""
    with desk.world.runtime.sessions() as session:
        threads = {
            (one.message_id, one.customer.key): (
                one.state,
                one.rep.email if one.rep else "",
                one.routed_to,
                sorted(reply.dedupe for reply in one.replies),
            )
            for one in session.scalars(select(Conversation))
        }
        found = {
            _name(one): (one.state, one.kind, one.kind_by, one.doubt, one.message_id, _key(one), one.note)
            for one in session.scalars(select(Reply))
        }
        orders = sorted((one.reply.dedupe, one.state) for one in session.scalars(select(OrderRequest)))
        standing = sorted(
            (one.channel, one.address, one.topic, one.reason, one.lifted_at is None)
            for one in session.scalars(select(Suppression))
        )
        # One of an order stands in for the letter that a stop keeps back: a stop that comes later lets it go.
        no_letters = select(Task).where(Task.kind != "order")
        tasks = sorted((one.kind, one.customer_id or 0) for one in session.scalars(no_letters))
        answers = sorted(
            (one.conversation.customer.key, one.conversation.message_id or 0, one.via, one.text, one.staff.email)
            for one in session.scalars(select(Response))
        )
    return {
        "answers": answers,
        "threads": threads,
        "replies": found,
        "orders": orders,
        "suppressions": standing,
        "tasks": tasks,
    }


def _name(reply: Reply) -> str:
    """What a representative wrote names the notice that they answered, or the thread: given by the order."""
    return f"{reply.channel} {reply.text.partition(' ')[2]}" if reply.sender in (REP, REPS_PHONE) else reply.dedupe


def _key(reply: Reply) -> str:
    return reply.customer.key if reply.customer else ""


def must_be_owned(desk: Desk, posts: set[str]) -> None:
    """Each is in exactly one inbox, or in the queue of what belongs to nobody; and the record holds."""
    with desk.world.runtime.sessions() as session:
        for reply in session.scalars(select(Reply)):
            owned = reply.conversation is not None and reply.conversation.rep is not None
            assert owned != (reply.conversation is None and reply.state in ("unmatched", "settled")), reply.dedupe
        by_customers = select(Reply.id).where(Reply.sender.not_in((REP, REPS_PHONE)))
        assert len(session.scalars(by_customers).all()) == len(posts - {WORK})
        found = verify.check(session, desk.world.runtime)
        assert not session.scalars(select(Letter).where(Letter.address == ZOE)).all(), "the thread leaks"
        # The alerts are made up: nobody wrote, approved or sent them.
        assert [one for one in found if one.promise in ("P6", "P8") and not one.subject.startswith("message ")] == []


After = Callable[[Sequence[str], Sequence[str]], Desk]


def desk_of(sessions: sessionmaker[Session], folder: Path) -> Desk:
    world = world_of(sessions, folder)
    return Desk(world, world.alert(days_ago=3), world.alert(days_ago=1))


@pytest.fixture(scope="module")
def after(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> After:
    """A bank after these posts. It is one bank, put back each time: a new engine compiles every statement again."""
    folder = tmp_path_factory.mktemp("bank")
    path, kept = folder / "db.sqlite", folder / "kept.sqlite"
    shutil.copy(sqlite_template, path)
    engine = make_engine(f"sqlite:///{path}")
    desk = desk_of(make_sessions(engine), folder)
    engine.dispose()
    shutil.copy(path, kept)

    def make(posts: Sequence[str], answers: Sequence[str] = ()) -> Desk:
        engine.dispose()
        shutil.copy(kept, path)
        desk.world.bank.bells.rings.clear()
        return desk.after(posts, answers)

    return make


A_FEW = st.lists(st.sampled_from([*POSTS, WORK, WORK, WORK]), min_size=2, max_size=14)
THEN = st.lists(st.sampled_from([*ANSWERS, WORK]), max_size=4)
SLOWLY = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=15,
    phases=(Phase.explicit, Phase.generate),
)


def must_be_the_same(after: After, posts: list[str], answers: list[str]) -> None:
    desk = after(posts, answers)
    must_be_owned(desk, set(posts))
    result = outcome(desk)
    once = sorted(set(posts) - {WORK}), sorted(set(answers) - {WORK})
    assert result == outcome(after(*once))


@given(A_FEW, THEN)
@example(["ana asks", WORK, "passed on by ana"], ["to ana by mail"])
@SLOWLY
def test_any_order_and_number_gives_the_same(after: After, posts: list[str], answers: list[str]) -> None:
    must_be_the_same(after, posts, answers)


@given(A_FEW, THEN)
@settings(SLOWLY, max_examples=2)
def test_the_same_on_postgresql(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory, posts: list[str], answers: list[str]
) -> None:
    with contextlib.ExitStack() as stack:

        def after(posts: Sequence[str], answers: Sequence[str]) -> Desk:
            url = stack.enter_context(a_database(postgres_server))
            engine = make_engine(url)
            stack.callback(engine.dispose)
            return desk_of(make_sessions(engine), tmp_path_factory.mktemp("bank")).after(posts, answers)

        must_be_the_same(after, posts, answers)


@contextlib.contextmanager
def a_database(server: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    with connected(server) as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE dispatcher_template STRATEGY file_copy"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with connected(server) as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
