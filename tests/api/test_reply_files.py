"""Files of replies by the API."""

from __future__ import annotations

from sqlalchemy import select

from dispatcher.model import AuditEntry, Conversation, Reply
from dispatcher.model.ports import File
from dispatcher.services import reply_files
from tests.api.conftest import Api, problem


def test_a_file_is_had_by_its_reader_as_a_download_and_on_record(bank_api: Api) -> None:
    with bank_api.session() as session:
        ids = bank_api.bank.ids
        talk = Conversation(customer_id=ids["ana"], rep_id=ids["rep"], channel="email")
        session.add(talk)
        session.flush()
        reply = Reply(
            dedupe="1", conversation_id=talk.id, customer_id=ids["ana"], channel="email", sender="a@b.example"
        )
        session.add(reply)
        session.flush()
        number = reply.id
        reply_files.keep(session, reply, [File("x.html", "text/html", b"<script>1</script>"), File("e", "", b"")])
        session.commit()
    answer = bank_api.ask("rep", "GET", f"/replies/{number}/files/1")
    assert (answer.status_code, answer.data, answer.content_type) == (
        200, b"<script>1</script>", "application/octet-stream",
    )  # fmt: skip
    assert answer.headers["Content-Disposition"] == 'attachment; filename="x.html.bin"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    for who in ("analyst", "officer", "other"):
        problem(bank_api.ask(who, "GET", f"/replies/{number}/files/1"), 404)
    for path in (f"/replies/{number}/files/2", f"/replies/{number}/files/3", "/replies/999/files/1"):
        problem(bank_api.ask("rep", "GET", path), 404)
    with bank_api.session() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "download file")).all()
    assert [one.actor for one in entries] == ["rep@bank.example"]
