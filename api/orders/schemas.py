from typing import Any

from marshmallow import fields, validate
from webargs.fields import DelimitedList

from api.core.openapi import needs_either
from api.core.schemas import Day, Flag, InSchema, Instant, MoneySchema, OutSchema, PageArguments, Text
from shared.core.money import Money
from shared.core.orm import columns_of
from shared.orders.model import OrderSource
from shared.orders.states import OrderState, allowed_from
from shared.orders.terms import NewOrder

MOST_WORKERS = 50


class OrderChangesSchema(InSchema):
    title = Text(limit=200, metadata={"example": "Spring cleaning"})
    address = Text(limit=500, metadata={"example": "12 Elm Street, Calgary"})
    postal_code = Text(shortest=0, limit=16, metadata={"example": "T2P 1J9"})
    notes = Text(shortest=0, limit=10_000)
    access_notes = Text(
        shortest=0, limit=2_000, metadata={"description": "Keys and alarms; dispatch alone reads them."}
    )
    photo_consent = Flag(metadata={"description": "The client agrees to photos."})


@needs_either(("estimate_id",), ("total", "title", "scheduled_end"))
class OrderInSchema(InSchema):
    client_id = fields.UUID(required=True)
    estimate_id = fields.UUID(
        metadata={"description": "The price. Without one, staff name `total`, `title` and an end."}
    )
    service_id = fields.UUID(metadata={"description": "Only without an estimate, which names its service itself."})
    title = Text(limit=200, metadata={"example": "Spring cleaning", "description": "The service's name by default"})
    address = Text(required=True, limit=500, metadata={"example": "12 Elm Street, Calgary"})
    postal_code = Text(load_default="", shortest=0, limit=16, metadata={"example": "T2P 1J9"})
    notes = Text(load_default="", shortest=0, limit=10_000)
    access_notes = Text(load_default="", shortest=0, limit=2_000)
    scheduled_start = Instant(required=True)
    scheduled_end = Instant(metadata={"description": "By default the start and the estimate's minutes"})
    total = fields.Nested(MoneySchema)
    team_id = fields.UUID(allow_none=True)
    worker_ids = fields.List(fields.UUID(), validate=validate.Length(max=MOST_WORKERS))
    lead_id = fields.UUID(metadata={"description": "The lead that is won by this order"})
    photo_consent = Flag(load_default=False, metadata={"description": "The client agrees to photos."})


class AssignSchema(InSchema):
    team_id = fields.UUID(required=True, allow_none=True)
    worker_ids = fields.List(
        fields.UUID(),
        load_default=list,
        validate=validate.Length(max=MOST_WORKERS),
        metadata={"description": "Exactly these; who was sent before and is not named stays at home."},
    )


class RescheduleSchema(InSchema):
    scheduled_start = Instant(required=True)
    scheduled_end = Instant(metadata={"description": "As long as before by default"})


class CompleteSchema(InSchema):
    override_reason = Text(limit=500, metadata={"description": "Why required items of the checklist may stay open"})


class NoShowSchema(InSchema):
    waive_fee_reason = Text(limit=500, metadata={"description": "Why the client does not pay the fee"})


class CancelSchema(InSchema):
    reason = Text(required=True, limit=500, metadata={"example": "The client is ill"})
    waive_fee_reason = Text(limit=500, metadata={"description": "Why the client does not pay the fee"})


class OrderListArguments(PageArguments):
    status = DelimitedList(
        fields.Enum(OrderState, by_value=True), metadata={"description": "Comma list of states", "example": "pending"}
    )
    client_id = fields.UUID()
    team_id = fields.UUID()
    unassigned = fields.Boolean(metadata={"description": "Without a team"})
    date = Day(metadata={"description": "Starts on this day of the organization's clocks"})
    scheduled_from = Instant(metadata={"description": "Starts at this moment or later"})
    scheduled_to = Instant(metadata={"description": "Starts before this moment"})
    updated_since = Instant(metadata={"description": "Changed at this moment or later"})
    q = fields.String(
        validate=validate.Length(min=1, max=100),
        metadata={
            "description": "An order number, or beginnings of words of the client's name, address or phone",
            "example": "anna",
        },
    )


class OrderSchema(OutSchema):
    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    client_id = fields.UUID(required=True)
    state = fields.Enum(OrderState, by_value=True, required=True)
    allowed = fields.List(fields.String(), required=True, metadata={"description": "What can be done with it now."})
    source = fields.Enum(OrderSource, by_value=True, required=True)
    title = fields.String(required=True)
    address = fields.String(required=True)
    postal_code = fields.String(required=True)
    notes = fields.String(required=True)
    access_notes = fields.String(
        required=True, allow_none=True, metadata={"description": "null for roles that do not dispatch"}
    )
    service_id = fields.UUID(required=True, allow_none=True)
    estimate_id = fields.UUID(required=True, allow_none=True)
    team_id = fields.UUID(required=True, allow_none=True)
    lead_id = fields.UUID(required=True, allow_none=True)
    recurrence_id = fields.UUID(required=True, allow_none=True)
    occurrence_on = fields.Date(required=True, allow_none=True)
    scheduled_start = Instant(required=True)
    scheduled_end = Instant(required=True)
    started_at = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)
    lines = fields.List(fields.Dict(), required=True, metadata={"description": "The lines of the estimate"})
    total = fields.Nested(MoneySchema, required=True)
    paid = fields.Nested(MoneySchema, required=True)
    deposit = fields.Nested(MoneySchema, required=True)
    deposit_reasons = fields.List(fields.String(), required=True)
    hold_until = Instant(
        required=True, allow_none=True, metadata={"description": "Until then the deposit has to be paid."}
    )
    cancellation_fee = fields.Nested(MoneySchema, required=True)
    refund_due = fields.Nested(MoneySchema, required=True)
    photo_consent = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


_AS_THEY_ARE = (
    "id number client_id state source title address postal_code notes service_id estimate_id team_id lead_id"
    " recurrence_id occurrence_on scheduled_start scheduled_end started_at ended_at lines deposit_reasons hold_until"
    " photo_consent version created_at updated_at"
).split()
_AMOUNTS = ("total", "paid", "deposit", "cancellation_fee", "refund_due")


def new_order(body: dict[str, Any]) -> NewOrder:
    """The domain's words for the body of a new order."""
    return NewOrder(**body | ({"total": Money(**body["total"])} if "total" in body else {}))


def present(order: Any, *, with_access_notes: bool) -> dict[str, Any]:
    """An order as `OrderSchema` says."""
    columns = columns_of(order)
    currency = columns["currency"]
    shown = {name: columns[name] for name in _AS_THEY_ARE}
    for name in _AMOUNTS:
        shown[name] = {"amount": columns[f"{name}_amount"], "currency": currency}
    shown["allowed"] = allowed_from(columns["state"])
    shown["access_notes"] = columns["access_notes"] if with_access_notes else None
    return shown
