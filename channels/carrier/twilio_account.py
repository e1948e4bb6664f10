"""Twilio's REST front: credentials, paging, the account itself."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote_plus, urlencode

import orjson
from aiohttp import web

from channels.carrier.core import Carrier
from channels.carrier.gate import Front
from channels.carrier.names import rfc2822, seconds
from channels.carrier.twilio_errors import Refused, problem

VERSION = "2010-04-01"
_JSON = {"Content-Type": "application/json; charset=utf-8"}
T = TypeVar("T")
Form = dict[str, list[str]]


def one(form: Mapping[str, Sequence[str]], name: str, default: str = "") -> str:
    """The last value of a parameter, as Twilio takes it."""
    values = form.get(name)
    return values[-1] if values else default


def reply(document: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(document), headers=_JSON)


async def read_form(request: web.Request) -> tuple[Form, str]:
    """The form's values by name, and the body as it came."""
    text = (await request.read()).decode("utf-8", "replace")
    form: Form = {}
    # parse_qsl takes a fifth of a text's acceptance; most values have nothing to decode.
    for pair in text.split("&") if text else ():
        name, _, value = pair.partition("=")
        if "%" in value or "+" in value:
            value = unquote_plus(value)
        form.setdefault(unquote_plus(name) if "%" in name else name, []).append(value)
    return form, text


class TwilioFront(Front):
    """Checks who asks; how Twilio refuses; the pages of its lists."""

    def __init__(self, carrier: Carrier) -> None:
        self.account = carrier.console.account_sid
        self.base = f"/{VERSION}/Accounts/{self.account}"
        pair = f"{self.account}:{carrier.console.auth_token}".encode()
        super().__init__(carrier, b"Basic " + base64.b64encode(pair))

    def unauthorized(self) -> web.Response:
        return problem(20003, None)

    def too_many(self) -> web.Response:
        return problem(20429, None)

    def broken(self) -> web.Response:
        return problem(20500, None)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{self.base}.json", self.guard(self.show)),
            web.get(f"{self.base}/Balance.json", self.guard(self.balance)),
            web.get(f"{self.base}/IncomingPhoneNumbers.json", self.guard(self.numbers)),
        ]

    async def unknown(self, request: web.Request) -> web.StreamResponse:
        """Any other Twilio path: another account, or nothing we know."""
        if not self.known(request):
            return self.unauthorized()
        return problem(20404, f"The requested resource {request.path} was not found")

    def show(self, request: web.Request) -> web.Response:
        born = rfc2822(1767225600)
        parts = {"messages": "Messages", "calls": "Calls", "recordings": "Recordings", "balance": "Balance"}
        return reply(
            {
                "sid": self.account,
                "owner_account_sid": self.account,
                "friendly_name": "Simulated carrier",
                "auth_token": self.carrier.console.auth_token,
                "status": "active",
                "type": "Full",
                "date_created": born,
                "date_updated": born,
                "uri": f"{self.base}.json",
                "subresource_uris": {name: f"{self.base}/{part}.json" for name, part in parts.items()},
            }
        )

    def balance(self, request: web.Request) -> web.Response:
        return reply({"account_sid": self.account, "balance": "1000.00", "currency": "USD"})

    def numbers(self, request: web.Request) -> web.Response:
        """The account's numbers, as far as anybody asks."""
        ours = sorted(self.carrier.console.numbers)
        return self.page(
            request, "IncomingPhoneNumbers", "incoming_phone_numbers", ours, lambda one: {"phone_number": one}
        )

    def page(
        self, request: web.Request, name: str, what: str, found: Sequence[T], show: Callable[[T], Any]
    ) -> web.Response:
        """One page of a list in Twilio's envelope. PageSize 1 to 1,000, default 50."""
        query = request.query
        try:
            size = min(1000, max(1, int(query.get("PageSize", "50"))))
            page = max(0, int(query.get("Page", "0")))
        except ValueError:
            raise Refused(20001, "PageSize") from None
        start = page * size
        chosen = found[start : start + size]
        kept = [(n, v) for n, v in query.items() if n not in ("Page", "PageToken", "PageSize")]

        def uri(number: int) -> str:
            token = [("PageToken", f"PA{number:032x}")] if number else []
            pairs = [*kept, ("PageSize", str(size)), ("Page", str(number)), *token]
            return f"{self.base}/{name}.json?{urlencode(pairs)}"

        return reply(
            {
                what: [show(it) for it in chosen],
                "page": page,
                "page_size": size,
                "start": start,
                "end": start + max(0, len(chosen) - 1),
                "uri": uri(page),
                "first_page_uri": uri(0),
                "previous_page_uri": uri(page - 1) if page else None,
                "next_page_uri": uri(page + 1) if start + size < len(found) else None,
            }
        )


def within(query: Mapping[str, str], name: str, value: float | None) -> bool:
    """Twilio's date filters `Name`, `Name<`, `Name>`, each with its own moment; a bare date is its whole day.

    A record without that date passes no filter: not documented, but what the absence of a date must mean.
    """
    for suffix in ("", "<", ">"):
        wanted = query.get(name + suffix)
        if not wanted:
            continue
        if value is None:
            return False
        try:
            at = seconds(wanted)
        except ValueError:
            raise Refused(20001, name) from None
        # The SDK writes a date as its midnight, and equality is documented for days only.
        if not suffix:
            at -= at % 86400
        end = at + (86400 if not suffix or len(wanted) == 10 else 1)
        if (suffix != "<" and int(value) < at) or (suffix != ">" and value >= end):
            return False
    return True
