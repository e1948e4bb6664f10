"""Search over conversations: the same cases with the same hits on both databases, whoever wrote the rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import Conversation, Customer, Firm, Message, Reply, Response, Staff
from dispatcher.model.call import Recording
from dispatcher.model.errors import Refused
from dispatcher.services import search
from dispatcher.services.search_words import excerpt, marks, terms
from tests.small_bank import SmallBank, small_bank

# What was said, in this order; the number is by what the cases name it.
SAID = {
    1: "Please buy 500 shares of LTMY at 42.5, limit order.",
    2: "Bitte kaufen Sie 500 Stück, Größe wie besprochen. Grüße, Müller",
    3: "I am not interested in the chipmaker; call me at +1 212 555-0100.",
    4: "Chip makers look weak. Don't you think so?",
    5: "Straße und Maßstab: ÜBER ALLES geprüft",
    6: "Zażółć gęślą jaźń, e-mail me at anna@firm.example",
    7: "Ελλάδα и Россия: мы покупаем ещё",
    8: "Mueller asks: what about the stop-loss?",
    9: "NEAR(stop loss) AND 'quotes' OR \"double\" * ^ : ( ) {x} 50% a_b",
    10: "Q3 numbers: EPS 1.25, up 3e5 versus 0x1F",
    11: "cafe\u0301 cre\u0300me brûlée",
    12: "𝔘nicode 🚀 to the moon 你好 世界",
}

# What is asked for, and what holds it.
CASES: tuple[tuple[str, set[int]], ...] = (
    ("shares", {1}),
    ("SHARES", {1}),
    ("500", {1, 2}),
    ("42.5", {1}),
    ("limit order", {1}),
    ('"limit order"', {1}),
    ('"order limit"', set()),
    ("kaufen", {2}),
    ("größe", {2}),
    ("grosse", {2}),
    ("Grösse", {2}),
    ("müller", {2, 8}),
    ("muller", {2}),
    ("mueller", {2, 8}),
    ("Straße", {5}),
    ("strasse", {5}),
    ("STRASSE", {5}),
    ("uber", {5}),
    ("über alles", {5}),
    ('"maßstab über"', {5}),
    ("chip", {4}),
    ("chip*", {3, 4}),
    ("chipm*", {3}),
    ("chip* -weak", {3}),
    ("chip* -\"look weak\"", {3}),
    ("don't", {4}),
    ("dont", set()),
    ("212 555-0100", {3}),
    ("e-mail", {6}),
    ("anna@firm.example", {6}),
    ("zazolc", {6}),
    ("zazolc gesla jazn", {6}),
    ("gesla", {6}),
    ("jazn", {6}),
    ("ελλάδα", {7}),
    ("РОССИЯ", {7}),
    ("покупаем", {7}),
    ("ещё", {7}),
    ("stop-loss", {8, 9}),
    ('"stop loss"', {8, 9}),
    ("near", {9}),
    ("and or", {9}),
    ("double", {9}),
    ("50%", {9}),
    ("a_b", {9}),
    ("q3", {10}),
    ("1.25", {10}),
    ("3e5", {10}),
    ("0x1f", {10}),
    ("café", {11}),
    ("cafe creme brulee", {11}),
    ('"brulee creme"', set()),
    ("moon", {12}),
    ("你好", {12}),
    ("世界", {12}),
    ("🚀", set()),
    ("nothing", set()),
    ("shares -buy", set()),
    ("“limit order”", {1}),
    ("-- shares", {1}),
    ("shares*", {1}),
    ('"shares of LT*"', {1}),
)  # fmt: skip


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


@pytest.fixture
def session(bank: SmallBank) -> Iterator[Session]:
    with bank.sessions() as session:
        yield session


def thread(bank: SmallBank, session: Session, who: str = "ana", message: Message | None = None) -> Conversation:
    made = Conversation(
        customer_id=bank.ids[who], message_id=message.id if message else None, rep_id=bank.ids["rep"], channel="email"
    )
    session.add(made)
    session.flush()
    return made


def says(
    bank: SmallBank, session: Session, talk: Conversation | None, words: str, number: int | str, **more: object
) -> Reply:
    reply = Reply(
        dedupe=f"said:{number}", channel="email", sender="ana@simon.example", text=words, original=words,
        conversation_id=talk.id if talk else None, customer_id=talk.customer_id if talk else None,
        message_id=talk.message_id if talk else None, state="matched" if talk else "unmatched", **more,
    )  # fmt: skip
    session.add(reply)
    session.flush()
    return reply


def numbers(session: Session, staff: Staff, asked: str) -> set[int]:
    """Which of SAID are found."""
    ids = [hit.number for hit in search.find(session, staff, asked).hits if hit.kind == "reply"]
    return {int(key.rpartition(":")[2]) for key in session.scalars(select(Reply.dedupe).where(Reply.id.in_(ids)))}


def test_the_same_words_find_the_same_on_both_databases(bank: SmallBank, session: Session) -> None:
    talk = thread(bank, session)
    for number, words in SAID.items():
        says(bank, session, talk, words, number)
    rep = bank.staff(session, "rep")
    found = {asked: numbers(session, rep, asked) for asked, _ in CASES}
    assert found == dict(CASES)


HOSTILE = (
    "", " ", '"', '""', "-", "*", '"*', "-*", "((((", "a OR", "NOT", "NEAR(a, 5)", "said:a", "-said:buy shares",
    "'; --", "\\", "a\\", "{a b}", "^a", "a:*", "!a & |", "<-> a", "%", "_", "\x01\x02", "\u202e shares",
    "shares " * 200, "x" * 5000, "é" * 3000, '"' * 301, "- - -shares", "💥", "a" * 64, "a" * 65 + "*",
    "\ud7ff", "ﷺ", "İ", "ǅ",
)  # fmt: skip


def test_whatever_is_typed_is_no_error(bank: SmallBank, session: Session) -> None:
    says(bank, session, thread(bank, session), SAID[9], 9)
    for asked in HOSTILE:
        with contextlib.suppress(Refused):
            search.find(session, bank.staff(session, "rep"), asked)


def test_only_what_to_leave_out_is_no_question(bank: SmallBank, session: Session) -> None:
    with pytest.raises(Refused):
        search.find(session, bank.staff(session, "rep"), "-buy -sell")
    assert search.find(session, bank.staff(session, "rep"), " ? ").hits == []


def test_the_index_follows_whoever_writes(bank: SmallBank, session: Session) -> None:
    """Rows by the session, by the connection, by plain SQL: the triggers see them all."""
    message = bank.released(session)
    talk = thread(bank, session, message=message)
    admin = bank.staff(session, "admin")

    def found(asked: str) -> list[tuple[str, int]]:
        return sorted((hit.kind, hit.number) for hit in search.find(session, admin, asked).hits)

    row = {
        "dedupe": "bulk", "channel": "sms", "sender": "", "subject": "", "text": "apple", "original": "", "note": "",
        "conversation_id": talk.id, "customer_id": talk.customer_id, "message_id": message.id, "kind": "other",
    }  # fmt: skip
    session.connection().execute(insert(Reply), [row])
    (first,) = session.scalars(select(Reply.id).where(Reply.dedupe == "bulk"))
    answer = Response(dedupe="r", conversation_id=talk.id, staff_id=bank.ids["rep"], text="pear", via="page")
    session.add(answer)
    session.flush()
    assert found("apple") == [("reply", first)]
    assert found("pear") == [("response", answer.id)]
    # Whose it is and on which alert: of what only belongs there, one a conversation.
    assert found("ana downgrade simon") == [("response", answer.id)]
    assert found("apple ana") == [("reply", first)]
    # Changed.
    session.execute(update(Reply).where(Reply.id == first).values(text="cherry"))
    session.execute(text("UPDATE responses SET text = 'plum'"))
    assert (found("apple"), found("pear")) == ([], [])
    assert (found("cherry"), found("plum")) == ([("reply", first)], [("response", answer.id)])
    # Renamed.
    session.execute(update(Customer).where(Customer.id == talk.customer_id).values(name="Bea Żak"))
    session.execute(update(Firm).values(name="Lehmann & Söhne"))
    assert found("simon") == []
    assert found("zak soehne") == [("response", answer.id)]
    # Written down by a machine, later.
    spoken = Recording(provider="scripted", ref="RE1", purpose="reply", reply_id=first)
    session.add(spoken)
    session.flush()
    spoken.transcript = "please sell everything"
    session.flush()
    assert found('"sell everything"') == [("reply", first)]
    # Gone.
    session.execute(delete(Recording))
    session.execute(delete(Reply).where(Reply.id == first))
    session.execute(delete(Response))
    assert found("cherry") == found("plum") == found("zak") == []


def test_an_alert_of_staff_is_not_found_and_one_taken_in_by_error_is(bank: SmallBank, session: Session) -> None:
    reply = says(bank, session, None, "unreleased chipmaker", 1, kind="alert")
    admin = bank.staff(session, "admin")
    assert search.find(session, admin, "chipmaker").hits == []
    reply.kind = "other"
    session.flush()
    assert [hit.number for hit in search.find(session, admin, "chipmaker").hits] == [reply.id]
    reply.kind = "alert"
    session.flush()
    assert search.find(session, admin, "chipmaker").hits == []


def test_everybody_finds_what_they_may_see(bank: SmallBank, session: Session) -> None:
    strange = Customer(key="dora", name="Dora", rep_id=bank.ids["colleague"])
    session.add(strange)
    session.flush()
    bank.ids["dora"] = strange.id
    own, other = thread(bank, session), thread(bank, session, "dora")
    other.rep_id = bank.ids["colleague"]
    mine, theirs, nobodys = (
        says(bank, session, talk, "sell now", number) for number, talk in enumerate((own, other, None))
    )

    def found(who: str) -> set[int]:
        return {hit.number for hit in search.find(session, bank.staff(session, who), "sell").hits}

    assert found("rep") == {mine.id}
    assert found("colleague") == {theirs.id}
    assert found("officer") == found("analyst") == set()
    assert found("admin") == {mine.id, theirs.id, nobodys.id}
    other.claimed_by = bank.ids["rep"]
    session.flush()
    assert found("rep") == {mine.id, theirs.id}
    # A reply that is given to somebody goes along.
    nobodys.conversation_id, nobodys.customer_id = own.id, own.customer_id
    session.flush()
    assert found("rep") == {mine.id, theirs.id, nobodys.id}


def test_pages_are_newest_first_and_hold_each_hit_once(bank: SmallBank, session: Session) -> None:
    talk = thread(bank, session)
    made = [says(bank, session, talk, "sell", number).id for number in range(7)]
    found, before = [], None
    while True:
        page = search.find(session, bank.staff(session, "rep"), "sell", limit=3, before=before)
        found += [hit.number for hit in page.hits]
        if page.following is None:
            break
        before = page.following
    assert found == made[::-1]


def test_what_was_said_comes_before_what_it_was_said_of(bank: SmallBank, session: Session) -> None:
    """An alert's title is found in its own customers' words, and besides once, however many have answered it."""
    alert, other = bank.released(session), bank.released(session, subject="Upgrade")
    talks = [thread(bank, session, who, alert) for who in ("ana", "bob")]
    talks.append(thread(bank, session, "ana", other))
    said = [says(bank, session, talk, "why the downgrade?", n) for n, talk in enumerate(talks)]
    for n in range(3):
        says(bank, session, talks[n % 2], "noted, thanks", f"n{n}")
    rep = bank.staff(session, "rep")
    for asked, order in (
        ("downgrade", [("reply", one.id) for one in reversed(said)] + [("alert", alert.id)]),
        ("downgrade -why", [("alert", alert.id)]),
        ("downgrade why", [("reply", one.id) for one in reversed(said)]),
        ("upgrade", [("alert", other.id)]),
    ):
        found, before = [], None
        for _ in range(9):
            page = search.find(session, rep, asked, limit=2, before=before)
            found += [(hit.kind, hit.number) for hit in page.hits]
            before = page.following
            if before is None:
                break
        assert found == order
    assert len(search.find(session, rep, "simon").hits) == 3  # each conversation of the firm


def test_a_hit_says_where_its_words_are(bank: SmallBank, session: Session) -> None:
    message = bank.released(session)
    says(bank, session, thread(bank, session, message=message), "Guten Tag. " * 60 + "Größe <b>zählt</b>. " * 30, 1)
    (hit,) = search.find(session, bank.staff(session, "rep"), "groesse ana downgrade").hits
    assert {text for text, asked in hit.said.pieces if asked} == {"Größe"}
    assert "".join(text for text, _ in hit.said.pieces) == hit.said.text
    assert len(hit.said.text) < 300
    assert (hit.customer.pieces, hit.subject.pieces) == ([("Ana", True)], [("Downgrade", True)])
    assert (hit.firm.pieces, hit.channel, hit.by) == ([("Simon LLC", False)], "email", None)


@pytest.mark.parametrize(
    ("said", "asked", "marked"),
    [
        ("Stop. The stop-loss!", '"stop loss"', ["stop", "loss"]),
        ("Müller und Mueller", "müller", ["Müller", "Mueller"]),
        ("chips and chipmakers", "chip*", ["chips", "chipmakers"]),
        ("chips and chipmakers", "-chips", []),
        ("cafe\u0301 au lait", "cafe", ["cafe\u0301"]),
        ("", "x", []),
    ],
)
def test_marks_stand_on_the_words(said: str, asked: str, marked: list[str]) -> None:
    assert [said[start:end] for start, end in marks(said, terms(asked))] == marked


@pytest.mark.parametrize("width", [20, 60, 240])
def test_an_excerpt_holds_its_first_mark_at_the_right_place(width: int) -> None:
    said = "word " * 50 + "target " + "tail " * 50
    text, where = excerpt(said, marks(said, terms("target")), width)
    assert text[where[0][0] : where[0][1]] == "target"
    assert len(text) <= width + 12


def test_a_huge_mail_is_kept(bank: SmallBank, session: Session) -> None:
    talk, rep = thread(bank, session), bank.staff(session, "rep")
    says(bank, session, talk, " ".join(f"w{n}" for n in range(30_000)), 1)
    says(bank, session, talk, "needle " + "x" * 300_000, 2)
    assert numbers(session, rep, "w17") == {1}
    assert numbers(session, rep, "needle") == {2}
    assert numbers(session, rep, "needle " + "x" * 80) == {2}
