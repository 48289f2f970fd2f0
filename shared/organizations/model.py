import json
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.ids import new_id
from shared.core.orm import Base, one_of
from shared.organizations import settings


class Plan(StrEnum):
    """What a company pays us for."""

    FREE = "free"
    PRO = "pro"


class Organization(Base):
    """One company. Row-level security compares its `id` with the transaction's organization. `version` counts the
    changes of its settings."""

    __tablename__ = "organizations"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9](-?[a-z0-9]){1,49}$'", name="slug"),
        CheckConstraint("currency ~ '^[a-z]{3}$'", name="currency"),
        CheckConstraint("brand_color ~ '^#[0-9a-f]{6}$'", name="brand_color"),
        one_of("plan", Plan),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    timezone: Mapped[str]
    currency: Mapped[str]
    created_at: Mapped[datetime]
    locale: Mapped[str] = mapped_column(server_default=settings.LOCALE)
    business_hours: Mapped[dict[str, Any]] = mapped_column(server_default=json.dumps(settings.BUSINESS_HOURS))
    deposit_policy: Mapped[dict[str, Any]] = mapped_column(server_default=json.dumps(settings.DEPOSIT_POLICY))
    cancellation_policy: Mapped[dict[str, Any]] = mapped_column(server_default=json.dumps(settings.CANCELLATION_POLICY))
    reminder_policy: Mapped[dict[str, Any]] = mapped_column(server_default=json.dumps(settings.REMINDER_POLICY))
    scheduling_policy: Mapped[dict[str, Any]] = mapped_column(server_default=json.dumps(settings.SCHEDULING_POLICY))
    retention_policy: Mapped[dict[str, Any]] = mapped_column(server_default=json.dumps(settings.RETENTION_POLICY))
    portal_origins: Mapped[list[str]] = mapped_column(server_default="[]")
    tax_rates: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]")
    contact_email: Mapped[str | None]
    contact_address: Mapped[str] = mapped_column(server_default="")
    mail_sender_name: Mapped[str | None]
    brand_color: Mapped[str | None]
    require_mfa: Mapped[bool] = mapped_column(server_default=false())
    version: Mapped[int] = mapped_column(server_default="1")
    plan: Mapped[str] = mapped_column(server_default=Plan.FREE)
