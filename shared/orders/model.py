from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, false, text, true
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, child_of, of_organization, one_of
from shared.orders.states import OCCUPYING, OrderState

_OCCUPIES = f"state IN ({', '.join(repr(str(state)) for state in OCCUPYING)})"


class OrderSource(StrEnum):
    """Who placed an order."""

    STAFF = "staff"
    PUBLIC = "public"
    RECURRENCE = "recurrence"


class Order(TenantRow, Base):
    """Work for a client at a time and a place. Amounts are minor units of `currency`.

    The team's time is taken from `scheduled_start` to `blocked_until`: the end, and the buffer that was in force when
    the order was scheduled (None, in rows of an old release: no buffer). No two orders of a team that occupy time may
    overlap in it. `lines` is what the total is made of; an order that waits for its
    deposit is given up at `hold_until`.
    """

    __tablename__ = "orders"
    __table_args__ = (
        child_of("clients", "client_id"),
        child_of("services", "service_id"),
        child_of("estimates", "estimate_id"),
        child_of("teams", "team_id"),
        child_of("leads", "lead_id"),
        child_of("recurrences", "recurrence_id"),
        UniqueConstraint("org_id", "number"),
        Index("ix_orders_schedule", "org_id", "scheduled_start", "id"),
        Index("ix_orders_state", "org_id", "state", "scheduled_start", "id"),
        Index("ix_orders_client", "org_id", "client_id", "scheduled_start", "id"),
        Index("ix_orders_team", "org_id", "team_id", "scheduled_start", "id"),
        Index("ix_orders_unassigned", "org_id", "scheduled_start", "id", postgresql_where=text("team_id IS NULL")),
        Index("ix_orders_updated", "org_id", "updated_at"),
        Index("ix_orders_lead", "org_id", "lead_id", postgresql_where=text("lead_id IS NOT NULL")),
        Index("ix_orders_reminders", "scheduled_start", postgresql_where=text("state = 'confirmed'")),
        Index("ix_orders_hold", "hold_until", postgresql_where=text("state = 'pending' AND hold_until IS NOT NULL")),
        Index(
            "uq_orders_occurrence",
            "org_id",
            "recurrence_id",
            "occurrence_on",
            unique=True,
            postgresql_where=text("recurrence_id IS NOT NULL"),
        ),
        ExcludeConstraint(
            ("org_id", "="),
            ("team_id", "="),
            (text("tstzrange(scheduled_start, coalesce(blocked_until, scheduled_end))"), "&&"),
            name="ex_orders_team",
            using="gist",
            where=text(f"team_id IS NOT NULL AND {_OCCUPIES}"),
        ),
        one_of("state", OrderState),
        one_of("source", OrderSource),
        CheckConstraint("scheduled_end > scheduled_start", name="times"),
        CheckConstraint("blocked_until >= scheduled_end", name="blocked"),
        CheckConstraint("total_amount >= 0 AND paid_amount >= 0", name="amounts"),
        CheckConstraint(
            "deposit_amount >= 0 AND cancellation_fee_amount >= 0 AND refund_due_amount >= 0", name="deposit"
        ),
    )

    number: Mapped[int]
    client_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(default=OrderState.PENDING)
    title: Mapped[str]
    address: Mapped[str]
    notes: Mapped[str] = mapped_column(default="")
    scheduled_start: Mapped[datetime]
    scheduled_end: Mapped[datetime]
    total_amount: Mapped[int]
    paid_amount: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str]
    photo_consent: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    blocked_until: Mapped[datetime | None]
    source: Mapped[str] = mapped_column(server_default=OrderSource.STAFF)
    postal_code: Mapped[str] = mapped_column(server_default="")
    access_notes: Mapped[str] = mapped_column(server_default="")
    service_id: Mapped[UUID | None]
    is_heavy: Mapped[bool] = mapped_column(server_default=false())
    estimate_id: Mapped[UUID | None]
    team_id: Mapped[UUID | None]
    lead_id: Mapped[UUID | None]
    recurrence_id: Mapped[UUID | None]
    occurrence_on: Mapped[date | None]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]")
    deposit_amount: Mapped[int] = mapped_column(server_default="0")
    deposit_reasons: Mapped[list[str]] = mapped_column(server_default="[]")
    hold_until: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cancellation_fee_amount: Mapped[int] = mapped_column(server_default="0")
    refund_due_amount: Mapped[int] = mapped_column(server_default="0")


class OrderWorker(Base):
    """A worker who is sent to an order. The times and `occupies` follow the order's by a trigger of the database
    (`order_workers_follow`), so that no way of changing an order can forget them."""

    __tablename__ = "order_workers"
    __table_args__ = (
        child_of("orders", "order_id"),
        child_of("workers", "worker_id"),
        Index("ix_order_workers_worker", "org_id", "worker_id", "starts_at"),
        ExcludeConstraint(
            ("org_id", "="),
            ("worker_id", "="),
            (text("tstzrange(starts_at, blocked_until)"), "&&"),
            name="ex_order_workers_worker",
            using="gist",
            where=text("occupies"),
        ),
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    worker_id: Mapped[UUID] = mapped_column(primary_key=True)
    starts_at: Mapped[datetime]
    blocked_until: Mapped[datetime]
    occupies: Mapped[bool] = mapped_column(server_default=true())


class OrderNumber(Base):
    """The last number that an organization has given out."""

    __tablename__ = "order_numbers"
    __table_args__ = (of_organization(),)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    last_number: Mapped[int]


class OrderHistory(TenantRow, Base):
    """One thing that happened to an order, for people: who did what when."""

    __tablename__ = "order_history"
    __table_args__ = (child_of("orders", "order_id"), Index("ix_order_history_order", "org_id", "order_id", "id"))

    order_id: Mapped[UUID]
    event: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_label: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
