from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, of_organization


class AuditEntry(TenantRow, Base):
    """One change. `before` and `after` hold only the fields that changed."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        of_organization(),
        Index("ix_audit_entries_actor", "org_id", "actor_id", "id"),
        Index("ix_audit_entries_action", "org_id", "action", "id"),
        Index("ix_audit_entries_feature", "org_id", "resource", "id"),
        Index("ix_audit_entries_row", "org_id", "resource_id", "id"),
    )

    actor_id: Mapped[UUID | None]
    actor_label: Mapped[str]
    action: Mapped[str]
    resource: Mapped[str]
    resource_id: Mapped[UUID]
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(default=dict)
    request_id: Mapped[str | None]
    address: Mapped[str | None]
    created_at: Mapped[datetime]
