"""What is wrong with a field, in words for people: pydantic's error types become sentences of ours."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_TEXTS = {
    "missing": "is missing",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "none_required": "must be null: send a file by multipart/form-data",
    "string_too_short": "is too short: at least {min_length} characters",
    "string_too_long": "is too long: at most {max_length} characters",
    "too_short": "has too few entries: at least {min_length}",
    "too_long": "has too many entries: at most {max_length}",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "datetime_type": "must be a time such as 2030-01-31T09:30:00Z",
    "datetime_parsing": "must be a time such as 2030-01-31T09:30:00Z",
    "datetime_from_date_parsing": "must be a time such as 2030-01-31T09:30:00Z",
    "datetime_object_invalid": "must be a time such as 2030-01-31T09:30:00Z",
    "timezone_aware": "needs a time zone, e.g. 2030-01-31T09:30:00Z",
}


def wrong_fields(error: ValidationError, model: type[BaseModel]) -> dict[str, str]:
    """What is wrong by field; a field in a list is named as `lists[2]`. The first fault of a field counts."""
    found: dict[str, str] = {}
    for one in error.errors(include_url=False, include_input=False):
        found.setdefault(_place(one["loc"]), _text(one, model))
    return found


def _place(location: tuple[int | str, ...]) -> str:
    name = ""
    for step in location:
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else str(step)
    return name or "body"


def _text(one: ErrorDetails, model: type[BaseModel]) -> str:
    kind, context = one["type"], dict(one.get("ctx") or {})
    if kind == "extra_forbidden":
        return _unknown(str(one["loc"][-1]), model)
    if kind in _TEXTS:
        return _TEXTS[kind].format(**{name: _plain(value) for name, value in context.items()})
    text = one["msg"].removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _plain(value: Any) -> str:
    """pydantic writes its lists as `'a', 'b' or 'c'`."""
    return str(value).replace("'", "")


def _unknown(name: str, model: type[BaseModel]) -> str:
    close = difflib.get_close_matches(name, model.model_fields, n=1)
    return "is not a field of this call" + (f"; did you mean {close[0]}?" if close else "")
