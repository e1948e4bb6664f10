"""What a vendor's refusal means, and the outcome of the one request that it refused: the same for all vendors."""

from __future__ import annotations

from dataclasses import dataclass

from channels.http import Answer
from dispatcher.model.ports import Decision, Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a refusal means for the one delivery that it is about."""

    state: str
    decision: Decision = ""
    mark: str = ""
    retry_after: float | None = None


STOP = Verdict("failed", "stop-channel")
OTHER_WAY = Verdict("failed", "fall-back")
NO_SUCH_NUMBER = Verdict("rejected", "fall-back", "invalid")
OURS = Verdict("rejected", "person")  # what we sent was wrong: nobody else's fault, nothing to learn
LATER = Verdict("deferred", "retry", retry_after=2.0)
DOUBT = Verdict("unknown")


def of_status(status: int, refused: Verdict) -> Verdict:
    """By the HTTP status alone; `refused` is for a request that the vendor understood and turned down."""
    if status in (401, 402, 403, 404):
        return STOP
    if status == 429:
        return LATER
    return refused if 400 <= status < 500 and status != 408 else DOUBT


def refusal(attempt: str, answer: Answer, verdict: Verdict, code: str, error: str) -> Outcome:
    """The outcome that the verdict is; the vendor's own pause counts before the verdict's."""
    pause = answer.retry_after()
    return Outcome(
        attempt,
        verdict.state,
        verdict.decision,
        code=code[:32],
        error=error[:300],
        retry_after=pause if pause is not None and verdict.state == "deferred" else verdict.retry_after,
        mark=verdict.mark,
    )


def senseless(attempt: str, answer: Answer) -> Outcome:
    """Of a yes without a reference, somebody else's page or half an answer: it may be on its way."""
    return Outcome(attempt, "unknown", code=str(answer.status), error="the provider's answer makes no sense")
