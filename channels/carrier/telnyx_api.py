"""Telnyx's faxes: send, list, fetch, cancel, delete, and the sheets of one."""

import base64
import binascii
from time import time
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web

from channels.carrier.core import Carrier
from channels.carrier.fax_life import FaxLife
from channels.carrier.gate import Front, Refusal
from channels.carrier.names import E164, rfc3339, seconds
from channels.carrier.records import Doc, Fax
from channels.carrier.twilio_messages import is_url

_QUALITIES = ("normal", "high", "very_high", "ultra_light", "ultra_dark")
_KNOWN = frozenset(
    (
        "connection_id", "from", "to", "media_url", "media_name", "contents", "from_display_name", "quality",
        "monochrome", "black_threshold", "store_media", "store_preview", "preview_format", "t38_enabled",
        "client_state", "webhook_url",
    )
)  # fmt: skip


class Refused(Refusal):
    """What the vendor answers instead, and of which field."""

    def __init__(self, status: int, code: str, title: str, pointer: str = "") -> None:
        self.status, self.code, self.title, self.pointer = status, code, title, pointer

    def answer(self) -> web.Response:
        error: Doc = {"code": self.code, "title": self.title, "detail": self.title}
        if self.pointer:
            error["source"] = {"pointer": self.pointer}
        return reply({"errors": [error]}, self.status)


def reply(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(document), content_type="application/json", headers=headers)


class TelnyxFront(Front):
    """Who may ask, and how the vendor refuses."""

    def __init__(self, carrier: Carrier) -> None:
        super().__init__(carrier, b"Bearer " + carrier.console.telnyx_key.encode())

    def unauthorized(self) -> web.Response:
        return Refused(401, "10009", "Authentication failed").answer()

    def too_many(self) -> web.Response:
        return reply({"errors": [{"code": "10011", "title": "Too many requests"}]}, 429, {"Retry-After": "1"})

    def broken(self) -> web.Response:
        return Refused(500, "10016", "Internal server error").answer()


