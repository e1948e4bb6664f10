"""Submission: writing, editing, submitting, withdrawing and cancelling a message.

Every way in (page, API, telephone, mail) calls these and nothing else.
"""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import Select, delete, or_, select
from sqlalchemy.orm import Session

from approvals import notices, policy, twins
from approvals.rules import Submission, attachment_type
from dispatcher.model import Attachment, DistributionList, Media, Message, Recipient, Staff, Version
from dispatcher.model.errors import NotAllowed, NotFound, Refused, StateConflict
from dispatcher.model.message import EDITABLE, digest_of, input_digest_of
from dispatcher.runtime import Runtime
from dispatcher.services import cancellation, media, renditions, sight
from dispatcher.services.audit import record

__all__ = ["Submission", "cancel", "create", "edit", "get", "like", "submit", "visible", "withdraw"]


def visible(session: Session, staff: Staff, state: str | None = None) -> Select[Message]:
    """The messages this person may see, newest first.

    What was released is for all members of staff; what never was, also where it was cancelled, for those who wrote
    it, officers and administrators; drafts for no officer.
    """
    own = sight.written_by(staff)
    query = select(Message).order_by(Message.id.desc())
    if staff.has("admin"):
        pass
    elif staff.has("officer"):
        query = query.where(or_(own, Message.state != "draft"))
    else:
        query = query.where(or_(own, Message.released_at.is_not(None)))
    return query.where(Message.state == state) if state else query


def get(session: Session, staff: Staff, message_id: int) -> Message:
    """The message, or NotFound where there is none that this person may see."""
    message = session.scalar(visible(session, staff).where(Message.id == message_id))
    if message is None:
        raise NotFound(f"there is no message {message_id}")
    return message


def like(session: Session, staff: Staff, message: Message) -> list[twins.Twin]:
    """What is very like it, see `twins`, of what this person may see."""
    found = twins.of(session, message)
    seen = (
        set(
            session.scalars(
                visible(session, staff)
                .where(Message.id.in_([one.message_id for one in found]))
                .with_only_columns(Message.id)
            )
        )
        if found
        else set()
    )
    return [one for one in found if one.message_id in seen]


def create(
    session: Session, runtime: Runtime, author: Staff, form: Submission, *, draft: bool = False, via: str = "page"
) -> Message:
    """A new message, as a draft or pending. Raises Refused with every wrong field at once."""
    _may_write(author)
    lists = _lists(session, form.lists)
    policy.require(form, known_lists=lists, now=runtime.now(), draft=draft)
    message = Message(
        author=author, release_at=form.release_at, valid_for=form.valid_for, version=1, created_at=runtime.now()
    )
    session.add(message)
    session.flush()
    _add_version(session, runtime, message, author, form, lists, via=via)
    record(session, runtime, author, "write message", f"message {message.id}", version=1, via=via)
    if not draft:
        _submit(session, runtime, author, message)
    return message


def edit(
    session: Session, runtime: Runtime, editor: Staff, message_id: int, changes: dict[str, object], *, via: str = "page"
) -> Message:
    """A new version with these changes (names as in Submission); voids every decision on the one before.

    A pending or approved message goes (back) to pending. `recording: None` takes the recording away,
    `attachments` replaces all of them.
    """
    _may_write(editor)
    message = _locked(session, editor, message_id)
    if message.state not in EDITABLE:
        raise StateConflict(f"a message that is {message.state} cannot be edited", state=message.state)
    unknown = sorted(changes.keys() - {one.name for one in fields(Submission)})
    if unknown:
        raise Refused(dict.fromkeys(unknown, "is not a field of a message"))
    before = message.current
    form = _form_of(message, changes)
    kept = before.recording if "recording" not in changes else None
    lists = _lists(session, form.lists)
    draft = message.state in ("draft", "returned", "withdrawn")
    policy.require(form, known_lists=lists, now=runtime.now(), draft=draft, has_recording=kept is not None)
    message.release_at, message.valid_for = form.release_at, form.valid_for
    message.version = max(version.number for version in message.versions) + 1
    version = _add_version(
        session, runtime, message, editor, form, lists, via=via, kept=kept, before=before, changes=changes
    )
    record(
        session, runtime, editor, "edit message", f"message {message.id}",
        version=version.number, digest=version.digest, fields=sorted(changes), via=via,
    )  # fmt: skip
    if message.state in ("approved", "pending"):
        _void_approval(session, message)
        message.state = "pending"
        notices.tell_officers(session, runtime, message)
    return message


def submit(session: Session, runtime: Runtime, staff: Staff, message_id: int) -> Message:
    """Hand a draft, a returned or a withdrawn message to the officers."""
    _may_write(staff)
    message = _locked(session, staff, message_id)
    form = _form_of(message, {})
    lists = _lists(session, form.lists)
    policy.require(
        form, known_lists=lists, now=runtime.now(), draft=False, has_recording=message.current.recording is not None
    )
    before = message.current
    decided = before.id in {decision.version_id for decision in message.decisions}
    if decided or not sight.wrote(staff, message) or before.renditions != renditions.to_keep(runtime, before):
        # A version is decided once, and officers get what channels make of its words today: that is a new version. So
        # is what a colleague hands in: who does that has a part in it, and must not be the one who approves it.
        message.version += 1
        _add_version(
            session, runtime, message, staff, form, lists,
            via=before.via, kept=before.recording, before=before, changes={},
        )  # fmt: skip
    _submit(session, runtime, staff, message)
    return message


