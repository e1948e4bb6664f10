"""Known faults, each with what shows it and the words by which the oracle must name it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.proof.planted import plants, scenes
from tests.proof.planted.aquarium import Aquarium


@dataclass(frozen=True, slots=True)
class Fish:
    """A fault: how it is planted, what happens then, and what the oracle says (part of a line)."""

    plant: Callable[[pytest.MonkeyPatch], None]
    scene: Callable[[Aquarium], None]
    caught: str


FISH: dict[str, Fish] = {
    "checkpoint before send": Fish(
        plants.checkpoint_before_send, scenes.killed_before_the_call, "the carrier never got it"
    ),
    "blind retry on 500": Fish(plants.blind_retry_on_500, scenes.accepted_then_500, "reached the carrier 2 times"),
    "requeue after an hour": Fish(
        plants.requeue_after_an_hour, scenes.killed_after_acceptance, "reached the carrier 2 times"
    ),
    "rank ignored in status": Fish(
        plants.rank_ignored, scenes.news_in_the_wrong_order, "though its news said delivered"
    ),
    "claim without condition": Fish(
        plants.claim_without_condition, scenes.two_workers_at_once, "reached the carrier 2 times"
    ),
    "opt-out checked only at release": Fish(
        plants.opt_out_only_at_release, scenes.opted_out_after_the_release, "P4 attempt"
    ),
    "opt-out of one topic forgotten": Fish(plants.topics_forgotten, scenes.opted_out_of_the_topic, "P4 attempt"),
    "lost flush swap": Fish(plants.lost_flush_swap, scenes.outcomes_while_writing, "is still sending"),
    "lease not fenced": Fish(plants.lease_not_fenced, scenes.a_worker_that_slept, "reached the carrier 2 times"),
    "fallback started twice": Fish(plants.fallback_started_twice, scenes.a_failure_that_is_told_twice, "P7"),
    "approve without digest": Fish(
        plants.approve_without_digest, scenes.edited_while_the_officer_reads, "approves another digest"
    ),
    "four eyes by role only": Fish(
        plants.four_eyes_by_role_only, scenes.approved_by_its_author, "by somebody who wrote"
    ),
    "approved for others than were seen": Fish(
        plants.approved_for_whoever_it_is_by_then,
        scenes.added_while_the_officer_reads,
        "not the customers for whom it was approved",
    ),
    "signature check off": Fish(plants.signature_check_off, scenes.forged_news, "was taken, and is not carrier's"),
    "digest over text only": Fish(
        plants.digest_over_text_only, scenes.all_goes_well, "no longer holds what was submitted"
    ),
    "digest over what was handed in only": Fish(
        plants.digest_over_input_only, scenes.all_goes_well, "no longer holds what was submitted"
    ),
    "cancel that forgets deferred ones": Fish(
        plants.cancel_forgets_deferred, scenes.cancelled_while_some_wait, "is deferred, though message"
    ),
    "callbacks deduped by nothing": Fish(
        plants.callbacks_deduped_by_nothing, scenes.the_same_text_twice, "was taken twice"
    ),
    "ring before commit, without sweep": Fish(
        plants.ring_without_sweep, scenes.redis_forgets_everything, "is still queued"
    ),
    "reconcile once instead of twice": Fish(
        plants.reconcile_once, scenes.accepted_and_not_yet_listed, "reached the carrier 2 times"
    ),
    "one call found for two in doubt": Fish(
        plants.taken_for_anothers, scenes.two_calls_of_which_one_was_made, "the carrier never got it"
    ),
    "voice redialled on doubt": Fish(plants.voice_redialled, scenes.a_call_that_nobody_got, "repeats a call"),
    "dropped treated as sent": Fish(plants.dropped_as_sent, scenes.mail_that_is_dropped, "did not arrive"),
    "attempt not committed before the call": Fish(
        plants.attempt_after_the_call, scenes.killed_after_acceptance, "was never committed"
    ),
    "stale alert sent": Fish(plants.stale_ones_sent, scenes.stale_by_now, "when the time of message"),
    "failure without a task": Fish(plants.task_forgotten, scenes.nobody_is_left_to_fall_back_on, "nobody has a task"),
    "words changed after the approval": Fish(
        plants.words_changed_after_approval, scenes.all_goes_well, "carried another text"
    ),
    "composed when it leaves": Fish(
        plants.composed_when_it_leaves, scenes.renamed_after_the_approval, "carried another text"
    ),
    "another's answer page": Fish(plants.anothers_token, scenes.all_goes_well, "the answer page of another"),
    "another's code": Fish(plants.anothers_code, scenes.with_a_line_to_call, "the code of another delivery"),
    "call made again though it was answered": Fish(
        plants.answered_called_again, scenes.a_call_that_was_answered, "was accepted 2 times"
    ),
    "call made again for ever": Fish(plants.called_for_ever, scenes.a_busy_line, "P9 delivery"),
    "call to be made again, and forgotten": Fish(
        plants.second_call_forgotten, scenes.a_busy_line, "is deferred without a due time"
    ),
    "inbox of nobody": Fish(plants.nobody_inherits, scenes.whoever_had_it_has_left, "in the inbox of nobody"),
    "given to somebody who has left": Fish(
        plants.given_to_whoever_left, scenes.whoever_had_it_has_left, "in the inbox of nobody"
    ),
    "calls without a cap": Fish(plants.calls_uncapped, scenes.called_all_day, "P9 delivery"),
}
