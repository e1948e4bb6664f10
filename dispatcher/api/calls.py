"""The table of calls: method, address, who may, what goes in, what comes out. Routes and OpenAPI are made from it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel
from sqlalchemy.orm import Session

from dispatcher.api.bodies import CSV, JSON, MULTIPART, Files
from dispatcher.model import ROLES, Staff
from dispatcher.runtime import Runtime

PREFIX = "/api/v1"
Function = TypeVar("Function", bound=Callable[..., Any])
EVERYBODY = frozenset(ROLES)

__all__ = ["CALLS", "CSV", "EVERYBODY", "JSON", "MULTIPART", "PREFIX", "Act", "Answer", "Call", "call"]


@dataclass(frozen=True, slots=True)
class Act:
    """What every call is given: the request's session, the runtime, and who asks. `files` came by multipart."""

    session: Session
    runtime: Runtime
    staff: Staff
    files: Files


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose status is not the first one that the call declares."""

    status: int
    body: BaseModel | None = None


@dataclass(frozen=True)
class Call:
    """One call of the API.

    `rule` is Flask's, below PREFIX. `answers` names the model of each good status, the usual one first; None is an
    answer without a body, a text a media type. `problems` are statuses beyond those that every call may have.
    `trial` calls also run when fields have the wrong shape, without effect, so that the use case can say what else
    is wrong. `location` is the address of what a 201 made, with the names of its body's fields.
    """

    method: str
    rule: str
    function: Callable[..., Any]
    roles: frozenset[str]
    title: str
    about: str
    tag: str
    answers: Mapping[int, type[BaseModel] | str | None]
    kinds: tuple[str, ...] = ()  # media types of the body
    problems: tuple[int, ...] = ()
    trial: bool = False
    writes: bool = True
    location: str = ""
    uploads: Mapping[str, str] = field(default_factory=dict)  # files by multipart: name → what it is

    @property
    def name(self) -> str:
        """The operation's name, unique."""
        return self.function.__name__

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.function)

    @property
    def body(self) -> type[BaseModel] | None:
        """The model of the request's body."""
        return self._hints.get("body")

    @property
    def query(self) -> type[BaseModel] | None:
        """The model of the request's query."""
        return self._hints.get("query")

    @cached_property
    def path_names(self) -> tuple[str, ...]:
        """The parameters in the address, in the function's order."""
        given = ("act", "body", "query")
        return tuple(name for name in inspect.signature(self.function).parameters if name not in given)

    @property
    def safe(self) -> bool:
        """True for calls that change nothing and so need no Idempotency-Key."""
        return self.method == "GET"


CALLS: list[Call] = []


def call(
    method: str,
    rule: str,
    *roles: str,
    title: str,
    about: str = "",
    tag: str,
    answers: Mapping[int, type[BaseModel] | str | None],
    kinds: tuple[str, ...] | None = None,
    problems: tuple[int, ...] = (),
    trial: bool = False,
    writes: bool | None = None,
    location: str = "",
    uploads: Mapping[str, str] | None = None,
) -> Callable[[Function], Function]:
    """Put a function into the table; without roles it is for everybody who has one."""
    assert set(roles) <= EVERYBODY, f"unknown role among {roles}"

    def put(function: Function) -> Function:
        takes_body = "body" in inspect.signature(function).parameters
        CALLS.append(
            Call(
                method=method,
                rule=rule,
                function=function,
                roles=frozenset(roles) or EVERYBODY,
                title=title,
                about=about,
                tag=tag,
                answers=answers,
                kinds=kinds if kinds is not None else ((JSON,) if takes_body else ()),
                problems=problems,
                trial=trial,
                writes=method != "GET" if writes is None else writes,
                location=location,
                uploads=dict(uploads or {}),
            )
        )
        return function

    return put
