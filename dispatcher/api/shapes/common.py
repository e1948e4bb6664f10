"""What all shapes share: text without NUL, times with their zone, pages of a list."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

T = TypeVar("T")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)?")


class Given(BaseModel):
    """What a caller sends. A misspelled field is refused: `relese_at` would otherwise release at once."""

    model_config = ConfigDict(extra="forbid")


class Told(BaseModel):
    """What we answer."""


class Page(Told, Generic[T]):
    """One page of a list; `next_cursor` asks for the next one, null at the end."""

    items: list[T]
    next_cursor: str | None


def _without_nul(text: str) -> str:
    # PostgreSQL has no place for it, and nobody means it.
    if "\x00" in text:
        raise PydanticCustomError("nul", "holds a NUL character: remove it")
    return text


def _moment(value: Any) -> datetime:
    """A time as RFC 3339 writes it, in UTC. A number is none: nobody could see which year was meant."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise PydanticCustomError("datetime_parsing", "must be a time")
    try:
        moment = datetime.fromisoformat(value.upper())
        if moment.tzinfo is None:
            raise PydanticCustomError("timezone_aware", "needs a time zone")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("datetime_parsing", "must be a time") from None


Text = Annotated[str, AfterValidator(_without_nul)]
Key = Annotated[Text, Field(min_length=1, max_length=100)]
Digest = Annotated[Text, Field(min_length=64, max_length=64, pattern="^[0-9a-f]{64}$")]
GivenTime = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
RowNumber = Annotated[int, Field(ge=1, le=10**18 - 1)]


class PageQuery(Given):
    """How much of a list, and from where."""

    limit: int = Field(50, ge=1, le=500, description="How many at most.")
    cursor: Text | None = Field(None, max_length=100, description="`next_cursor` of the page before.")


EXAMPLE_TIME = "2030-01-31T09:30:00Z"
EXAMPLE_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def example(**fields: Any) -> ConfigDict:
    """The configuration of a shape that shows one example of itself."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


def no_example() -> ConfigDict:
    """For a shape that grew out of another one: that one's example is not one of it."""
    return ConfigDict(json_schema_extra={})
