"""Telnyx's account: the way to its API, its refusals as our decisions, and why a fax failed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from channels.http import Answer, InDoubt, NeverSent, Pool
from channels.verdicts import (
    NO_SUCH_NUMBER,
    OTHER_WAY,
    OURS,
    STOP,
    Verdict,
    of_status,
    refusal,
    senseless,
)
from dispatcher.model.errors import NotConfigured
from dispatcher.model.ports import Outcome
from dispatcher.settings import Settings

_STATE = re.compile(r"([0-9a-f]{32}) (\S{0,60})")


# Of a request that was refused for one of its fields (by JSON pointer): whose matter that field is.
_FIELDS = {
    "/to": NO_SUCH_NUMBER,
    "/from": STOP,  # not ours, or not verified
    "/connection_id": STOP,
    "/webhook_url": STOP,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What a `failure_reason` means. Only after `outcome` busy or no-answer is it sent again: nobody took it."""

    words: str
    outcome: str = ""
    mark: str = ""
    account: bool = False


# https://developers.telnyx.com/docs/programmable-fax/receiving-webhooks and its list of errors. What is not here fails
# under its own name. Pages may have arrived before a call broke off: then a repetition would be a second fax.
FAILURES = {
    "user_busy": Failure("busy", "busy"),
    "receiver_no_answer": Failure("no answer", "no-answer"),
    "receiver_no_response": Failure("no answer", "no-answer"),
    "connection_channel_limit_exceeded": Failure("all our lines were busy", "busy"),
    "outbound_profile_channel_limit_exceeded": Failure("all our lines were busy", "busy"),
    "user_channel_limit_exceeded": Failure("all our lines were busy", "busy"),
    "receiver_unallocated_number": Failure("nobody has this number", mark="invalid"),
    "receiver_invalid_number_format": Failure("this is no number", mark="invalid"),
    "destination_invalid": Failure("this is no number", mark="invalid"),
    "fax_initial_communication_timeout": Failure("no fax machine answered, perhaps a person"),
    "receiver_incompatible_destination": Failure("no fax machine is there"),
    "receiver_decline": Failure("the call was declined"),
    "receiver_call_dropped": Failure("the line broke off; some pages may have arrived"),
    "receiver_communication_error": Failure("the line was bad; some pages may have arrived"),
    "fax_signaling_error": Failure("the line was bad; some pages may have arrived"),
    "invalid_ecm_response_from_receiver": Failure("the line was bad; some pages may have arrived"),
    "account_disabled": Failure("the account is disabled", account=True),
    "no_outbound_profile": Failure("the application has no outbound profile", account=True),
    "outbound_profile_daily_spend_limit_exceeded": Failure("the account's daily limit is used up", account=True),
    "unverified_origination_number": Failure("FAX_LINE is not verified", account=True),
}


def state_for(attempt: str, category: str) -> str:
    """The client_state of an attempt: it comes back with all news of it, and stands in the list."""
    return base64.b64encode(f"{attempt} {category}".encode()).decode()


def read_state(client_state: object) -> tuple[str, str]:
    """Attempt and category out of a client_state, two empty strings where it is none of ours."""
    try:
        found = _STATE.fullmatch(base64.b64decode(str(client_state or ""), validate=True).decode())
    except (binascii.Error, ValueError):
        return "", ""
    return (found[1], found[2]) if found else ("", "")


class Account:
    """One account: the key, kept connections, and how the API says yes and no."""

    def __init__(self, settings: Settings, pool: Pool | None = None) -> None:
        """Raises NotConfigured naming the setting that is missing."""
        key = settings.telnyx_api_key.get_secret_value()
        if not key:
            raise NotConfigured("TELNYX_API_KEY is missing: make one in the portal under API Keys")
        self.base = f"{settings.telnyx_api_url}/v2"
        self.pool = pool or Pool()
        self.headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}

    async def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Answer:
        """GET something of the account. Raises NeverSent or InDoubt."""
        tail = f"?{urlencode(query)}" if query else ""
        return await self.pool.request("GET", f"{self.base}{path}{tail}", self.headers)

    async def check(self) -> str:
        """Whether the key works: "" or what is wrong and what to do."""
        try:
            answer = await self.get("/faxes", [("page[size]", "1")])
        except (NeverSent, InDoubt) as error:
            return f"Telnyx cannot be reached: {error}; look at TELNYX_API_URL and the network"
        if answer.status in (401, 403):
            return "Telnyx refuses the key: look at TELNYX_API_KEY"
        if answer.status != 200 or data_of(answer) is None:
            return f"Telnyx answered {answer.status} without a list of faxes: look at TELNYX_API_URL"
        return ""

    def is_api(self, url: str) -> bool:
        """Whether an address is of the API itself, so that the key may go there."""
        ours, theirs = urlsplit(self.base), urlsplit(url)
        return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)


def data_of(answer: Answer) -> Any:
    """What stands under `data` in an answer, None where there is nothing."""
    document = answer.json()
    return document.get("data") if isinstance(document, dict) else None


def outcome_of(attempt: str, answer: Answer) -> Outcome:
    """What became of one fax by the answer to it."""
    made = data_of(answer)
    if 200 <= answer.status < 300:
        ref = made.get("id") if isinstance(made, dict) else None
        if isinstance(ref, str) and 0 < len(ref) <= 100:
            return Outcome(attempt, "accepted", "", ref)
        return senseless(attempt, answer)
    error = _first_error(answer)
    verdict = _judge(answer.status, str((error.get("source") or {}).get("pointer", "")))
    words = str(error.get("detail") or error.get("title") or f"HTTP {answer.status}")
    return refusal(attempt, answer, verdict, str(error.get("code") or answer.status), words)


def _judge(status: int, pointer: str) -> Verdict:
    if status in (400, 422):
        return _FIELDS.get(pointer, OURS)
    if status == 403 and pointer == "/to":
        return OTHER_WAY  # a country that the account may not send to
    return of_status(status, OURS)


def _first_error(answer: Answer) -> dict[str, Any]:
    document = answer.json()
    errors = document.get("errors") if isinstance(document, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return {}
    return first if isinstance(first.get("source", {}), dict) else {**first, "source": {}}
