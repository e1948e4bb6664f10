"""Messages: the list, one message with its life and its deliveries, what is done with it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, selectinload

from approvals import review, submission
from dispatcher import door
from dispatcher.door import may
from dispatcher.model import Conversation, Delivery, Message, Recipient, Reply, Version
from dispatcher.model.errors import NotFound
from dispatcher.model.message import EDITABLE, LIFE
from dispatcher.services import cancellation, resend, sight, waits
from dispatcher.web import files, health, paging, progress

bp = Blueprint("messages", __name__, url_prefix="/messages")

STATES = (
    "draft", "pending", "returned", "approved", "releasing", "released", "rejected", "withdrawn", "expired",
    "cancelled",
)  # fmt: skip
ALL = ("analyst", "officer", "rep", "admin")


@bp.get("")
@may(*ALL)
def index() -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    state = request.args.get("state", "")
    words = request.args.get("q", "").strip()[:200]
    query = submission.visible(session, staff, state if state in STATES else None)
    if words:
        like = paging.contains(words)
        said = or_(Version.subject.ilike(like, escape="/"), Version.text.ilike(like, escape="/"))
        query = query.join(Version, (Version.message_id == Message.id) & (Version.number == Message.version))
        query = query.where(or_(said, Message.id == int(words)) if _is_number(words) else said)
    page = paging.things(session, query.options(selectinload(Message.versions).selectinload(Version.lists)))
    return render_template(
        "messages/index.html",
        page=page,
        states=STATES,
        state=state if state in STATES else "",
        q=words,
        numbers=progress.by_state(session, submission.visible(session, staff)),
        sums=progress.sums(session, [message.id for message in page.rows]),
    )


def _is_number(words: str) -> bool:
    return words.isascii() and words.isdigit() and len(words) < 10


@bp.get("/<int:message_id>")
@may(*ALL)
def show(message_id: int) -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    message = submission.get(session, staff, message_id)
    wrote = {message.author_id, *(version.editor_id for version in message.versions)}
    return render_template(
        "messages/show.html",
        message=message,
        version=message.current,
        staff=staff,
        acts=_acts(message, staff.id in wrote),
        steps=progress.steps(message),
        channels=progress.by_channel(session, message.id),
        waits=_waits(session, message),
        replies=_replies(session, message) if staff.id in wrote or staff.has("officer", "admin") else None,
        people=progress.people(session, message),
        reasons=review.reasons_of(session, message) if staff.has("analyst", "officer", "admin") else {},
    )


def _acts(message: Message, wrote: bool) -> set[str]:
    """What this person may do with the message now, so that only those buttons are shown."""
    staff = door.me()
    acts = set()
    if staff.has("analyst"):
        if message.state in EDITABLE:
            acts.add("edit")
        if message.state in LIFE["submit"][0]:
            acts.add("submit")
    if (wrote or staff.has("admin")) and message.state in LIFE["withdraw"][0]:
        acts.add("withdraw")
    if (wrote or staff.has("admin", "officer")) and cancellation.possible(door.db(), message):
        acts.add("cancel")
    return acts


def _replies(session: Session, message: Message) -> list[Reply]:
    query = select(Reply).where(Reply.message_id == message.id).options(selectinload(Reply.customer))
    if not door.me().has("admin", "compliance"):  # somebody complains, perhaps of the author who looks at this
        complains = Conversation.routed_to == "compliance"
        query = query.where(~exists().where(Conversation.id == Reply.conversation_id, complains))
    return list(session.scalars(query.order_by(Reply.id.desc()).limit(20)))


@bp.get("/<int:message_id>/progress")
@may(*ALL)
def show_progress(message_id: int) -> ResponseReturnValue:
    """The part of the page that changes while a message is released, for our script."""
    session = door.db()
    message = submission.get(session, door.me(), message_id)
    return render_template(
        "messages/_progress.html",
        message=message,
        channels=progress.by_channel(session, message.id),
        waits=_waits(session, message),
        people=progress.people(session, message),
    )


def _waits(session: Session, message: Message) -> dict[str, list[waits.Reason]]:
    return waits.reasons(session, door.runtime(), health.quick_redis(), message)


@bp.get("/<int:message_id>/deliveries")
@may(*ALL)
def deliveries(message_id: int) -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    message = submission.get(session, staff, message_id)
    state, channel = request.args.get("state", ""), request.args.get("channel", "")
    query: Any = (
        sight.deliveries(staff, message)
        .options(selectinload(Delivery.recipients).selectinload(Recipient.customer), selectinload(Delivery.attempts))
        .order_by(Delivery.channel, Delivery.position, Delivery.id)
    )
    if state:
        query = query.where(Delivery.state == state)
    if channel:
        query = query.where(Delivery.channel == channel)
    whole = sight.sees_addresses(staff, message)
    # Who may not read an address whole may not guess it by searching either.
    words = request.args.get("q", "").strip()[:200] if whole else ""
    if words:
        query = query.where(Delivery.address.ilike(paging.contains(words), escape="/"))
    page = paging.things(session, query, per_page=50)
    return render_template(
        "messages/deliveries.html",
        message=message,
        page=page,
        owed={one.id: sight.among(session, staff, message, one.recipients) for one in page.rows},
        whole=whole,
        masked=sight.masked,
        channels=progress.by_channel(session, message.id),
        state=state,
        channel=channel,
        q=words,
        unreachable=progress.unreachable(session, staff, message),
        asked_for_nothing=progress.unreachable(session, staff, message, by_own_word=True),
        may_resend={one.id for one in page.rows if resend.can_resend(one) and resend.may_order(session, staff, one)},
    )


@bp.post("/<int:message_id>/deliveries/<int:delivery_id>/resend")
@may("rep", "admin")
def resend_delivery(message_id: int, delivery_id: int) -> ResponseReturnValue:
    sure = request.form.get("call_again") == "yes"
    resend.resend(door.db(), door.runtime(), door.me(), delivery_id, call_again=sure)
    door.commit()
    flash("It is sent again.")
    return redirect(url_for(".deliveries", message_id=message_id))


@bp.get("/<int:message_id>/versions/<int:number>")
@may(*ALL)
def show_version(message_id: int, number: int) -> ResponseReturnValue:
    message = submission.get(door.db(), door.me(), message_id)
    version = next((one for one in message.versions if one.number == number), None)
    if version is None or not _may_read(message, number):
        raise NotFound(f"message {message_id} has no version {number}")
    return render_template("messages/version.html", message=message, version=version)


@bp.post("/<int:message_id>/submit")
@may("analyst")
def submit(message_id: int) -> ResponseReturnValue:
    submission.submit(door.db(), door.runtime(), door.me(), message_id)
    door.commit()
    flash("Submitted. The officers have been told.")
    return redirect(url_for(".show", message_id=message_id))


@bp.post("/<int:message_id>/withdraw")
@may("analyst", "officer", "admin")
def withdraw(message_id: int) -> ResponseReturnValue:
    submission.withdraw(door.db(), door.runtime(), door.me(), message_id)
    door.commit()
    flash("Withdrawn. Nothing will be sent.")
    return redirect(url_for(".show", message_id=message_id))


@bp.post("/<int:message_id>/cancel")
@may("analyst", "officer", "admin")
def cancel(message_id: int) -> ResponseReturnValue:
    submission.cancel(door.db(), door.runtime(), door.me(), message_id)
    door.commit()
    flash("Cancelled. What had not left stays here; the deliveries show what had.")
    return redirect(url_for(".show", message_id=message_id))


@bp.get("/<int:message_id>/recording")
@may(*ALL)
def recording(message_id: int) -> ResponseReturnValue:
    """The audio of the current version, or of `?version=`; every play is on record."""
    version = _version_asked(message_id)
    if version.recording is None:
        raise NotFound("this version has no recording")
    if files.begins_play():
        with door.writer() as session:
            files.record_play(session, door.me(), f"message {message_id}", version=version.number)
    return files.audio(version.recording)


@bp.get("/<int:message_id>/decisions/<int:decision_id>/reason")
@may("analyst", "officer", "admin")
def reason(message_id: int, decision_id: int) -> ResponseReturnValue:
    """What an officer said on the telephone with a decision; every play is on record."""
    session = door.db()
    said = review.reasons_of(session, submission.get(session, door.me(), message_id)).get(decision_id)
    if said is None or said.media is None:
        raise NotFound("nothing was said with this decision")
    if files.begins_play():
        with door.writer() as writer:
            files.record_play(writer, door.me(), f"message {message_id}", decision=decision_id)
    return files.audio(said.media)


@bp.get("/<int:message_id>/attachments/<int:position>")
@may(*ALL)
def attachment(message_id: int, position: int) -> ResponseReturnValue:
    version = _version_asked(message_id)
    part = next((one for one in version.attachments if one.position == position), None)
    if part is None:
        raise NotFound("this version has no such attachment")
    return files.download(part.media, part.name)


def _version_asked(message_id: int) -> Version:
    message = submission.get(door.db(), door.me(), message_id)
    number = request.args.get("version", "")
    wanted = int(number) if _is_number(number) else message.version
    version = next((one for one in message.versions if one.number == wanted), None)
    if version is None or not _may_read(message, wanted):
        raise NotFound(f"message {message_id} has no version {wanted}")
    return version


def _may_read(message: Message, number: int) -> bool:
    """What was written before the version that is approved or left was taken out of it, perhaps for good reason."""
    staff = door.me()
    return number == message.version or sight.oversees(staff) or sight.wrote(staff, message)
