"""What happens to a mail after acceptance, told by SendGrid's events."""

import asyncio
import base64
import os
from time import time
from typing import Any

import orjson

from channels.carrier.core import Carrier
from channels.carrier.mail_render import custom_args
from channels.carrier.records import Doc, Mail

PROCESSED_AFTER, DELIVERED_AFTER, DEFERRED_GAP = 0.2, 0.6, 3.0
BATCH, GATHER_SECONDS = 1000, 0.15
_BOUNCE = ("5.1.1", "550 5.1.1 The email account that you tried to reach does not exist.")
_BLOCK = ("5.7.1", "550 5.7.1 Message blocked by the recipient's policy")
_DEFER = "451 4.7.1 Please try again later"
_CLASS = {"5.1.1": "Invalid Address", "5.2.2": "Mailbox Unavailable", "5.7.1": "Reputation"}
_DROPS = (
    ("bounces", "Bounced Address", "bypass_bounce_management"),
    ("unsubscribes", "Unsubscribed Address", "bypass_unsubscribe_management"),
    ("spam_reports", "Spam Reporting Address", "bypass_spam_management"),
    ("invalid_emails", "Invalid", "bypass_bounce_management"),
)


class MailLife:
    """Moves mails to their end and posts events in arrays, retried until a 2xx."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._ready: asyncio.Queue[str] = asyncio.Queue()

    def start(self) -> None:
        for _ in range(4):
            self._carrier.spawn(self._post())
        for key in self._carrier.book.events:
            self._ready.put_nowait(key)
        for it in self._carrier.book.mails.values():
            if it.state in ("accepted", "processed", "deferred"):
                self.begin([it])

    def begin(self, mails: list[Mail]) -> None:
        """All of one request go the same way at the same pace: one timer for them together."""
        wait = 0.0 if self._carrier.faults.callback_first else PROCESSED_AFTER
        self._carrier.after(wait, self._process, mails)

    def _request(self, it: Mail) -> Doc | None:
        return self._carrier.book.requests.get(it.request)

    def _process(self, mails: list[Mail]) -> None:
        going = []
        for it in mails:
            request = self._request(it)
            if request is None:
                continue
            if it.state == "accepted" and (reason := self._drop_reason(it, request)):
                it.state, it.error = "dropped", reason
                self._event(it, request, "dropped", reason=reason, status="5.0.0")
            else:
                if it.state == "accepted":
                    it.state = "processed"
                    self._event(it, request, "processed", pool={"name": "default", "id": "1"})
                going.append(it)
            self._carrier.book.changed(it)
        wait = 0.05 if self._carrier.faults.callback_first else DELIVERED_AFTER
        self._carrier.after(wait, self._finish, going)

    def _drop_reason(self, it: Mail, request: Doc) -> str:
        behaviour = self._carrier.behaviours.of("email", it.to.lower())
        if behaviour["mode"] == "drop":
            return str(behaviour.get("reason", "Bounced Address"))
        settings = request["mail"].get("mail_settings") or {}

        def on(name: str) -> bool:
            return bool((settings.get(name) or {}).get("enable"))

        if on("bypass_list_management"):
            return ""
        for kind, reason, bypass in _DROPS:
            if it.to.lower() in self._carrier.book.suppressed.get(kind, {}) and not on(bypass):
                return reason
        return ""

    def _finish(self, mails: list[Mail]) -> None:
        for it in mails:
            request = self._request(it)
            if request is not None:
                self._settle(it, request, self._carrier.behaviours.of("email", it.to.lower()))
                self._carrier.book.changed(it)

    def _settle(self, it: Mail, request: Doc, behaviour: Doc) -> None:
        mode, book = behaviour["mode"], self._carrier.book
        if mode == "bounce":
            status, reason = behaviour.get("status", _BOUNCE[0]), behaviour.get("reason", _BOUNCE[1])
            self._bounce(it, request, "bounce", status, reason)
            book.suppress("bounces", it.to, reason, status)
        elif mode == "block":
            status, reason = behaviour.get("status", _BLOCK[0]), behaviour.get("reason", _BLOCK[1])
            self._bounce(it, request, "blocked", status, reason)
            book.suppress("blocks", it.to, reason, status)
        elif mode == "defer" and it.attempts < int(behaviour.get("attempts", 2)):
            it.attempts += 1
            it.state, it.error = "deferred", _DEFER
            self._event(it, request, "deferred", response=_DEFER, attempt=str(it.attempts))
            self._carrier.after(float(behaviour.get("gap", DEFERRED_GAP)), self._finish, [it])
        elif mode == "defer" and behaviour.get("then") == "block":
            self._bounce(it, request, "blocked", "4.4.1", "451 4.4.1 unable to deliver in 72 hours")
        else:
            self._deliver(it, request)
            if mode == "late-bounce":
                self._carrier.after(float(behaviour.get("gap", 1)), self._bounce_late, it, behaviour)

    def _deliver(self, it: Mail, request: Doc) -> None:
        it.state, it.reached, it.error = "delivered", time(), None
        self._event(it, request, "delivered", response="250 2.0.0 OK", ip="198.51.100.25", tls=1)

    def _bounce(self, it: Mail, request: Doc, kind: str, status: str, reason: str) -> None:
        it.state, it.error = "bounced" if kind == "bounce" else "blocked", reason
        self._event(
            it, request, "bounce", type=kind, status=status, reason=reason, ip="198.51.100.25", tls=1,
            bounce_classification=_CLASS.get(status, "Unclassified"),
        )  # fmt: skip

    def _bounce_late(self, it: Mail, behaviour: Doc) -> None:
        """A bounce that comes by mail later knows neither our message id nor our arguments."""
        it.state, it.error = "bounced", str(behaviour.get("reason", "552 5.2.2 mailbox full"))
        self._carrier.book.changed(it)
        self._queue(
            {
                "email": it.to, "timestamp": int(time()), "event": "bounce", "type": "bounce",
                "status": behaviour.get("status", "5.2.2"), "reason": it.error, "sg_event_id": _event_id(),
            }
        )  # fmt: skip

    def told(self, it: Mail, event: str) -> None:
        """What a reader does: open, click, spamreport, unsubscribe."""
        request = self._request(it)
        if request is None:
            return
        more: Doc = {"useragent": "Mozilla/5.0", "ip": "198.51.100.77"}
        if event == "open":
            more["sg_machine_open"] = False
        elif event == "click":
            more |= {"url": "https://example.com/", "url_offset": {"index": 0, "type": "html"}}
        elif event == "spamreport":
            self._carrier.book.suppress("spam_reports", it.to, "spam report")
        elif event == "unsubscribe":
            self._carrier.book.suppress("unsubscribes", it.to, "unsubscribed")
        self._event(it, request, event, **more)

    def _event(self, it: Mail, request: Doc, event: str, **fields: Any) -> None:
        ident = _event_id()
        it.history.append({"event": event, "at": int(time()), "id": ident, **fields})
        doc = {
            **custom_args(request, it), "email": it.to, "timestamp": int(time()), "event": event,
            "sg_event_id": ident, "sg_message_id": it.id, "smtp-id": it.smtp_id, **fields,
        }  # fmt: skip
        categories = request["mail"].get("categories")
        if categories:
            doc["category"] = categories
        if event in ("dropped",):
            # Drops are recorded by another machine, under an id that is not the X-Message-Id.
            doc["sg_message_id"] = f"filter0093p1las1.{int.from_bytes(os.urandom(2), 'big')}.{os.urandom(5).hex()}.0"
        self._queue(doc)

    def _queue(self, doc: Doc) -> None:
        faults, book = self._carrier.faults, self._carrier.book
        if faults.callbacks_off:
            return
        key = str(doc["sg_event_id"])
        book.events[key] = doc
        book.store.put("event", key, doc)
        for _ in range(1 + faults.callback_duplicates):
            wait = faults.callback_delay_ms / 1000
            wait += faults.chance.uniform(0, 2) if faults.callback_reorder else 0
            if wait:
                asyncio.get_running_loop().call_later(wait, self._ready.put_nowait, key)
            else:
                self._ready.put_nowait(key)

    async def _post(self) -> None:
        while True:
            keys = [await self._ready.get()]
            if not self._carrier.faults.callback_first:
                await asyncio.sleep(GATHER_SECONDS / max(1.0, self._carrier.speed / 4))
            while len(keys) < BATCH and not self._ready.empty():
                keys.append(self._ready.get_nowait())
            docs = [doc for key in keys if (doc := self._carrier.book.events.get(key))]
            if docs:
                await self._deliver_events(keys, orjson.dumps(docs) + b"\r\n")

    async def _deliver_events(self, keys: list[str], body: bytes, tries: int = 0) -> None:
        """Post once; anything but 2xx comes again after a growing gap, for 24 hours."""
        url, book = self._carrier.console.event_webhook, self._carrier.book
        answer = await self._carrier.postman.post(url, body, self._carrier.postman.event_headers(body))
        if 200 <= answer.status < 300:
            for key in keys:
                if book.events.pop(key, None):
                    book.store.drop("event", key)
            return
        why = f"HTTP {answer.status}" if answer.status else answer.body.decode("utf-8", "replace")
        book.alert(11200, f"Event webhook failed: {why}; {len(keys)} events will come again", url=url)
        gap = min(300.0, 1.0 * 2**tries)

        async def again() -> None:
            await self._carrier.sleep(gap)
            await self._deliver_events(keys, body, tries + 1)

        self._carrier.spawn(again())


def _event_id() -> str:
    return base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
