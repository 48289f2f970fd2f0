from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from shared.core.orm import Base, TenantRow, child_of


class ChecklistTemplate(TenantRow, Base):
    """One version of what has to be done for a service. Never changed: the highest `version` is the one in force. An
    item is `{"text", "required"}`."""

    __tablename__ = "checklist_templates"
    __table_args__ = (child_of("services", "service_id"), UniqueConstraint("org_id", "service_id", "version"))

    service_id: Mapped[UUID]
    version: Mapped[int]
    items: Mapped[list[dict[str, Any]]]
    created_at: Mapped[datetime]


class ChecklistItem(TenantRow, Base):
    """One thing to do at one order, copied from a template when the order was confirmed."""

    __tablename__ = "checklist_items"
    __table_args__ = (
        child_of("orders", "order_id"),
        child_of("checklist_templates", "template_id"),
        UniqueConstraint("org_id", "order_id", "position"),
        Index("ix_checklist_items_template", "org_id", "template_id"),
        CheckConstraint("position >= 0", name="position"),
    )

    order_id: Mapped[UUID]
    template_id: Mapped[UUID]
    position: Mapped[int]
    text: Mapped[str]
    required: Mapped[bool]
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None]
