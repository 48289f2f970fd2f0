"""Base of the mapped classes: naming of constraints, column types, the tenant's composite key."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Connection,
    DateTime,
    ForeignKeyConstraint,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    Uuid,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from shared.core.ids import new_id

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


Reader = Session | Connection
"""What a function that only reads needs: rows come out of both."""


class Base(DeclarativeBase):
    """Text is `TEXT`, integers `BIGINT`, times `timestamptz`, dictionaries and lists `jsonb`."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: BigInteger(),
        datetime: DateTime(timezone=True),
        UUID: Uuid(),
        dict[str, Any]: JSONB(none_as_null=True),
        list[dict[str, Any]]: JSONB(none_as_null=True),
        list[str]: JSONB(none_as_null=True),
    }


def table_of(model: type[Base]) -> Table:
    """The plain table of `model`, for statements that run often: they skip the ORM's work."""
    return cast(Table, model.__table__)


def asked_once(query: Select[Any]) -> Select[Any]:
    """`query`, for the `IN` of an UPDATE or a DELETE. Postgres may ask a plain subquery anew for each row of the table;
    with `LIMIT … SKIP LOCKED` it then finds, and locks, others each time, and the limit is none."""
    return select(query.cte("asked_once"))


def columns_of(row: Any) -> Mapping[str, Any]:
    """The columns of a row, or of a mapped object, by name: attributes of a row cost six times as much to read."""
    found = row._mapping if isinstance(row, Row) else vars(row)  # noqa: SLF001 - its public name
    return cast(Mapping[str, Any], found)


class TenantRow:
    """A row of one organization. The key is (org_id, id), so that a child's foreign key carries both and can never
    point into another organization, and every look-up starts with `org_id`."""

    org_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-2)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-1)


def of_organization() -> ForeignKeyConstraint:
    """The foreign key of a tenant table that is nobody's child; a child's composite key says it already."""
    return ForeignKeyConstraint(["org_id"], ["organizations.id"])


def child_of(table: str, column: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """The composite foreign key to a row of the same organization."""
    return ForeignKeyConstraint(["org_id", column], [f"{table}.org_id", f"{table}.id"], ondelete=ondelete)


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """An enum stored as text with a named CHECK: cheaper to extend than a Postgres enum type."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
