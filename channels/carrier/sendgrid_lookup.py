"""SendGrid after the fact: Email Logs, Email Activity, and the suppression lists."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from channels.carrier import mail_render
from channels.carrier.core import Carrier
from channels.carrier.mail_rules import Wrong
from channels.carrier.names import seconds
from channels.carrier.records import Doc, Mail
from channels.carrier.sendgrid_api import SendGridFront, errors, reply

_CONDITION = re.compile(
    r"""\s*(?P<field>[a-z_]+)\s*(?P<op>=|>=|<=|>|<|IN\b)\s*
    (?P<value>(?:TIMESTAMP\s*)?(?:"[^"]*"|'[^']*')|\((?:\s*(?:"[^"]*"|'[^']*')\s*,?)+\))\s*(?:AND\b|\Z)""",
    re.VERBOSE | re.IGNORECASE,
)
_STRINGS = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_FIELDS = {
    "sg_message_id": {"="}, "subject": {"="}, "to_email": {"="}, "from_email": {"="}, "reason": {"="},
    "status": {"=", "in"}, "categories": {"in"}, "sg_message_id_created_at": {">", "<", ">=", "<="},
}  # fmt: skip
_ACTIVITY = {"delivered": "delivered", "processed": "processed", "deferred": "processed", "accepted": "processed"}
_LISTS = ("bounces", "blocks", "spam_reports", "invalid_emails", "unsubscribes")
Test = Callable[[Mail, Doc], bool]


class BadQuery(ValueError):
    """A query outside the documented grammar."""


def conditions(query: str) -> list[tuple[str, str, list[str]]]:
    """`field op value AND …` as (field, op, values); BadQuery for anything else."""
    found, at = [], 0
    while at < len(query):
        match = _CONDITION.match(query, at)
        if match is None:
            raise BadQuery(f"invalid query near {query[at : at + 30]!r}")
        field, operator = match["field"].lower(), match["op"].lower()
        if operator not in _FIELDS.get(field, set()):
            raise BadQuery(f"invalid query: {field} {match['op']}")
        found.append((field, operator, [a or b for a, b in _STRINGS.findall(match["value"])]))
        at = match.end()
    return found


def _compare(it: Mail, operator: str, text: str) -> bool:
    try:
        at = seconds(text)
    except ValueError:
        raise BadQuery(f"invalid time {text!r}") from None
    return {">": it.created > at, "<": it.created < at, ">=": it.created >= at, "<=": it.created <= at}[operator]


def _matches(it: Mail, request: Doc, field: str, operator: str, values: list[str]) -> bool:
    if field == "sg_message_id_created_at":
        return _compare(it, operator, values[0])
    if field == "sg_message_id":
        return values[0] in (it.id, it.message_id)
    if field == "categories":
        return not set(values).isdisjoint(request["mail"].get("categories") or [])
    own = {
        "to_email": it.to.lower(),
        "from_email": mail_render.sender(request, it)["email"].lower(),
        "subject": mail_render.subject(request, it),
        "reason": it.error or "",
        "status": _log_status(it),
    }[field]
    return own in ([value.lower() for value in values] if field.endswith("_email") else values)


