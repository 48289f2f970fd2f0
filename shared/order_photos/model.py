from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, child_of, of_organization, one_of
from shared.core.outbox import Owed


class PhotoState(StrEnum):
    UPLOADING = "uploading"
    UPLOADED = "uploaded"
    PROCESSING = "processing"
    STORED = "stored"
    REJECTED = "rejected"


ATTACHED = (PhotoState.UPLOADED, PhotoState.PROCESSING, PhotoState.STORED)
"""States of a photo that belongs to its order."""
SHOWN = (*ATTACHED, PhotoState.REJECTED)
"""States in which a photo is shown at all: a rejected one tells for a day why."""


class PhotoPhase(StrEnum):
    """When in the work the photo was taken."""

    BEFORE = "before"
    AFTER = "after"
    ISSUE = "issue"


class OrderPhoto(TenantRow, Owed, Base):
    """One photo. `backend` and the keys say where its objects are, whatever the settings say now: `upload_key` the file
    as it came, until it is processed; `storage_key` and `thumbnail_key` what is kept (no thumbnail where the storage
    makes them itself).

    `mime` and `size` (bytes) are of what is kept, until then of the upload; `sha256` is of the upload, `kept_sha256` of
    what is kept. `held_bytes` is what the quota counts. `rejection` is the code of why it was rejected. `move_to` is
    the backend it is on its way to. `next_attempt_at` is when the sweep acts, whatever the state.
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
            postgresql_where=text("state IN ('uploaded', 'processing', 'stored')"),
        ),
        Index("ix_order_photos_created_at", "org_id", "created_at", "id"),
        Index("ix_order_photos_due", "next_attempt_at", postgresql_where=text("next_attempt_at IS NOT NULL")),
        one_of("state", PhotoState),
        one_of("phase", PhotoPhase),
        CheckConstraint("size > 0", name="size"),
    )

    order_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(default=PhotoState.UPLOADING)
    phase: Mapped[str]
    caption: Mapped[str]
    consent_override: Mapped[str | None]
    mime: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    kept_sha256: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    taken_at: Mapped[datetime | None]
    backend: Mapped[str]
    upload_key: Mapped[str | None]
    storage_key: Mapped[str | None]
    thumbnail_key: Mapped[str | None]
    held_bytes: Mapped[int] = mapped_column(default=0, server_default="0")
    rejection: Mapped[str | None]
    move_to: Mapped[str | None]
    created_at: Mapped[datetime]


class PhotoUsage(Base):
    """What an organization's photos take at one backend, in bytes, from the reservation until their objects are gone.
    The sum over all backends is held against the quota."""

    __tablename__ = "photo_usage"
    __table_args__ = (of_organization(),)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    backend: Mapped[str] = mapped_column(primary_key=True)
    bytes: Mapped[int]
