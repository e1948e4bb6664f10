"""Takes in an alert that came by mail or text message: a draft, of which its author hears at the address we know.

A From line and a caller's number prove nothing, so nothing is submitted here: that takes the link in the letter to the
registered address (`one_press`), or the PIN on the telephone. What follows a dictated alert becomes its written form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from approvals import dictation, one_press, submission, written
from approvals.submission import Submission
from approvals.written import UNPROVEN, Written
from dispatcher.bells import undoable
from dispatcher.model import Callback, DistributionList, Message, Reply, Staff, Version
from dispatcher.model.errors import DispatcherError
from dispatcher.model.ports import InboundReply
from dispatcher.runtime import Runtime
from dispatcher.services import alert_intake, authors, references
from dispatcher.services.callbacks import as_request
from dispatcher.services.once import clean
from dispatcher.services.references import Quoted

MOST_AN_HOUR = 20  # new drafts of one author by mail and text, which others might send in their name
MOST_WRONG = 5  # references with wrong digits within an hour; then even a right one counts no more
_NOT_HERE = timedelta(seconds=20)  # until a dictated alert that is still on its way is looked for again
_PATIENCE = timedelta(minutes=10)
_DRAFT_LASTS = timedelta(hours=24)
_PIN = re.compile(r"\s*(?:(?:my )?pin\W{0,3}(?:is\W)?)?[\d\s#*]{1,14}", re.IGNORECASE)
_WRONG = "the digits of the reference are wrong"
_VIA = {"email": "mail", "sms": "sms"}


@dataclass(frozen=True, slots=True)
class _Case:
    """One reply that is taken in: whose it is, what it says, and as it came, with its files."""

    session: Session
    runtime: Runtime
    reply: Reply
    author: Staff
    alert: Written
    inbound: InboundReply | None

    @property
    def via(self) -> str:
        return _VIA[self.reply.channel]

    def refuse(self, why: str) -> Message | None:
        """It becomes nothing, and its author is told why."""
        alert_intake.refuse(self.session, self.runtime, self.reply, self.author, why)
        return None


def take(session: Session, runtime: Runtime, reply_id: int) -> Message | None:
    """Make a draft of it, or the written form of the alert it follows; once, whoever else rings.

    None where it was neither: its author has been told why, or an administrator looks, or it waits for a recording.
    """
    reply = session.get(Reply, reply_id, with_for_update=True, populate_existing=True)
    if reply is None or reply.kind != "alert" or reply.state != "new":
        return None
    author = authors.of(session, reply.channel, reply.sender)
    if author is None:
        alert_intake.set_aside(session, runtime, reply, "they are no analyst any more")
        return None
    case = _Case(session, runtime, reply, author, _read(session, reply), _as_it_came(session, runtime, reply))
    if _only_digits(case):
        return case.refuse("it holds nothing but digits. Never write your PIN: key it when you call")
    quoted = _quoted(case)
    if quoted is not None and not references.is_right(runtime, quoted):
        return case.refuse(_WRONG)
    if quoted is not None and _guesses(case) >= MOST_WRONG:
        return case.refuse(f"{MOST_WRONG} references within the hour were wrong")
    if quoted is not None:
        return _add(case, session.get_one(Message, quoted.message_id), replace=True)
    if reply.message_id is not None:
        return _add(case, session.get_one(Message, reply.message_id), replace=False)
    return _follow(case)


# --- what it says -----------------------------------------------------------------------------------------


def _read(session: Session, reply: Reply) -> Written:
    if reply.channel == "email":
        return written.of_mail(session, reply.subject, reply.original, answer=reply.message_id is not None)
    return written.of_text(session, reply.original)


def _as_it_came(session: Session, runtime: Runtime, reply: Reply) -> InboundReply | None:
    """With its files and recipients, from the raw callback; None where that can no longer be read."""
    callback = session.get(Callback, reply.callback_id) if reply.callback_id else None
    source = runtime.adapters.sources.get(callback.provider) if callback else None
    if callback is None or source is None:
        return None
    parsed = source.parse(callback.what, as_request(callback))
    return next((one for one in parsed.replies if clean(one.dedupe, 200) == reply.dedupe), None)


def _only_digits(case: _Case) -> bool:
    """A PIN, perhaps: it is not to go into an alert."""
    return case.reply.channel == "sms" and _PIN.fullmatch(case.reply.original) is not None


def _quoted(case: _Case) -> Quoted | None:
    """The reference in it, cut out of its words: that is for us, not for customers.

    In the subject of an answer to a letter of ours it says nothing: we have put it there.
    """
    at, alert = case.reply.received_at, case.alert
    if found := authors.quoted(case.session, case.runtime, case.author, alert.text, at):
        alert.text = found.rest
    elif case.reply.message_id is None and alert.subject:
        found = authors.quoted(case.session, case.runtime, case.author, alert.subject, at)
        alert.subject = found.rest if found else alert.subject
    return found


def _guesses(case: _Case) -> int:
    query = select(func.count()).where(
        Reply.sender == case.reply.sender,
        Reply.kind == "alert",
        Reply.received_at > case.runtime.now() - timedelta(hours=1),
        Reply.note.contains(_WRONG),
    )
    return case.session.scalar(query) or 0


# --- the written form of an alert that is there -----------------------------------------------------------


def _follow(case: _Case) -> Message | None:
    """What follows its author's own dictated alert and names no lists is its written form; else it is a new alert."""
    call = authors.dictated(case.session, case.author, case.reply.received_at)
    names_its_own = case.alert.lists or _named_by_address(case) or _sounds(case)
    if call is None or names_its_own or not case.alert.text:
        return _draft(case)
    if call.message is None and case.runtime.now() < case.reply.received_at + _PATIENCE:
        alert_intake.put_off(case.runtime, case.reply, _NOT_HERE)
        return None
    message = call.message
    if message is None or message.current.text.strip() or not _takes_text(case, message):
        return _draft(case)
    if message.state == "pending":  # officers may be hearing it: nobody else's words are to come before them
        number, reference = message.id, references.of(case.runtime, message.id)
        return case.refuse(f"alert {number} waits for an officer. To add its text, begin with {reference}")
    return _add(case, message, replace=False, via=UNPROVEN if case.reply.channel == "sms" else "")