def _log_status(it: Mail) -> str:
    return "processed" if it.state == "accepted" else it.state


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Lookup:
    def __init__(self, carrier: Carrier, front: SendGridFront) -> None:
        self._carrier, self._front = carrier, front

    def routes(self) -> list[web.RouteDef]:
        guard = self._front.guard
        found = [
            web.post("/v3/logs", self.logs),
            web.get("/v3/logs/{id}", guard(self.log)),
            web.get("/v3/messages", guard(self.activity)),
            web.get("/v3/messages/{id}", guard(self.activity_of)),
        ]
        for kind in _LISTS:
            found += [
                web.get(f"/v3/suppression/{kind}", guard(self._lister(kind))),
                web.get(f"/v3/suppression/{kind}/{{email}}", guard(self._getter(kind))),
                web.delete(f"/v3/suppression/{kind}/{{email}}", guard(self._lifter(kind))),
                web.delete(f"/v3/suppression/{kind}", self._bulk_lifter(kind)),
            ]
        found += [
            web.post("/v3/asm/suppressions/global", self.suppress_globally),
            web.get("/v3/asm/suppressions/global/{email}", guard(self.global_of)),
            web.delete("/v3/asm/suppressions/global/{email}", guard(self._lifter("unsubscribes"))),
        ]
        return found

    def _search(self, query: str, limit: int) -> list[tuple[Mail, Doc]]:
        """Newest first."""
        wanted = conditions(query)
        book = self._carrier.book
        to = next((values[0] for field, _, values in wanted if field == "to_email"), None)
        source = book.mails_of.get(to.lower(), []) if to is not None else list(book.mails.values())
        found: list[tuple[Mail, Doc]] = []
        for it in reversed(source):
            request = book.requests.get(it.request)
            if request is None or self._front.gate.hidden(it.created):
                continue
            if all(_matches(it, request, *condition) for condition in wanted):
                found.append((it, request))
                if len(found) == limit:
                    break
        return found

    async def logs(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        def work(_: web.Request) -> web.Response:
            try:
                wanted = orjson.loads(body)
                limit = wanted.get("limit", 10)
                if not isinstance(limit, int) or not 1 <= limit <= 1000:
                    raise BadQuery("limit is 1 to 1000")
                found = self._search(str(wanted.get("query") or ""), limit)
            except (orjson.JSONDecodeError, AttributeError):
                return errors(400, Wrong("invalid request body", None, None))
            except BadQuery as no:
                return errors(400, Wrong(str(no), "query", None))
            return reply({"messages": [self._logged(it, request) for it, request in found]})

        return await self._front.guard(work)(request)

    def _logged(self, it: Mail, request: Doc) -> Doc:
        doc = {
            "from_email": mail_render.sender(request, it)["email"], "sg_message_id": it.id,
            "subject": mail_render.subject(request, it), "to_email": it.to, "status": _log_status(it),
            "sg_message_id_created_at": _iso(it.created),
        }  # fmt: skip
        return {**doc, "reason": it.error} if it.error else doc

    def _find(self, request: web.Request) -> tuple[Mail, Doc] | None:
        it = self._carrier.book.mails.get(request.match_info["id"])
        if it is None or self._front.gate.hidden(it.created):
            return None
        return it, self._carrier.book.requests[it.request]

    def log(self, request: web.Request) -> web.Response:
        found = self._find(request)
        if found is None:
            return errors(404, Wrong("message not found", None, None))
        it, mail = found
        return reply(
            {
                **{k: v for k, v in self._logged(it, mail).items() if k not in ("reason", "sg_message_id_created_at")},
                "api_key_id": self._carrier.console.sendgrid_key.split(".")[1],
                "client_ip": "198.51.100.9",
                "category": mail["mail"].get("categories") or [],
                "custom_args": mail_render.custom_args(mail, it),
                "events": [self._event(it, event) for event in it.history],
            }
        )

    @staticmethod
    def _event(it: Mail, event: Doc) -> Doc:
        more = {k: v for k, v in event.items() if k not in ("at", "id", "event")}
        return {
            "event": event["event"], "email": it.to, "timestamp": event["at"], "sg_event_id": event["id"],
            "sg_message_id": it.id, "smtp-id": it.smtp_id, **more,
        }  # fmt: skip

    def activity(self, request: web.Request) -> web.Response:
        try:
            limit = int(request.query.get("limit", "10"))
            if not request.query.get("query") or not 1 <= limit <= 1000:
                raise BadQuery("query is required and limit is 1 to 1000")
            found = self._search(request.query["query"], limit)
        except ValueError as no:
            return reply({"errors": [{"message": str(no)}]}, 400)
        return reply({"messages": [self._active(it, mail) for it, mail in found]})

    @staticmethod
    def _active(it: Mail, request: Doc) -> Doc:
        last = it.history[-1]["at"] if it.history else it.created
        return {
            "from_email": mail_render.sender(request, it)["email"], "msg_id": it.id,
            "subject": mail_render.subject(request, it), "to_email": it.to,
            "status": _ACTIVITY.get(it.state, "not_delivered"),
            "opens_count": sum(event["event"] == "open" for event in it.history),
            "clicks_count": sum(event["event"] == "click" for event in it.history),
            "last_event_time": _iso(last),
        }  # fmt: skip

    def activity_of(self, request: web.Request) -> web.Response:
        found = self._find(request)
        if found is None:
            return reply({"errors": [{"message": "message not found"}]}, 404)
        it, mail = found
        names = {"bounce": "bounced", "open": "opened", "click": "clicked", "spamreport": "spam_report"}
        doc: dict[str, Any] = {
            **{k: v for k, v in self._active(it, mail).items() if not k.endswith(("_count", "_time"))},
            "api_key_id": "simulated", "asm_group_id": 1, "categories": mail["mail"].get("categories") or [],
            "originating_ip": "198.51.100.9", "outbound_ip": "198.51.100.25", "outbound_ip_type": "dedicated",
            "teammate": "", "template_id": "", "unique_args": orjson.dumps(mail_render.custom_args(mail, it)).decode(),
        }  # fmt: skip
        doc["events"] = [
            {
                "event_name": names.get(event["event"], event["event"]), "processed": _iso(event["at"]),
                "bounce_type": "soft" if event.get("type") == "blocked" else "hard",
                "http_user_agent": "", "mx_server": "mx.example.net", "reason": str(event.get("reason", "")),
            }
            for event in it.history
        ]  # fmt: skip
        return reply(doc)

    # Suppression lists.

    def _lister(self, kind: str) -> Callable[[web.Request], web.Response]:
        def work(request: web.Request) -> web.Response:
            query = request.query
            try:
                first, last = int(query.get("start_time", 0)), int(query.get("end_time", 1 << 40))
                offset, limit = int(query.get("offset", 0)), int(query.get("limit", 500))
            except ValueError:
                return errors(400, Wrong("invalid number", None, None))
            found = [
                _entry(kind, doc)
                for doc in self._carrier.book.suppressed.get(kind, {}).values()
                if first <= doc["created"] <= last
            ]
            return reply(found[offset : offset + min(500, limit)])

        return work

    def _getter(self, kind: str) -> Callable[[web.Request], web.Response]:
        def work(request: web.Request) -> web.Response:
            doc = self._carrier.book.suppressed.get(kind, {}).get(request.match_info["email"].lower())
            return reply([_entry(kind, doc)] if doc else [])

        return work

    def _lifter(self, kind: str) -> Callable[[web.Request], web.Response]:
        def work(request: web.Request) -> web.Response:
            if not self._carrier.book.lift(kind, request.match_info["email"]):
                return errors(404, Wrong("The email address was not found on the list", None, None))
            return web.Response(status=204)

        return work

    def _bulk_lifter(self, kind: str) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.read()

            def work(_: web.Request) -> web.Response:
                try:
                    wanted = orjson.loads(body or b"{}")
                except orjson.JSONDecodeError:
                    return errors(400, Wrong("invalid request body", None, None))
                every, some = wanted.get("delete_all"), wanted.get("emails")
                if bool(every) == bool(some):
                    return errors(400, Wrong("give either delete_all or emails", None, None))
                listed = self._carrier.book.suppressed.get(kind, {})
                for address in list(listed) if every else some:
                    self._carrier.book.lift(kind, address)
                return web.Response(status=204)

            return await self._front.guard(work)(request)

        return handle

    async def suppress_globally(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        def work(_: web.Request) -> web.Response:
            try:
                addresses = orjson.loads(body)["recipient_emails"]
                wrong = not isinstance(addresses, list) or not all(isinstance(one, str) for one in addresses)
            except (orjson.JSONDecodeError, KeyError, TypeError):
                wrong = True
            if wrong:
                return errors(400, Wrong("recipient_emails is a list of addresses", "recipient_emails", None))
            for address in addresses:
                if address.lower() not in self._carrier.book.suppressed.get("unsubscribes", {}):
                    self._carrier.book.suppress("unsubscribes", address, "unsubscribed")
            return reply({"recipient_emails": addresses}, 201)

        return await self._front.guard(work)(request)

    def global_of(self, request: web.Request) -> web.Response:
        address = request.match_info["email"].lower()
        listed = address in self._carrier.book.suppressed.get("unsubscribes", {})
        return reply({"recipient_email": address} if listed else {})


def _entry(kind: str, doc: Doc) -> Doc:
    """Each list has its own fields."""
    match kind:
        case "unsubscribes":
            return {"created": doc["created"], "email": doc["email"]}
        case "spam_reports":
            return {"created": doc["created"], "email": doc["email"], "ip": "198.51.100.77"}
        case "invalid_emails":
            return {"created": doc["created"], "email": doc["email"], "reason": doc["reason"]}
        case _:
            return {k: doc[k] for k in ("created", "email", "reason", "status")}
