from typing import Any

from marshmallow import fields

from api.core.schemas import Instant, MoneySchema, OutSchema
from shared.core.orm import columns_of
from shared.payments.model import PaymentState


class PaymentSchema(OutSchema):
    id = fields.UUID(required=True)
    order_id = fields.UUID(required=True)
    state = fields.Enum(PaymentState, by_value=True, required=True)
    amount = fields.Nested(MoneySchema, required=True)
    stripe_payment_intent_id = fields.String(required=True)
    refund_due = fields.Boolean(
        required=True, metadata={"description": "More was paid than is owed, and some of it must be paid back."}
    )
    paid_at = Instant(required=True)


class PaymentListSchema(OutSchema):
    data = fields.List(fields.Nested(PaymentSchema), required=True)


def present(payment: Any) -> dict[str, Any]:
    """A payment as `PaymentSchema` says."""
    columns = columns_of(payment)
    return {
        "id": columns["id"],
        "order_id": columns["order_id"],
        "state": columns["state"],
        "amount": {"amount": columns["amount"], "currency": columns["currency"]},
        "stripe_payment_intent_id": columns["stripe_payment_intent_id"],
        "refund_due": columns["refund_due"],
        "paid_at": columns["paid_at"],
    }
