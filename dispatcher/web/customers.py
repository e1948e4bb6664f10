"""The page of an alert for customers, without an account: read, listen, answer, ask for a call. And telephone audio."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from dispatcher import door
from dispatcher.door import by_token
from dispatcher.model import Customer, Delivery, Media, Version
from dispatcher.model.errors import NotFound, Refused
from dispatcher.runtime import Runtime
from dispatcher.services import codes, listening, ownership, page_replies, replies
from dispatcher.web import files, limits, sounds, wording

bp = Blueprint("customers", __name__)

# How many answers one page takes: a person needs few, a robot none.
ANSWERS = "10/hour"


def _delivery(session: Session, runtime: Runtime, token: str) -> Delivery:
    """The delivery of this token, if somebody may hold it. Raises NotFound, the same for a wrong and an old token."""
    number = runtime.read_token("delivery", token)
    delivery = session.get(Delivery, number) if number is not None else None
    if delivery is None or not delivery.may_be_answered:
        raise NotFound("there is no such page")
    return delivery


def _version(delivery: Delivery) -> Version:
    # Nothing is edited after its release, so the current version is what was sent.
    return delivery.message.current


@bp.get("/r/<token>")
@by_token
def alert(token: str) -> ResponseReturnValue:
    delivery = _delivery(door.db(), door.runtime(), token)
    return _page(token, delivery)


def _page(token: str, delivery: Delivery, *, text: str = "", wrong: str = "", status: int = 200) -> ResponseReturnValue:
    people = [recipient.customer for recipient in delivery.recipients if recipient.left_at is None]
    wording.use(*people)
    reps = {rep.id: rep for person in people if (rep := ownership.owner_of(door.db(), person))}
    html = render_template(
        "customers/alert.html",
        token=token,
        message=delivery.message,
        version=_version(delivery),
        shared=len(people) > 1,
        people=people,
        rep=next(iter(reps.values())) if len(reps) == 1 else None,
        number=_number_to_call(people[0]) if len(people) == 1 else "",
        line=door.runtime().settings.customer_line,
        code=codes.make(door.runtime(), delivery.id),
        preferences=door.runtime().token("customer", people[0].id) if len(people) == 1 else "",
        text=text,
        wrong={"text": wording.say(wrong, count=len(text), most=page_replies.MOST_FROM_PAGE)} if wrong else {},
        thanks=request.args.get("thanks", ""),
    )
    return make_response(html, status)


def _number_to_call(person: Customer) -> str:
    """The number at which the rep would call, of which the page shows a part only."""
    numbers = {point.channel: point.address for point in person.contact_points if point.valid}
    return numbers.get("voice") or numbers.get("sms") or ""


@bp.post("/r/<token>")
@by_token
def answer(token: str) -> ResponseReturnValue:
    session, runtime = door.db(), door.runtime()
    delivery = _delivery(session, runtime, token)
    text = request.form.get("text", "").replace("\r\n", "\n")
    wants_call = request.form.get("act") == "call"
    if not limits.spend("answers to", str(delivery.id), ANSWERS):
        return _page(token, delivery, text=text, wrong="too often", status=429)
    try:
        reply = replies.from_page(session, runtime, delivery.id, text, wants_call)
        thanks = "call" if wants_call else "answer"
        thanks = "order" if reply.kind == "order" else "stop" if reply.doubt == "opt-out" else thanks
    except Refused:
        return _page(token, delivery, text=text, wrong="too long" if text.strip() else "empty", status=422)
    door.commit()
    return redirect(url_for(".alert", token=token, thanks=thanks))


@bp.get("/r/<token>/recording")
@by_token
def recording(token: str) -> ResponseReturnValue:
    version = _version(_delivery(door.db(), door.runtime(), token))
    if version.recording is None:
        raise NotFound("there is no such page")
    return files.audio(version.recording)


@bp.post("/r/<token>/heard")
@by_token
def heard(token: str) -> ResponseReturnValue:
    """The recording was played to its end, says our script: requests for parts of it say only that it was fetched."""
    session, runtime = door.db(), door.runtime()
    delivery = _delivery(session, runtime, token)
    if _version(delivery).recording is None:
        raise NotFound("there is no such page")
    if limits.spend("listening to", str(delivery.id), ANSWERS):
        listening.heard_to_the_end(session, runtime, delivery.id)
        door.commit()
    return "", 204


@bp.get("/audio/<token>.wav")
@by_token
def telephone(token: str) -> ResponseReturnValue:
    """The recording as a telephone plays it; the provider that carries the call fetches it."""
    number = door.runtime().read_token("media", token)
    row = door.db().get(Media, number) if number is not None else None
    if row is None or not row.media_type.startswith("audio/"):
        raise NotFound("there is no such page")
    try:
        response = files.wav(sounds.for_telephones(row))
    except ValueError:
        raise NotFound("there is no such page") from None
    # The provider may keep it for the calls of one release: the address names these very bytes.
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response
