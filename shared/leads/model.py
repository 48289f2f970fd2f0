from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, child_of, of_organization, one_of
from shared.leads.states import LeadState


class Lead(TenantRow, Base):
    """A request for work. `preferred_times` are what the person wrote, `inputs` what an estimate would need, `utm` and
    `referral_code` where they come from, `captcha` the verdict on them (`passed`, `off`, `staff`)."""

    __tablename__ = "leads"
    __table_args__ = (
        of_organization(),
        child_of("services", "service_id"),
        child_of("estimates", "estimate_id"),
        child_of("clients", "client_id"),
        Index("ix_leads_state", "org_id", "state", "id"),
        Index("ix_leads_service", "org_id", "service_id"),
        Index("ix_leads_estimate", "org_id", "estimate_id"),
        Index("ix_leads_client", "org_id", "client_id"),
        Index("ix_leads_over", "org_id", "updated_at", "id", postgresql_where=text("state <> 'won'")),
        one_of("state", LeadState),
        CheckConstraint("email IS NOT NULL OR phone IS NOT NULL OR erased_at IS NOT NULL", name="reachable"),
    )

    state: Mapped[str] = mapped_column(default=LeadState.NEW)
    name: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    address: Mapped[str] = mapped_column(default="")
    postal_code: Mapped[str] = mapped_column(default="")
    preferred_times: Mapped[str] = mapped_column(default="")
    notes: Mapped[str] = mapped_column(default="")
    service_id: Mapped[UUID | None]
    estimate_id: Mapped[UUID | None]
    inputs: Mapped[dict[str, Any]] = mapped_column(default=dict)
    utm: Mapped[dict[str, Any]] = mapped_column(default=dict)
    referral_code: Mapped[str | None]
    source: Mapped[str]
    captcha: Mapped[str]
    client_id: Mapped[UUID | None]
    lost_reason: Mapped[str | None]
    contacted_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
