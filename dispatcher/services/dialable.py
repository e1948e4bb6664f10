"""Which addresses nothing ever goes to: by their country, by their price, or because they are our own.

A number is judged when it enters the directory, again when something is about to leave for it, and before two calls
are joined: an old row, or a directory that was poisoned behind our back, costs a fallback and an alarm, not money.
"""

from __future__ import annotations

from collections.abc import Collection

from dispatcher.runtime import Runtime

_OURS = "is a number of our own lines"


def barred(runtime: Runtime, channel: str, address: str) -> str:
    """Why nothing goes to this address by this channel; "" where it may."""
    return barred_of(runtime, channel, (address,)).get(address, "")


def barred_of(runtime: Runtime, channel: str, addresses: Collection[str]) -> dict[str, str]:
    """Of these addresses those to which nothing goes by this channel, and why. The reason names no number."""
    settings = runtime.settings
    countries, ours, judge = settings.countries, settings.own_numbers, runtime.adapters.channels[channel].barred
    found = {}
    for address in addresses:
        if why := _OURS if address in ours else judge(address, settings.default_region, countries):
            found[address] = why
    return found


def dialable(runtime: Runtime, number: str) -> bool:
    """Whether this number may be called and joined to a call: in a country of the list, not dear, not our own."""
    return bool(number) and not barred(runtime, "voice", number)
