"""The record of who did what, and whether its chain is whole."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from dispatcher import door
from dispatcher.door import may
from dispatcher.model import AuditEntry
from dispatcher.services import verify
from dispatcher.web import limits, paging

bp = Blueprint("audit", __name__, url_prefix="/audit")


@bp.get("")
@may("admin")
def index() -> ResponseReturnValue:
    session = door.db()
    actor, subject, action = (request.args.get(name, "").strip()[:200] for name in ("actor", "subject", "action"))
    query = select(AuditEntry).order_by(AuditEntry.seq.desc())
    if actor:
        query = query.where(AuditEntry.actor.ilike(paging.contains(actor), escape="/"))
    if subject:
        query = query.where(AuditEntry.subject.ilike(paging.contains(subject), escape="/"))
    if action:
        query = query.where(AuditEntry.action == action)
    actions = session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action))
    return render_template(
        "audit.html",
        page=paging.things(session, query, per_page=50),
        actor=actor,
        subject=subject,
        action=action,
        actions=list(actions),
        breaches=None,
    )


@bp.get("/check")
@may("admin")
def check() -> ResponseReturnValue:
    """Recompute the chain and the promises over the whole database, as `dispatcher verify` does."""
    limits.require("check of", door.me().email, "6/minute")
    runtime = door.runtime()
    door.close_session()
    with runtime.sessions() as fresh:
        breaches = verify.check(fresh, runtime)
        last = fresh.scalar(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1))
    return render_template("audit_check.html", breaches=breaches, last=last)
