"""Conversations: replies and responses over all channels, in one place, and who has taken them on."""

from __future__ import annotations

from sqlalchemy.orm import selectinload

from dispatcher.api.calls import Act, call
from dispatcher.api.paging import page
from dispatcher.api.resources.replies import reply_fields
from dispatcher.api.shapes.common import Page
from dispatcher.api.shapes.inbox import (
    ConversationInfo,
    ConversationLine,
    ConversationQuery,
    NewResponse,
    ResponseInfo,
    SaidInfo,
)
from dispatcher.model import Conversation, Customer, Message, Reply, Response
from dispatcher.services import conversations, orders, responses, talks

TAG = "Inbox"


@call(
    "GET", "/conversations",
    title="Conversations, newest first",
    about="Representatives see their own and those they have claimed, administrators all.",
    tag=TAG, answers={200: Page[ConversationLine]},
)  # fmt: skip
def list_conversations(act: Act, query: ConversationQuery) -> Page[ConversationLine]:
    rep = act.staff.email if query.rep == "me" else query.rep
    chosen = talks.narrowed(
        conversations.visible(act.session, act.staff, rep, query.state), kind=query.kind, order=query.order
    ).options(
        selectinload(Conversation.customer).selectinload(Customer.firm),
        selectinload(Conversation.message).selectinload(Message.versions),
        selectinload(Conversation.rep),
        selectinload(Conversation.claimer),
        selectinload(Conversation.replies).selectinload(Reply.order),
        selectinload(Conversation.responses),
    )
    some, following = page(
        act.session, chosen, Conversation.id, limit=query.limit, cursor=query.cursor, newest_first=True
    )
    return Page(items=[_line(act, one) for one in some], next_cursor=following)


@call(
    "GET", "/conversations/<row:conversation_id>",
    title="One conversation with all that was said",
    tag=TAG, answers={200: ConversationInfo},
)  # fmt: skip
def get_conversation(act: Act, conversation_id: int) -> ConversationInfo:
    return _info(act, conversations.get(act.session, act.staff, conversation_id))


@call(
    "POST", "/conversations/<row:conversation_id>/responses",
    title="Answer the customer",
    about="In writing: by mail or text message to where they wrote from last, after a call, an answer on the page or a "
    "fax by their own order of channels. The same words again within the hour, with nothing said in between, are the "
    "same answer, with an `Idempotency-Key` and without.",
    tag=TAG, answers={201: ResponseInfo}, problems=(409,),
)  # fmt: skip
def respond(act: Act, conversation_id: int, body: NewResponse) -> ResponseInfo:
    made = responses.respond(act.session, act.runtime, act.staff, conversation_id, body.text, via="api")
    return _response(made)


@call(
    "POST", "/conversations/<row:conversation_id>/claim",
    title="Take a conversation on",
    about="And with it, where your role takes orders, every order request in it that waits. To claim one of these "
    "takes on the conversation, if nobody has, and the others.",
    tag=TAG, answers={200: ConversationInfo}, problems=(409,),
)  # fmt: skip
def claim_conversation(act: Act, conversation_id: int) -> ConversationInfo:
    return _info(act, orders.claim_conversation(act.session, act.runtime, act.staff, conversation_id))


@call(
    "POST", "/conversations/<row:conversation_id>/close",
    title="Nothing more to do",
    about="The customer's next word opens it again.",
    tag=TAG, answers={200: ConversationInfo}, problems=(409,),
)  # fmt: skip
def close_conversation(act: Act, conversation_id: int) -> ConversationInfo:
    return _info(act, conversations.close(act.session, act.runtime, act.staff, conversation_id))


def _outline(act: Act, one: Conversation) -> dict[str, object]:
    stands = talks.stands(one)
    return {
        "id": one.id,
        "customer": one.customer.key,
        "customer_name": one.customer.name,
        "firm": one.customer.firm.name if one.customer.firm else None,
        "message": one.message_id,
        "subject": one.message.current.subject if one.message else "",
        "rep": one.rep.email if one.rep else None,
        "routed_by": one.routed_by,
        "state": one.state,
        "claimed_by": one.claimer.email if one.claimer else None,
        "claim_by": one.claim_by,
        "channel": one.channel,
        "kind": stands.kind or None,
        "doubt": stands.doubt,
        "orders_waiting": len(stands.orders),
        "created_at": one.created_at,
        "last_at": one.last_at,
        "waiting_seconds": round((act.runtime.now() - stands.since).total_seconds(), 3) if stands.since else None,
    }


def _line(act: Act, one: Conversation) -> ConversationLine:
    return ConversationLine.model_validate(_outline(act, one))


def _info(act: Act, one: Conversation) -> ConversationInfo:
    return ConversationInfo.model_validate(
        _outline(act, one)
        | {
            "replies": [
                SaidInfo.model_validate(reply_fields(act, reply) | {"original": reply.original})
                for reply in one.replies
            ],
            "responses": [_response(each) for each in one.responses],
        }
    )


def _response(one: Response) -> ResponseInfo:
    return ResponseInfo(
        id=one.id,
        conversation=one.conversation_id,
        text=one.text,
        staff=one.staff.email,
        via=one.via,
        channel=one.letter.channel if one.letter else None,
        state=one.letter.state if one.letter else None,
        created_at=one.created_at,
    )
