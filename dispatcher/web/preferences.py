"""Customers' own preferences, without an account; and the one click by which mail programs unsubscribe (RFC 8058)."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dispatcher import door
from dispatcher.door import by_token
from dispatcher.model import CHANNELS, Customer
from dispatcher.services import preferences
from dispatcher.web import wording

bp = Blueprint("preferences", __name__, url_prefix="/p")

DONE = ("order", "quiet", "stop", "resume", "everywhere", "back")


def _customer(token: str) -> Customer:
    customer = preferences.by_id(door.db(), door.runtime().read_token("customer", token))
    wording.use(customer)
    return customer


def _alert() -> int | None:
    """The alert that they come from, which the links in alerts name."""
    given = request.values.get("a", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None


def _topic() -> str:
    return request.values.get("topic", "").strip()[:64]


@bp.get("/<token>")
@by_token
def show(token: str) -> ResponseReturnValue:
    return _page(token, _customer(token))


def _back(token: str, done: str) -> ResponseReturnValue:
    return redirect(url_for(".show", token=token, done=done, a=_alert()))


def _page(token: str, customer: Customer, wrong: dict[str, str] | None = None) -> str:
    ways, topics, about = preferences.seen(door.db(), customer, _alert())
    return render_template(
        "customers/preferences.html",
        token=token,
        customer=customer,
        ways=ways,
        topics=topics,
        about=about,
        alert=_alert(),
        everywhere=preferences.everywhere(ways),
        wrong=wrong or {},
        done=done if (done := request.args.get("done", "")) in DONE else "",
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
        return _page(token, customer, {"order": wording.say("same place")}), 422
    preferences.set_order(session, door.runtime(), customer, sorted(places, key=lambda channel: places[channel]))
    door.commit()
    return _back(token, "order")


@bp.post("/<token>/quiet")
@by_token
def quiet(token: str) -> ResponseReturnValue:
    allowed = request.form.get("urgent") == "yes"
    preferences.allow_urgent(door.db(), door.runtime(), _customer(token), allowed)
    door.commit()
    return _back(token, "quiet")


@bp.get("/<token>/stop/<channel>")
@by_token
def ask(token: str, channel: str) -> ResponseReturnValue:
    """Asks first. Links in mails are opened by scanners, so that opening this changes nothing."""
    return _ask(token, _customer(token), channel) or redirect(url_for(".show", token=token, a=_alert()))


def _ask(token: str, customer: Customer, channel: str) -> str | None:
    """The page with the button; None where there is nothing to stop."""
    topic = _topic()
    ways, topics, _ = preferences.seen(door.db(), customer, _alert())
    way = next((way for way in ways if way.point.channel == channel), None)
    if way is None or way.order_about(topic) is not None:
        return None
    return render_template(
        "customers/stop.html",
        token=token,
        customer=customer,
        way=way,
        topic=topic if topic in topics else "",
        topics=[one for one in topics if one not in way.topics],
        everywhere=preferences.everywhere(ways),
        alert=_alert(),
    )


@bp.post("/<token>/stop")
@by_token
def stop_everywhere(token: str) -> ResponseReturnValue:
    customer = _customer(token)
    preferences.stop_everywhere(door.db(), door.runtime(), customer, wording.shared(customer.language))
    door.commit()
    return _back(token, "everywhere")


@bp.post("/<token>/resume")
@by_token
def resume_everywhere(token: str) -> ResponseReturnValue:
    customer = _customer(token)
    preferences.resume_everywhere(door.db(), door.runtime(), customer, wording.shared(customer.language))
    door.commit()
    return _back(token, "back")


@bp.post("/<token>/stop/<channel>")
@by_token
def stop(token: str, channel: str) -> ResponseReturnValue:
    customer = _customer(token)
    preferences.stop(
        door.db(), door.runtime(), customer, channel, preferences.ON_THE_PAGE, _topic(),
        wording.shared(customer.language),
    )  # fmt: skip
    door.commit()
    return _back(token, "stop")


@bp.post("/<token>/resume/<channel>")
@by_token
def resume(token: str, channel: str) -> ResponseReturnValue:
    topic = None if request.form.get("all") == "yes" else _topic()
    customer = _customer(token)
    preferences.resume(door.db(), door.runtime(), customer, channel, topic, wording.shared(customer.language))
    door.commit()
    return _back(token, "resume")


@bp.get("/<token>/one-click")
@by_token
def one_click_form(token: str) -> ResponseReturnValue:
    """For people whose mail program opens the address instead of posting to it. Scanners press nothing."""
    customer = _customer(token)
    return _ask(token, customer, "email") or _page(token, customer)


@bp.post("/<token>/one-click")
@by_token
def one_click(token: str) -> ResponseReturnValue:
    """RFC 8058: no cookies, no questions, no redirect; done when it is answered. Twice does no harm.

    What says anything else than the one thing that mail programs say was not pressed by a person.
    """
    customer = preferences.by_id(door.db(), door.runtime().read_token("customer", token), left=True)
    if request.form.getlist("List-Unsubscribe") != ["One-Click"]:
        text = "Nothing was changed: this address takes List-Unsubscribe=One-Click alone.\n"
        return Response(text, status=400, content_type="text/plain; charset=utf-8")
    preferences.one_click(door.db(), door.runtime(), customer, _alert())
    door.commit()
    return Response("You will get no more mail from us.\n", content_type="text/plain; charset=utf-8")
