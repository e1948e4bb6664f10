"""For machines that watch: alive, able to work, and figures for Prometheus."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from flask import Blueprint, Response, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from dispatcher import door
from dispatcher.bells import QUEUES
from dispatcher.door import public
from dispatcher.model import Attempt, Callback, Delivery, Letter
from dispatcher.model.delivery import WAITING
from dispatcher.services import accounts, pause
from dispatcher.web import metrics
from dispatcher.web.limits import quick_pool

bp = Blueprint("health", __name__)
log = logging.getLogger(__name__)
# The sweep rings for what is overdue every second: older than this, nobody works on it.
TOO_OLD = timedelta(seconds=120)


@bp.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    return jsonify(status="alive")


@bp.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """200 when database, Redis and queues let us work, else 503 that says which part does not."""
    parts: dict[str, Callable[[], str]] = {"database": _database, "redis": _redis, "queues": _queues}
    found = {}
    for name, check in parts.items():
        try:
            found[name] = check()
        except (SQLAlchemyError, RedisError, OSError) as error:
            log.warning("not ready: %s: %s", name, type(error).__name__)
            found[name] = f"cannot be asked ({type(error).__name__})"
    ready = all(word == "ok" for word in found.values())
    return jsonify(status="ready" if ready else "not ready", **found), 200 if ready else 503


def _database() -> str:
    door.db().execute(text("SELECT 1"))
    return "ok"


def quick_redis() -> Redis:
    """A client that gives up at once."""
    if "quick redis" not in current_app.extensions:
        pool = quick_pool(door.runtime().settings)
        current_app.extensions["quick redis"] = Redis(connection_pool=pool)
    client: Redis = current_app.extensions["quick redis"]
    return client


def _redis() -> str:
    quick_redis().ping()
    return "ok"


def _queues() -> str:
    """Whether what is due is also worked on.

    A slow channel keeps rows waiting for minutes by right: only when nothing at all was begun for as long are
    deliveries and letters stuck.
    """
    session, moment = door.db(), door.runtime().now()
    paused = pause.in_force(session) is not None
    for what, query in (
        ("callback", select(func.min(Callback.due_at)).where(Callback.state == "new")),
        ("letter", select(func.min(Letter.due_at)).where(Letter.state.in_(WAITING))),
        ("delivery", select(func.min(Delivery.due_at)).where(Delivery.state.in_(WAITING))),
    ):
        if what == "delivery" and paused:
            continue  # they wait by order of a person
        due = session.scalar(query)
        if due is None or moment - due < TOO_OLD:
            continue
        begun = session.scalar(select(func.max(Attempt.started_at))) if what != "callback" else None
        if begun is None or moment - begun >= TOO_OLD:
            return f"the oldest {what} is overdue by {(moment - due).total_seconds():.0f} s"
    return "ok"


@bp.get("/metrics")
@public
def show_metrics() -> ResponseReturnValue:
    """For Prometheus: from this host, or with an administrator's token."""
    if not (_from_here() or _administrator()):
        abort(404)
    return Response(metrics.render(door.db(), door.runtime(), quick_redis(), QUEUES), content_type=metrics.MEDIA_TYPE)


def _from_here() -> bool:
    # A proxy on this host is not this host: what it forwards says so in a header, or in the name it was asked by.
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"))
    asked = request.host.rsplit(":", 1)[0].strip("[]")
    return door.is_loopback(request.remote_addr or "") and not forwarded and asked in ("127.0.0.1", "localhost", "::1")


def _administrator() -> bool:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    staff = accounts.by_token(door.db(), door.runtime(), token.strip()) if kind.lower() == "bearer" else None
    return staff is not None and staff.has("admin")
