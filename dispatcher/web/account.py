"""A person's own account: sessions, password, telephone, absence, tokens for the API."""

from __future__ import annotations

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from dispatcher import door
from dispatcher.door import may
from dispatcher.model.errors import Refused
from dispatcher.services import accounts, covers, own_line, staff_calls
from dispatcher.web import absence, limits

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("")
@may()
def show() -> ResponseReturnValue:
    return _page()


def _page(wrong: dict[str, str] | None = None, token: str = "", status: int = 200) -> ResponseReturnValue:
    staff, reading = door.me(), door.db()
    html = render_template(
        "account.html",
        staff=staff,
        sessions=accounts.open_sessions(reading, door.runtime(), staff),
        this=g.sign_in_id,
        tokens=accounts.tokens(reading, staff),
        shares_phone=bool(staff.phone) and staff_calls.by_number(reading, staff.phone or "") is None,
        languages=own_line.LANGUAGES,
        ways=own_line.WAYS,
        absence=absence.Form.of(reading, door.runtime(), staff),
        wrong=wrong or {},
        token=token,
    )
    return make_response(html, status)


@bp.post("/password")
@may()
def password() -> ResponseReturnValue:
    staff = door.me()
    limits.require("password of", staff.email, "5/minute")
    given = request.form
    wrong = {} if given.get("password") == given.get("again") else {"again": "is not the same as the new password"}
    if not wrong:
        try:
            accounts.change_password(
                door.db(), door.runtime(), staff, given.get("current", ""), given.get("password", ""),
                keep=g.sign_in_id,
            )  # fmt: skip
        except Refused as refused:
            wrong = refused.fields
    door.commit()
    if wrong:
        return _page(wrong, status=422)
    flash("Your password is changed. Your other sessions were ended.")
    return redirect(url_for(".show"))


@bp.post("/pin")
@may()
def pin() -> ResponseReturnValue:
    staff, given = door.me(), request.form
    limits.require("password of", staff.email, "5/minute")
    wrong = {} if given.get("pin") == given.get("pin_again") else {"pin_again": "is not the same as the new PIN"}
    if not wrong:
        try:
            own_line.choose_pin(door.db(), door.runtime(), staff, given.get("pin_password", ""), given.get("pin", ""))
        except Refused as refused:
            wrong = {"pin_password" if name == "current" else name: text for name, text in refused.fields.items()}
    door.commit()
    if wrong:
        return _page(wrong, status=422)
    flash("Your PIN for the telephone is changed.")
    return redirect(url_for(".show"))


@bp.post("/language")
@may()
def language() -> ResponseReturnValue:
    staff = door.me()
    own_line.set_language(door.db(), door.runtime(), staff, staff.id, request.form.get("language", ""))
    door.commit()
    flash("The telephone speaks to you in that language.")
    return redirect(url_for(".show"))


@bp.post("/ways")
@may()
def ways() -> ResponseReturnValue:
    try:
        own_line.choose_ways(door.db(), door.runtime(), door.me(), request.form.getlist("ways"))
    except Refused as refused:
        door.only_look()
        return _page(refused.fields, status=422)
    door.commit()
    flash("From now on you are told so.")
    return redirect(url_for(".show"))


@bp.post("/away")
@may()
def away() -> ResponseReturnValue:
    staff = door.me()
    try:
        until, cover_id = absence.asked()
        covers.set_away(door.db(), door.runtime(), staff, staff.id, until, cover_id)
    except Refused as refused:
        door.only_look()
        return _page(refused.fields, status=422)
    door.commit()
    flash(absence.done(staff))
    return redirect(url_for(".show"))


@bp.post("/sessions/<int:sign_in_id>/end")
@may()
def end(sign_in_id: int) -> ResponseReturnValue:
    accounts.end_session(door.db(), door.runtime(), door.me(), sign_in_id)
    door.commit()
    if sign_in_id == g.sign_in_id:
        session.clear()
        return redirect(url_for("sign_in.form"))
    flash("That session was ended.")
    return redirect(url_for(".show"))


@bp.post("/sessions/end-others")
@may()
def end_others() -> ResponseReturnValue:
    ended = accounts.end_sessions(door.db(), door.runtime(), door.me(), keep=g.sign_in_id)
    door.commit()
    flash(f"{ended} other sessions were ended." if ended != 1 else "One other session was ended.")
    return redirect(url_for(".show"))


@bp.post("/tokens")
@may()
def make_token() -> ResponseReturnValue:
    token = accounts.make_token(door.db(), door.runtime(), door.me().email)
    door.commit()
    # Shown by this answer alone: a redirect would have to carry the token.
    return _page(token=token)


@bp.post("/tokens/<int:token_id>/revoke")
@may()
def revoke_token(token_id: int) -> ResponseReturnValue:
    accounts.revoke_token(door.db(), door.runtime(), door.me(), token_id)
    door.commit()
    flash("The token is revoked. Programs that used it are refused from now on.")
    return redirect(url_for(".show"))
