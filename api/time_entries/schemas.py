from typing import Any

from marshmallow import fields

from api.core.schemas import InSchema, Instant, OutSchema, Text
from shared.core.orm import columns_of
from shared.time_entries.states import TimeEntryState, allowed_from


class StartSchema(InSchema):
    worker_id = fields.UUID(required=True)


class FinishSchema(InSchema):
    overrun_reason = Text(
        limit=500,
        load_default=None,
        allow_none=True,
        metadata={"description": "Needed above 1.2 times the planned time.", "example": "The oven took longer"},
    )


class TimeSegmentSchema(OutSchema):
    started_at = Instant(required=True)
    ended_at = Instant(required=True, allow_none=True)


class TimeEntrySchema(OutSchema):
    id = fields.UUID(required=True)
    order_id = fields.UUID(required=True)
    worker_id = fields.UUID(required=True)
    state = fields.Enum(TimeEntryState, by_value=True, required=True)
    allowed = fields.List(fields.String(), required=True, metadata={"description": "What can be done with it now."})
    started_at = Instant(required=True)
    finished_at = Instant(required=True, allow_none=True)
    segments = fields.List(fields.Nested(TimeSegmentSchema), required=True)
    worked_minutes = fields.Integer(
        required=True, metadata={"description": "Whole minutes without pauses; until now while it is running."}
    )
    overrun_reason = fields.String(required=True, allow_none=True)


class TimeEntryListSchema(OutSchema):
    data = fields.List(fields.Nested(TimeEntrySchema), required=True)


def present(entry: Any) -> dict[str, Any]:
    """A time entry as `TimeEntrySchema` says."""
    columns = columns_of(entry)
    pairs = zip(columns["starts"], columns["ends"], strict=True)
    return {
        "id": columns["id"],
        "order_id": columns["order_id"],
        "worker_id": columns["worker_id"],
        "state": columns["state"],
        "allowed": allowed_from(columns["state"]),
        "started_at": columns["started_at"],
        "finished_at": columns["finished_at"],
        "segments": [{"started_at": started_at, "ended_at": ended_at} for started_at, ended_at in pairs],
        "worked_minutes": columns["worked_minutes"],
        "overrun_reason": columns["overrun_reason"],
    }
