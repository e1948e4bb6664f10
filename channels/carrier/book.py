"""All records by identifier and by address, with what was there before a restart."""

from collections import defaultdict
from collections.abc import Iterable
from time import time
from typing import Any

from channels.carrier.names import rfc3339
from channels.carrier.records import Call, Doc, Fax, InboundMail, Mail, Message, Recording
from channels.carrier.store import Store

LEDGER = ("message", "fax", "mail", "mail_request", "call", "recording", "inbound", "event", "alert", "seen")
ALERTS_KEPT = 1000


class Book:
    """The carrier's memory. Add records by the `add_…` calls, announce changes by `changed`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._reset()
        self.opted_out: set[tuple[str, str]] = {
            (doc[0], doc[1]) for _, doc in store.load("optout")
        }  # (our sender or service, their number)
        self.suppressed: dict[str, dict[str, Doc]] = {}
        for key, doc in store.load("suppression"):
            kind, _, address = key.partition(" ")
            self.suppressed.setdefault(kind, {})[address] = doc
        self._load()

    def _reset(self) -> None:
        self.messages: dict[str, Message] = {}
        self.mails: dict[str, Mail] = {}
        self.requests: dict[str, Doc] = {}
        self.calls: dict[str, Call] = {}
        self.faxes: dict[str, Fax] = {}
        self.recordings: dict[str, Recording] = {}
        self.inbound: dict[str, InboundMail] = {}
        self.events: dict[str, Doc] = {}
        self.alerts: list[Doc] = []
        self.seen: dict[str, float] = {}
        self.messages_of: defaultdict[str, list[Message]] = defaultdict(list)
        self.mails_of: defaultdict[str, list[Mail]] = defaultdict(list)
        self.inbound_of: defaultdict[str, list[InboundMail]] = defaultdict(list)
        self.calls_of: defaultdict[str, list[Call]] = defaultdict(list)
        self.faxes_of: defaultdict[str, list[Fax]] = defaultdict(list)

    def _load(self) -> None:
        load = self.store.load
        for _, doc in load("message"):
            self._index_message(Message(**doc))
        for _, doc in load("mail"):
            self._index_mail(Mail(**doc))
        for _, doc in load("call"):
            self._index_call(Call(**doc))
        for _, doc in load("fax"):
            self._index_fax(Fax(**doc))
        for _, doc in load("inbound"):
            doc["headers"] = [(name, value) for name, value in doc["headers"]]
            self._index_inbound(InboundMail(**doc))
        self.requests = dict(load("mail_request"))
        self.recordings = {key: Recording(**doc) for key, doc in load("recording")}
        self.events = dict(load("event"))
        self.alerts = [doc for _, doc in load("alert")][-ALERTS_KEPT:]
        self.seen = dict(load("seen"))

    def clear(self) -> None:
        """Empty the ledger and what hangs on it; opt-outs, suppressions and behaviours stay."""
        self._reset()
        self.store.clear(*LEDGER)

    def _index_message(self, it: Message) -> None:
        self.messages[it.sid] = it
        self.messages_of[it.to].append(it)
        if it.sender:
            self.messages_of[it.sender].append(it)

    def _index_mail(self, it: Mail) -> None:
        self.mails[it.id] = it
        self.mails_of[it.to.lower()].append(it)

    def _index_call(self, it: Call) -> None:
        self.calls[it.sid] = it
        self.calls_of[it.to].append(it)
        self.calls_of[it.sender].append(it)

    def _index_fax(self, it: Fax) -> None:
        self.faxes[it.id] = it
        self.faxes_of[it.to].append(it)
        self.faxes_of[it.sender].append(it)

    def _index_inbound(self, it: InboundMail) -> None:
        self.inbound[it.id] = it
        self.inbound_of[it.sender.lower()].append(it)

    def add_message(self, it: Message) -> None:
        self._index_message(it)
        self.store.put("message", it.sid, it)

    def add_mails(self, request: str, doc: Doc, mails: Iterable[Mail]) -> None:
        self.requests[request] = doc
        self.store.put("mail_request", request, doc)
        for it in mails:
            self._index_mail(it)
            self.store.put("mail", it.id, it)

    def add_call(self, it: Call) -> None:
        self._index_call(it)
        self.store.put("call", it.sid, it)

    def add_fax(self, it: Fax) -> None:
        self._index_fax(it)
        self.store.put("fax", it.id, it)

    def add_inbound(self, it: InboundMail) -> None:
        self._index_inbound(it)
        self.store.put("inbound", it.id, it)

    def add_recording(self, it: Recording) -> None:
        self.recordings[it.sid] = it
        self.store.put("recording", it.sid, it)

    def changed(self, it: Message | Mail | Call | Fax | InboundMail | Recording) -> None:
        """Note that a record was altered; touches its `updated` time where it has one.

        A record that was emptied out of the ledger while it was still under way stays out.
        """
        kept: dict[str, Any]
        match it:
            case Message():
                kind, key, kept = "message", it.sid, self.messages
            case Call():
                kind, key, kept = "call", it.sid, self.calls
            case Fax():
                kind, key, kept = "fax", it.id, self.faxes
            case Recording():
                kind, key, kept = "recording", it.sid, self.recordings
            case Mail():
                kind, key, kept = "mail", it.id, self.mails
            case InboundMail():
                kind, key, kept = "inbound", it.id, self.inbound
        if isinstance(it, Message | Call | Fax):
            it.updated = time()
        if key in kept:
            self.store.put(kind, key, it)

    def forget_recording(self, sid: str) -> None:
        self.recordings.pop(sid, None)
        self.store.drop("recording", sid)

    def alert(self, code: int, text: str, **more: Any) -> None:
        """A vendor-side warning or error, as the vendors' debuggers list them."""
        doc = {"id": len(self.alerts) + 1, "at": rfc3339(time()), "code": code, "text": text, **more}
        if self.alerts:
            doc["id"] = self.alerts[-1]["id"] + 1
        self.alerts.append(doc)
        del self.alerts[:-ALERTS_KEPT]
        self.store.put("alert", str(doc["id"]), doc)

    def opt_out(self, ours: str, theirs: str) -> None:
        self.opted_out.add((ours, theirs))
        self.store.put("optout", f"{ours} {theirs}", [ours, theirs])

    def opt_in(self, ours: str, theirs: str) -> None:
        self.opted_out.discard((ours, theirs))
        self.store.drop("optout", f"{ours} {theirs}")

    def suppress(self, kind: str, address: str, reason: str, status: str = "") -> None:
        address = address.lower()
        doc = {"created": int(time()), "email": address, "reason": reason, "status": status}
        self.suppressed.setdefault(kind, {})[address] = doc
        self.store.put("suppression", f"{kind} {address}", doc)

    def lift(self, kind: str, address: str) -> bool:
        """Take an address off a suppression list; False when it was not on it."""
        address = address.lower()
        self.store.drop("suppression", f"{kind} {address}")
        return self.suppressed.get(kind, {}).pop(address, None) is not None