class Faxes:
    """The resource."""

    def __init__(self, carrier: Carrier, life: FaxLife) -> None:
        self._carrier, self._front, self._life = carrier, TelnyxFront(carrier), life

    def routes(self) -> list[web.RouteDef]:
        guard = self._front.guard
        return [
            web.post("/v2/faxes", self.create),
            web.get("/v2/faxes", guard(self.list)),
            web.get("/v2/faxes/{id}", guard(self.fetch)),
            web.get("/v2/faxes/{id}/media.pdf", guard(self.media)),
            web.delete("/v2/faxes/{id}", guard(self.delete)),
            web.post("/v2/faxes/{id}/actions/cancel", guard(self.cancel)),
        ]

    async def create(self, request: web.Request) -> web.StreamResponse:
        if not self._front.known(request):
            return self._front.unauthorized()
        try:
            fields, document = await _read(request)
        except Refused as no:
            return no.answer()

        def work() -> web.Response:
            try:
                it = self._checked(fields, document)
                self._life.keep(it, document)
            except Refused as no:
                return no.answer()
            self._life.begin(it)
            return reply({"data": self.show(it)}, 202)

        return await self._front.gate.create(work)

    def _checked(self, fields: dict[str, str], document: bytes) -> Fax:
        console = self._carrier.console
        if unknown := set(fields) - _KNOWN:
            raise Refused(422, "10015", f"unknown parameter {min(unknown)}", f"/{min(unknown)}")
        for name in ("connection_id", "from", "to"):
            if not fields.get(name):
                raise Refused(422, "10004", f"{name} is required", f"/{name}")
        if fields["connection_id"] != console.fax_connection:
            raise Refused(422, "10015", "there is no such fax application", "/connection_id")
        if fields["from"] != console.fax_line:
            raise Refused(422, "10002", "the number is none of the account's", "/from")
        if not E164.match(fields["to"]) or self._carrier.behaviours.of("fax", fields["to"])["mode"] == "invalid":
            raise Refused(422, "10002", "Invalid phone number", "/to")
        if fields.get("quality", "normal") not in _QUALITIES:
            raise Refused(422, "10015", "quality is unknown", "/quality")
        if fields.get("webhook_url") and not is_url(fields["webhook_url"]):
            raise Refused(422, "10015", "is no URL", "/webhook_url")
        try:
            base64.b64decode(fields.get("client_state", ""), validate=True)
        except binascii.Error:
            raise Refused(422, "10015", "is not base64", "/client_state") from None
        if not document.startswith(b"%PDF-"):
            raise Refused(422, "10015", "no document was uploaded, or none that is a PDF", "/contents")
        now = time()
        return Fax(
            id=str(uuid4()), to=fields["to"], sender=fields["from"], direction="outbound", status="queued", created=now,
            updated=now, callback=fields.get("webhook_url") or console.fax_webhook, connection=console.fax_connection,
            client_state=fields.get("client_state", ""), quality=fields.get("quality", "normal"),
        )  # fmt: skip

    def show(self, it: Fax) -> Doc:
        """The resource as the vendor's types describe it."""
        return {
            "id": it.id,
            "record_type": "fax",
            "connection_id": it.connection,
            "direction": it.direction,
            "from": it.sender,
            "to": it.to,
            "status": it.status,
            "failure_reason": it.error,
            "media_url": self._life.media_url(it),
            "quality": it.quality,
            "store_media": False,
            "client_state": it.client_state,
            "created_at": rfc3339(it.created),
            "updated_at": rfc3339(it.updated),
        }

    def list(self, request: web.Request) -> web.Response:
        query = request.query
        try:
            since = seconds(query.get("filter[created_at][gte]", "0"))
            until = seconds(query.get("filter[created_at][lte]", "1e12"))
            number = max(1, int(query.get("page[number]", "1")))
            size = min(250, max(1, int(query.get("page[size]", "20"))))
        except ValueError:
            raise Refused(400, "10015", "a filter or a page is no date or number") from None
        wanted = {name: query.get(f"filter[{name}][eq]", "") for name in ("to", "from", "direction")}
        found = [
            it
            for it in reversed(self._carrier.book.faxes.values())
            if since <= it.created <= until
            and wanted["to"] in ("", it.to)
            and wanted["from"] in ("", it.sender)
            and wanted["direction"] in ("", it.direction)
            and not it.deleted
            and not self._front.gate.hidden(it.created)
        ]
        meta = {"page_number": number, "page_size": size, "total_pages": -(-len(found) // size)}
        rows = [self.show(it) for it in found[(number - 1) * size : number * size]]
        return reply({"data": rows, "meta": {**meta, "total_results": len(found)}})

    def _find(self, request: web.Request) -> Fax:
        it = self._carrier.book.faxes.get(request.match_info["id"])
        if it is None or it.deleted or self._front.gate.hidden(it.created):
            raise Refused(404, "10005", "Resource not found")
        return it

    def fetch(self, request: web.Request) -> web.Response:
        return reply({"data": self.show(self._find(request))})

    def media(self, request: web.Request) -> web.Response:
        return web.Response(body=self._life.sheets(self._find(request).id).read_bytes(), content_type="application/pdf")

    def delete(self, request: web.Request) -> web.Response:
        # Deleting hides the resource from the API; that it reached somebody stays true in the ledger.
        it = self._find(request)
        it.deleted = True
        self._carrier.book.changed(it)
        return web.Response(status=204)

    def cancel(self, request: web.Request) -> web.Response:
        it = self._find(request)
        if it.status != "queued":
            raise Refused(422, "10015", "the fax is over")
        self._life.cancel(it)
        return reply({"data": {"result": "ok"}}, 202)


async def _read(request: web.Request) -> tuple[dict[str, str], bytes]:
    """The fields and the uploaded document."""
    if request.content_type != "multipart/form-data":
        raise Refused(422, "10015", "this carrier takes documents by multipart upload only", "/contents")
    form = await request.post()
    document = form.get("contents")
    if not isinstance(document, web.FileField):
        raise Refused(422, "10004", "contents is required", "/contents")
    fields = {name: str(value) for name, value in form.items() if name != "contents"}
    return fields, document.file.read()
