"""Before any line answers, and after: who rings too often is not heard, and nothing is dialled that must not be."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from dispatcher.model.telephone import CallStep, Dial, Go, Hangup, Say, Verb
from dispatcher.runtime import Runtime
from dispatcher.services import dialling
from webhooks import prompts
from webhooks.lines.walking import Place


def refused(session: Session, runtime: Runtime, place: Place, step: CallStep) -> Sequence[Verb]:
    """What a call that is not taken is told; nothing for all others. A call is counted by its first request."""
    if step.outbound or place != Place() or step.hung_up or dialling.may_ring(session, runtime, step.caller):
        return ()
    if step.caller in runtime.settings.own_numbers:
        return (Hangup(),)
    said = prompts.TABLES["en"]
    return Say(said["rings too often" if step.caller else "withheld too often"]), Say(said["goodbye"]), Hangup()


def guarded(session: Session, runtime: Runtime, step: CallStep, verbs: Sequence[Verb]) -> Sequence[Verb]:
    """The answer, in which a call to a number that may not be dialled now, or not so often, has not come about: the
    line goes on as it does when nobody picks up."""
    caller = step.called if step.outbound else step.caller
    return tuple(
        Go(verb.next_url)
        if isinstance(verb, Dial) and not dialling.may_join(session, runtime, verb.number, caller)
        else verb
        for verb in verbs
    )
