from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, of_organization, one_of
from shared.core.outbox import Owed


class ExportState(StrEnum):
    PENDING = "pending"
    DELIVERING = "delivering"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    DEAD = "dead"


class Export(TenantRow, Owed, Base):
    """One event for the outside: `event` is named `order.created`, `resource_id` the row that it is about."""

    __tablename__ = "exports"
    __table_args__ = (
        of_organization(),
        Index(
            "ix_exports_due", "next_attempt_at", postgresql_where=text("state IN ('pending', 'delivering', 'retrying')")
        ),
        Index("ix_exports_resource", "org_id", "resource_id", "id"),
        one_of("state", ExportState),
    )

    event: Mapped[str]
    resource_id: Mapped[UUID]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default=ExportState.PENDING)
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
