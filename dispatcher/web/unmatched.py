"""Replies that belong to nobody yet: given to a customer, or settled, by an administrator."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select

from dispatcher import door
from dispatcher.door import may
from dispatcher.model import Customer, Reply
from dispatcher.model.errors import Refused
from dispatcher.services import conversations, reply_store, staff_answers
from dispatcher.services.kind_words import KINDS
from dispatcher.web import paging

bp = Blueprint("unmatched", __name__, url_prefix="/inbox/unmatched")


@bp.get("")
@may("admin")
def index() -> ResponseReturnValue:
    return _page()


def _page(reply_id: int = 0, wrong: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    by_colleague = staff_answers.is_by_colleague()
    page = paging.things(
        session, conversations.unmatched(session, staff).order_by(None).order_by(by_colleague, Reply.id)
    )
    words = request.args.get("q", "").strip()[:200]
    found: list[Customer] = []
    if words:
        like = paging.contains(words)
        found = list(
            session.scalars(
                select(Customer)
                .where(
                    Customer.active, or_(Customer.name.ilike(like, escape="/"), Customer.key.ilike(like, escape="/"))
                )
                .order_by(Customer.name)
                .limit(20)
            )
        )
    html = render_template(
        "inbox/unmatched.html",
        page=page,
        colleagues=staff_answers.colleagues(session, page.rows),
        q=words,
        found=found,
        wrong=wrong or {},
        wrong_id=reply_id,
        kinds=KINDS,
    )
    return make_response(html, status)


@bp.post("/<int:reply_id>/assign")
@may("admin")
def assign(reply_id: int) -> ResponseReturnValue:
    key = request.form.get("customer", "").strip()
    try:
        reply = reply_store.assign(door.db(), door.runtime(), door.me(), reply_id, key)
        door.commit()
    except Refused as refused:
        door.only_look()
        return _page(reply_id, refused.fields, 422)
    flash(f"It is now with {reply.customer.name if reply.customer else key}; their representative is told.")
    return redirect(url_for(".index"))


@bp.post("/<int:reply_id>/settle")
@may("admin")
def settle(reply_id: int) -> ResponseReturnValue:
    note = request.form.get("note", "").strip()[:200]
    conversations.settle(door.db(), door.runtime(), door.me(), reply_id, note)
    door.commit()
    flash("Settled.")
    return redirect(url_for(".index"))
