"""Shapes of the rules by which answers are given to people, and of handing over what is somebody's."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonValue

from dispatcher.api.shapes.common import Given, Text, Told, example
from dispatcher.services.handover import Held
from dispatcher.services.routing_rules import KINDS, MOST_RULES

_COMPLAINTS: dict[str, JsonValue] = {"name": "Complaints", "kind": "complaint", "target": "compliance", "minutes": 15}
_ALL = {"urgency": "", "topic": "", "asks_analyst": False, "person": ""}


class GivenRule(Given):
    """One rule: the first that fits an answer decides who gets it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_COMPLAINTS]})

    name: Text = Field(description="By which each decision is explained.")
    kind: Text = Field("", description="Of the answer; empty: any.", json_schema_extra={"enum": ["", *KINDS]})
    urgency: Text = Field(
        "", description="Of the alert; empty: any.", json_schema_extra={"enum": ["", "normal", "urgent"]}
    )
    topic: Text = Field("", description="Of the alert; empty: any.")
    asks_analyst: bool = Field(False, description="Only where the customer's own words ask for the analyst.")
    target: Text = Field(
        description="`rep`: the customer's, else the firm's, else the desk. `desk`: the administrators.",
        json_schema_extra={"enum": ["rep", "analyst", "compliance", "desk", "person"]},
    )
    person: Text = Field("", description="Mail address, of the target `person` only.")
    minutes: int = Field(30, description="In which it is to be claimed, 1 to 1440; then it is passed on.")


class GivenRules(Given):
    """The whole table, in its order."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"rules": [_COMPLAINTS]}]})

    rules: list[GivenRule] = Field(
        description=f"At most {MOST_RULES}. None: those that the product came with hold again."
    )


class RuleInfo(Told):
    """One rule as it stands."""

    model_config = example(**{**_COMPLAINTS, **_ALL, "never": ""})

    name: str
    kind: str
    urgency: str
    topic: str
    asks_analyst: bool
    target: Literal["rep", "analyst", "compliance", "desk", "person"]
    person: str
    minutes: int
    never: str = Field(description="Why it decides nothing; empty for a rule that does.")


class RulesInfo(Told):
    """The table, in its order."""

    rules: list[RuleInfo]
    defaults: bool = Field(description="Whether these are those that the product came with.")


class Handover(Given):
    """To whom everything goes."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"to": "colleague@bank.example", "deactivate": False}]}
    )

    to: Text = Field(max_length=320, description="Mail address of a colleague.")
    deactivate: bool = Field(False, description="They leave: also end their sessions and tokens.")


class HandedOver(Told):
    """How much went from one to the other."""

    model_config = example(
        email="rep@bank.example", to="colleague@bank.example", active=True,
        customers=120, firms=4, conversations=3, orders=1, tasks=2, lists=0, rules=0, covers=1,
    )  # fmt: skip

    email: str
    to: str
    active: bool
    customers: int
    firms: int
    conversations: int = Field(description="Open and claimed ones.")
    orders: int = Field(description="Those they have claimed.")
    tasks: int
    lists: int = Field(description="They become the team's where the other may not keep them.")
    rules: int = Field(description="Rules of routing that named them.")
    covers: int = Field(description="Colleagues for whom they stood in.")

    @classmethod
    def of(cls, email: str, to: str, active: bool, held: Held) -> HandedOver:
        """The answer to a hand-over."""
        return cls(
            email=email, to=to, active=active, customers=held.customers, firms=held.firms,
            conversations=held.conversations, orders=held.orders, tasks=held.tasks, lists=held.lists,
            rules=held.rules, covers=held.covers,
        )  # fmt: skip
