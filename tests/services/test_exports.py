"""Exports: cells that no spreadsheet calculates, only the rows a person may see, each export on record."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import AuditEntry, Conversation, Customer, Delivery, Recipient, Reply, Response, Staff
from dispatcher.model.errors import NotAllowed, NotFound, Refused
from dispatcher.services import exports
from dispatcher.services.csv_cells import BOM, cell, harmless, table
from dispatcher.services.exports import Asked, export
from tests.small_bank import SmallBank, small_bank

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)

# What somebody writes, and what stands in the file, separated by commas.
HOSTILE = (
    ('=HYPERLINK("http://evil.example","x")', '\'=HYPERLINK("http://evil.example","x")'),
    ("=1+1", "'=1+1"),
    ("+1 212 555 0100", "'+1 212 555 0100"),
    ("-1", "'-1"),
    ("- nothing today", "'- nothing today"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("=cmd|'/C calc'!A0", "'=cmd|'/C calc'!A0"),
    ("\t=1+1", "'\t'=1+1"),
    ("\r=1+1", "'\r'=1+1"),
    ("\n=1+1", "'\n'=1+1"),
    (" =1+1", " '=1+1"),
    ("   +1", "   '+1"),
    ("\u00a0=1", "\u00a0'=1"),
    ("\u3000=1", "\u3000'=1"),
    ("\u200b=1", "\u200b'=1"),
    ("\ufeff=1", "\ufeff'=1"),
    ("\x00=1", "'=1"),
    ('"=1+1', "\"'=1+1"),
    ('"" =1+1', "\"\" '=1+1"),
    ("'=1+1", "''=1+1"),
    ("“=1+1”", "“'=1+1”"),
    ("＝1+1", "'＝1+1"),
    ("＋1", "'＋1"),
    ("－1", "'－1"),
    ("＠SUM(A1)", "'＠SUM(A1)"),
    ("−5", "'−5"),
    ("hello\n=1+1", "hello\n'=1+1"),
    ("hello\r\n@x", "hello\r\n'@x"),
    ("a;=1+1", "a;'=1+1"),
    ('a"; "=1+1', "a\"; \"'=1+1"),
    ("a\t=1+1", "a\t'=1+1"),
    ("a,=1+1", "a,=1+1"),
    ("%0A=1", "'%0A=1"),
    ("|calc", "'|calc"),
    ("", ""),
    ("plain words", "plain words"),
    ("a - b = c + d @ e", "a - b = c + d @ e"),
    ("I said: =1", "I said: =1"),
    ("ana@simon.example", "ana@simon.example"),
    ("Grüße aus Köln, 50%", "Grüße aus Köln, 50%"),
)  # fmt: skip


@pytest.mark.parametrize(("words", "written"), HOSTILE)
def test_no_cell_begins_what_a_spreadsheet_calculates(words: str, written: str) -> None:
    assert harmless(words) == written
    # Nothing is lost but NUL, which no table can hold: without the apostrophes it is what was written.
    assert harmless(words).replace("'", "") == words.replace("'", "").replace("\x00", "")


def test_another_separator_is_another_danger() -> None:
    assert harmless("a,=1", ";") == "a,'=1"
    assert harmless("a;=1", ";") == "a;=1"
    assert harmless("a\t=1", "\t") == "a\t=1"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("opened_with", [",", ";", "\t", "|"])
def test_whichever_separator_it_is_opened_with(separator: str, opened_with: str) -> None:
    rows = [[words, "x"] for words, _ in HOSTILE]
    text = "".join(table(["=head"[1:], "other"], rows, separator=separator))
    if opened_with == separator:
        cells = [one for row in csv.reader(io.StringIO(text, newline=""), delimiter=opened_with) for one in row]
    else:  # as a program that cuts at every such sign and every end of a line
        cells = [one for line in text.splitlines() for one in line.split(opened_with)]
    strays = ' "\t\u00a0\u3000\u200b\ufeff\r\n“'
    assert [one for one in cells if one.strip(strays)[:1] in tuple("=+-@＝＋－＠") and one.strip(strays)] == []


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""), (True, "true"), (False, "false"), (-3, "-3"), (2.5, "2.5"),
        (datetime(2026, 11, 20, 10, 30, tzinfo=UTC), "2026-11-20T10:30:00Z"),
    ],
)  # fmt: skip
def test_values_as_cells(value: object, written: str) -> None:
    assert cell(value) == written  # type: ignore[arg-type]  # a table of all kinds


def test_a_table_is_read_back_as_it_was() -> None:
    rows = [["a,b", 1, None, AT], ['say "hi"\nthere', -2.5, True, "ü"]]
    text = "".join(table(["one", "two", "three", "four"], rows, bom=True))
    assert text.startswith(BOM + '"one","two","three","four"\r\n')
    read = list(csv.reader(io.StringIO(text.removeprefix(BOM), newline="")))
    assert read[1:] == [["a,b", "1", "", "2026-11-20T09:30:00Z"], ['say "hi"\nthere', "-2.5", "true", "ü"]]


# --- which rows -------------------------------------------------------------------------------------------


@pytest.fixture
def bank(sqlite_sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sqlite_sessions, tmp_path)


def said(bank: SmallBank, session: Session, who: str = "ana", rep: str = "rep", words: str = "=1+1") -> Reply:
    talk = Conversation(customer_id=bank.ids[who], rep_id=bank.ids[rep], channel="sms", created_at=AT)
    session.add(talk)
    session.flush()
    reply = Reply(
        dedupe=f"{who}:{words}", channel="sms", sender="+12025550101", text=words, conversation_id=talk.id,
        customer_id=talk.customer_id, received_at=AT,
    )  # fmt: skip
    answer = Response(
        dedupe=f"{who}", conversation_id=talk.id, staff_id=bank.ids[rep], text="+1", created_at=AT + timedelta(hours=1)
    )
    session.add_all([reply, answer])
    session.flush()
    return reply


def stranger(bank: SmallBank, session: Session) -> None:
    """A customer of somebody else's."""
    one = Customer(key="dora", name="Dora", rep_id=bank.ids["colleague"])
    session.add(one)
    session.flush()
    bank.ids["dora"] = one.id