def _sounds(case: _Case) -> bool:
    return case.inbound is not None and any(written.is_sound(one) for one in case.inbound.attachments)


def _takes_text(case: _Case, message: Message) -> bool:
    """A draft for a day, what waits for an officer for an hour."""
    at = case.reply.received_at
    if message.state == "draft":
        return message.created_at > at - _DRAFT_LASTS
    return message.state == "pending" and (message.submitted_at or message.created_at) > at - authors.WITHIN


def _add(case: _Case, message: Message, *, replace: bool, via: str = "") -> Message | None:
    number, reference = message.id, references.of(case.runtime, message.id)
    if not case.alert.text:
        return case.refuse(f"it names alert {number}, but holds no words")
    if not _takes_text(case, message):
        late = f"alert {number} takes no text by message any more: it is {message.state}. Change it on its page"
        return case.refuse(late)
    if message.current.text.strip() and not replace:
        return case.refuse(f"alert {number} has its text already. To replace it, begin with {reference}")
    try:
        with undoable(case.session):
            dictation.add_text(case.session, case.runtime, case.author, message, case.alert.text, via or case.via)
    except DispatcherError as error:
        return case.refuse(f"alert {number}: {error}")
    words = f"the text of alert {number}"
    alert_intake.settle(case.session, case.runtime, case.reply, words, message=number, version=message.version)
    left = [one.name for one in case.inbound.attachments] if case.inbound else []
    one_press.tell_added(case.session, case.runtime, message, case.reply, left)
    return message


# --- a new draft ------------------------------------------------------------------------------------------


def _draft(case: _Case) -> Message | None:
    session, alert = case.session, case.alert
    if _drafts_lately(case) >= MOST_AN_HOUR:
        return case.refuse(f"{MOST_AN_HOUR} have come in your name within the hour")
    if case.inbound is not None:
        alert.name(_named_by_address(case))
        written.sort_files(alert, case.inbound.attachments, case.inbound.html)
    if not (alert.text or alert.recording or alert.attachments):
        return case.refuse("it is empty" + (f"; not taken: {', '.join(alert.left)}"[:300] if alert.left else ""))
    written.entitle(alert, case.author.name)
    form = Submission(
        subject=alert.subject,
        text=alert.text,
        lists=[one.key for one in alert.lists],
        recording=alert.recording,
        attachments=alert.attachments,
    )
    try:
        with undoable(session):
            message = submission.create(session, case.runtime, case.author, form, draft=True, via=case.via)
    except DispatcherError as error:
        return case.refuse(str(error))
    alert_intake.settle(session, case.runtime, case.reply, f"draft {message.id}", message=message.id, version=1)
    one_press.tell_draft(session, case.runtime, message, case.reply, alert)
    return message


def _named_by_address(case: _Case) -> list[DistributionList]:
    if case.inbound is None or case.reply.channel != "email":
        return []
    return authors.lists_at(case.session, authors.mailboxes(case.runtime, case.inbound.recipients))


def _drafts_lately(case: _Case) -> int:
    query = select(func.count()).where(
        Version.editor_id == case.author.id,
        Version.number == 1,
        Version.via.in_(written.WAYS),
        Version.created_at > case.runtime.now() - timedelta(hours=1),
    )
    return case.session.scalar(query) or 0
