"""Mail that a machine wrote: told apart by what its headers prove, then by its words; kept, flagged and never answered.

People who look like machines must not be lost: where only a subject, a header that says little, or a sentence that
people write as well speaks for a machine, and there are words of a person, it is the person's, with a doubt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from dispatcher.model import Reply
from dispatcher.model.conversation import MACHINES
from dispatcher.model.ports import InboundReply
from dispatcher.runtime import Runtime
from dispatcher.services import bounces, caps
from dispatcher.services.absence_words import (
    ABSENT,
    FIRST_PERSON,
    PERSON,
    meanwhile,
    sentences,
    without_greeting,
)
from dispatcher.services.arrival import Arrival
from dispatcher.services.machine_words import AUTOMATED, DECIDING, HEADING, SUBJECTS, TELEPHONE
from dispatcher.services.understanding import Understood

DOUBT = "automatic"
NO_PERSON = "written by a machine's address"  # the hint of a mail from no-reply@ and its kin
# Machines of whom nobody wants to see that they wrote, where it belongs to nobody.
_UNINTERESTING = ("bounce", "delayed", "own", "receipt")
_OURS = re.compile(r"(?:reply|conv|staff)\+.*|alerts")  # what stands before the @ of our addresses
_ABSENT_SURELY = 3  # features of a note of absence that together make one


@dataclass(frozen=True, slots=True)
class Verdict:
    """`machine` is one of InboundReply's kinds, "" for a person; `doubtful` where it may be a machine all the same."""

    machine: str = ""
    by: str = ""
    because: str = ""
    doubtful: bool = False
    note: str = ""  # of an absence: until when, and who is there instead

    @property
    def understood(self) -> Understood:
        """What a reply is that this machine wrote."""
        kind = "out-of-office" if self.machine == "absence" else "automatic"
        return Understood(kind, self.by, self.because)


@dataclass(frozen=True, slots=True)
class _Words:
    """What the words of a mail speak for."""

    subject: str | None  # the kind its subject speaks for, "" for a machine's of any kind
    kind: str  # what a deciding sentence speaks for, and the sentence
    sentence: str
    automated: str  # the sentence that says it is automatic
    absent: frozenset[str]
    away: str  # the first sentence that speaks of an absence
    personal: bool
    first_person: bool  # outside of the sentences that decide
    any: bool


def judge(runtime: Runtime, reply: InboundReply, own: str) -> Verdict:
    """Who wrote it, by its headers and by its `own` words, those without what is quoted."""
    if reply.channel != "email":
        return _by_telephone(reply, own)
    words = _read(reply.subject, own)
    if _is_own(runtime, reply):
        return Verdict("own", "header", f"sent from {reply.sender}, which is ours")
    verdict = _by_headers(reply, words) if reply.automatic else _by_words(reply, words)
    return replace(verdict, note=meanwhile(own)) if verdict.machine == "absence" else verdict


def is_personal(own: str) -> bool:
    """Whether there are words that only a person writes, e.g. a request to be called, beside whatever else is said."""
    return _read("", own).personal


def take(arrival: Arrival, verdict: Verdict) -> Reply:
    """Keep it, flagged; what a bounce with a token of ours says counts. Nobody is told and nothing is answered."""
    found = arrival.found
    known = bounces.learn(arrival, verdict.machine) if verdict.machine in bounces.NEWS else None
    if known is not None:
        kept = arrival.keep(verdict.understood, known.note, found=known.found)
        bounces.remember(arrival, known)
        return kept
    nobodys = found.customer is None and verdict.machine in _UNINTERESTING
    note = bounces.UNPROVEN if verdict.machine in bounces.NEWS else verdict.note
    state = "settled" if found.staff or found.author or nobodys else ""
    return arrival.keep(verdict.understood, note, state=state)


def may_be_answered(session: Session, runtime: Runtime, reply: Reply) -> bool:
    """Whether an automatic letter of ours may go to who sent this reply. To be asked once for each letter: it counts.

    Never to a machine, nor where there is doubt; and to each sender only so often in a day.
    """
    if reply.kind in MACHINES or reply.doubt == DOUBT:
        return False
    return caps.may_answer(session, runtime, reply.sender)


# --- by headers -------------------------------------------------------------------------------------------


def _by_headers(reply: InboundReply, words: _Words) -> Verdict:
    machine = reply.machine or "other"
    ordinary = words.personal and not words.kind and not words.automated
    if ordinary and (machine in ("ticket", "calendar") or (machine == "list" and _is_to_us(reply))):
        # Desks write from ticket systems and groups, and invitations are answered with a word.
        return Verdict("", "header", reply.automatic, doubtful=True)
    if machine == "other":
        machine = _kind_of(words) or "other"
    return Verdict(machine, "header", reply.automatic)


