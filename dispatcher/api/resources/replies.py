"""Replies: what customers said, in their representative's inbox or, with nobody's, the administrators' queue."""

from __future__ import annotations

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from dispatcher.api.calls import JSON, Act, call
from dispatcher.api.paging import page
from dispatcher.api.problems import Problem
from dispatcher.api.resources.messages import audio, recording_info
from dispatcher.api.shapes.common import Page
from dispatcher.api.shapes.inbox import Assignment, Correction, ReplyInfo, ReplyQuery, Settlement
from dispatcher.model import Conversation, Customer, OrderRequest, Reply, ReplyFile
from dispatcher.model.errors import Refused
from dispatcher.services import conversations, correcting, reply_store

TAG = "Inbox"
LOADED = (
    selectinload(Reply.customer),
    selectinload(Reply.conversation).selectinload(Conversation.rep),
    selectinload(Reply.recording),
    selectinload(Reply.files).selectinload(ReplyFile.media),
    selectinload(Reply.order).selectinload(OrderRequest.claimer),
    selectinload(Reply.order).selectinload(OrderRequest.decider),
)


@call(
    "GET", "/replies",
    title="What customers said, newest first",
    about="Representatives see those of their own conversations, administrators all.",
    tag=TAG, answers={200: Page[ReplyInfo]},
)  # fmt: skip
def list_replies(act: Act, query: ReplyQuery) -> Page[ReplyInfo]:
    chosen = reply_store.visible(act.session, act.staff).order_by(None).options(*LOADED)
    if query.message is not None:
        chosen = chosen.where(Reply.message_id == query.message)
    if query.customer is not None:
        chosen = chosen.where(Reply.customer_id.in_(select(Customer.id).where(Customer.key == query.customer)))
    if query.state is not None:
        chosen = chosen.where(Reply.state == query.state)
    some, following = page(act.session, chosen, Reply.id, limit=query.limit, cursor=query.cursor, newest_first=True)
    return Page(items=[reply_info(act, one) for one in some], next_cursor=following)


@call("GET", "/replies/<row:reply_id>", title="One reply", tag=TAG, answers={200: ReplyInfo})
def get_reply(act: Act, reply_id: int) -> ReplyInfo:
    return reply_info(act, _get(act, reply_id))


@call(
    "GET", "/replies/<row:reply_id>/recording",
    title="Hear a spoken reply",
    about="Every play is on record.",
    tag=TAG, answers={200: "audio/*"}, writes=True,
)  # fmt: skip
def get_reply_recording(act: Act, reply_id: int) -> Response:
    reply = _get(act, reply_id)
    if reply.recording is None:
        raise Problem("not-found", "There is no recording, or it has not been fetched yet")
    return audio(act, reply.recording, f"reply {reply.id}")


@call(
    "POST", "/replies/<row:reply_id>/assign", "admin",
    title="Say whose an unmatched reply is",
    about="It joins the customer's conversation, and their representative is told.",
    tag=TAG, answers={200: ReplyInfo}, problems=(409,), trial=True,
)  # fmt: skip
def assign_reply(act: Act, reply_id: int, body: Assignment) -> ReplyInfo:
    return reply_info(act, reply_store.assign(act.session, act.runtime, act.staff, reply_id, body.customer))


@call(
    "POST", "/replies/<row:reply_id>/settle", "admin",
    title="Say that an unmatched reply needs nothing more",
    tag=TAG, answers={200: ReplyInfo}, problems=(409,), kinds=(JSON,),
)  # fmt: skip
def settle_reply(act: Act, reply_id: int, body: Settlement) -> ReplyInfo:
    return reply_info(act, conversations.settle(act.session, act.runtime, act.staff, reply_id, body.note))


@call(
    "PATCH", "/replies/<row:reply_id>", "rep", "compliance", "analyst", "admin",
    title="Say what a reply is",
    about="What follows from the kind is done, or undone, with it: an order becomes a request or is withdrawn, a wish "
    "is obeyed or taken back, the conversation goes to whom the rules give it then. It also settles a doubt.",
    tag=TAG, answers={200: ReplyInfo}, problems=(409,),
)  # fmt: skip
def correct_reply(act: Act, reply_id: int, body: Correction) -> ReplyInfo:
    if (body.kind is None) == (body.doubt is None):
        raise Refused({"kind": "give either this or `doubt`"})
    if body.doubt is not None:
        return reply_info(act, correcting.settle_doubt(act.session, act.runtime, act.staff, reply_id, body.doubt))
    return reply_info(act, correcting.correct(act.session, act.runtime, act.staff, reply_id, body.kind or ""))


def _get(act: Act, reply_id: int) -> Reply:
    reply = act.session.scalar(reply_store.visible(act.session, act.staff).where(Reply.id == reply_id))
    if reply is None:
        raise Problem("not-found", f"There is no reply {reply_id}")
    return reply


def reply_fields(act: Act, reply: Reply) -> dict[str, object]:
    """A reply as its shape has it."""
    rep = reply.conversation.rep if reply.conversation else None
    heard = reply.recording
    return {
        "id": reply.id,
        "customer": reply.customer.key if reply.customer else None,
        "message": reply.message_id,
        "channel": reply.channel,
        "text": reply.text,
        "recording": recording_info(heard, f"/replies/{reply.id}/recording") if heard else None,
        "kind": reply.kind,
        "kind_by": reply.kind_by,
        "kind_because": reply.kind_because,
        "doubt": reply.doubt,
        "state": reply.state,
        "rep": rep.email if rep else None,
        "conversation": reply.conversation_id,
        "sender": reply.sender,
        "subject": reply.subject,
        "note": reply.note,
        "sender_check": reply.sender_check,
        "files": [
            {
                "position": one.position,
                "name": one.name,
                "size": one.media.size if one.media else None,
                "note": one.note,
            }
            for one in reply.files
        ],
        "order": order_fields(act, reply.order) if reply.order else None,
        "received_at": reply.received_at,
    }


def order_fields(act: Act, order: OrderRequest) -> dict[str, object]:
    """An order as its shape has it."""
    reply = order.reply
    until = order.decided_at or act.runtime.now()
    return {
        "id": order.id,
        "reply": reply.id,
        "conversation": order.conversation_id,
        "customer": order.conversation.customer.key,
        "message": reply.message_id,
        "text": reply.text,
        "state": order.state,
        "claimed_by": order.claimer.email if order.claimer else None,
        "claimed_at": order.claimed_at,
        "decided_by": order.decider.email if order.decider else None,
        "decided_at": order.decided_at,
        "read_back": order.read_back,
        "escalations": order.escalations,
        "due_at": order.due_at,
        "created_at": order.created_at,
        "age_seconds": max(0.0, round((until - reply.received_at).total_seconds(), 3)),
    }


def reply_info(act: Act, reply: Reply) -> ReplyInfo:
    """A reply as it is told."""
    return ReplyInfo.model_validate(reply_fields(act, reply))
