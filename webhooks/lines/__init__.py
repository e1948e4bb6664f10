"""Our telephone lines: which of them a request of a live call belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs

from sqlalchemy.orm import Session

from dispatcher.model.ports import WebRequest
from dispatcher.model.telephone import Verb
from dispatcher.runtime import Runtime
from webhooks.lines import customer, guard, staff
from webhooks.lines.walking import Place


def answer(session: Session, runtime: Runtime, provider: str, request: WebRequest) -> Sequence[Verb]:
    """What to say to one request of a live call, which has not been answered before."""
    step = runtime.adapters.lines[provider].read(request)
    query = {name: values[0] for name, values in parse_qs(request.query).items()}
    place = Place.of(query)
    if told := guard.refused(session, runtime, place, step):
        return told
    line = staff.answer if staff.is_theirs(session, runtime, query, step) else customer.answer
    return guard.guarded(session, runtime, step, line(session, runtime, provider, query, place, step))
