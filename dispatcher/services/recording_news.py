"""News of recordings: they can be fetched, nothing is on them, or somebody's machine has written them down."""

from __future__ import annotations

from urllib.parse import parse_qs

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Recording, StaffCall
from dispatcher.model.call import ALERT, REASON, REPLY
from dispatcher.model.telephone import RecordingNews
from dispatcher.runtime import Runtime
from dispatcher.services import calls, recordings, transcripts
from dispatcher.services.once import clean

STAFF = (ALERT, REASON)  # what members of staff record


def take(session: Session, runtime: Runtime, provider: str, news: RecordingNews, query: str) -> bool:
    """Do what it says; False where nothing is known of the call yet.

    News may come before the call's own step, which may never come: by what our own address carries, `query`, the
    recording is expected all the same.
    """
    recording = recordings.find(session, provider, news.recording_ref)
    if recording is None:
        recording = _first_heard_of(session, runtime, provider, news, query)
    if recording is None:
        return False
    if news.transcript is not None:
        transcripts.arrived(session, runtime, recording, news.transcript)
    elif news.available:
        recordings.is_ready(session, runtime, recording)
    else:
        recordings.empty(session, runtime, recording)
    return True


def _first_heard_of(
    session: Session, runtime: Runtime, provider: str, news: RecordingNews, query: str
) -> Recording | None:
    given = {name: values[0] for name, values in parse_qs(query).items()}
    purpose = given.get("for", "")
    if given.get("line") == "staff":
        call = session.scalar(
            select(StaffCall).where(
                StaffCall.provider == provider,
                StaffCall.call_ref == clean(news.call_ref, recordings.LENGTH_OF_CALL),
            )
        )
        if call is None or purpose not in STAFF:
            return None
        return _expect(session, runtime, provider, news, purpose, call)
    if not news.available:
        # The call's step makes the answer, if its menu takes an empty one for an answer at all.
        return _expect(session, runtime, provider, news, REPLY, None)
    caller = calls.by_address(session, runtime, given)
    if caller is None:
        return None
    calls.leaves_recording(session, runtime, provider, caller, news.recording_ref, news.seconds, call_ref=news.call_ref)
    return recordings.find(session, provider, news.recording_ref)


def _expect(
    session: Session, runtime: Runtime, provider: str, news: RecordingNews, purpose: str, call: StaffCall | None
) -> Recording:
    return recordings.expect(
        session,
        runtime,
        provider=provider,
        ref=news.recording_ref,
        call_ref=news.call_ref,
        purpose=purpose,
        seconds=news.seconds,
        staff_call=call,
    )
