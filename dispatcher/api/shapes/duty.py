"""Shapes of the roster and of absences."""

from __future__ import annotations

from datetime import datetime

from pydantic import ConfigDict, Field

from dispatcher.api.shapes.common import EXAMPLE_TIME, Given, GivenTime, PageQuery, Text, Told, example


class DutyQuery(PageQuery):
    """Which times on duty."""

    officer: Text | None = Field(None, max_length=320, description="Mail address of an officer.")


class NewDuty(Given):
    """A time in which an officer is on duty."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"officer": "officer@bank.example", "begins_at": EXAMPLE_TIME, "ends_at": "2030-01-31T17:30:00Z"}
            ]
        },
    )

    officer: Text = Field(max_length=320, description="Mail address.")
    begins_at: GivenTime
    ends_at: GivenTime


class DutyInfo(Told):
    """A time in which an officer is on duty. Times of one officer that touch are one."""

    model_config = example(id=5, officer="officer@bank.example", begins_at=EXAMPLE_TIME, ends_at="2030-01-31T17:30:00Z")

    id: int
    officer: str
    begins_at: datetime
    ends_at: datetime


class Absence(Given):
    """Until when somebody is away, and who stands in."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"until": EXAMPLE_TIME, "cover": "other@bank.example"}]}
    )

    until: GivenTime | None = Field(description="null: here.")
    cover: Text | None = Field(None, max_length=320, description="Mail address of a colleague with one of their roles.")


class AbsenceInfo(Told):
    """Until when somebody is away, and who stands in."""

    model_config = example(email="officer@bank.example", until=EXAMPLE_TIME, cover="other@bank.example")

    email: str
    until: datetime | None
    cover: str | None
