"""Who gets which answer: the table of rules; and handing over what is somebody's."""

from __future__ import annotations

from dataclasses import asdict

from dispatcher.api.calls import Act, call
from dispatcher.api.shapes.routing import GivenRules, HandedOver, Handover, RuleInfo, RulesInfo
from dispatcher.model.errors import NotFound, Refused
from dispatcher.services import accounts, handover, routing_rules
from dispatcher.services.routing_rules import Asked, Table

TAG = "Routing"


@call(
    "GET", "/routing", "admin",
    title="The rules by which answers are given to people",
    about="In their order: the first that fits decides.",
    tag=TAG, answers={200: RulesInfo},
)  # fmt: skip
def get_routing(act: Act) -> RulesInfo:
    return _info(routing_rules.read(act.session))


@call(
    "PUT", "/routing", "admin",
    title="Change the rules, the whole table at once",
    about="What has been given to somebody stays with them until the customer's next word.",
    tag=TAG, answers={200: RulesInfo}, trial=True,
)  # fmt: skip
def put_routing(act: Act, body: GivenRules) -> RulesInfo:
    wanted = [Asked(**rule.model_dump()) for rule in body.rules]
    return _info(routing_rules.put(act.session, act.runtime, act.staff, wanted))


@call(
    "POST", "/staff/<email>/handover", "admin",
    title="Give a colleague everything that is somebody's",
    about="Customers, firms, open conversations, orders they have claimed, open tasks, lists, rules of routing that "
    "name them, and whom they stand in for, in one act. Somebody who has customers can be deactivated only after it.",
    tag=TAG, answers={200: HandedOver}, problems=(409,),
)  # fmt: skip
def hand_over(act: Act, email: str, body: Handover) -> HandedOver:
    person = accounts.find(act.session, email)
    try:
        to = accounts.find(act.session, body.to)
    except NotFound as error:
        raise Refused({"to": str(error)}) from None
    held = handover.hand_over(act.session, act.runtime, act.staff, person.id, to.id)
    if body.deactivate:
        accounts.set_active(act.session, act.runtime, act.staff, person.id, False)
    return HandedOver.of(person.email, to.email, person.active, held)


def _info(table: Table) -> RulesInfo:
    lines = [
        RuleInfo.model_validate({**asdict(routing_rules.asked(line)), "never": line.never}) for line in table.lines
    ]
    return RulesInfo(rules=lines, defaults=table.are_defaults)
