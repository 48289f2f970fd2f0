from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, child_of, of_organization


class Team(TenantRow, Base):
    """People who go to an order together. `hours` is a week as in the organization's business hours, or None for those
    hours themselves; `postal_prefixes` says where the team works, and nothing means everywhere."""

    __tablename__ = "teams"
    __table_args__ = (of_organization(), UniqueConstraint("org_id", "name"))

    name: Mapped[str]
    hours: Mapped[dict[str, Any] | None]
    postal_prefixes: Mapped[list[str]]
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Worker(TenantRow, Base):
    """Somebody who goes to orders, with a team or without; `user_id` is their account, if they have one."""

    __tablename__ = "workers"
    __table_args__ = (
        of_organization(),
        child_of("teams", "team_id"),
        child_of("users", "user_id"),
        UniqueConstraint("org_id", "user_id"),
        Index("ix_workers_team", "org_id", "team_id"),
    )

    name: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    team_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Blackout(TenantRow, Base):
    """A time without work: of a team, of a worker, or with neither of the whole company."""

    __tablename__ = "blackouts"
    __table_args__ = (
        of_organization(),
        child_of("teams", "team_id"),
        child_of("workers", "worker_id"),
        Index("ix_blackouts_ends_at", "org_id", "ends_at", "id"),
        Index("ix_blackouts_team", "org_id", "team_id"),
        Index("ix_blackouts_worker", "org_id", "worker_id"),
        CheckConstraint("ends_at > starts_at", name="times"),
        CheckConstraint("num_nonnulls(team_id, worker_id) <= 1", name="whose"),
    )

    team_id: Mapped[UUID | None]
    worker_id: Mapped[UUID | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
