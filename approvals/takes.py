"""What has been chosen and recorded so far in the call of an analyst. Nothing is held here: it reads the rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import DistributionList, Media, Message, Recording, StaffCall
from dispatcher.runtime import Runtime
from dispatcher.services import recordings
from dispatcher.services.media import MAX_RECORDING_SECONDS

# Of an alert that is put together from pieces; joined they are a little longer than the provider counts.
MOST_SECONDS = MAX_RECORDING_SECONDS - 10
# A call that asks for nothing for so long after all that was said to it has ended, whatever became of its end.
QUIET = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Take:
    """What counts of what was recorded: `base` was on the draft before this call, `pieces` are of the call."""

    base: Media | None
    pieces: tuple[Recording, ...]

    @property
    def heard(self) -> list[Media]:
        """What can be played now, in order."""
        kept = [one.media for one in self.pieces if one.state == "kept" and one.media is not None]
        return [*([self.base] if self.base else []), *kept]

    @property
    def waiting(self) -> list[Recording]:
        """Still on their way from the provider."""
        return [one for one in self.pieces if one.state == "waiting"]

    @property
    def lost(self) -> bool:
        """Whether a piece of it will not come."""
        return any(one.state == "lost" for one in self.pieces)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing that was recorded."""
        return not self.waiting and not self.lost

    @property
    def seconds(self) -> float:
        """How long it lasts, as far as that is known."""
        own = [one for one in self.pieces if one.state in ("kept", "waiting")]
        return (self.base.seconds or 0 if self.base else 0) + sum(one.seconds or 0 for one in own)


# --- the choices ------------------------------------------------------------------------------------------


def choose(session: Session, call: StaffCall, *keys: str) -> None:
    """Put these lists on the call's choice; one that is on it already is taken off, unless it comes with others."""
    now = list(call.lists)
    if len(keys) == 1 and keys[0] in now:
        now.remove(keys[0])
    else:
        now += [one for one in dict.fromkeys(keys) if one not in now]
    call.lists = now
    session.flush()


def chosen(session: Session, call: StaffCall) -> list[DistributionList]:
    """The lists chosen so far, in that order, without those that have been removed since."""
    found = {
        one.key: one for one in session.scalars(select(DistributionList).where(DistributionList.key.in_(call.lists)))
    }
    return [found[key] for key in call.lists if key in found]


def turn_urgent(session: Session, call: StaffCall) -> bool:
    """Make the call's alert urgent, or not urgent any more; which it is now."""
    call.urgent = not call.urgent
    session.flush()
    return call.urgent


def is_live(runtime: Runtime, call: StaffCall, seconds: float = 0.0) -> None:
    """The call asks for something, and will be quiet for so long."""
    call.idle_at = runtime.now() + timedelta(seconds=seconds) + QUIET


# --- the sound --------------------------------------------------------------------------------------------


def take_of(session: Session, call: StaffCall) -> Take:
    """What counts of what was recorded for the call's alert."""
    pieces = [one for one in recordings.pieces(session, call) if one.id > call.take_after]
    return Take(call.base, tuple(pieces))


def lacks(session: Session, message: Message) -> bool:
    """Whether a piece of what was dictated for this message is on its way or lost. A take that was begun anew needs
    nothing of the calls before it."""
    calls = select(StaffCall).where(StaffCall.message_id == message.id).order_by(StaffCall.id.desc())
    for call in session.scalars(calls):
        take = take_of(session, call)
        if not take.is_whole:
            return True
        if take.pieces and take.base is None:
            return False
    return False


def has_something(session: Session, call: StaffCall) -> bool:
    """Whether there is anything that could be submitted: sound, on its way or here, or a text."""
    take = take_of(session, call)
    return bool(take.heard or take.waiting) or bool(call.message and call.message.current.text.strip())


def room(session: Session, call: StaffCall, *, anew: bool) -> int:
    """Seconds that may still be recorded: for a new take, or beside what is there."""
    return int(MOST_SECONDS - (0 if anew else take_of(session, call).seconds))
