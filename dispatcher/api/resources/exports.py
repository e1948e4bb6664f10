"""Exports: whole tables as CSV, in pieces, without anything a spreadsheet would calculate; each on record."""

from __future__ import annotations

from flask import Response

from dispatcher.api.calls import CSV, Act, call
from dispatcher.api.shapes.remembered import ExportQuery
from dispatcher.services import exports
from dispatcher.services.exports import Asked

TAG = "Reports"
ABOUT = (
    "Only what one may see. Times are RFC 3339 in UTC. What a spreadsheet would take for a formula has an apostrophe "
    "in front."
)
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}


@call(
    "GET", "/exports/conversations.csv",
    title="Conversations as CSV", about=ABOUT, tag=TAG, answers={200: CSV}, problems=(404,), writes=True,
)  # fmt: skip
def export_conversations(act: Act, query: ExportQuery) -> Response:
    return _file(act, "conversations", query)


@call(
    "GET", "/exports/replies.csv",
    title="Replies as CSV", about=ABOUT, tag=TAG, answers={200: CSV}, problems=(404,), writes=True,
)  # fmt: skip
def export_replies(act: Act, query: ExportQuery) -> Response:
    return _file(act, "replies", query)


@call(
    "GET", "/exports/responses.csv",
    title="Responses as CSV", about=ABOUT, tag=TAG, answers={200: CSV}, problems=(404,), writes=True,
)  # fmt: skip
def export_responses(act: Act, query: ExportQuery) -> Response:
    return _file(act, "responses", query)


@call(
    "GET", "/exports/history.csv",
    title="A customer's history as CSV", about=f"`customer` says whose. {ABOUT}", tag=TAG, answers={200: CSV},
    problems=(404,), writes=True,
)  # fmt: skip
def export_history(act: Act, query: ExportQuery) -> Response:
    return _file(act, "history", query)


@call(
    "GET", "/exports/engagement.csv",
    title="Who listens, by customer, as CSV", about=ABOUT, tag=TAG, answers={200: CSV}, problems=(404,), writes=True,
)  # fmt: skip
def export_engagement(act: Act, query: ExportQuery) -> Response:
    return _file(act, "engagement", query)


def _file(act: Act, name: str, query: ExportQuery) -> Response:
    asked = Asked(
        message=query.message,
        customer=query.customer,
        since=query.since,
        until=query.until,
        separator=SEPARATORS[query.separator],
        bom=query.bom,
    )
    pieces = exports.export(act.session, act.runtime, act.staff, name, asked)
    answer = Response((piece.encode() for piece in pieces), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f"attachment; filename={name}.csv"
    answer.headers["Cache-Control"] = "no-store"
    return answer
