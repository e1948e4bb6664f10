"""Order requests: who has claimed each, what was read back, how it was decided."""

from __future__ import annotations

from sqlalchemy.orm import selectinload

from dispatcher.api.calls import Act, call
from dispatcher.api.paging import page
from dispatcher.api.resources.replies import order_fields
from dispatcher.api.shapes.common import Page
from dispatcher.api.shapes.inbox import Confirmation, Declining, OrderInfo, OrderQuery, ReadBack
from dispatcher.model import Conversation, OrderRequest
from dispatcher.services import order_holds, orders

TAG = "Inbox"


@call(
    "GET", "/orders",
    title="Order requests, newest first",
    about="Those of the conversations one may see, and those one was asked to claim.",
    tag=TAG, answers={200: Page[OrderInfo]},
)  # fmt: skip
def list_orders(act: Act, query: OrderQuery) -> Page[OrderInfo]:
    chosen = (
        order_holds.visible(act.session, act.staff, query.state)
        .order_by(None)
        .options(
            selectinload(OrderRequest.reply),
            selectinload(OrderRequest.conversation).selectinload(Conversation.customer),
            selectinload(OrderRequest.claimer),
            selectinload(OrderRequest.decider),
        )
    )
    some, following = page(
        act.session, chosen, OrderRequest.id, limit=query.limit, cursor=query.cursor, newest_first=True
    )
    return Page(items=[_info(act, one) for one in some], next_cursor=following)


@call("GET", "/orders/<row:order_id>", title="One order request", tag=TAG, answers={200: OrderInfo})
def get_order(act: Act, order_id: int) -> OrderInfo:
    return _info(act, order_holds.get(act.session, act.staff, order_id))


@call(
    "POST", "/orders/<row:order_id>/claim", "rep", "admin",
    title="Take an order request on",
    about="From then on nobody else decides it. The customer is told nothing yet.",
    tag=TAG, answers={200: OrderInfo}, problems=(409,),
)  # fmt: skip
def claim_order(act: Act, order_id: int) -> OrderInfo:
    return _info(act, orders.claim(act.session, act.runtime, act.staff, order_id))


@call(
    "POST", "/orders/<row:order_id>/give-back", "rep", "admin",
    title="Give an order request back",
    about="It waits again; the administrators are told at once.",
    tag=TAG, answers={200: OrderInfo}, problems=(409,),
)  # fmt: skip
def give_back_order(act: Act, order_id: int) -> OrderInfo:
    return _info(act, orders.give_back(act.session, act.runtime, act.staff, order_id))


@call(
    "POST", "/orders/<row:order_id>/read-back", "rep", "admin",
    title="Tell the customer what was understood",
    about="In writing by the channel they used, or noted as said by telephone. It is not accepted by that.",
    tag=TAG, answers={200: OrderInfo}, problems=(409,),
)  # fmt: skip
def read_back_order(act: Act, order_id: int, body: ReadBack) -> OrderInfo:
    return _info(
        act,
        orders.read_back(
            act.session, act.runtime, act.staff, order_id, body.text, via="api", by_telephone=body.by_telephone
        ),
    )


@call(
    "POST", "/orders/<row:order_id>/confirm", "rep", "admin",
    title="Accept an order as it was read back",
    about="The customer is told. Nothing is executed here. Where they have said more since it was read back, name the "
    "last reply that was read as `heard`.",
    tag=TAG, answers={200: OrderInfo}, problems=(409,),
)  # fmt: skip
def confirm_order(act: Act, order_id: int, body: Confirmation) -> OrderInfo:
    return _info(
        act,
        orders.confirm(
            act.session,
            act.runtime,
            act.staff,
            order_id,
            via="api",
            by_telephone=body.by_telephone,
            heard=body.heard or 0,
        ),
    )


@call(
    "POST", "/orders/<row:order_id>/decline", "rep", "admin",
    title="Do not accept an order",
    about="The customer is told, and why.",
    tag=TAG, answers={200: OrderInfo}, problems=(409,),
)  # fmt: skip
def decline_order(act: Act, order_id: int, body: Declining) -> OrderInfo:
    return _info(
        act,
        orders.decline(
            act.session, act.runtime, act.staff, order_id, body.reason, via="api", by_telephone=body.by_telephone
        ),
    )


def _info(act: Act, order: OrderRequest) -> OrderInfo:
    return OrderInfo.model_validate(order_fields(act, order))
