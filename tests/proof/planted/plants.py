"""Faults that others have had, each planted in the product by changing one thing or two."""

from __future__ import annotations

import hashlib
import itertools
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from approvals import decisions, submission
from channels import sendgrid_webhooks
from dispatcher.model import Attempt, Delivery, Version
from dispatcher.model import message as message_model
from dispatcher.model.delivery import NOBODY
from dispatcher.model.ports import Outcome
from dispatcher.runtime import Runtime
from dispatcher.services import (
    callbacks,
    cancellation,
    caps,
    fallback,
    fan_out,
    good_news,
    lease,
    outcomes,
    probes,
    reconcile,
    recorder,
    redial,
    release,
    renditions,
    routing,
    sending,
    status,
    sweep,
)
from tests.proof.planted.plant import rewrite
from webhooks import door

Patch = pytest.MonkeyPatch


def checkpoint_before_send(patch: Patch) -> None:
    rewrite(patch, fan_out, "_start", ("now + lease_of(runtime)", "None"))
    rewrite(patch, fan_out, "_sending", ('state="sending"', 'state="accepted"'))
    rewrite(
        patch, fan_out, "_attempts",
        ('"provider", "started_at"]', '"provider", "started_at", "state"]'),
        ("by, at)", "by, at, func.lower('accepted'))"),
    )  # fmt: skip


def blind_retry_on_500(patch: Patch) -> None:
    def retry(session: object, target: object, outcome: Outcome) -> str:
        return "deferred" if outcome.state == "unknown" else outcome.state

    patch.setattr(outcomes, "_next_state", retry)


def requeue_after_an_hour(patch: Patch) -> None:
    real = sweep.sweep

    def requeue(session: Session, runtime: Runtime, *parts: str) -> dict[str, int]:
        hour_ago = runtime.now() - timedelta(hours=1)
        query = (
            select(Delivery).join(Delivery.attempts).where(Delivery.state == "sending", Attempt.started_at < hour_ago)
        )
        for one in session.scalars(query):
            one.state, one.due_at = "queued", runtime.now()
        session.flush()
        return real(session, runtime, *parts)

    patch.setattr(sweep, "sweep", requeue)


def rank_ignored(patch: Patch) -> None:
    for module in (status, outcomes, good_news):
        patch.setattr(module, "after", lambda state, news: news)


def claim_without_condition(patch: Patch) -> None:
    rewrite(
        patch, fan_out, "_due_ones",
        (
            '*due_by(bindparam("message"), bindparam("on"), bindparam("by"))',
            'Delivery.channel == bindparam("on"), Delivery.message_id == bindparam("message")',
        ),
    )  # fmt: skip


def opt_out_only_at_release(patch: Patch) -> None:
    rewrite(patch, fan_out, "_sorted_out", ("order = orders.get(one.address)", "order = None"))


def topics_forgotten(patch: Patch) -> None:
    """Only who wants nothing at all is left out."""
    rewrite(patch, fan_out, "_sorted_out", ("for one in due], message.topic)", "for one in due], '')"))


def lost_flush_swap(patch: Patch) -> None:
    rewrite(
        patch, recorder.Recorder, "_flush",
        ("chunk, self._waiting = self._waiting, []", "chunk = list(self._waiting)"),
        ("self._left.difference_update", "self._waiting = []\n        self._left.difference_update"),
        ("self._waiting = chunk + self._waiting", "pass"),
    )  # fmt: skip


def lease_not_fenced(patch: Patch) -> None:
    patch.setattr(lease.Lease, "holds", lambda self: True)


def fallback_started_twice(patch: Patch) -> None:
    """News that comes again moves those on again who have been moved on."""
    rewrite(patch, status, "apply", ("if after(target.state, event.state) == target.state:", "if False:"))
    rewrite(patch, outcomes, "apply_state", ("    if target.state == before:\n        return\n", ""))
    patch.setattr(status, "apply_state", outcomes.apply_state)
    theirs = (
        "session.scalars(select(Recipient).join(ContactPoint, ContactPoint.customer_id == Recipient.customer_id)"
        ".where(Recipient.message_id == message.id, ContactPoint.address == delivery.address)).all()"
    )
    rewrite(patch, fallback, "start", ("list(delivery.recipients)", theirs))
    rewrite(patch, fallback, "_next_contact_point", ('("bounced", ', '("accepted", "bounced", '))


def approve_without_digest(patch: Patch) -> None:
    patch.setattr(decisions, "_require_current", lambda message, version, digest: None)
    rewrite(patch, release, "approval_of", ("decision.digest == version.digest and ", ""))


def four_eyes_by_role_only(patch: Patch) -> None:
    patch.setattr(decisions, "why_barred", lambda session, officer, message: "")
    rewrite(patch, release, "approval_of", ("decision.officer_id in editors or ", ""))


