"""How to speak to a member of staff on the telephone: one step of their call, in their language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from dispatcher.model import StaffCall
from dispatcher.model.telephone import CallStep, Gather, Hangup, Pause, Play, Say, Verb
from dispatcher.runtime import Runtime
from webhooks import prompts
from webhooks.lines.walking import Place


@dataclass(frozen=True, slots=True)
class Line:
    """One step of a member of staff's call: the call's row, and how to speak to them."""

    session: Session
    runtime: Runtime
    provider: str
    call: StaffCall

    def say(self, *names: str, **blanks: object) -> tuple[Say, ...]:
        """Sentences of the tables in the caller's language."""
        tag, said = prompts.in_language(self._language)
        firm = self.runtime.settings.firm_name
        return tuple(Say(said[name].format(firm=firm, **blanks), tag) for name in names)

    @property
    def _language(self) -> str:
        """Theirs, from their own telephone or after the PIN: before it, a stranger would hear that they work here."""
        staff = self.call.staff
        known = staff is not None and (self.call.proven_at is not None or self.call.number == staff.phone)
        return staff.language if staff is not None and known else "en"

    def address(self, place: Place) -> str:
        """Where the next request of this call asks."""
        return f"{self._base}/voice?{urlencode({'line': 'staff', **place.query()})}"

    def done_url(self, purpose: str) -> str:
        """Where the provider says that a recording can be fetched; `purpose` is the Recording's."""
        return f"{self._base}/recording-status?{urlencode({'line': 'staff', 'for': purpose})}"

    @property
    def _base(self) -> str:
        return f"{self.runtime.settings.public_url}/webhooks/{self.provider}"

    def ask(
        self, place: Place, front: Sequence[Say | Play | Pause], digits: int = 1, ends: str = "", timeout: int = 6
    ) -> tuple[Verb, ...]:
        """Say it and wait for keys, which `place` takes."""
        return (Gather(tuple(front), self.address(place), digits, timeout, ends),)

    def end(self, *names: str, **blanks: object) -> tuple[Verb, ...]:
        """A friendly end."""
        return (*self.say(*names, **blanks), *self.say("goodbye"), Hangup())

    def misheard(self, place: Place, step: CallStep, again: Again) -> tuple[Verb, ...]:
        """No key or a wrong one: asked again by `again`, which goes on from there, at last a friendly end."""
        if place.is_hopeless:
            return self.end(*(("officer nothing done",) if place.state.startswith("officer.") else ()))
        return again(self, place.missed(), self.say("wrong key" if step.digits else "nothing heard"))


Again = Callable[[Line, Place, Sequence[Say | Play | Pause]], tuple[Verb, ...]]
State = Callable[[Line, Place, CallStep], tuple[Verb, ...]]
