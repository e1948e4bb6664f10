"""Files of answers: kept within bounds, never unpacked, known by their bytes, had by those alone who may see the answer."""

# ruff: noqa: E501 - tables, one case to a line

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.http import parse_options_header

from dispatcher.model import AuditEntry, Conversation, Customer, Media, Reply, ReplyFile, Staff
from dispatcher.model.errors import NotFound
from dispatcher.model.ports import File
from dispatcher.services import downloads, reply_files
from tests.quick import quickly
from tests.small_bank import SmallBank, small_bank

PDF, PNG, WAV = b"%PDF-1.7\n\x00", b"\x89PNG\r\n\x1a\n\x00", b"RIFF\x24\x00\x00\x00WAVEfmt "


def archive(*entries: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries:
            made.writestr(name, content)
    return out.getvalue()


def lying(size: int) -> bytes:
    """An archive whose directory promises so many bytes of one small entry."""
    made = bytearray(archive(("a.txt", b"x" * 1000)))
    at = made.rindex(b"PK\x01\x02")
    made[at + 24 : at + 28] = size.to_bytes(4, "little")
    return bytes(made)


OFFICE = ("[Content_Types].xml", b"<Types/>")
SHEET, MACROS = (
    archive(OFFICE, ("xl/workbook.xml", b"<w/>")),
    archive(OFFICE, ("xl/workbook.xml", b""), ("xl/vbaProject.bin", b"")),
)
BOMB = archive(("bomb.bin", bytes(20_000_000)))

BYTES = [
    # what it is called, its bytes → type told to browsers, ending of its name, why it is not offered
    ("a.pdf", PDF, "application/pdf", "pdf", ""),
    ("photo.svg", PNG, "image/png", "png", ""),
    ("a.jpg", b"\xff\xd8\xff\xe0", "image/jpeg", "jpg", ""),
    ("a.gif", b"GIF89a", "image/gif", "gif", ""),
    ("a.webp", b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp", "webp", ""),
    ("memo.wav", WAV, "audio/wav", "wav", ""),
    ("memo.m4a", b"\x00\x00\x00\x20ftypM4A \x00", "audio/mp4", "m4a", ""),
    ("memo.mp3", b"ID3\x04\x00", "audio/mpeg", "mp3", ""),
    ("book.xlsx", SHEET, "application/octet-stream", "xlsx", ""),
    ("book.xlsx", MACROS, "application/octet-stream", "bin", ""),
    ("letter.docx", archive(OFFICE, ("word/document.xml", b"")), "application/octet-stream", "docx", ""),
    ("notes.txt", "Verkäufe: 500".encode(), "application/octet-stream", "txt", ""),
    # nothing of what may deceive is told by a type or an ending
    ("invoice.pdf.exe", b"MZ\x90\x00", "application/octet-stream", "bin", ""),
    ("page.html", b"<html><script>alert(1)</script>", "application/octet-stream", "bin", ""),
    ("drawing.svg", b"<svg onload='alert(1)'/>", "application/octet-stream", "bin", ""),
    ("drawing.png", b"\xef\xbb\xbf  <svg onload='alert(1)'/>", "application/octet-stream", "bin", ""),
    ("run.sh", b"#!/bin/sh\nrm -rf /", "application/octet-stream", "bin", ""),
    ("a.pdf", b"\x00%PDF-", "application/octet-stream", "bin", ""),
    ("winmail.dat", b"x\x9f>\x22", "application/octet-stream", "bin", ""),
    ("a.zip", archive(("a.txt", b"x" * 100)), "application/octet-stream", "bin", ""),
    ("broken.zip", b"PK\x03\x04" + b"\x00" * 50, "application/octet-stream", "bin", ""),
    # archives are judged by what they promise
    ("bomb.zip", BOMB, "application/octet-stream", "bin", "not offered: it unpacks to 20 MB"),
    ("lie.zip", lying(4_000_000_000), "application/octet-stream", "bin", "not offered: it unpacks to 4 GB"),
    ("bomb.xlsx", archive(OFFICE, ("xl/a.xml", bytes(20_000_000))), "application/octet-stream", "bin", "not offered: it unpacks to 20 MB"),
    ("bomb.gz", gzip.compress(bytes(20_000_000)), "application/octet-stream", "bin", "not offered: it unpacks to 20 MB"),
    ("many.zip", archive(*((f"{n}", b"") for n in range(10_001))), "application/octet-stream", "bin",
     "not offered: it unpacks to more than 10,000 files"),
    ("small.zip", archive(("a.txt", bytes(900_000))), "application/octet-stream", "bin", ""),
]  # fmt: skip


@pytest.fixture
def bank(sqlite_sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sqlite_sessions, tmp_path)


def reply_with(bank: SmallBank, *files: File) -> int:
    """A reply of Ana's in her representative's inbox."""
    with bank.sessions() as session:
        ana = session.get_one(Customer, bank.ids["ana"])
        talk = Conversation(customer_id=ana.id, rep_id=bank.ids["rep"], channel="email")
        session.add(talk)
        session.flush()
        reply = Reply(
            dedupe="1", conversation_id=talk.id, customer_id=ana.id, channel="email", sender="ana@simon.example"
        )
        session.add(reply)
        session.flush()
        reply_files.keep(session, reply, files)
        session.commit()
        return reply.id


@pytest.mark.parametrize(
    ("name", "content", "kind", "ending", "note"), BYTES, ids=[f"{one[0]} {n}" for n, one in enumerate(BYTES)]
)
def test_a_file_is_what_its_bytes_are(
    bank: SmallBank, name: str, content: bytes, kind: str, ending: str, note: str
) -> None:
    number = reply_with(bank, File(name, "text/html", content))
    assert quickly(lambda: reply_files.dangerous(content), 1) == note
    assert reply_files.served_as(content) == kind
    with bank.sessions() as session:
        (file,) = reply_files.listed(session.get_one(Reply, number))
        same = name.endswith(f".{ending}")
        assert (file.name, file.saved_as, file.note) == (name, name if same else f"{name}.{ending}", note)
        assert file.offered == (note == "")
        assert file.size == len(content)
        assert session.scalars(select(Media)).one().read() == content


@pytest.mark.parametrize(("name", "saved"), [
    ("Depot März 2026.pdf", "Depot März 2026.pdf"),
    ("../../etc/passwd", "passwd.pdf"),
    ("C:\\Users\\ana\\orders.PDF", "orders.PDF"),
    ("invoice\u202efdp.exe", "invoice fdp.exe.pdf"),
    ("a\r\nX-Evil: 1.pdf", "a X-Evil_ 1.pdf"),
    ("a\u200b\u2066b\x00.pdf", "a b.pdf"),
    ('a";filename=b.exe', "a__filename_b.exe.pdf"),
    ("$(rm -rf ~).pdf", "_(rm -rf _).pdf"),
    (" ..  .pdf", "pdf.pdf"),
    (".htaccess", "htaccess.pdf"),
    ("CON.pdf", "_CON.pdf"),
    ("…", "reply-1-1.pdf"),
    ("注文書.pdf", "注文書.pdf"),
    ("ü" * 300 + ".pdf", "ü" * 90 + ".pdf"),
])  # fmt: skip
def test_it_leaves_under_its_senders_name_made_safe(bank: SmallBank, name: str, saved: str) -> None:
    file = ReplyFile(reply_id=1, position=1, name=name, note="", media=Media(media_type="application/pdf"))
    assert reply_files.saved_as(file) == saved
    header = reply_files.disposition(file)
    assert header.isascii()
    assert header.isprintable()
    assert parse_options_header(header) == ("attachment", {"filename": saved})


def test_what_is_too_much_is_named_and_not_kept(bank: SmallBank) -> None:
    large = [File(f"{n}.bin", "application/octet-stream", bytes([n]) * 9_000_000) for n in range(4)]
    rest = [File(f"{n}.txt", "text/plain", b"x%d" % n) for n in range(30)]
    huge = File("huge.bin", "application/octet-stream", bytes(10_000_001))
    number = reply_with(bank, huge, *large, File("empty.txt", "text/plain", b""), *rest)
    with bank.sessions() as session:
        files = reply_files.listed(session.get_one(Reply, number))
    assert len(files) == 21
    assert files[0].note == "not kept: 10 MB, and at most 10 MB are kept of a file"
    assert [one.offered for one in files[1:5]] == [True, True, False, False]
    assert files[3].note == "not kept: all files together are more than 25 MB"
    assert (files[5].name, files[5].note) == ("empty.txt", "empty")
    assert all(one.offered for one in files[6:20])
    assert (files[20].name, files[20].offered) == ("and 16 more", False)


def test_the_same_bytes_are_stored_once(bank: SmallBank) -> None:
    reply_with(bank, File("a.pdf", "x/y", PDF), File("b.pdf", "x/y", PDF))
    with bank.sessions() as session:
        assert len(session.scalars(select(Media)).all()) == 1


def test_only_who_may_see_the_answer_has_its_files_and_it_is_on_record(bank: SmallBank) -> None:
    number = reply_with(bank, File("a.pdf", "x/y", PDF), File("bomb.zip", "x/y", BOMB))
    with bank.sessions() as session:
        for name, may in (("rep", True), ("admin", True), ("other", False), ("analyst", False), ("officer", False)):
            staff = session.get_one(Staff, bank.ids[name])
            if may:
                found = downloads.file_of(session, staff, number, 1)
                downloads.on_record(session, bank.runtime, staff, found)
            else:
                with pytest.raises(NotFound):
                    downloads.file_of(session, staff, number, 1)
        rep = session.get_one(Staff, bank.ids["rep"])
        for reply_id, position in ((number, 2), (number, 3), (number, 0), (number + 1, 1)):
            with pytest.raises(NotFound):
                downloads.file_of(session, rep, reply_id, position)
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "download file")).all()
        assert [(one.actor, one.subject) for one in entries] == [
            ("rep@bank.example", f"reply {number}"),
            ("admin@bank.example", f"reply {number}"),
        ]
        assert hashlib.sha256(PDF).hexdigest() in entries[0].detail
