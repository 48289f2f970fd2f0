from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, of_organization, one_of
from shared.core.outbox import Owed


class MessageKind(StrEnum):
    """Each kind has templates of the same name."""

    REQUEST_RECEIVED = "request_received"
    ORDER_PENDING = "order_pending"
    ORDER_CONFIRMED = "order_confirmed"
    ORDER_RESCHEDULED = "order_rescheduled"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_COMPLETED = "order_completed"
    ACCOUNT_CREATED = "account_created"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a kind of mail


SEALED_PASSWORD = "sealed_temp_password"  # noqa: S105 - the name of a variable
"""A variable that is unsealed when the mail is rendered, and forgotten once the mail is sent or dead."""


class MessageState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    RETRYING = "retrying"
    SENT = "sent"
    DEAD = "dead"


FINISHED = {MessageState.SENT, MessageState.DEAD}
UNFINISHED = {MessageState.QUEUED, MessageState.SENDING, MessageState.RETRYING}


class Message(TenantRow, Owed, Base):
    """One mail to one recipient. `variables` is what its template needs, `dedupe_key` says which mail this is, and
    `resource_id` what it is about, such as an order."""

    __tablename__ = "messages"
    __table_args__ = (
        of_organization(),
        UniqueConstraint("org_id", "dedupe_key"),
        Index("ix_messages_resource", "org_id", "resource_id", "id"),
        Index(
            "ix_messages_due", "next_attempt_at", postgresql_where=text("state IN ('queued', 'sending', 'retrying')")
        ),
        one_of("kind", MessageKind),
        one_of("state", MessageState),
    )

    kind: Mapped[str]
    recipient: Mapped[str]
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict)
    dedupe_key: Mapped[str]
    resource_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(default=MessageState.QUEUED)
    request_id: Mapped[str | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
