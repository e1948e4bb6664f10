"""Order requests in the inbox: claimed, read back, confirmed or declined by who claimed them."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from dispatcher import door
from dispatcher.door import may
from dispatcher.model import OrderRequest
from dispatcher.model.errors import Refused
from dispatcher.services import order_holds, orders
from dispatcher.services.order_asked import TAKERS
from dispatcher.web import inbox

bp = Blueprint("orders", __name__, url_prefix="/inbox/orders")


@bp.post("/<int:order_id>/claim")
@may(*TAKERS)
def claim(order_id: int) -> ResponseReturnValue:
    return _done(orders.claim(door.db(), door.runtime(), door.me(), order_id), "The order is yours to decide.")


@bp.post("/<int:order_id>/give-back")
@may(*TAKERS)
def give_back(order_id: int) -> ResponseReturnValue:
    order = orders.give_back(door.db(), door.runtime(), door.me(), order_id)
    return _done(order, "Given back: it waits again, and the administrators are told.")


@bp.post("/<int:order_id>/read-back")
@may(*TAKERS)
def read_back(order_id: int) -> ResponseReturnValue:
    text, spoken = request.form.get("read-back", "").replace("\r\n", "\n"), _is_spoken()
    return _tell(
        order_id,
        f"read-back-{order_id}",
        text,
        lambda: orders.read_back(door.db(), door.runtime(), door.me(), order_id, text, via="page", by_telephone=spoken),
        "Noted as read back." if spoken else "Read back: it is on its way to the customer.",
    )


@bp.post("/<int:order_id>/confirm")
@may(*TAKERS)
def confirm(order_id: int) -> ResponseReturnValue:
    told = request.form.get("heard", "")[:18]
    heard = int(told) if told.isascii() and told.isdigit() else 0
    return _tell(
        order_id,
        f"confirm-{order_id}",
        "",
        lambda: orders.confirm(
            door.db(), door.runtime(), door.me(), order_id, via="page", by_telephone=_is_spoken(), heard=heard
        ),
        "Confirmed.",
    )


@bp.post("/<int:order_id>/decline")
@may(*TAKERS)
def decline(order_id: int) -> ResponseReturnValue:
    reason = request.form.get("reason", "").replace("\r\n", "\n")
    return _tell(
        order_id,
        f"reason-{order_id}",
        reason,
        lambda: orders.decline(
            door.db(), door.runtime(), door.me(), order_id, reason, via="page", by_telephone=_is_spoken()
        ),
        "Declined.",
    )


def _is_spoken() -> bool:
    return request.form.get("by-telephone") == "yes"


def _tell(order_id: int, field: str, typed: str, act: Callable[[], OrderRequest], done: str) -> ResponseReturnValue:
    """Do it; what cannot be sent as it is comes back with its words and what is wrong with them."""
    try:
        return _done(act(), done)
    except Refused as refused:
        door.only_look()
        order = order_holds.get(door.db(), door.me(), order_id)
        wrong = {field: "; ".join(refused.fields.values())}
        return inbox.thread_page(order.conversation_id, typed={field: typed}, wrong=wrong, status=422)


def _done(order: OrderRequest, words: str) -> ResponseReturnValue:
    conversation_id, order_id = order.conversation_id, order.id
    door.commit()
    flash(words)
    return redirect(url_for("inbox.show", conversation_id=conversation_id, _anchor=f"order-{order_id}"))
