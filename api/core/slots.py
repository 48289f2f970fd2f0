"""Slots as the API shows them, to staff and to the public: the same question, and the same times."""

from typing import Any

from marshmallow import fields, validate

from api.core.schemas import Day, InSchema, Instant, Line, OutSchema
from shared.orders.slot_search import Slot
from shared.orders.slots import MOST_DAYS, USUAL_DAYS, SlotAnswer, SlotQuery

MOST_MINUTES, USUAL_MINUTES = 1440, 60


class SlotArguments(InSchema):
    """Query parameters of a search for slots."""

    from_day = Day(
        data_key="from",
        metadata={"description": "First day, on the organization's calendar; today if it is not given."},
    )
    until_day = Day(
        data_key="to",
        metadata={
            "description": f"The day after the last one, at most {MOST_DAYS} days later; {USUAL_DAYS} if not given."
        },
    )
    minutes = fields.Integer(
        load_default=USUAL_MINUTES,
        validate=validate.Range(min=1, max=MOST_MINUTES),
        metadata={"description": "How long the visit takes. An estimate's own minutes count in its place."},
    )
    estimate_id = fields.UUID(metadata={"description": "Look for a visit as long, and for as many people, as this."})
    postal_code = Line(limit=20, metadata={"description": "Only teams that work there", "example": "T2P 1J9"})


class SlotSchema(OutSchema):
    start = Instant(required=True)
    end = Instant(required=True)
    local_start = fields.AwareDateTime(
        required=True, metadata={"description": "The start as the organization's clocks show it, with their offset"}
    )


class SlotsSchema(OutSchema):
    """The times at which a visit can start, the earliest first."""

    timezone = fields.String(required=True, metadata={"description": "IANA"})
    minutes = fields.Integer(required=True, metadata={"description": "How long the visit takes"})
    data = fields.List(fields.Nested(SlotSchema), required=True)


def slot_query(arguments: dict[str, Any]) -> SlotQuery:
    """The domain's words for the query string."""
    return SlotQuery(**arguments)


def present_slot(slot: Slot) -> dict[str, Any]:
    """One time as `SlotSchema` says."""
    return {"start": slot.start, "end": slot.end, "local_start": slot.local_start}


def present(answer: SlotAnswer) -> dict[str, Any]:
    """The answer as `SlotsSchema` says: nothing about teams."""
    return {
        "timezone": answer.timezone,
        "minutes": answer.minutes,
        "data": [present_slot(slot) for slot in answer.slots],
    }
