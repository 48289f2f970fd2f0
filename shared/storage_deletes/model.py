from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, of_organization, one_of
from shared.core.outbox import Owed


class DeleteState(StrEnum):
    WAITING = "waiting"
    DELETING = "deleting"
    STUCK = "stuck"


class StorageDelete(TenantRow, Owed, Base):
    """One object that is to go. `owner_id` is what it belonged to, such as a photo; `held_bytes` are given back to the
    organization's quota when the object is gone."""

    __tablename__ = "storage_deletes"
    __table_args__ = (
        of_organization(),
        UniqueConstraint("org_id", "backend", "storage_key", name="uq_storage_deletes_object"),
        Index("ix_storage_deletes_owner", "org_id", "owner_id"),
        Index("ix_storage_deletes_due", "next_attempt_at", postgresql_where=text("state <> 'stuck'")),
        one_of("state", DeleteState),
        CheckConstraint("held_bytes >= 0", name="held_bytes"),
    )

    owner_id: Mapped[UUID]
    backend: Mapped[str]
    storage_key: Mapped[str]
    held_bytes: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(default=DeleteState.WAITING)
    created_at: Mapped[datetime]
