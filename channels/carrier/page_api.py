"""The page's files, and the JSON it polls."""

import html
from collections.abc import Iterator
from pathlib import Path
from time import time
from urllib.parse import urlsplit

from aiohttp import web

from channels.carrier import mail_render
from channels.carrier.behaviour import MODES
from channels.carrier.control import outline_inbound, read_json, refuse, reply
from channels.carrier.control_calls import ControlCalls
from channels.carrier.core import Carrier
from channels.carrier.names import rfc3339
from channels.carrier.people import People
from channels.carrier.records import Doc

STATIC = Path(__file__).parent / "static"
SCRIPTS = ("app", "call", "fax", "faults", "mailbox", "microphone", "pcm", "phone", "tools", "voice")
FILES = {
    **{f"{name}.js": "text/javascript" for name in SCRIPTS},
    "carrier.css": "text/css",
    "icon.svg": "image/svg+xml",
}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
LISTED = 400


class Page:
    def __init__(self, carrier: Carrier, calls: ControlCalls) -> None:
        self._carrier, self._calls = carrier, calls
        self._people = People(carrier.console.directory)

    def routes(self) -> list[web.RouteDef]:
        api = "/carrier/api"
        shells = ("/", "/phone/{address}", "/fax/{address}", "/mailbox/{address}", "/ledger", "/alerts", "/faults")
        return [
            *(web.get(path, self.shell) for path in shells),
            web.get("/carrier/static/{name}", self.file),
            web.get(f"{api}/addresses", self.addresses),
            web.get(f"{api}/phone/{{address}}", self.phone),
            web.get(f"{api}/mailbox/{{address}}", self.mailbox),
            web.get(f"{api}/mails/{{id}}/html", self.mail_html),
            web.post(f"{api}/seen", self.saw),
            web.get(f"{api}/console", self.console),
        ]

    async def shell(self, request: web.Request) -> web.Response:
        text = (STATIC / "page.html").read_text()
        return web.Response(text=text, content_type="text/html", headers={**SAFE, "Content-Security-Policy": CSP})

    async def file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in FILES:
            return refuse("no such file", 404)
        return web.Response(body=(STATIC / name).read_bytes(), content_type=FILES[name], charset="utf-8", headers=SAFE)

    async def console(self, request: web.Request) -> web.Response:
        """The bank's numbers and domain, and the modes one can choose."""
        console = self._carrier.console
        return reply(
            {
                "sms_from": console.sms_from, "voice_from": console.voice_from, "customer_line": console.customer_line,
                "analyst_line": console.analyst_line, "fax_line": console.fax_line,
                "inbound_domain": console.inbound_domain, "email_from": console.email_from,
                "product_url": console.product_url, "modes": MODES, "speed": self._carrier.speed,
            }
        )  # fmt: skip

    async def addresses(self, request: web.Request) -> web.Response:
        """`?search=&role=`: telephones, fax machines and mailboxes, those with news first, at most 400 of each.

        `role` is customer, or one of the staff's.
        """
        needle, role = request.query.get("search", "").strip().lower(), request.query.get("role", "")
        book, people = self._carrier.book, self._people
        ours = self._carrier.console.numbers
        phones = (people.phones.keys() | book.messages_of.keys() | book.calls_of.keys()) - ours
        faxes = (people.faxes.keys() | book.faxes_of.keys()) - {self._carrier.console.fax_line}
        boxes = people.mailboxes.keys() | book.mails_of.keys() | book.inbound_of.keys()
        return reply(
            {
                "phones": self._ranked(phones, needle, role),
                "faxes": self._ranked(faxes, needle, role, fax=True),
                "mailboxes": self._ranked(boxes, needle, role),
                "found": len(phones) + len(faxes) + len(boxes),
            }
        )

    def _ranked(self, addresses: set[str], needle: str, role: str, *, fax: bool = False) -> list[Doc]:
        found = []
        for address in addresses:
            who = self._people.describe(address, fax=fax)
            if role and role not in (who["kind"], *who["roles"]):
                continue
            if address and (not needle or needle in f"{address} {who['name']} {who['firm']}".lower()):
                times = list(self._faxed(address) if fax else self._news(address))
                seen = self._carrier.book.seen.get(f"fax {address}" if fax else address, 0.0)
                unread = sum(at > seen for at in times)
                found.append({"address": address, **who, "unread": unread, "last": max(times, default=0.0)})
        found.sort(key=lambda it: (-it["last"], it["name"] or it["address"]))
        return found[:LISTED]

    def _news(self, address: str) -> Iterator[float]:
        """When things reached an address."""
        book = self._carrier.book
        for text in book.messages_of.get(address, ()):
            if text.to == address and text.reached:
                yield text.reached
        for call in book.calls_of.get(address, ()):
            if call.to == address:
                yield call.created
        for mail in book.mails_of.get(address, ()):
            if mail.reached:
                yield mail.reached

    def _faxed(self, number: str) -> Iterator[float]:
        """When faxes came out of a machine."""
        return (it.reached for it in self._carrier.book.faxes_of.get(number, ()) if it.to == number and it.reached)

    async def saw(self, request: web.Request) -> web.Response:
        address = str((await read_json(request)).get("address", ""))
        self._carrier.book.seen[address] = time()
        self._carrier.store.put("seen", address, time())
        return web.Response(status=204)

    async def phone(self, request: web.Request) -> web.Response:
        number = request.match_info["address"]
        book, behaviours = self._carrier.book, self._carrier.behaviours
        texts = [
            {
                "id": it.sid, "mine": it.sender == number, "text": it.body, "state": it.status, "error": it.error,
                "other": it.to if it.sender == number else it.sender, "at": rfc3339(it.created),
                "arrived": it.sender == number or it.reached is not None,
            }
            for it in book.messages_of.get(number, [])[-200:]
        ]  # fmt: skip
        return reply(
            {
                "address": number,
                **self._people.describe(number),
                "pins": self._people.pins(number),
                "behaviour": {"sms": behaviours.of("sms", number), "voice": behaviours.of("voice", number)},
                "stopped": [ours for ours, theirs in book.opted_out if theirs == number],
                "texts": texts,
                # A call that was put through rings at one telephone, though another's number may be shown there.
                "calls": [self._calls.outline(it) for it in book.calls_of.get(number, [])[-40:] if it.person == number],
            }
        )

    async def mailbox(self, request: web.Request) -> web.Response:
        address = request.match_info["address"].lower()
        book = self._carrier.book
        received = [
            {**mail_render.entry(book.requests[it.request], it), "at": rfc3339(it.created), "mine": False}
            for it in book.mails_of.get(address, [])[-100:]
            if it.request in book.requests
        ]
        written = [
            {**outline_inbound(it), "at": rfc3339(it.created), "mine": True}
            for it in book.inbound_of.get(address, [])[-100:]
        ]
        lists = [kind for kind, listed in book.suppressed.items() if address in listed]
        return reply(
            {
                "address": address,
                **self._people.describe(address),
                "behaviour": self._carrier.behaviours.of("email", address),
                "suppressed": lists,
                "mails": sorted([*received, *written], key=lambda it: str(it["at"])),
            }
        )

    async def mail_html(self, request: web.Request) -> web.Response:
        """A mail's HTML as a page without scripts, forms or an origin; links open elsewhere."""
        book = self._carrier.book
        mail = book.mails.get(request.match_info["id"])
        if mail is not None:
            text = mail_render.parts(book.requests[mail.request], mail).get("text/html", "")
        else:
            written = book.inbound.get(request.match_info["id"])
            text = written.html if written else html.escape("No such mail.")
        product = urlsplit(self._carrier.console.product_url)
        policy = (
            "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
            f"img-src data: {product.scheme}://{product.netloc}; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'self'"
        )
        # A link inside the frame would load there; this sends it to a new tab, as mail programs do.
        body = '<base target="_blank">' + text
        return web.Response(text=body, content_type="text/html", headers={**SAFE, "Content-Security-Policy": policy})
