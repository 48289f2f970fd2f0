from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, one_of
from shared.core.outbox import Owed


class EventState(StrEnum):
    RECEIVED = "received"
    HANDLING = "handling"
    HANDLED = "handled"
    IGNORED = "ignored"
    DEAD = "dead"


class StripeEvent(Owed, Base):
    """One event, whole. Which organization it is about is known only once it is handled, so it belongs to none."""

    __tablename__ = "stripe_events"
    __table_args__ = (
        Index("ix_stripe_events_due", "next_attempt_at", postgresql_where=text("state IN ('received', 'handling')")),
        Index("ix_stripe_events_over", "handled_at", "id", postgresql_where=text("state IN ('handled', 'ignored')")),
        Index(
            "ix_stripe_events_intent",
            text("coalesce(payload #>> '{data,object,payment_intent}', payload #>> '{data,object,id}')"),
        ),
        Index("ix_stripe_events_order", text("(payload #>> '{data,object,metadata,order_id}')")),
        one_of("state", EventState),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    api_version: Mapped[str | None]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default=EventState.RECEIVED)
    created_at: Mapped[datetime]
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]
