"""The inbox: what customers said, to whom it belongs, and the answers."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from dispatcher import door
from dispatcher.door import may
from dispatcher.model import Conversation, Customer, Firm, Message, Reply, Response, Staff
from dispatcher.model.errors import NotFound, Refused
from dispatcher.services import conversations, replies
from dispatcher.web import files, paging

bp = Blueprint("inbox", __name__, url_prefix="/inbox")
STATES = ("open", "claimed", "closed")


@bp.get("")
@may("rep", "admin")
def index() -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    state = request.args.get("state", "")
    state = state if state in (*STATES, "all") else "open"
    words = request.args.get("q", "").strip()[:200]
    query = conversations.visible(session, staff, state=None if state == "all" else state)
    if words:
        like = paging.contains(words)
        query = query.join(Customer, Customer.id == Conversation.customer_id).outerjoin(
            Firm, Firm.id == Customer.firm_id
        )
        query = query.where(or_(Customer.name.ilike(like, escape="/"), Firm.name.ilike(like, escape="/")))
    page = paging.things(
        session,
        query.options(
            selectinload(Conversation.replies),
            selectinload(Conversation.customer).selectinload(Customer.firm),
            selectinload(Conversation.message).selectinload(Message.versions),
            selectinload(Conversation.rep),
        ),
    )
    everything = conversations.visible(session, staff)
    return render_template(
        # Our script fetches the list alone, to keep an open page up to date.
        "inbox/_list.html" if "part" in request.args else "inbox/index.html",
        page=page,
        state=state,
        states=STATES,
        numbers={one: paging.number(session, everything.where(Conversation.state == one)) for one in STATES},
        unmatched=paging.number(session, conversations.unmatched(session, staff)),
        q=words,
        claimers=_names(page.rows),
    )


def _names(some: Sequence[Conversation]) -> dict[int, str]:
    ids = {one.claimed_by for one in some if one.claimed_by}
    return {row.id: row.name for row in door.db().execute(select(Staff.id, Staff.name).where(Staff.id.in_(ids)))}


@bp.get("/<int:conversation_id>")
@may("rep", "admin")
def show(conversation_id: int) -> ResponseReturnValue:
    return _page(conversation_id)


def _page(
    conversation_id: int, *, text: str = "", wrong: dict[str, str] | None = None, status: int = 200
) -> ResponseReturnValue:
    session = door.db()
    conversation = conversations.get(session, door.me(), conversation_id)
    said: list[Reply | Response] = [*conversation.replies, *conversation.responses]
    html = render_template(
        "inbox/thread.html",
        conversation=conversation,
        said=sorted(said, key=lambda one: one.received_at if isinstance(one, Reply) else one.created_at),
        claimer=session.get(Staff, conversation.claimed_by) if conversation.claimed_by else None,
        text=text,
        wrong=wrong or {},
        once=door.once(),
    )
    return make_response(html, status)


@bp.post("/<int:conversation_id>/responses")
@may("rep", "admin")
def respond(conversation_id: int) -> ResponseReturnValue:
    staff = door.me()
    text = request.form.get("text", "").replace("\r\n", "\n")
    once = request.form.get("once", "")[:64]
    try:
        conversations.respond(
            door.db(), door.runtime(), staff, conversation_id, text, via="page",
            dedupe=f"page:{staff.id}:{conversation_id}:{once}" if once else None,
        )  # fmt: skip
        door.commit()
    except Refused as refused:
        door.only_look()
        return _page(conversation_id, text=text, wrong=refused.fields, status=422)
    flash("Your answer is on its way.")
    return redirect(url_for(".show", conversation_id=conversation_id))


@bp.post("/<int:conversation_id>/claim")
@may("rep", "admin")
def claim(conversation_id: int) -> ResponseReturnValue:
    conversations.claim(door.db(), door.runtime(), door.me(), conversation_id)
    door.commit()
    return redirect(url_for(".show", conversation_id=conversation_id))


@bp.post("/<int:conversation_id>/close")
@may("rep", "admin")
def close(conversation_id: int) -> ResponseReturnValue:
    conversations.close(door.db(), door.runtime(), door.me(), conversation_id)
    door.commit()
    flash("Closed. The customer's next word opens it again.")
    return redirect(url_for(".index"))


@bp.get("/replies/<int:reply_id>/recording")
@may("rep", "admin")
def recording(reply_id: int) -> ResponseReturnValue:
    """A spoken answer; every play is on record."""
    session, staff = door.db(), door.me()
    reply = session.scalar(replies.visible(session, staff).where(Reply.id == reply_id))
    if reply is None or reply.recording is None:
        raise NotFound("there is no such recording")
    if files.begins_play():
        with door.writer() as writing:
            files.record_play(writing, staff, f"reply {reply_id}")
    return files.audio(reply.recording)


@bp.get("/unmatched")
@may("admin")
def unmatched() -> ResponseReturnValue:
    return _unmatched_page()


def _unmatched_page(reply_id: int = 0, wrong: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    page = paging.things(session, conversations.unmatched(session, staff))
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
        "inbox/unmatched.html", page=page, q=words, found=found, wrong=wrong or {}, wrong_id=reply_id
    )
    return make_response(html, status)


@bp.post("/unmatched/<int:reply_id>/assign")
@may("admin")
def assign(reply_id: int) -> ResponseReturnValue:
    key = request.form.get("customer", "").strip()
    try:
        reply = conversations.assign(door.db(), door.runtime(), door.me(), reply_id, key)
        door.commit()
    except Refused as refused:
        door.only_look()
        return _unmatched_page(reply_id, refused.fields, 422)
    flash(f"It is now with {reply.customer.name if reply.customer else key}; their representative is told.")
    return redirect(url_for(".unmatched"))


@bp.post("/unmatched/<int:reply_id>/settle")
@may("admin")
def settle(reply_id: int) -> ResponseReturnValue:
    note = request.form.get("note", "").strip()[:200]
    conversations.settle(door.db(), door.runtime(), door.me(), reply_id, note)
    door.commit()
    flash("Settled.")
    return redirect(url_for(".unmatched"))
