"""How the person, machine or mailbox at an address behaves."""

from typing import Any

from channels.carrier.store import Store

MODES = {
    "voice": ("human", "manual", "machine", "fax", "busy", "no-answer", "failed", "invalid"),
    "sms": ("deliver", "undelivered", "failed", "sent-only", "invalid", "landline", "refuse", "stopped"),
    "email": ("deliver", "bounce", "late-bounce", "block", "defer", "drop"),
    "fax": ("deliver", "busy", "no-answer", "person", "broken", "unallocated", "failed", "invalid"),
}
_DEFAULT = {"voice": {"mode": "human"}, **{channel: {"mode": "deliver"} for channel in ("sms", "email", "fax")}}
Behaviour = dict[str, Any]


class Behaviours:
    """`mode` and its options by channel and address; `*` is every address without its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[tuple[str, str], Behaviour] = {}
        for key, doc in store.load("behaviour"):
            channel, _, address = key.partition(" ")
            self._kept[channel, address] = doc

    def of(self, channel: str, address: str) -> Behaviour:
        kept = self._kept
        return kept.get((channel, address)) or kept.get((channel, "*")) or _DEFAULT[channel]

    def set(self, channel: str, address: str, behaviour: Behaviour) -> None:
        """Keep; ValueError for an unknown channel or mode. Mode `default` forgets."""
        if channel not in MODES:
            raise ValueError(f"channel is one of {', '.join(MODES)}")
        if not address:
            raise ValueError("address is missing; * stands for every one")
        if channel == "email":
            address = address.lower()
        mode = behaviour.get("mode")
        if mode == "default":
            self._kept.pop((channel, address), None)
            self._store.drop("behaviour", f"{channel} {address}")
            return
        if mode not in MODES[channel]:
            raise ValueError(f"mode of {channel} is one of {', '.join(MODES[channel])}, or default")
        self._kept[channel, address] = behaviour
        self._store.put("behaviour", f"{channel} {address}", behaviour)

    def all(self) -> list[Behaviour]:
        return [{"channel": c, "address": a, **b} for (c, a), b in self._kept.items()]

    def clear(self) -> None:
        self._kept.clear()
        self._store.clear("behaviour")
