from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, false, func, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.ids import new_id
from shared.core.orm import Base, one_of


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"


OPEN = (RunState.QUEUED, RunState.RUNNING)


class Trigger(StrEnum):
    """Who asked for a run."""

    BEAT = "beat"
    STAFF = "staff"
    COMMAND = "command"


class JobRun(Base):
    """One run of a job over one organization, or over the whole installation (`org_id` is NULL: no tenant sees it).

    `slot_at` is the slot that it has claimed; NULL for a dry run, and for one that was asked for something of its own
    (`asked`). `counts` is what it has done so far, `details` what it found that is no number. A running one that has
    not renewed its lease has lost its worker. `covered_by` is the run of the whole installation that did its work.
    """

    __tablename__ = "job_runs"
    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organizations.id"]),
        Index(
            "uq_job_runs_slot",
            "org_id",
            "job",
            "slot_at",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("slot_at IS NOT NULL AND state NOT IN ('failed', 'lost')"),
        ),
        Index(
            "uq_job_runs_open",
            "org_id",
            "job",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("slot_at IS NOT NULL AND state IN ('queued', 'running')"),
        ),
        Index("ix_job_runs_job", "org_id", "job", "id"),
        Index(
            "ix_job_runs_succeeded",
            "org_id",
            "job",
            "id",
            postgresql_where=text("slot_at IS NOT NULL AND state = 'succeeded'"),
        ),
        Index("ix_job_runs_open", "state", "created_at", postgresql_where=text("state IN ('queued', 'running')")),
        Index("ix_job_runs_created_at", "created_at"),
        one_of("state", RunState),
        one_of("trigger", Trigger),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    org_id: Mapped[UUID | None]
    job: Mapped[str]
    trigger: Mapped[str] = mapped_column(default=Trigger.BEAT, server_default=Trigger.BEAT)
    requested_by: Mapped[str | None]
    dry_run: Mapped[bool] = mapped_column(default=False, server_default=false())
    asked: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    slot_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(default=RunState.QUEUED)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    error: Mapped[str | None]
    covered_by: Mapped[UUID | None]
