"""What each type of Stripe event makes us do. One table; a type that is not in it is stored as ignored."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from shared.core.actor import system
from shared.core.money import Money
from shared.payments import service as payments
from shared.stripe_events.model import StripeEvent

Handler = Callable[[Session, StripeEvent, datetime], bool]


def payment_intent_succeeded(session: Session, event: StripeEvent, now: datetime) -> bool:
    """Record the payment of the order that the PaymentIntent's metadata names (`org_id`, `order_id`, written by us).

    Source: https://docs.stripe.com/api/payment_intents/object. False when it names none, the
    account may be used for other things than orders, or when nothing was received.
    """
    intent: dict[str, Any] = event.payload["data"]["object"]
    named = _order_named_by(intent)
    if named is None or int(intent["amount_received"]) <= 0:
        return False
    org_id, order_id = named
    payments.record_succeeded(
        session,
        system(org_id, "stripe"),
        order_id,
        Money(int(intent["amount_received"]), str(intent["currency"])),
        payment_intent_id=str(intent["id"]),
        paid_at=datetime.fromtimestamp(int(event.payload["created"]), UTC),
        now=now,
    )
    return True


def _order_named_by(intent: dict[str, Any]) -> tuple[UUID, UUID] | None:
    metadata = intent.get("metadata") or {}
    try:
        return UUID(metadata["org_id"]), UUID(metadata["order_id"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


HANDLERS: dict[str, Handler] = {
    "payment_intent.succeeded": payment_intent_succeeded,
}
