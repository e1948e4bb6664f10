"""What every table shares: the declarative base, identifiers, and times in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, MetaData, String, types
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite numbers rows by itself only for INTEGER; PostgreSQL should not run out at two thousand million.
BigId = BigInteger().with_variant(Integer, "sqlite")
# Addresses are compared byte by byte: by the rules of a language PostgreSQL takes many times as long.
Address = String(320).with_variant(String(320, collation="C"), "postgresql")
Json = JSON().with_variant(JSONB, "postgresql")
# None is no value at all, not the word null.
JsonOrNone = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Utc(types.TypeDecorator[datetime]):
    """A moment in UTC. Naive datetimes are refused; SQLite, which forgets zones, gives UTC back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime: Utc, dict[str, Any]: Json, list[Any]: Json, list[str]: Json}


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)