def _kind_of(words: _Words) -> str:
    """What kind of machine, where a header proves that it is one."""
    if words.kind and words.kind not in ("bounce", "delayed"):
        return words.kind
    if words.subject:
        return words.subject
    if words.kind:
        return words.kind
    return "absence" if words.absent & {"away", "back"} or words.subject == "" else ""


def _is_to_us(reply: InboundReply) -> bool:
    return any(_OURS.fullmatch(one.lower().rpartition("@")[0]) for one in reply.recipients)


def _is_own(runtime: Runtime, reply: InboundReply) -> bool:
    """From an address that only we send from. People may well have mailboxes in the same domain."""
    sender, settings = reply.sender.strip().lower(), runtime.settings
    local, _, domain = sender.rpartition("@")
    ours = domain == settings.inbound_email_domain.lower() and _OURS.fullmatch(local) is not None
    return bool(sender) and (sender == settings.email_from.lower() or (bool(domain) and ours))


# --- by words ---------------------------------------------------------------------------------------------


def _by_telephone(reply: InboundReply, own: str) -> Verdict:
    if reply.automatic:
        return Verdict(reply.machine or "other", "provider", reply.automatic)
    said = " ".join(own.split())
    machine = next((kind for kind, words in TELEPHONE if words.search(said[:500])), "")
    return Verdict(machine, "rule", said[:200]) if machine else Verdict()


def _by_words(reply: InboundReply, words: _Words) -> Verdict:
    machine, because = _candidate(reply, words)
    if not machine and reply.hint == NO_PERSON:
        machine, because = ("", "") if words.first_person else ("other", reply.hint)
    if machine and not words.personal:
        return Verdict(machine, "rule", because)
    if words.subject is not None and not words.any:
        return Verdict(words.subject or "other", "rule", f"Subject: {reply.subject}"[:200])
    suspected = bool(machine) or words.subject is not None or reply.hint == NO_PERSON
    return Verdict("", "rule" if suspected else "", because, doubtful=suspected)


def _candidate(reply: InboundReply, words: _Words) -> tuple[str, str]:
    """The machine that the words speak for, if they do so strongly, and the sentence that does."""
    answers = re.match(r"(?i)\s*(?:re|aw|sv|antw|wg|fwd?)\s*:", reply.subject) is not None
    hinted = words.subject is not None or bool(reply.hint)
    if words.kind and (hinted or words.automated or words.kind not in ("bounce", "delayed", "other")):
        return words.kind, words.sentence
    if words.automated and (hinted or not answers or words.absent):
        return _kind_of(words) or "other", words.automated
    subject = f"Subject: {reply.subject}"[:200]
    if words.subject == "" or (words.subject == "absence" and words.absent - {"thanks"}):
        return "absence", words.away or subject
    # Whoever says "I" or "we" writes for themselves; "Accepted: 42.10" is an answer.
    if words.subject and not answers and not words.first_person and words.subject not in ("absence", "calendar"):
        return words.subject, subject
    # Whoever answers us and says so in passing is a person; a note says more.
    enough = _ABSENT_SURELY + (1 if answers and not reply.hint else 0)
    # "Mr Smith has left us, write to Ms Jones" is what somebody else says who has his mailbox now.
    speaks_for_themselves = words.first_person or "left" not in words.absent
    if words.absent & {"away", "back"} and len(words.absent) >= enough and speaks_for_themselves:
        return "absence", words.away
    return "", ""


def _read(subject: str, own: str) -> _Words:
    marker = next((kind for kind, words in SUBJECTS if words.search(subject)), None)
    if marker is None and HEADING.search(own[:200]):
        marker = ""
    kind = sentence = automated = away = ""
    absent: set[str] = set()
    personal = first_person = False
    found = sentences(own)
    for one in filter(None, map(without_greeting, found)):
        # Machines do not ask: who asks about a message that could not be delivered is a person.
        decided = next((name for name, words in DECIDING if words.search(one)), "") if one[-1] != "?" else ""
        if decided and not kind:
            kind, sentence = decided, one
        if AUTOMATED.search(one):
            automated = automated or one
            continue
        features = {name for name, words in ABSENT.items() if words.search(one)}
        if features & {"away", "back"} and not away:
            away = one
        absent |= features
        first_person = first_person or (not decided and FIRST_PERSON.search(one) is not None)
        if not decided and "thanks" not in features and _is_personal(one, features):
            personal = True
    return _Words(
        marker,
        kind,
        sentence[:200],
        automated[:200],
        frozenset(absent),
        away[:200],
        personal,
        first_person,
        bool(found),
    )


def _is_personal(sentence: str, features: set[str]) -> bool:
    """A person's own wish. Whom to turn to meanwhile may speak of orders and calls without asking for one."""
    said = PERSON.search(sentence)
    if said is None:
        return False
    meant_for_them = re.search(r"(?i)\b(?:my (?:mobile|cell)|me|mich|trotzdem)\b", sentence) is not None
    return "instead" not in features or (meant_for_them and "away" in features)
