from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, child_of, of_organization, one_of
from shared.core.outbox import Owed


class Client(TenantRow, Base):
    """A person or company that orders work. At least one of `email` and `phone` (E.164) is there until it is erased or
    merged into another, and each belongs to one client of the organization. While `legal_hold_at` is set, nothing that
    is held on them is removed."""

    __tablename__ = "clients"
    __table_args__ = (
        of_organization(),
        child_of("clients", "merged_into_id"),
        Index("uq_clients_org_id_email", "org_id", text("lower(email)"), unique=True),
        Index("uq_clients_org_id_phone", "org_id", "phone", unique=True),
        Index("ix_clients_legal_hold", "org_id", postgresql_where=text("legal_hold_at IS NOT NULL")),
        Index(
            "ix_clients_merged_into", "org_id", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")
        ),
        CheckConstraint(
            "email IS NOT NULL OR phone IS NOT NULL OR merged_into_id IS NOT NULL OR erased_at IS NOT NULL",
            name="reachable",
        ),
    )

    name: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    notes: Mapped[str] = mapped_column(default="", server_default="")
    access_notes: Mapped[str] = mapped_column(default="", server_default="")
    marketing_consent_at: Mapped[datetime | None]
    merged_into_id: Mapped[UUID | None]
    erased_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    legal_hold_at: Mapped[datetime | None]


class ClientTerm(Base):
    """A word of a client's name, address or phone, folded: what a search looks for by its beginning.

    A table of its own, because row-level security keeps text operators that are not leakproof (LIKE, `@@`) off an
    index, and comparing words is leakproof. Words are compared by code point, so that a beginning is a range.
    """

    __tablename__ = "client_terms"
    __table_args__ = (
        child_of("clients", "client_id", ondelete="CASCADE"),
        Index("ix_client_terms_client", "org_id", "client_id"),
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    term: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    client_id: Mapped[UUID] = mapped_column(primary_key=True)


class ClientAddress(TenantRow, Base):
    """A place where a client wants work done."""

    __tablename__ = "client_addresses"
    __table_args__ = (
        child_of("clients", "client_id"),
        Index("ix_client_addresses_client", "org_id", "client_id", "id"),
    )

    client_id: Mapped[UUID]
    label: Mapped[str]
    address: Mapped[str]
    postal_code: Mapped[str]
    access_notes: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ClientExportState(StrEnum):
    QUEUED = "queued"
    COLLECTING = "collecting"
    READY = "ready"
    EXPIRED = "expired"
    DEAD = "dead"


class ClientExport(TenantRow, Owed, Base):
    """A copy of all that is held on a person (GDPR Art. 15), asked for by staff and collected by a job; `bundle` is
    forgotten at `expires_at`."""

    __tablename__ = "client_exports"
    __table_args__ = (
        child_of("clients", "client_id"),
        Index("ix_client_exports_client", "org_id", "client_id", "id"),
        Index(
            "ix_client_exports_due",
            "next_attempt_at",
            postgresql_where=text("state IN ('queued', 'collecting', 'ready')"),
        ),
        one_of("state", ClientExportState),
    )

    client_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(default=ClientExportState.QUEUED)
    bundle: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    created_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
