from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, child_of, of_organization, one_of
from shared.core.outbox import Owed


class CsvKind(StrEnum):
    """What there is as a table."""

    ORDERS = "orders"
    PAYMENTS = "payments"


class CsvFileState(StrEnum):
    QUEUED = "queued"
    WRITING = "writing"
    READY = "ready"
    EXPIRED = "expired"
    DEAD = "dead"


class CsvFile(TenantRow, Owed, Base):
    """A table that somebody asked for as a file. `filters` are those of the list, in JSON; `bytes` is the size of what
    is kept, which is compressed."""

    __tablename__ = "csv_files"
    __table_args__ = (
        of_organization(),
        Index("ix_csv_files_due", "next_attempt_at", postgresql_where=text("state IN ('queued', 'writing', 'ready')")),
        one_of("kind", CsvKind),
        one_of("state", CsvFileState),
    )

    kind: Mapped[str]
    filters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    requested_by: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(default=CsvFileState.QUEUED)
    rows: Mapped[int] = mapped_column(default=0)
    total_rows: Mapped[int | None]
    bytes: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class CsvFilePart(Base):
    """The `number`th piece of a file, from 0: a gzip member."""

    __tablename__ = "csv_file_parts"
    __table_args__ = (child_of("csv_files", "csv_file_id", ondelete="CASCADE"),)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    csv_file_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
