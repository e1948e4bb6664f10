"""What happens to a fax after acceptance, and to faxes that people send us."""

from pathlib import Path
from time import time
from uuid import uuid4

from channels.carrier import fax_sheets
from channels.carrier.core import Carrier
from channels.carrier.names import rfc3339
from channels.carrier.records import Doc, Fax

DIALLED_AFTER, PAGE_SECONDS = 0.3, 0.5
# What the vendor says where a machine behaves so.
REASONS = {
    "busy": "user_busy",
    "no-answer": "receiver_no_answer",
    "person": "fax_initial_communication_timeout",
    "broken": "receiver_call_dropped",
    "unallocated": "receiver_unallocated_number",
    "failed": "service_unavailable",
}


class FaxLife:
    """Moves faxes to their end by themselves and posts what happened."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._folder = carrier.state / "faxes"
        self._folder.mkdir(exist_ok=True)

    def resume(self) -> None:
        """Go on with what a restart interrupted."""
        for it in self._carrier.book.faxes.values():
            if it.direction == "outbound" and it.status in ("queued", "sending"):
                self.begin(it)

    def keep(self, it: Fax, document: bytes) -> None:
        """A new fax and its sheets."""
        it.pages, it.text = fax_sheets.pages(document), fax_sheets.words(document)
        self.sheets(it.id).write_bytes(document)
        self._carrier.book.add_fax(it)

    def sheets(self, fax_id: str) -> Path:
        return self._folder / f"{fax_id}.pdf"

    def begin(self, it: Fax) -> None:
        self._tell(it, "fax.queued")
        self._carrier.after(0.0 if self._carrier.faults.callback_first else DIALLED_AFTER, self._send, it)

    def _send(self, it: Fax) -> None:
        if it.status == "failed":  # cancelled meanwhile
            return
        self._tell(it, "fax.media.processed")
        it.status = "sending"
        self._carrier.book.changed(it)
        self._tell(it, "fax.sending.started")
        self._carrier.after(PAGE_SECONDS * it.pages, self._finish, it)

    def _finish(self, it: Fax) -> None:
        behaviour = self._carrier.behaviours.of("fax", it.to)
        mode = behaviour["mode"]
        if mode == "deliver":
            it.status, it.reached = "delivered", time()
        else:
            it.status, it.error = "failed", str(behaviour.get("reason") or REASONS[mode])
        self._carrier.book.changed(it)
        self._tell(it, f"fax.{it.status}")

    def cancel(self, it: Fax) -> None:
        it.status, it.error = "failed", "user_canceled"
        self._carrier.book.changed(it)
        self._tell(it, "fax.failed")

    def written(self, sender: str, to: str, document: bytes) -> Fax:
        """A person faxes our number: kept, and told to the webhook of the fax application."""
        now = time()
        it = Fax(
            id=str(uuid4()), to=to, sender=sender, direction="inbound", status="received", created=now, updated=now,
            callback=self._carrier.console.fax_webhook, connection=self._carrier.console.fax_connection, reached=now,
        )  # fmt: skip
        self.keep(it, document)
        self._tell(it, "fax.receiving.started")
        self._tell(it, "fax.received")
        return it

    def _tell(self, it: Fax, kind: str) -> None:
        payload: Doc = {
            "fax_id": it.id, "connection_id": it.connection, "direction": it.direction, "from": it.sender, "to": it.to,
            "status": it.status, "client_state": it.client_state or None,
        }  # fmt: skip
        if kind in ("fax.delivered", "fax.received"):
            payload["page_count"] = it.pages
        if kind == "fax.received":
            payload["media_url"] = self.media_url(it)
        if kind == "fax.failed":
            payload["failure_reason"] = it.error
        event = {"event_type": kind, "id": str(uuid4()), "occurred_at": rfc3339(time()), "record_type": "event"}
        self._carrier.postman.fax_event(it.callback, {**event, "payload": payload})

    def media_url(self, it: Fax) -> str:
        return f"{self._carrier.console.api_url}/v2/faxes/{it.id}/media.pdf"
