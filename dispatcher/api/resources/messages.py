"""Messages: writing, editing, submitting, taking back, deciding."""

from __future__ import annotations

import io

from flask import Response, request, send_file
from sqlalchemy.orm import selectinload

from approvals import decisions, submission
from dispatcher.api.calls import JSON, MULTIPART, Act, call
from dispatcher.api.paging import page
from dispatcher.api.problems import Problem
from dispatcher.api.shapes.common import Page
from dispatcher.api.shapes.messages import (
    AttachmentInfo,
    DecisionInfo,
    EditedMessage,
    LikeMessage,
    MessageHandedIn,
    MessageInfo,
    MessageLine,
    MessageQuery,
    MessageRef,
    NewDecision,
    NewMessage,
    Recording,
)
from dispatcher.model import Decision, Media, Message
from dispatcher.model.errors import Refused
from dispatcher.services import audience
from dispatcher.services.audit import record

TAG = "Messages"
_UPLOADS = {"recording": "one", "attachments": "many"}


@call(
    "POST", "/messages", "analyst",
    title="Write a message",
    about="As JSON, or as multipart/form-data with a recording (WAV, MP3 or OGG) and attachments; lists are then "
    "repeated or separated by commas. Unless it is a draft it goes to `pending` and the officers are told. Who got no "
    "answer repeats the call with the same `Idempotency-Key` and gets the message that is there; without a key it is a "
    "second alert: `like` in the answer names the first, and the officers are warned that it may have come twice.",
    tag=TAG, answers={201: MessageHandedIn}, location="/messages/{id}",
    kinds=(JSON, MULTIPART), uploads=_UPLOADS, trial=True,
)  # fmt: skip
def create_message(act: Act, body: NewMessage) -> MessageHandedIn:
    form = submission.Submission(
        subject=body.subject,
        text=body.text,
        lists=body.lists,
        topic=body.topic,
        urgency=body.urgency,
        release_at=body.release_at,
        valid_for=body.valid_for,
        recording=act.files.one("recording"),
        attachments=act.files.all("attachments"),
    )
    return _handed_in(act, submission.create(act.session, act.runtime, act.staff, form, draft=body.draft, via="api"))


@call(
    "GET", "/messages",
    title="Messages, newest first",
    about="Those that you may see: before a release only yours and, for officers, what was handed in.",
    tag=TAG, answers={200: Page[MessageLine]},
)  # fmt: skip
def list_messages(act: Act, query: MessageQuery) -> Page[MessageLine]:
    chosen = submission.visible(act.session, act.staff, query.state).options(
        selectinload(Message.versions), selectinload(Message.author)
    )
    some, following = page(act.session, chosen, Message.id, limit=query.limit, cursor=query.cursor, newest_first=True)
    return Page(items=[_line(one) for one in some], next_cursor=following)


@call("GET", "/messages/<row:message_id>", title="One message", tag=TAG, answers={200: MessageInfo})
def get_message(act: Act, message_id: int) -> MessageInfo:
    return _info(act, submission.get(act.session, act.staff, message_id))


@call(
    "PATCH", "/messages/<row:message_id>", "analyst",
    title="Edit a message",
    about="Makes a new version with a new digest and voids every decision on the one before; what was pending or "
    "approved is pending again.",
    tag=TAG, answers={200: MessageHandedIn}, kinds=(JSON, MULTIPART), uploads=_UPLOADS, trial=True, problems=(409,),
)  # fmt: skip
def edit_message(act: Act, message_id: int, body: EditedMessage) -> MessageHandedIn:
    changes: dict[str, object] = {name: getattr(body, name) for name in body.model_fields_set}
    recording, attachments = act.files.one("recording"), act.files.all("attachments")
    if recording is not None:
        changes["recording"] = recording
    if attachments:
        changes["attachments"] = attachments
    if not changes:
        # An edit voids the approval: nobody means that by naming nothing.
        raise Refused({"body": "names nothing to change"})
    return _handed_in(act, submission.edit(act.session, act.runtime, act.staff, message_id, changes, via="api"))


@call(
    "POST", "/messages/<row:message_id>/submit", "analyst",
    title="Hand a draft, a returned or a withdrawn message to the officers",
    tag=TAG, answers={200: MessageHandedIn}, problems=(409, 422),
)  # fmt: skip
def submit_message(act: Act, message_id: int) -> MessageHandedIn:
    return _handed_in(act, submission.submit(act.session, act.runtime, act.staff, message_id))


@call(
    "POST", "/messages/<row:message_id>/withdraw", "analyst", "admin",
    title="Take back a message that has not been released",
    tag=TAG, answers={200: MessageRef}, problems=(409,),
)  # fmt: skip
def withdraw_message(act: Act, message_id: int) -> MessageRef:
    return _ref(submission.withdraw(act.session, act.runtime, act.staff, message_id))


