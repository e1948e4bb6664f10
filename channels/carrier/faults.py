"""Faults one can order: what the vendors' bad days look like from outside."""

import random
from dataclasses import asdict, dataclass, fields
from typing import Any

TOO_MANY, ERROR, ACCEPT_THEN_500, ACCEPT_THEN_HANG, HTML = "429", "500", "accept-500", "accept-hang", "html"


@dataclass
class Faults:
    """Shares are 0 to 1 of the requests that create something; the rest is as each line says.

    `html_200_share` requests are accepted and answered by a page of HTML with 200: the worst reading of a
    broken front server. `lookup_lag_s` hides newer records from lists and look-ups. `texts_lost_share` of the texts
    that people write to us are told by no webhook.

    Of live calls: `voice_copies` sends each request so many times more at once, `voice_late_copies` once more after the
    next one; `voice_lost_share` of the answers never arrive; within `hang_up_within_s` simulated seconds of picking up
    everybody hangs up. Of recordings: a share never exists (`absent`), or fails; they are ready after
    `recording_ready_s`, and can be fetched `recording_media_lag_s` after that was told, in simulated seconds.
    """

    latency_ms: float = 0
    status_429_share: float = 0
    error_500_share: float = 0
    accept_then_500_share: float = 0
    accept_then_hang_share: float = 0
    html_200_share: float = 0
    unauthorized: bool = False
    lookup_lag_s: float = 0
    lookup_500_share: float = 0
    calls_per_second: float = 0
    callback_duplicates: int = 0
    callback_reorder: bool = False
    callback_delay_ms: float = 0
    callback_first: bool = False
    callbacks_off: bool = False
    callbacks_lost_share: float = 0
    texts_lost_share: float = 0
    voice_copies: int = 0
    voice_late_copies: bool = False
    voice_lost_share: float = 0
    hang_up_within_s: float = 0
    recording_absent_share: float = 0
    recording_failed_share: float = 0
    recording_ready_s: float = 0.5
    recording_media_lag_s: float = 0
    seed: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed or None)  # noqa: S311 - a seed makes a fault test repeatable
        self.quiet = not (
            self.latency_ms or self.unauthorized or self.callback_first or any(share for _, share in self._shares())
        )

    def _shares(self) -> list[tuple[str, float]]:
        return [
            (TOO_MANY, self.status_429_share),
            (ERROR, self.error_500_share),
            (ACCEPT_THEN_500, self.accept_then_500_share),
            (ACCEPT_THEN_HANG, self.accept_then_hang_share),
            (HTML, self.html_200_share),
        ]

    def strikes(self, share: float) -> bool:
        """Whether a fault of this share hits now."""
        return bool(share) and self.chance.random() < share

    def draw(self) -> str | None:
        """The fate of one creating request, or None for a good day."""
        point = self.chance.random()
        for fate, share in self._shares():
            if point < share:
                return fate
            point -= share
        return None

    def show(self) -> dict[str, Any]:
        return asdict(self)


def from_json(wanted: dict[str, Any], base: Faults) -> Faults:
    """`base` with the wanted fields changed; ValueError names a field that does not exist or fit."""
    kinds = {f.name: f.type for f in fields(Faults)}
    values = asdict(base)
    for name, value in wanted.items():
        if name not in kinds:
            raise ValueError(f"no such fault: {name}; there are {', '.join(kinds)}")
        if isinstance(values[name], bool):
            values[name] = bool(value)
        elif isinstance(value, int | float):
            values[name] = int(value) if kinds[name] is int else value
        else:
            raise ValueError(f"{name} must be a number")
    if any(not 0 <= values[name] <= 1 for name in kinds if name.endswith("_share")):
        raise ValueError("a share lies between 0 and 1")
    return Faults(**values)
