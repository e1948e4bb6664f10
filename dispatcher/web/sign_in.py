"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from dispatcher import door
from dispatcher.door import may, public
from dispatcher.model.errors import Refused
from dispatcher.services import accounts
from dispatcher.web import guard, limits, navigation

bp = Blueprint("sign_in", __name__)

PER_ADDRESS = "60/minute"  # a whole trading floor comes from one address
PER_ACCOUNT = "5/minute"  # failures: whoever gets in has them forgotten
SLOW_DOWN = "Too many tries. Wait a minute, then try again; an administrator can set a new password."


@bp.get("/")
@public
def home() -> ResponseReturnValue:
    staff = door.someone()
    return redirect(navigation.start_page(staff) if staff else url_for(".form"))


@bp.get("/sign-in")
@public
def form() -> ResponseReturnValue:
    staff = door.someone()
    if staff is not None:
        return redirect(guard.local_path(request.args.get("next", ""), navigation.start_page(staff)))
    return render_template("sign_in.html", email="", wrong="", next=request.args.get("next", ""))


@bp.post("/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    email = request.form.get("email", "").strip()[:320]
    wanted = request.form.get("next", "")
    free = limits.spend("sign-in from", door.client_address(), PER_ADDRESS)
    if not (free and limits.spend("sign-in as", email.lower(), PER_ACCOUNT)):
        return _refused(email, wanted, SLOW_DOWN, 429)
    try:
        staff, cookie = accounts.sign_in(
            door.db(),
            door.runtime(),
            email,
            request.form.get("password", ""),
            _browser(request.headers.get("User-Agent", "")),
        )
    except Refused:
        door.commit()  # the refusal is on record
        return _refused(email, wanted, accounts.WRONG, 422)
    door.commit()
    # Counted before the password is looked at, so that tries at the same moment count too; given back here.
    limits.forget("sign-in as", email.lower(), PER_ACCOUNT)
    # Whatever an attacker may have planted before the sign-in goes; the form token is made anew.
    session.clear()
    session["id"] = cookie
    session.permanent = True
    return redirect(guard.local_path(wanted, navigation.start_page(staff)))


def _refused(email: str, wanted: str, why: str, status: int) -> ResponseReturnValue:
    response = make_response(render_template("sign_in.html", email=email, wrong=why, next=wanted), status)
    if status == 429:
        response.headers["Retry-After"] = "60"
    return response


@bp.post("/sign-out")
@may()
def sign_out() -> ResponseReturnValue:
    accounts.end_session(door.db(), door.runtime(), door.me(), g.sign_in_id)
    door.commit()
    session.clear()
    flash("You are signed out.")
    return redirect(url_for(".form"))


def _browser(agent: str) -> str:
    """A few words by which a person recognises their own browser."""
    browsers = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
    systems = (
        ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "Mac"),
        ("Linux", "Linux"),
    )  # fmt: skip
    browser = next((words for mark, words in browsers if mark in agent), "Another browser")
    system = next((words for mark, words in systems if mark in agent), "another system")
    return f"{browser} on {system}"
