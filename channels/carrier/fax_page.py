"""Fax machines on the carrier's page: what lies in their trays, and what people put into them."""

from aiohttp import web

from channels.carrier import fax_sheets
from channels.carrier.control import read_json, refuse, reply
from channels.carrier.core import Carrier
from channels.carrier.fax_life import FaxLife
from channels.carrier.names import E164, rfc3339
from channels.carrier.people import People
from channels.carrier.records import Doc, Fax

_SHEETS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Disposition": 'inline; filename="fax.pdf"',
}


class FaxPage:
    def __init__(self, carrier: Carrier, life: FaxLife) -> None:
        self._carrier, self._life = carrier, life
        self._people = People(carrier.console.directory)

    def routes(self) -> list[web.RouteDef]:
        api = "/carrier/api"
        return [
            web.get(f"{api}/fax/{{address}}", self.machine),
            web.get(f"{api}/faxes/{{id}}/sheets", self.sheets),
            web.post(f"{api}/fax", self.send),
        ]

    async def machine(self, request: web.Request) -> web.Response:
        number = request.match_info["address"]
        return reply(
            {
                "address": number,
                **self._people.describe(number, fax=True),
                "behaviour": self._carrier.behaviours.of("fax", number),
                "faxes": [_outline(it, number) for it in self._carrier.book.faxes_of.get(number, [])[-100:]],
            }
        )

    async def sheets(self, request: web.Request) -> web.Response:
        it = self._carrier.book.faxes.get(request.match_info["id"])
        if it is None:
            return refuse("no such fax", 404)
        return web.Response(body=self._life.sheets(it.id).read_bytes(), content_type="application/pdf", headers=_SHEETS)

    async def send(self, request: web.Request) -> web.Response:
        """A person faxes us: `{from, to?, text}`, or multipart with `document`, a PDF."""
        if request.content_type == "multipart/form-data":
            if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
                return refuse("not from another site", 403)
            form = await request.post()
            file = form.get("document")
            fields = {name: str(value) for name, value in form.items() if isinstance(value, str)}
            document = file.file.read() if isinstance(file, web.FileField) else b""
            if not document.startswith(b"%PDF-"):
                return refuse("document is a PDF")
        else:
            fields = {name: str(value) for name, value in (await read_json(request)).items()}
            if not fields.get("text", "").strip():
                return refuse("text is what the page says")
            document = fax_sheets.typed(fields["text"], fields.get("from", ""))
        sender, to = fields.get("from", ""), fields.get("to") or self._carrier.console.fax_line
        if not E164.match(sender):
            return refuse("from must be a number in E.164")
        if to != self._carrier.console.fax_line:
            return refuse(f"{to} takes no faxes")
        return reply({"id": self._life.written(sender, to, document).id}, 201)


def _outline(it: Fax, number: str) -> Doc:
    mine = it.sender == number
    return {
        "id": it.id, "mine": mine, "text": it.text, "pages": it.pages, "state": it.status, "error": it.error,
        "other": it.to if mine else it.sender, "at": rfc3339(it.created), "arrived": it.reached is not None,
    }  # fmt: skip
