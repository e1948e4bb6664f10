"""The inbox: what customers said, to whom it belongs, and the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, selectinload

from dispatcher import door
from dispatcher.door import may
from dispatcher.model import Conversation, Customer, Firm, Letter, Message, OrderRequest, Reply, Response
from dispatcher.model.errors import NotFound, Refused
from dispatcher.services import (
    caps,
    conversations,
    correcting,
    inbox_numbers,
    order_holds,
    order_warnings,
    orders,
    passing,
    replies,
    responses,
    talks,
    unsettled,
)
from dispatcher.services.audit import fingerprint
from dispatcher.services.kind_words import DOUBTS, KINDS
from dispatcher.services.order_asked import TAKERS
from dispatcher.services.routing import ANSWERING
from dispatcher.web import files, filters, paging

bp = Blueprint("inbox", __name__, url_prefix="/inbox")
STATES = ("open", "claimed", "closed")
WORKS_HERE = ANSWERING
MOST_ORDERS = 5  # that are named above the list; the others stand under "Orders"


@bp.get("")
@may(*WORKS_HERE)
def index() -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    state = request.args.get("state", "")
    state = state if state in (*STATES, "all", "orders", "complaints") else "open"
    whose = "mine" if request.args.get("whose") == "mine" else ""
    words = request.args.get("q", "").strip()[:200]
    everything = conversations.visible(session, staff)
    if whose:
        everything = everything.where(or_(Conversation.rep_id == staff.id, Conversation.claimed_by == staff.id))
    waiting = order_holds.visible(session, staff, "waiting")
    order = paging.asked_order()
    page = paging.things(session, _loaded(_chosen(everything, state, words, turned=order == paging.TURNED)))
    part = "part" in request.args  # our script fetches the list alone, to keep an open page up to date
    numbers = inbox_numbers.of(session, everything, closed=not part)
    unmatched = inbox_numbers.unmatched(session, staff)
    return render_template(
        "inbox/_list.html" if part else "inbox/index.html",
        page=page,
        stands={one.id: talks.stands(one) for one in page.rows},
        holders={one.id: talks.holder(one, staff.id) for one in page.rows},
        waiting=session.scalars(
            waiting.limit(MOST_ORDERS).options(
                selectinload(OrderRequest.reply),
                selectinload(OrderRequest.conversation).selectinload(Conversation.customer).selectinload(Customer.firm),
            )
        ).all(),
        all_waiting=paging.number(session, waiting),
        now=door.runtime().now(),
        state=state,
        whose=whose,
        order=order,
        states=STATES,
        kinds=KINDS,
        doubts=DOUBTS,
        numbers=numbers,
        unmatched=unmatched,
        # What stands in the navigation and on the tabs is brought up to date with the list.
        fresh=_fresh(numbers) | {"unmatched": unmatched, "all-open": inbox_numbers.open_ones(session, staff)},
        q=words,
    )


def _fresh(numbers: inbox_numbers.Numbers) -> dict[str, int]:
    return {name: number for name, number in asdict(numbers).items() if number is not None}


def _chosen(some: Select[Conversation], state: str, words: str, *, turned: bool) -> Select[Conversation]:
    """Of these conversations those of one tab whose customer or firm is called so; `turned`, the last of them first."""
    if state == "orders":
        some = talks.with_open_orders(some, latest_first=turned)
    elif state == "complaints":
        some = talks.with_open_complaints(some, latest_first=turned)
    else:
        some = some.where(Conversation.state == state) if state in STATES else some
        some = some.order_by(None).order_by(Conversation.last_at, Conversation.id) if turned else some
    if not words:
        return some
    like = paging.contains(words)
    some = some.join(Customer, Customer.id == Conversation.customer_id).outerjoin(Firm, Firm.id == Customer.firm_id)
    return some.where(or_(Customer.name.ilike(like, escape="/"), Firm.name.ilike(like, escape="/")))


def _loaded(query: Select[Conversation]) -> Select[Conversation]:
    return query.options(
        selectinload(Conversation.replies).selectinload(Reply.order).selectinload(OrderRequest.claimer),
        selectinload(Conversation.responses),
        selectinload(Conversation.customer).selectinload(Customer.firm),
        selectinload(Conversation.message).selectinload(Message.versions),
        selectinload(Conversation.rep),
        selectinload(Conversation.claimer),
    )


# --- one conversation -------------------------------------------------------------------------------------


@bp.get("/<int:conversation_id>")
@may(*WORKS_HERE)
def show(conversation_id: int) -> ResponseReturnValue:
    return thread_page(conversation_id)


def thread_page(
    conversation_id: int,
    *,
    text: str = "",
    typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    """One conversation as a page, with what was `typed` into an order's fields, and what is `wrong` in which field."""
    session, staff = door.db(), door.me()
    conversation = conversations.get(session, staff, conversation_id)
    way = responses.way(session, door.runtime(), conversation)
    asked = [one.order for one in conversation.replies if one.order is not None and one.order.state != "withdrawn"]
    html = render_template(
        "inbox/thread.html",
        conversation=conversation,
        said=_story(session, conversation),
        laid_out=frozenset(
            session.scalars(select(Reply.id).where(Reply.conversation_id == conversation.id, Reply.html != ""))
        ),
        stands=talks.stands(conversation),
        holder=talks.holder(conversation, staff.id),
        way=way,
        most_words=responses.most_words(way.channel),
        held_back=unsettled.held_back(session, conversation.customer),
        orders=asked,
        against={one.id: order_warnings.against(session, one) for one in asked},
        heard=max((one.id for one in conversation.replies), default=0),
        may_decide=staff.has(*TAKERS),
        may_correct=staff.has(*correcting.MAY),
        may_take_on=passing.may_take_on(session, conversation, staff),
        choices=correcting.CHOICES,
        kinds=KINDS,
        doubts=DOUBTS,
        now=door.runtime().now(),
        text=text,
        typed=typed or {},
        wrong=wrong or {},
        once=door.once(),
        seen=max((one.id for one in conversation.responses), default=0),
    )
    return make_response(html, status)