def signature_check_off(patch: Patch) -> None:
    patch.setattr(door, "_is_authentic", lambda *_: True)


def digest_over_text_only(patch: Patch) -> None:
    def of_text(version: Version) -> str:
        return hashlib.sha256(version.text.encode()).hexdigest()

    for module in (message_model, submission):
        patch.setattr(module, "digest_of", of_text)


def digest_over_input_only(patch: Patch) -> None:
    """What channels make of it is not bound to the approval."""
    for module in (message_model, submission):
        patch.setattr(module, "digest_of", message_model.input_digest_of)


def cancel_forgets_deferred(patch: Patch) -> None:
    patch.setattr(cancellation, "WAITING", frozenset({"queued"}))


def callbacks_deduped_by_nothing(patch: Patch) -> None:
    number = itertools.count()
    patch.setattr(callbacks, "_dedupe", lambda *_: f"copy {next(number)}")


def ring_without_sweep(patch: Patch) -> None:
    patch.setattr(sweep, "PARTS", {**sweep.PARTS, "deliveries": lambda session, runtime: 0})


def reconcile_once(patch: Patch) -> None:
    rewrite(patch, reconcile, "_conclude", ("attempt.absences >= 2", "attempt.absences >= 1"))


def approved_for_whoever_it_is_by_then(patch: Patch) -> None:
    patch.setattr(decisions, "_require_seen", lambda *_: None)


def taken_for_anothers(patch: Patch) -> None:
    patch.setattr(probes, "_could_be", lambda *_: False)


def voice_redialled(patch: Patch) -> None:
    rewrite(patch, reconcile, "_absent", ('"failed" if target.channel == "voice" else "deferred"', '"deferred"'))


def dropped_as_sent(patch: Patch) -> None:
    patch.setitem(sendgrid_webhooks.STATES, "dropped", ("accepted", ""))


def attempt_after_the_call(patch: Patch) -> None:
    """Written only with its outcome: a worker that dies in between leaves nothing to look up."""
    taken_back = "Attempt.__table__.delete().where(Attempt.id.in_([one.attempt_id for one in claimed]))"
    rewrite(
        patch, fan_out, "_start", ("    return claimed", f"    session.execute({taken_back})\n    return claimed")
    )  # fmt: skip


def stale_ones_sent(patch: Patch) -> None:
    rewrite(patch, fan_out, "_sorted_out", ("message.until is not None and message.until < now", "False"))


def task_forgotten(patch: Patch) -> None:
    patch.setattr(fallback, "_hand_over", lambda *_: None)


def words_changed_after_approval(patch: Patch) -> None:
    rewrite(
        patch, renditions, "content_for",
        ("for_channel(runtime, version, channel)", "runtime.adapters.channels[channel].compose("
         "__import__('dataclasses').replace(draft_of(runtime, version), text=version.text + ' Act now!'))"),
    )  # fmt: skip


def composed_when_it_leaves(patch: Patch) -> None:
    """Approved are the author's words, and what stands around them is of the moment."""
    rewrite(
        patch, renditions, "content_for",
        ("for_channel(runtime, version, channel)",
         "runtime.adapters.channels[channel].compose(draft_of(runtime, version))"),
    )  # fmt: skip


def anothers_token(patch: Patch) -> None:
    rewrite(
        patch, sending._Run, "_deliver",
        ('runtime.token("delivery", each.delivery_id)', 'runtime.token("delivery", each.delivery_id + 1)'),
    )  # fmt: skip


def anothers_code(patch: Patch) -> None:
    rewrite(
        patch, sending._Run, "_deliver",
        ("codes.make(runtime, each.delivery_id)", "codes.make(runtime, each.delivery_id + 1)"),
    )  # fmt: skip


def calls_uncapped(patch: Patch) -> None:
    patch.setattr(caps, "over_called", lambda session, runtime, addresses: set())


def answered_called_again(patch: Patch) -> None:
    patch.setattr(redial, "NOBODY", (*NOBODY, "answered"))
    patch.setitem(redial._WORDS, "answered", "answered")


def called_for_ever(patch: Patch) -> None:
    rewrite(patch, redial, "_due", ("in_vain > len(waits)", "False"), ("waits[in_vain - 1]", "waits[0]"))
    calls_uncapped(patch)


def nobody_inherits(patch: Patch) -> None:
    patch.setattr(sweep, "PARTS", {**sweep.PARTS, "passing": lambda session, runtime: 0})


def given_to_whoever_left(patch: Patch) -> None:
    rewrite(patch, routing, "_rep", ("one is not None and one.has(*ANSWERING)", "one is not None"))


def second_call_forgotten(patch: Patch) -> None:
    rewrite(patch, redial, "put_off", ('"deferred", due_at, None', '"deferred", None, None'))
