from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, of_organization, one_of
from shared.core.outbox import Owed


class MessageKind(StrEnum):
    """Each kind has a template of the same name."""

    REQUEST_RECEIVED = "request_received"
    ORDER_PENDING = "order_pending"
    ORDER_CONFIRMED = "order_confirmed"
    ORDER_RESCHEDULED = "order_rescheduled"
    ORDER_REMINDER = "order_reminder"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_COMPLETED = "order_completed"
    INVOICE = "invoice"
    INVOICE_OVERDUE = "invoice_overdue"
    RECEIPT = "receipt"
    PAYMENT_FAILED = "payment_failed"
    REFUND = "refund"
    MAGIC_LINK = "magic_link"
    ACCOUNT_CREATED = "account_created"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a kind of mail
    PLAN_NOTICE = "plan_notice"
    OPERATOR_ALERT = "operator_alert"


OPTIONAL = frozenset({MessageKind.ORDER_REMINDER})
"""What people can unsubscribe from; everything else is about something that they have begun themselves."""

SEALED_PASSWORD = "sealed_temp_password"  # noqa: S105 - the name of a variable
"""A variable that is unsealed when the mail is rendered, and forgotten once the mail is sent or dead."""
PASSWORD_GONE = "temp_password_gone"  # noqa: S105 - the name of a variable
"""What is left in its place: that there was one, so that nobody sends the mail again without it."""


class MessageState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    RETRYING = "retrying"
    SENT = "sent"
    DEAD = "dead"
    SUPPRESSED = "suppressed"


FINISHED = {MessageState.SENT, MessageState.DEAD, MessageState.SUPPRESSED}
UNFINISHED = {MessageState.QUEUED, MessageState.SENDING, MessageState.RETRYING}


class Delivery(StrEnum):
    """What the provider has told of a mail after it took it. Only SendGrid tells."""

    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    DROPPED = "dropped"
    COMPLAINED = "complained"


class Message(TenantRow, Owed, Base):
    """One mail to one recipient. `variables` is what its template needs, `dedupe_key` says which mail this is, and
    `resource_id` what it is about, such as an order.

    `locale` is the language that it is written in (None: the organization's), `not_after` the moment from which it
    would be of no use, `provider_id` what the server that took it calls it, and `delivery` what became of it then.
    """

    __tablename__ = "messages"
    __table_args__ = (
        of_organization(),
        UniqueConstraint("org_id", "dedupe_key"),
        Index("ix_messages_resource", "org_id", "resource_id", "id"),
        Index("ix_messages_state", "org_id", "state", "id"),
        Index("ix_messages_recipient", "org_id", func.lower(text("recipient")), "id"),
        Index(
            "ix_messages_due", "next_attempt_at", postgresql_where=text("state IN ('queued', 'sending', 'retrying')")
        ),
        Index("ix_messages_dead", "kind", "created_at", postgresql_where=text("state = 'dead'")),
        Index(
            "ix_messages_said",
            "org_id",
            "created_at",
            "id",
            postgresql_where=text(
                "state IN ('sent', 'dead', 'suppressed') AND (variables <> '{}'::jsonb OR delivery_detail IS NOT NULL"
                " OR (last_error IS NOT NULL AND state <> 'suppressed'))"
            ),
        ),
        one_of("kind", MessageKind),
        one_of("state", MessageState),
        one_of("delivery", Delivery),
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
    locale: Mapped[str | None]
    not_after: Mapped[datetime | None]
    provider_id: Mapped[str | None]
    delivery: Mapped[str | None]
    delivery_at: Mapped[datetime | None]
    delivery_detail: Mapped[str | None]


class SuppressionReason(StrEnum):
    """Why an address gets no mail: it does not exist; or whoever reads it wants no `OPTIONAL` mail, and has said so on
    our page, or by the button for spam in their mail program."""

    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"


class Suppression(TenantRow, Base):
    """An address that an organization no longer writes to. `email` is in lower case; `detail` is what the other server
    said."""

    __tablename__ = "mail_suppressions"
    __table_args__ = (
        of_organization(),
        UniqueConstraint("org_id", "email", "reason"),
        one_of("reason", SuppressionReason),
    )

    email: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str | None]
    created_at: Mapped[datetime]