def read(bank: SmallBank, session: Session, who: str, name: str, **asked: object) -> list[dict[str, str]]:
    pieces = export(session, bank.runtime, bank.staff(session, who), name, Asked(**asked))  # type: ignore[arg-type]  # a test's words
    session.commit()
    return list(csv.DictReader(io.StringIO("".join(pieces), newline="")))


def test_everybody_gets_what_they_may_see(bank: SmallBank) -> None:
    with bank.sessions() as session:
        stranger(bank, session)
        said(bank, session)
        said(bank, session, "dora", "colleague")
        session.add(Reply(dedupe="nobody", channel="sms", sender="", text="who", state="unmatched"))
        session.add(Reply(dedupe="alert", channel="email", sender="", text="secret", kind="alert", state="new"))
        session.commit()
        for name, key in (("conversations", "customer_id"), ("replies", "customer_id"), ("responses", "customer_id")):
            assert [one[key] for one in read(bank, session, "rep", name)] == ["ana"], name
            assert [one[key] for one in read(bank, session, "colleague", name)] == ["dora"], name
            assert read(bank, session, "officer", name) == [], name
            assert {one[key] for one in read(bank, session, "admin", name)} - {""} == {"ana", "dora"}, name
        assert [one["text"] for one in read(bank, session, "admin", "replies")] == ["'=1+1", "'=1+1", "who"]
        assert {one["customer_id"] for one in read(bank, session, "rep", "engagement")} == {"ana", "bob", "cleo"}
        assert len(read(bank, session, "rep", "history", customer="ana")) == 2
        with pytest.raises(NotFound):
            read(bank, session, "rep", "history", customer="dora")
        with pytest.raises(NotAllowed):
            read(bank, session, "analyst", "history", customer="ana")
        with pytest.raises(Refused):
            read(bank, session, "admin", "history")
        with pytest.raises(NotFound):
            read(bank, session, "admin", "staff")


def test_rows_are_chosen_by_message_customer_and_time(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = bank.released(session)
        said(bank, session).message_id = message.id
        said(bank, session, "bob")
        session.commit()
        assert [one["customer_id"] for one in read(bank, session, "admin", "replies", customer="bob")] == ["bob"]
        assert [one["customer_id"] for one in read(bank, session, "admin", "replies", message=message.id)] == ["ana"]
        assert read(bank, session, "admin", "replies", since=AT + timedelta(seconds=1)) == []
        assert len(read(bank, session, "admin", "replies", since=AT)) == 2
        assert read(bank, session, "admin", "responses", until=AT) == []


def test_a_long_table_comes_in_pieces_and_whole(bank: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 3)
    with bank.sessions() as session:
        first = said(bank, session)
        session.add_all(
            Reply(dedupe=str(n), channel="sms", sender="", conversation_id=first.conversation_id, text=str(n))
            for n in range(7)
        )
        session.commit()
        assert [one["text"] for one in read(bank, session, "rep", "replies")] == ["'=1+1", *map(str, range(7))]


def test_who_is_shut_out_meanwhile_gets_no_more(bank: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    with bank.sessions() as session:
        said(bank, session)
        said(bank, session, "bob")
        session.commit()
        pieces = export(session, bank.runtime, bank.staff(session, "rep"), "replies", Asked())
        session.get_one(Staff, bank.ids["rep"]).active = False
        session.commit()
    assert len("".join(pieces).splitlines()) == 1


def test_each_export_is_on_record(bank: SmallBank) -> None:
    with bank.sessions() as session:
        read(bank, session, "rep", "replies", customer="ana", since=AT)
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "export")).one()
    assert (entry.actor, entry.subject) == ("rep@bank.example", "table replies")
    assert "ana" in entry.detail
    assert "2026-11-20" in entry.detail


def test_engagement_counts_answers_and_listening_not_opens(bank: SmallBank) -> None:
    with bank.sessions() as session:
        for kind, heard in (("question", False), ("automatic", False), (None, True), (None, False)):
            message = bank.released(session)
            recipient = session.scalars(
                select(Recipient).where(Recipient.message_id == message.id, Recipient.customer_id == bank.ids["ana"])
            ).one()
            delivery = session.get_one(Delivery, recipient.delivery_id)
            delivery.state, delivery.heard_at = "delivered", AT if heard else None
            if kind:
                session.add(
                    Reply(
                        dedupe=f"k{message.id}", channel="sms", sender="", kind=kind, message_id=message.id,
                        customer_id=bank.ids["ana"], received_at=AT - timedelta(hours=1),
                    )
                )  # fmt: skip
        session.commit()
        rows = {one["customer_id"]: one for one in read(bank, session, "admin", "engagement")}
    ana = rows["ana"]
    assert (ana["reached"], ana["answered"], ana["heard"], ana["engaged"], ana["share"]) == ("4", "1", "1", "2", "0.5")
    assert ana["last_sign_of_life"] == "2026-11-20T09:30:00Z"
    assert (rows["bob"]["reached"], rows["bob"]["share"], rows["bob"]["last_sign_of_life"]) == ("0", "", "")
