"""The error family. An error carries the decision: what the caller should do about it.

DispatcherError
├── Refused            bad input: every wrong field at once              → 422
├── NotAllowed         the person may not do this                        → 403
├── NotFound           no such thing, or not for this person             → 404
├── StateConflict      the thing is no longer in the state assumed       → 409
│   └── DigestConflict the content changed, or was decided meanwhile     → 409 with the current digest
├── NotConfigured      a setting is missing                              → the start stops, or the channel
└── ProviderError      a provider could not be asked; see its `decision`
"""

from __future__ import annotations

from collections.abc import Mapping


class DispatcherError(Exception):
    """Base of the family; the text is one that people can read."""


class Refused(DispatcherError):
    """Bad input. `fields` maps the name of each wrong field to what is wrong with it and what to do."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in fields.items()))
        self.fields = dict(fields)


class NotAllowed(DispatcherError):
    """The person may not do this."""


class NotFound(DispatcherError):
    """No such thing, or none that this person may see."""


class StateConflict(DispatcherError):
    """The thing has moved on since the caller looked. `state` is the present one."""

    def __init__(self, text: str, *, state: str = "") -> None:
        super().__init__(text)
        self.state = state


class DigestConflict(StateConflict):
    """The officer looked at something else than what is there now. `digest` is the present one."""

    def __init__(self, text: str, *, state: str, digest: str) -> None:
        super().__init__(text, state=state)
        self.digest = digest


class NotConfigured(DispatcherError):
    """A setting is missing; the text names it."""


class ProviderError(DispatcherError):
    """A provider refused or could not be asked outside of a send (a send answers with Outcomes)."""
