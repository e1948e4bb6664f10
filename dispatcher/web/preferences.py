"""Customers' own preferences, without an account; and the one click by which mail programs unsubscribe (RFC 8058)."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dispatcher import door
from dispatcher.door import by_token
from dispatcher.model import CHANNELS, Customer
from dispatcher.services import preferences

bp = Blueprint("preferences", __name__, url_prefix="/p")


def _customer(token: str) -> Customer:
    return preferences.by_id(door.db(), door.runtime().read_token("customer", token))


@bp.get("/<token>")
@by_token
def show(token: str) -> ResponseReturnValue:
    customer = _customer(token)
    return render_template(
        "customers/preferences.html",
        token=token,
        customer=customer,
        ways=preferences.ways(door.db(), customer),
        wrong={},
        done=request.args.get("done", ""),
    )


@bp.post("/<token>/order")
@by_token
def order(token: str) -> ResponseReturnValue:
    session, customer = door.db(), _customer(token)
    places = {
        channel: int(place)
        for channel in CHANNELS
        if (place := request.form.get(f"place-{channel}", "")).isascii() and place.isdigit() and len(place) < 3
    }
    if len(set(places.values())) != len(places):
        wrong = {"order": "gives two ways the same place: give each its own."}
        page = render_template(
            "customers/preferences.html", token=token, customer=customer,
            ways=preferences.ways(session, customer), wrong=wrong, done="",
        )  # fmt: skip
        return page, 422
    preferences.set_order(session, door.runtime(), customer, sorted(places, key=lambda channel: places[channel]))
    door.commit()
    return redirect(url_for(".show", token=token, done="order"))


@bp.post("/<token>/quiet")
@by_token
def quiet(token: str) -> ResponseReturnValue:
    allowed = request.form.get("urgent") == "yes"
    preferences.allow_urgent(door.db(), door.runtime(), _customer(token), allowed)
    door.commit()
    return redirect(url_for(".show", token=token, done="quiet"))


@bp.get("/<token>/stop/<channel>")
@by_token
def ask(token: str, channel: str) -> ResponseReturnValue:
    """Asks first. Links in mails are opened by scanners, so that opening this changes nothing."""
    customer = _customer(token)
    way = next((way for way in preferences.ways(door.db(), customer) if way.point.channel == channel), None)
    if way is None or way.stopped is not None:
        return redirect(url_for(".show", token=token))
    return render_template("customers/stop.html", token=token, customer=customer, way=way)


@bp.post("/<token>/stop/<channel>")
@by_token
def stop(token: str, channel: str) -> ResponseReturnValue:
    preferences.stop(door.db(), door.runtime(), _customer(token), channel, "preferences page")
    door.commit()
    return redirect(url_for(".show", token=token, done="stop"))


@bp.post("/<token>/resume/<channel>")
@by_token
def resume(token: str, channel: str) -> ResponseReturnValue:
    preferences.resume(door.db(), door.runtime(), _customer(token), channel)
    door.commit()
    return redirect(url_for(".show", token=token, done="resume"))


@bp.get("/<token>/one-click")
@by_token
def one_click_form(token: str) -> ResponseReturnValue:
    """For people whose mail program opens the address instead of posting to it."""
    _customer(token)
    return redirect(url_for(".ask", token=token, channel="email"))


@bp.post("/<token>/one-click")
@by_token
def one_click(token: str) -> ResponseReturnValue:
    """RFC 8058: no cookies, no questions, no redirect; done when it is answered. Twice does no harm."""
    preferences.stop(door.db(), door.runtime(), _customer(token), "email", "one-click")
    door.commit()
    return Response("You will get no more mail from us.\n", content_type="text/plain; charset=utf-8")
