from typing import Any

from marshmallow import fields, validate

from api.core.openapi import needs_either
from api.core.schemas import Day, Flag, InSchema, Instant, MoneySchema, OutSchema, PageArguments, Text
from shared.core.money import Money
from shared.core.orm import columns_of
from shared.orders.states import OrderState
from shared.recurrences.model import Frequency, OccurrenceState, RecurrenceState
from shared.recurrences.service import NewRecurrence

MOST_MINUTES = 24 * 60


@needs_either(("estimate_id",), ("total", "title", "minutes"))
class RecurrenceInSchema(InSchema):
    client_id = fields.UUID(required=True)
    estimate_id = fields.UUID(metadata={"description": "The price and the length, for the whole series"})
    total = fields.Nested(MoneySchema)
    title = Text(limit=200, metadata={"example": "Weekly cleaning"})
    minutes = fields.Integer(strict=True, validate=validate.Range(min=1, max=MOST_MINUTES))
    frequency = fields.Enum(Frequency, by_value=True, required=True)
    starts_on = Day(required=True, metadata={"description": "The first visit, on the organization's clocks"})
    ends_on = Day(allow_none=True, metadata={"description": "The last day on which a visit may be"})
    local_time = fields.Time(
        required=True, format="%H:%M", metadata={"example": "09:00", "description": "On the organization's clocks"}
    )
    address = Text(required=True, limit=500, metadata={"example": "12 Elm Street, Calgary"})
    postal_code = Text(load_default="", shortest=0, limit=16, metadata={"example": "T2P 1J9"})
    notes = Text(load_default="", shortest=0, limit=10_000)
    access_notes = Text(load_default="", shortest=0, limit=2_000)
    photo_consent = Flag(load_default=False)
    team_id = fields.UUID(allow_none=True)


class RecurrenceListArguments(PageArguments):
    client_id = fields.UUID()


class EndSchema(InSchema):
    reason = Text(required=True, limit=500, metadata={"example": "The client moves away"})


class SkipSchema(InSchema):
    on_date = Day(required=True, metadata={"description": "A date of the rule"})


class MoveSchema(SkipSchema):
    scheduled_start = Instant(required=True)


class RecurrenceSchema(OutSchema):
    id = fields.UUID(required=True)
    client_id = fields.UUID(required=True)
    service_id = fields.UUID(required=True, allow_none=True)
    team_id = fields.UUID(required=True, allow_none=True)
    estimate_id = fields.UUID(required=True, allow_none=True)
    state = fields.Enum(RecurrenceState, by_value=True, required=True)
    frequency = fields.Enum(Frequency, by_value=True, required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True, allow_none=True)
    local_time = fields.String(required=True, metadata={"example": "09:00"})
    planned_minutes = fields.Integer(required=True)
    title = fields.String(required=True)
    address = fields.String(required=True)
    placed_until = fields.Date(
        required=True,
        allow_none=True,
        metadata={"description": "Orders exist up to this day; null until a worker has placed the first."},
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class OccurrenceSchema(OutSchema):
    on_date = fields.Date(required=True, metadata={"description": "The date of the rule, also when it is moved"})
    state = fields.Enum(OccurrenceState, by_value=True, required=True)
    moved_to = Instant(required=True, allow_none=True)
    order_id = fields.UUID(required=True, allow_none=True)
    order_state = fields.Enum(OrderState, by_value=True, required=True, allow_none=True)
    detail = fields.String(required=True, metadata={"description": "Why there is no order, when there is a conflict"})


class OccurrenceListSchema(OutSchema):
    data = fields.List(fields.Nested(OccurrenceSchema), required=True)


_AS_THEY_ARE = (
    "id client_id service_id team_id state frequency starts_on ends_on planned_minutes placed_until created_at"
    " updated_at"
).split()
_OF_TERMS = ("estimate_id", "title", "address")


def new_recurrence(body: dict[str, Any]) -> NewRecurrence:
    """The domain's words for the body of a new recurrence."""
    return NewRecurrence(**body | ({"total": Money(**body["total"])} if "total" in body else {}))


def present(recurrence: Any) -> dict[str, Any]:
    """A recurrence as `RecurrenceSchema` says."""
    columns = columns_of(recurrence)
    shown = {name: columns[name] for name in _AS_THEY_ARE}
    shown["local_time"] = f"{columns['local_time']:%H:%M}"
    return shown | {name: columns["terms"].get(name) for name in _OF_TERMS}


def present_occurrence(occurrence: Any) -> dict[str, Any]:
    """An occurrence as `OccurrenceSchema` says."""
    columns = columns_of(occurrence)
    return {name: columns.get(name) for name in OccurrenceSchema().fields}
