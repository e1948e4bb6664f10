"""Who gets which answer: the rules in their order, in plain words; administrators change them."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dispatcher import door
from dispatcher.door import may
from dispatcher.model.errors import NotFound, Refused
from dispatcher.model.message import URGENCIES
from dispatcher.services import kind_words, routing, routing_rules
from dispatcher.services.routing_rules import Asked

bp = Blueprint("routing", __name__, url_prefix="/directory/routing")

LABELS = {
    "name": "Name",
    "kind": "Answer",
    "urgency": "Alert",
    "topic": "Topic",
    "asks_analyst": "Words",
    "target": "Goes to",
    "minutes": "Minutes",
}
KINDS = {"": "Any answer", **{one: kind_words.KINDS[one] for one in routing_rules.KINDS}}
_PERSON = "person:"


@bp.get("")
@may("admin")
def index() -> ResponseReturnValue:
    asked = request.args.get("change", "")
    return _page(int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 4 else 0)


def _page(number: int = 0, wrong: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    """The table and one form: for the rule of that number, counted from 1, else for a new one."""
    session = door.db()
    table = routing_rules.read(session)
    number = number if 1 <= number <= len(table.lines) else 0
    typed = _typed() if "name" in request.form else None
    html = render_template(
        "directory/routing.html",
        table=table,
        number=number,
        form=typed or (routing_rules.asked(table.lines[number - 1]) if number else Asked()),
        place=request.form.get("place") or str(len(table.lines)),
        kinds=KINDS,
        urgencies=URGENCIES,
        targets={name: words for name, words in routing.NAMES.items() if name != "person"},
        names=routing.NAMES,
        people=routing.answering(door.db()),
        labels=LABELS,
        wrong=wrong or {},
    )
    return make_response(html, status)


def _typed() -> Asked:
    given = request.form
    target, minutes = given.get("target", ""), given.get("minutes", "").strip()
    person = target.removeprefix(_PERSON) if target.startswith(_PERSON) else ""
    return Asked(
        name=given.get("name", "")[:500],
        kind=given.get("kind", ""),
        urgency=given.get("urgency", ""),
        topic=given.get("topic", "")[:500],
        asks_analyst=given.get("asks_analyst") == "yes",
        target="person" if person else target,
        person=person,
        minutes=int(minutes) if minutes.isascii() and minutes.isdigit() and len(minutes) < 7 else 0,
    )


@bp.post("")
@may("admin")
def add() -> ResponseReturnValue:
    rules = _rules()
    place = request.form.get("place", "")
    at = int(place) - 1 if place.isascii() and place.isdigit() and len(place) < 4 else len(rules)
    at = min(max(at, 0), len(rules))
    return _save([*rules[:at], _typed(), *rules[at:]], "The rule is added.", at=at)


@bp.post("/<int:number>")
@may("admin")
def edit(number: int) -> ResponseReturnValue:
    rules = _rules(number)
    rules[number - 1] = _typed()
    return _save(rules, "The rule is changed.", at=number - 1, number=number)


@bp.post("/<int:number>/move")
@may("admin")
def move(number: int) -> ResponseReturnValue:
    rules = _rules(number)
    to = number - 2 if request.form.get("to") == "up" else number
    rules.insert(max(to, 0), rules.pop(number - 1))
    return _save(rules, "The rule is moved.")


@bp.post("/<int:number>/remove")
@may("admin")
def remove(number: int) -> ResponseReturnValue:
    rules = _rules(number)
    del rules[number - 1]
    if not rules:
        raise Refused({"rules": "must be one at least; there is a button for those that the product came with"})
    return _save(rules, "The rule is removed.")


@bp.post("/defaults")
@may("admin")
def defaults() -> ResponseReturnValue:
    return _save([], "The rules are those that the product came with.")


def _rules(number: int = 1) -> list[Asked]:
    """The table as it stands. Raises NotFound where it has no rule of that number, counted from 1."""
    lines = routing_rules.read(door.db()).lines
    if not 1 <= number <= len(lines):
        raise NotFound("there is no such rule")
    return [routing_rules.asked(line) for line in lines]


def _save(rules: list[Asked], done: str, *, at: int | None = None, number: int = 0) -> ResponseReturnValue:
    """Put the table; `at` is the rule that was typed, from 0, `number` the one that the form was for."""
    stamp = request.form.get("stamp", "")[:64]
    try:
        routing_rules.put(door.db(), door.runtime(), door.me(), rules, stamp=stamp)
    except Refused as refused:
        door.only_look()
        return _page(number, _of_form(refused.fields, at), 422)
    door.commit()
    flash(done)
    return redirect(url_for(".index"))


def _of_form(fields: dict[str, str], at: int | None) -> dict[str, str]:
    """What is wrong, by the form's fields where it is about the rule that was typed, else with that rule's number."""
    wrong = {}
    for name, text in fields.items():
        start, _, column = name.partition("].")
        row = int(start.removeprefix("rules[")) if column else None
        column = "target" if column == "person" else column
        if row is None:
            wrong[name] = text
        else:
            wrong[column if row == at else f"Rule {row + 1}, {LABELS.get(column, column).lower()},"] = text
    return wrong