@call(
    "POST", "/messages/<row:message_id>/cancel", "analyst", "officer", "admin",
    title="Stop everything of it that has not left yet, also what a released message still tries again or doubts",
    tag=TAG, answers={200: MessageRef}, problems=(409,),
)  # fmt: skip
def cancel_message(act: Act, message_id: int) -> MessageRef:
    return _ref(submission.cancel(act.session, act.runtime, act.staff, message_id))


@call(
    "POST", "/messages/<row:message_id>/decisions", "officer",
    title="Approve, return or reject",
    about="Bound to the digest that was looked at: if the message was changed or decided meanwhile, the answer is 409 "
    "with the present `digest` and `state`. Author and editors get 403. An approved message without a later "
    "`release_at` is released at once.",
    tag=TAG, answers={201: DecisionInfo}, problems=(409,),
)  # fmt: skip
def decide_message(act: Act, message_id: int, body: NewDecision) -> DecisionInfo:
    made = decisions.decide(
        act.session, act.runtime, act.staff, message_id, body.decision, body.digest, body.comment,
        via="api", audience_seen=body.audience,
    )  # fmt: skip
    return _decision(made)


@call(
    "GET", "/messages/<row:message_id>/recording",
    title="Hear the recording",
    about="Before the release only for the author, editors, officers and administrators. Every play is on record.",
    tag=TAG, answers={200: "audio/*"}, writes=True,
)  # fmt: skip
def get_recording(act: Act, message_id: int) -> Response:
    message = submission.get(act.session, act.staff, message_id)
    media = message.current.recording
    if media is None:
        raise Problem("not-found", "This message has no recording")
    return audio(act, media, f"message {message.id}", version=message.version)


def audio(act: Act, media: Media, subject: str, **detail: object) -> Response:
    """The sound itself, and the play on record."""
    if request.method != "HEAD":
        record(act.session, act.runtime, act.staff, "play recording", subject, via="api", **detail)
    response = send_file(io.BytesIO(media.read()), media.media_type, conditional=True, etag=False, max_age=0)
    response.headers["Cache-Control"] = "no-store"
    return response


def _ref(message: Message) -> MessageRef:
    return MessageRef.model_validate(_reference(message))


def _handed_in(act: Act, message: Message) -> MessageHandedIn:
    return MessageHandedIn.model_validate(_reference(message) | {"like": _like(act, message)})


def _like(act: Act, message: Message) -> list[LikeMessage]:
    return [
        LikeMessage.model_validate(
            {"id": one.message_id, "state": one.state, "submitted_at": one.submitted_at, "same": one.same}
        )
        for one in submission.like(act.session, act.staff, message)
    ]


def _reference(message: Message) -> dict[str, object]:
    version = message.current
    return {"id": message.id, "state": message.state, "version": version.number, "digest": version.digest}


def _outline(message: Message) -> dict[str, object]:
    version = message.current
    return _reference(message) | {
        "subject": version.subject,
        "topic": version.topic,
        "urgency": version.urgency,
        "author": message.author.email,
        "created_at": message.created_at,
        "submitted_at": message.submitted_at,
        "approved_at": message.approved_at,
        "released_at": message.released_at,
    }


def _line(message: Message) -> MessageLine:
    return MessageLine.model_validate(_outline(message))


def for_whom(act: Act, message: Message) -> str:
    """Names those who would get it, for whoever may have to decide on it; else ""."""
    if message.state != "pending" or not act.staff.has("officer"):
        return ""
    return audience.fingerprint(act.session, message.current)


def _info(act: Act, message: Message) -> MessageInfo:
    version = message.current
    recording = version.recording
    return MessageInfo.model_validate(
        _outline(message)
        | {
            "text": version.text,
            "lists": [one.key for one in version.lists],
            "audience": for_whom(act, message),
            "release_at": message.release_at,
            "valid_for": message.valid_for,
            "recording": recording_info(recording, f"/messages/{message.id}/recording") if recording else None,
            "attachments": [
                AttachmentInfo(
                    name=one.name, media_type=one.media.media_type, size=one.media.size, sha256=one.media.sha256
                )
                for one in version.attachments
            ],
            "editors": list(dict.fromkeys(one.editor.email for one in message.versions)),
            "decisions": [_decision(one) for one in message.decisions],
            "like": _like(act, message),
        }
    )


def recording_info(media: Media, address: str) -> Recording:
    """Where and how long a recording is; `address` is below the API's prefix."""
    return Recording(
        url=f"/api/v1{address}",
        media_type=media.media_type,
        seconds=media.seconds,
        size=media.size,
        sha256=media.sha256,
    )


def _decision(one: Decision) -> DecisionInfo:
    return DecisionInfo.model_validate(
        {
            "id": one.id,
            "message": one.message_id,
            "version": one.version.number,
            "decision": one.decision,
            "officer": one.officer.email,
            "digest": one.digest,
            "comment": one.comment,
            "via": one.via,
            "decided_at": one.decided_at,
            "state": one.message.state,
        }
    )
