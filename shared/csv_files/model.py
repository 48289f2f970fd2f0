from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, false, text
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


UNFINISHED = (CsvFileState.QUEUED, CsvFileState.WRITING)


class CsvFile(TenantRow, Owed, Base):
    """A table that somebody asked for as a file. `filters` are those of the list, in JSON; `with_clients` says whether
    whoever asked may read clients, and so whether the file names them. It is written up to the row `last_id`; `bytes`
    is the size of what is kept, which is compressed, `plain_bytes` and `crc32` are of what that says."""

    __tablename__ = "csv_files"
    __table_args__ = (
        of_organization(),
        Index("ix_csv_files_due", "next_attempt_at", postgresql_where=text("state IN ('queued', 'writing', 'ready')")),
        one_of("kind", CsvKind),
        one_of("state", CsvFileState),
    )

    kind: Mapped[str]
    filters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    with_clients: Mapped[bool] = mapped_column(default=False, server_default=false())
    requested_by: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(default=CsvFileState.QUEUED)
    rows: Mapped[int] = mapped_column(default=0)
    total_rows: Mapped[int | None]
    last_id: Mapped[UUID | None]
    bytes: Mapped[int] = mapped_column(default=0)
    plain_bytes: Mapped[int] = mapped_column(default=0, server_default="0")
    crc32: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class CsvFilePart(Base):
    """The `number`th piece of a file, from 0: see `packing.py`."""

    __tablename__ = "csv_file_parts"
    __table_args__ = (child_of("csv_files", "csv_file_id", ondelete="CASCADE"),)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    csv_file_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
