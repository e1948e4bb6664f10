"""Sentences of the analyst's line that are put together: lists on keys, lists chosen, a reference, a submission."""

from __future__ import annotations

from collections.abc import Sequence

from approvals import takes
from approvals.dictation import Handed
from dispatcher.model import DistributionList, Message
from dispatcher.model.telephone import Say
from dispatcher.services import favourites, references
from webhooks.lines.talking import Line

OFFERED = 6  # lists on the keys from 1 on
MOST_NAMED = 2  # officers


def offer(line: Line, page: int) -> tuple[list[DistributionList], bool]:
    """The lists on the keys of this page, 0 the favourites, and whether there are further ones."""
    if line.call.staff is None:
        return [], False
    first = favourites.favourites(line.session, line.runtime, line.call.staff, OFFERED)
    if page == 0:
        return first, bool(favourites.others(line.session, first, 0, OFFERED)[0])
    return favourites.others(line.session, first, page - 1, OFFERED)


def keys(line: Line, page: int) -> list[Say]:
    """What every key of this page of lists is for."""
    offered, further = offer(line, page)
    said = [*(() if page else line.say("analyst choose"))]
    for key, one in enumerate(offered, 1):
        said += line.say("analyst list", key=key, list=one.name)
    if not page and line.call.staff and favourites.last_used(line.session, line.call.staff):
        said += line.say("analyst same")
    if further or page:
        said += line.say("analyst further" if further else "analyst favourites")
    return [*said, *line.say("analyst by number", onwards(line))]


def onwards(line: Line) -> str:
    """What the key 9 leads to from the lists."""
    return "analyst done" if takes.has_something(line.session, line.call) else "analyst record now"


def chosen(line: Line) -> tuple[Say, ...]:
    """The lists chosen so far."""
    names = [one.name for one in takes.chosen(line.session, line.call)]
    return line.say("analyst chosen", lists=_listed(line, names)) if names else line.say("analyst none chosen")


def reference(line: Line, message: Message) -> str:
    """4 7 1, 8 3 0 2: voices read 471 as a quantity."""
    return ", ".join(" ".join(part) for part in references.of(line.runtime, message.id).split())


def submitted(line: Line, message: Message, handed: Handed) -> list[Say]:
    """Its reference, for whom it is, who will review it."""
    lists, names = _listed(line, handed.lists), handed.reviewers
    said = [*line.say("analyst submitted", reference=reference(line, message))]
    goes_to = "analyst goes to one" if handed.customers == 1 else "analyst goes to"
    said += line.say(goes_to, count=handed.customers, lists=lists)
    who = _listed(line, names[:MOST_NAMED], "analyst or")
    if len(names) > MOST_NAMED:
        who = line.say("analyst others", who=", ".join(names[:MOST_NAMED]))[0].text
    return [*said, *(line.say("analyst reviewed by", who=who) if names else line.say("analyst nobody reviews"))]


def _listed(line: Line, names: Sequence[str], last: str = "analyst and") -> str:
    """A, B and C."""
    if len(names) < 2:
        return "".join(names)
    return line.say(last, first=", ".join(names[:-1]), last=names[-1])[0].text
