"""The rule by which a recipient's channel is chosen, and its reason in words.

The databases only describe each customer's situation, as one number; the few different ones that an audience has
are decided here, once each. So the rule is written once, for the forecast, the release and the page that explains.

A situation's lower 12 bits are the state of the contact points, three bits a channel in the order of CHANNELS;
the 12 bits above are the preference, three bits a rank: 0 for nobody, else the channel's place in CHANNELS from 1.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dispatcher.model import CHANNELS

RANKS = 3 * len(CHANNELS)  # the bit where the preference begins
ABSENT, USABLE, INVALID, SUPPRESSED, UNWANTED = range(5)  # unwanted: suppressed by their own word
# Why somebody is out of reach whose own word alone it is: nobody is to reach them, and there is nothing to mend.
OWN_WORD = "asked for nothing"
BY_OWN_WORD = f"unreachable: {OWN_WORD}"
_ORDINALS = ("1st", "2nd", "3rd", "4th")


@dataclass(frozen=True, slots=True)
class Choice:
    """The channel, or None where there is none; `because` is for people; `reason` groups the unreachable."""

    channel: str | None
    because: str
    reason: str = ""


def choose(situation: int, carried: Collection[str]) -> Choice:
    """The first channel of the preference, then of the others, that has a provider and a usable contact point."""
    named = _preference(situation)
    faults: list[str] = []
    for place, channel in enumerate([*named, *(one for one in CHANNELS if one not in named)]):
        fault = _fault(situation, channel, carried)
        if not fault:
            return Choice(channel, _because(place, named, faults))
        faults.append(f"{channel} {fault}")
    reason = _reason(situation, carried)
    return Choice(None, f"unreachable: {reason}", reason)


def _preference(situation: int) -> list[str]:
    digits = [situation >> (RANKS + 3 * rank) & 7 for rank in range(len(CHANNELS))]
    return list(dict.fromkeys(CHANNELS[digit - 1] for digit in digits if 0 < digit <= len(CHANNELS)))


def _state(situation: int, channel: str) -> int:
    return situation >> (3 * CHANNELS.index(channel)) & 7


def _fault(situation: int, channel: str, carried: Collection[str]) -> str:
    state = _state(situation, channel)
    if state == ABSENT:
        return "is not known"
    if channel not in carried:
        return "has no provider"
    if state == INVALID:
        return "is not valid"
    return "is suppressed" if state in (SUPPRESSED, UNWANTED) else ""


def _because(place: int, named: list[str], faults: list[str]) -> str:
    if not named:
        front = "usual order"
    elif place < len(named):
        front = f"{_ORDINALS[place]} choice"
    else:
        front = "none of their choices"
    return f"{front}: {', '.join(faults)}" if faults else front


def _reason(situation: int, carried: Collection[str]) -> str:
    known = {channel: _state(situation, channel) for channel in CHANNELS if _state(situation, channel) != ABSENT}
    if not known:
        return "no contact point"
    served = {channel: state for channel, state in known.items() if channel in carried}
    if not served:
        return f"no provider for {', '.join(known)}"
    if set(served.values()) == {UNWANTED}:
        return OWN_WORD
    if SUPPRESSED in served.values() or UNWANTED in served.values():
        return "contact points suppressed"
    return "contact points not valid"