def withdraw(session: Session, runtime: Runtime, staff: Staff, message_id: int) -> Message:
    """Take back a message that has not been released; its author, an editor or an administrator may."""
    message = _locked(session, staff, message_id)
    _may_take_back(staff, message)
    message.advance("withdraw")
    _void_approval(session, message)
    record(session, runtime, staff, "withdraw message", f"message {message.id}", version=message.version)
    return message


def cancel(session: Session, runtime: Runtime, staff: Staff, message_id: int) -> Message:
    """Stop everything that has not left yet; author, editors, officers and administrators may."""
    message = _locked(session, staff, message_id)
    if not staff.has("officer"):
        _may_take_back(staff, message)
    cancellation.cancel(session, runtime, staff, message)
    return message


def _may_write(staff: Staff) -> None:
    if not staff.has("analyst"):
        raise NotAllowed("only analysts write and submit alerts")


def _may_take_back(staff: Staff, message: Message) -> None:
    authors = {message.author_id, *(version.editor_id for version in message.versions)}
    if staff.id not in authors and not staff.has("admin"):
        raise NotAllowed("only its author, an editor or an administrator may do this")


def _locked(session: Session, staff: Staff, message_id: int) -> Message:
    """The message, locked against a decision or an edit at the same time."""
    get(session, staff, message_id)
    return session.scalars(
        select(Message).where(Message.id == message_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def _submit(session: Session, runtime: Runtime, staff: Staff, message: Message) -> None:
    message.advance("submit")
    message.submitted_at = runtime.now()
    told = notices.tell_officers(session, runtime, message)
    record(
        session, runtime, staff, "submit message", f"message {message.id}",
        version=message.version, digest=message.current.digest, officers_told=told,
    )  # fmt: skip


def _void_approval(session: Session, message: Message) -> None:
    message.approved_at = None
    session.execute(delete(Recipient).where(Recipient.message_id == message.id, Recipient.delivery_id.is_(None)))


def _lists(session: Session, keys: list[str]) -> dict[str, DistributionList]:
    found = session.scalars(select(DistributionList).where(DistributionList.key.in_(keys)))
    return {one.key: one for one in found}


def _form_of(message: Message, changes: dict[str, object]) -> Submission:
    """What the current version says, with the changes laid over it. Kept files are not loaded."""
    version = message.current
    form = Submission(
        subject=version.subject,
        text=version.text,
        lists=[one.key for one in version.lists],
        topic=version.topic,
        urgency=version.urgency,
        release_at=message.release_at,
        valid_for=message.valid_for,
    )
    for name, value in changes.items():
        setattr(form, name, value)
    return form


def _add_version(
    session: Session,
    runtime: Runtime,
    message: Message,
    editor: Staff,
    form: Submission,
    lists: dict[str, DistributionList],
    *,
    via: str,
    kept: Media | None = None,
    before: Version | None = None,
    changes: dict[str, object] | None = None,
) -> Version:
    """The next version, its files stored once by what they hold, its digest over all that was handed in, and what each
    channel is to carry of it.
    """
    recording = kept
    if form.recording is not None:
        sound = media.examine_recording(form.recording.content)
        recording = media.store(session, form.recording.content, sound.media_type, sound.seconds)
    files = [(one.name, media.store(session, one.content, attachment_type(one))) for one in form.attachments]
    if before is not None and "attachments" not in (changes or {}):
        files = [(one.name, one.media) for one in before.attachments]
    chosen = [lists[key] for key in dict.fromkeys(form.lists)]
    topic = _as_known(session, form.topic)
    version = Version(
        number=message.version,
        editor=editor,
        subject=form.subject.strip(),
        text=form.text,
        topic=topic,
        urgency=form.urgency,
        release_at=form.release_at,
        valid_for=form.valid_for,
        recording=recording,
        via=via,
        lists=chosen,
        attachments=[Attachment(position=n, name=name, media=file) for n, (name, file) in enumerate(files)],
    )
    message.versions.append(version)
    with session.no_autoflush:  # what is composed and digested asks for more; a version is written once, whole
        version.renditions = renditions.to_keep(runtime, version)
        version.digest, version.input_digest = digest_of(version), input_digest_of(version)
    session.flush()
    return version


def _as_known(session: Session, topic: str) -> str:
    """A topic in the writing in which it came first: who stopped "FX" gets nothing on "fx " either."""
    wanted = " ".join(topic.split())
    known = session.scalars(select(Version.topic).where(Version.topic != "").distinct().order_by(Version.topic))
    return next((one for one in known if one.casefold() == wanted.casefold()), wanted)