def _story(session: Session, conversation: Conversation) -> list[tuple[str, Reply | Response | Letter]]:
    """All that was said, in the order of its times: "reply", "response", or "letter" for what was told by itself."""
    told = session.scalars(
        select(Letter).where(
            Letter.conversation_id == conversation.id, Letter.customer_id.is_not(None), Letter.kind.in_(caps.ANSWERS)
        )
    )
    timed: list[tuple[datetime, int, str, Reply | Response | Letter]] = [
        *((one.received_at, one.id, "reply", one) for one in conversation.replies),
        *((one.created_at, one.id, "response", one) for one in conversation.responses),
        *((one.created_at, one.id, "letter", one) for one in told),
    ]
    return [(what, one) for _, _, what, one in sorted(timed, key=lambda entry: entry[:3])]


@bp.post("/<int:conversation_id>/responses")
@may(*WORKS_HERE)
def respond(conversation_id: int) -> ResponseReturnValue:
    staff = door.me()
    text = request.form.get("text", "").replace("\r\n", "\n")
    once, seen = request.form.get("once", "")[:64], request.form.get("seen", "")[:18]
    key = f"page:{staff.id}:{conversation_id}:{once or door.once()}:{fingerprint(text.strip())}"
    try:
        sent = responses.respond(
            door.db(), door.runtime(), staff, conversation_id, text, via="page", dedupe=key,
            seen=int(seen) if seen.isascii() and seen.isdigit() else None,
        )  # fmt: skip
        again, at = sent.dedupe != key, sent.created_at
        door.commit()
    except Refused as refused:
        door.only_look()
        return thread_page(conversation_id, text=text, wrong=refused.fields, status=422)
    said = at.astimezone(filters.zone()).strftime("%H:%M")
    flash(f"You sent these words at {said}: they go out once." if again else "Your answer is on its way.")
    return redirect(url_for(".show", conversation_id=conversation_id))


@bp.post("/<int:conversation_id>/claim")
@may(*WORKS_HERE)
def claim(conversation_id: int) -> ResponseReturnValue:
    orders.claim_conversation(door.db(), door.runtime(), door.me(), conversation_id)
    door.commit()
    return redirect(url_for(".show", conversation_id=conversation_id))


@bp.post("/<int:conversation_id>/close")
@may(*WORKS_HERE)
def close(conversation_id: int) -> ResponseReturnValue:
    conversations.close(door.db(), door.runtime(), door.me(), conversation_id)
    door.commit()
    flash("Closed. The customer's next word opens it again.")
    return redirect(url_for(".index"))


@bp.post("/replies/<int:reply_id>/kind")
@may(*correcting.MAY)
def correct(reply_id: int) -> ResponseReturnValue:
    """One press says what an answer is."""
    kind = request.form.get("kind", "")
    reply = correcting.correct(door.db(), door.runtime(), door.me(), reply_id, kind)
    conversation_id = reply.conversation_id
    door.commit()
    flash(f"Noted: {KINDS[kind].lower()}.")
    return redirect(url_for(".show", conversation_id=conversation_id, _anchor=f"reply-{reply_id}"))


@bp.post("/replies/<int:reply_id>/doubt")
@may(*correcting.MAY)
def settle_doubt(reply_id: int) -> ResponseReturnValue:
    """One press settles what is doubtful."""
    is_so = request.form.get("is") == "yes"
    reply = correcting.settle_doubt(door.db(), door.runtime(), door.me(), reply_id, is_so)
    conversation_id = reply.conversation_id
    door.commit()
    flash("Noted: it is." if is_so else "Noted: it is not.")
    return redirect(url_for(".show", conversation_id=conversation_id, _anchor=f"reply-{reply_id}"))


@bp.get("/replies/<int:reply_id>/recording")
@may(*WORKS_HERE)
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
