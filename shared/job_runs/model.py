from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.ids import new_id
from shared.core.orm import Base, one_of


class RunState(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"


class JobRun(Base):
    """One run of a scheduled job over the whole installation; no organization's data is in it.

    A running one that has not renewed its lease has lost its worker.
    """

    __tablename__ = "job_runs"
    __table_args__ = (
        UniqueConstraint("job", "slot_at"),
        Index("uq_job_runs_running", "job", unique=True, postgresql_where=text("state = 'running'")),
        one_of("state", RunState),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    job: Mapped[str]
    slot_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=RunState.RUNNING)
    started_at: Mapped[datetime]
    lease_until: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[str | None]
