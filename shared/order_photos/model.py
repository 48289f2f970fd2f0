from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, child_of, one_of
from shared.core.outbox import Owed


class PhotoState(StrEnum):
    UPLOADING = "uploading"
    STORED = "stored"
    DELETING = "deleting"
    PURGING = "purging"
    STUCK = "stuck"


class PhotoPhase(StrEnum):
    """When in the work the photo was taken."""

    BEFORE = "before"
    AFTER = "after"
    ISSUE = "issue"


class OrderPhoto(TenantRow, Owed, Base):
    """One photo. `backend` and `storage_key` say where its object is, whatever the settings say now; `size` is bytes,
    `sha256` is of the file as it was uploaded. In all states but `stored`, `next_attempt_at` is when the sweep acts.
    """

    __tablename__ = "order_photos"
    __table_args__ = (
        child_of("orders", "order_id"),
        Index("ix_order_photos_order", "org_id", "order_id", "id"),
        Index(
            "uq_order_photos_content",
            "org_id",
            "order_id",
            "sha256",
            unique=True,
            postgresql_where=text("state = 'stored'"),
        ),
        Index(
            "ix_order_photos_due",
            "next_attempt_at",
            postgresql_where=text("state IN ('uploading', 'deleting', 'purging')"),
        ),
        one_of("state", PhotoState),
        one_of("phase", PhotoPhase),
        CheckConstraint("size > 0", name="size"),
    )

    order_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(default=PhotoState.UPLOADING)
    phase: Mapped[str]
    caption: Mapped[str]
    mime: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    backend: Mapped[str]
    storage_key: Mapped[str]
    created_at: Mapped[datetime]
