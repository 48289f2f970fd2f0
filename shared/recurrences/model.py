from datetime import date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, child_of, one_of


class Frequency(StrEnum):
    WEEKLY = "weekly"
    EVERY_TWO_WEEKS = "every_two_weeks"
    MONTHLY = "monthly"


class RecurrenceState(StrEnum):
    ACTIVE = "active"
    ENDED = "ended"


class OccurrenceState(StrEnum):
    PLACED = "placed"
    SKIPPED = "skipped"
    CONFLICT = "conflict"


class Recurrence(TenantRow, Base):
    """A rule by which orders are placed ahead of time. `starts_on` and `local_time` are on the organization's clocks:
    nine in the morning stays nine in the morning when the clocks change. `terms` is what each order takes over (title,
    address, lines, amounts, add-ons, notes). Orders exist up to
    `placed_until`, a day; at `next_place_at` a sweep asks for more of them."""

    __tablename__ = "recurrences"
    __table_args__ = (
        child_of("clients", "client_id"),
        child_of("services", "service_id"),
        child_of("teams", "team_id"),
        Index("ix_recurrences_client", "org_id", "client_id", "id"),
        Index("ix_recurrences_service", "org_id", "service_id"),
        Index("ix_recurrences_team", "org_id", "team_id"),
        Index("ix_recurrences_due", "next_place_at", postgresql_where=text("state = 'active'")),
        one_of("frequency", Frequency),
        one_of("state", RecurrenceState),
        CheckConstraint("planned_minutes > 0", name="minutes"),
        CheckConstraint("ends_on >= starts_on", name="dates"),
    )

    client_id: Mapped[UUID]
    service_id: Mapped[UUID | None]
    team_id: Mapped[UUID | None]
    frequency: Mapped[str]
    starts_on: Mapped[date]
    local_time: Mapped[time]
    ends_on: Mapped[date | None]
    planned_minutes: Mapped[int]
    terms: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default=RecurrenceState.ACTIVE)
    placed_until: Mapped[date | None]
    next_place_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Occurrence(TenantRow, Base):
    """What became of one date of a recurrence: an order, a visit that is skipped, or a conflict that was reported.
    `on_date` is the date that the rule gives, also when the visit is moved to another time (`moved_to`)."""

    __tablename__ = "occurrences"
    __table_args__ = (
        child_of("recurrences", "recurrence_id"),
        child_of("orders", "order_id"),
        Index("uq_occurrences_on_date", "org_id", "recurrence_id", "on_date", unique=True),
        Index("ix_occurrences_order", "org_id", "order_id"),
        one_of("state", OccurrenceState),
    )

    recurrence_id: Mapped[UUID]
    on_date: Mapped[date]
    state: Mapped[str]
    moved_to: Mapped[datetime | None]
    order_id: Mapped[UUID | None]
    detail: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
