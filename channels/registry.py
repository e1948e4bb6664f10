"""Finds channels, providers, webhook sources and telephone lines by scanning this package, and builds what is set up.

A module here joins in by defining a public class; what the class has says what it is:

===============  ===============================================  =====================
it has           so it is                                         made with
===============  ===============================================  =====================
normalise        a channel called `name`                          nothing
channel, send    a provider called `name`, carrying `channel`     the settings
verify, parse    the source of webhooks at `/webhooks/<name>/…`   the settings
read, render     the telephone line of the vendor `name`          the settings
transcribe       what TRANSCRIPTION calls `name`                  the settings
put, take_off    the lists of opt-outs of the vendor `name`       the settings
===============  ===============================================  =====================

(see the protocols in `dispatcher.model.ports`). A new provider is one new file: nothing is registered anywhere. A
constructor raises NotConfigured naming the setting it lacks, SettingsError for one that is wrong. A provider is built
where `<CHANNEL>_PROVIDER` names it; sources and lines are built wherever their settings are there. Subpackages are
not looked at.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import channels
from channels.poster import Poster
from dispatcher.model.errors import NotConfigured
from dispatcher.model.ports import Adapters, Channel, Provider, SuppressionList, WebhookSource
from dispatcher.model.telephone import PhoneLine, Transcriber
from dispatcher.settings import Settings

Maker = Callable[[Settings], Any]


class Found:
    """The classes of some modules by kind and name. ValueError where two claim one name."""

    def __init__(self, modules: Iterable[object]) -> None:
        self.channels: dict[str, Callable[[], Channel]] = {}
        self.providers: dict[tuple[str, str], Maker] = {}  # by channel and name
        self.sources: dict[str, Maker] = {}
        self.lines: dict[str, Maker] = {}
        self.transcribers: dict[str, Maker] = {}
        self.lists: dict[str, Maker] = {}
        for module in modules:
            for _, one in inspect.getmembers(module, inspect.isclass):
                if one.__module__ == getattr(module, "__name__", "") and not one.__name__.startswith("_"):
                    self._take(one)

    def _take(self, one: type[Any]) -> None:
        if not isinstance(getattr(one, "name", None), str):
            return
        if hasattr(one, "normalise"):
            _put(self.channels, one.name, one)
        elif hasattr(one, "channel") and hasattr(one, "send"):
            _put(self.providers, (one.channel, one.name), one)
        elif hasattr(one, "verify") and hasattr(one, "parse"):
            _put(self.sources, one.name, one)
        elif hasattr(one, "read") and hasattr(one, "render"):
            _put(self.lines, one.name, one)
        elif hasattr(one, "transcribe"):
            _put(self.transcribers, one.name, one)
        elif hasattr(one, "put") and hasattr(one, "take_off"):
            _put(self.lists, one.name, one)

    def provider(self, channel: str, name: str) -> Maker:
        """The class of a provider that a setting names. Raises NotConfigured with those that exist."""
        if maker := self.providers.get((channel, name)):
            return maker
        known = sorted(provider for of, provider in self.providers if of == channel)
        raise NotConfigured(
            f"{channel.upper()}_PROVIDER names {name}, which nothing here provides: "
            + (f"use {' or '.join(known)}" if known else "leave it empty")
        )


def _put(table: dict[Any, Any], name: Any, one: type[Any]) -> None:
    if (other := table.get(name)) is not None:
        raise ValueError(f"{one.__module__}.{one.__name__} and {other.__module__}.{other.__name__} are both {name}")
    table[name] = one


def find() -> Found:
    """Everything that the modules of this package define."""
    names = [info.name for info in pkgutil.iter_modules(channels.__path__) if not info.ispkg]
    return Found(importlib.import_module(f"{channels.__name__}.{name}") for name in sorted(names))


def build(settings: Settings) -> Adapters:
    """The adapters under these settings. Raises NotConfigured or SettingsError, naming the variable.

    A channel whose `<CHANNEL>_PROVIDER` is empty has no providers, so it is not offered.
    """
    found = find()
    made = {name: maker() for name, maker in found.channels.items()}
    providers = {
        channel: tuple(
            cast(Provider, found.provider(channel, name)(settings)) for name in settings.providers_for(channel)
        )
        for channel in made
    }
    return Adapters(
        channels=made,
        providers=providers,
        sources=cast(Mapping[str, WebhookSource], _set_up(found.sources, settings)),
        lines=cast(Mapping[str, PhoneLine], _set_up(found.lines, settings)),
        transcriber=_transcriber(found, settings),
        lists=cast(Mapping[str, SuppressionList], _set_up(found.lists, settings)),
        poster=Poster(settings.hook_hosts, settings.is_local),
    )


def _transcriber(found: Found, settings: Settings) -> Transcriber | None:
    if not settings.transcription:
        return None
    maker = found.transcribers.get(settings.transcription)
    if maker is None:
        known = " or ".join(sorted(found.transcribers))
        raise NotConfigured(f"TRANSCRIPTION names {settings.transcription}: use {known}, or leave it empty")
    return cast(Transcriber, maker(settings))


def _set_up(makers: Mapping[str, Maker], settings: Settings) -> dict[str, object]:
    made: dict[str, object] = {}
    for name, maker in makers.items():
        try:
            made[name] = maker(settings)
        except NotConfigured:
            continue
    return made
