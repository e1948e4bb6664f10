"""What all shapes share: text without NUL, times with their zone, pages of a list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

T = TypeVar("T")


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


def _written_out(value: Any) -> Any:
    """A number is not taken for a time: nobody could see which year was meant."""
    if isinstance(value, (int, float)) or (isinstance(value, str) and "-" not in value):
        raise PydanticCustomError("datetime_type", "must be a time")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("datetime_parsing", "must be a time") from None


Text = Annotated[str, AfterValidator(_without_nul)]
Key = Annotated[Text, Field(min_length=1, max_length=100)]
Digest = Annotated[Text, Field(min_length=64, max_length=64, pattern="^[0-9a-f]{64}$")]
GivenTime = Annotated[
    AwareDatetime,
    BeforeValidator(_written_out),
    AfterValidator(_in_utc),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
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
