from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, child_of, one_of
from shared.time_entries.states import TimeEntryState


class TimeEntry(TenantRow, Base):
    """One worker at one order, once. A worker has one running entry at most, and at one order one that is not
    finished."""

    __tablename__ = "time_entries"
    __table_args__ = (
        child_of("orders", "order_id"),
        child_of("workers", "worker_id"),
        Index("ix_time_entries_order", "org_id", "order_id", "id"),
        Index("ix_time_entries_worker", "org_id", "worker_id", "id"),
        Index(
            "uq_time_entries_running", "org_id", "worker_id", unique=True, postgresql_where=text("state = 'running'")
        ),
        Index(
            "uq_time_entries_open",
            "org_id",
            "order_id",
            "worker_id",
            unique=True,
            postgresql_where=text("state <> 'finished'"),
        ),
        one_of("state", TimeEntryState),
    )

    order_id: Mapped[UUID]
    worker_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(default=TimeEntryState.RUNNING)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    overrun_reason: Mapped[str | None]


class TimeSegment(TenantRow, Base):
    """A stretch of work without a pause; the one without an end is running."""

    __tablename__ = "time_segments"
    __table_args__ = (
        child_of("time_entries", "time_entry_id"),
        Index("ix_time_segments_entry", "org_id", "time_entry_id", "id"),
        Index(
            "uq_time_segments_running",
            "org_id",
            "time_entry_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        CheckConstraint("ended_at >= started_at", name="times"),
    )

    time_entry_id: Mapped[UUID]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
