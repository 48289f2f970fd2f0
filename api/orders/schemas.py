from typing import Any

from marshmallow import fields
from webargs.fields import DelimitedList

from api.core.schemas import Flag, InSchema, Instant, MoneySchema, OutSchema, PageArguments, Text
from shared.core.money import Money
from shared.core.orm import columns_of
from shared.orders.service import NewOrder
from shared.orders.states import OrderState, allowed_from


class OrderInSchema(InSchema):
    client_id = fields.UUID(required=True)
    title = Text(required=True, limit=200, metadata={"example": "Spring cleaning"})
    address = Text(required=True, limit=500, metadata={"example": "12 Elm Street, Calgary"})
    notes = Text(load_default="", shortest=0, limit=10_000)
    scheduled_start = Instant(required=True)
    scheduled_end = Instant(required=True)
    total = fields.Nested(MoneySchema, required=True)
    photo_consent = Flag(load_default=False, metadata={"description": "The client agrees to photos."})


class CancelSchema(InSchema):
    reason = Text(required=True, limit=500, metadata={"example": "The client is ill"})


class OrderListArguments(PageArguments):
    status = DelimitedList(
        fields.Enum(OrderState, by_value=True), metadata={"description": "Comma list of states", "example": "pending"}
    )
    client_id = fields.UUID()
    scheduled_from = Instant(metadata={"description": "Starts at this moment or later"})
    scheduled_to = Instant(metadata={"description": "Starts before this moment"})


class OrderSchema(OutSchema):
    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    client_id = fields.UUID(required=True)
    state = fields.Enum(OrderState, by_value=True, required=True)
    allowed = fields.List(fields.String(), required=True, metadata={"description": "What can be done with it now."})
    title = fields.String(required=True)
    address = fields.String(required=True)
    notes = fields.String(required=True)
    scheduled_start = Instant(required=True)
    scheduled_end = Instant(required=True)
    total = fields.Nested(MoneySchema, required=True)
    paid = fields.Nested(MoneySchema, required=True)
    photo_consent = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


def new_order(body: dict[str, Any]) -> NewOrder:
    """The domain's words for the body of a new order."""
    return NewOrder(**{**body, "total": Money(**body["total"])})


def present(order: Any) -> dict[str, Any]:
    """An order as `OrderSchema` says."""
    columns = columns_of(order)
    return {
        "id": columns["id"],
        "number": columns["number"],
        "client_id": columns["client_id"],
        "state": columns["state"],
        "allowed": allowed_from(columns["state"]),
        "title": columns["title"],
        "address": columns["address"],
        "notes": columns["notes"],
        "scheduled_start": columns["scheduled_start"],
        "scheduled_end": columns["scheduled_end"],
        "total": {"amount": columns["total_amount"], "currency": columns["currency"]},
        "paid": {"amount": columns["paid_amount"], "currency": columns["currency"]},
        "photo_consent": columns["photo_consent"],
        "version": columns["version"],
        "created_at": columns["created_at"],
        "updated_at": columns["updated_at"],
    }
