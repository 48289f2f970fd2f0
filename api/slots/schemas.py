from typing import Any

from marshmallow import fields

from api.core.schemas import Instant, OutSchema
from api.core.slots import SlotArguments, SlotSchema, SlotsSchema
from api.core.slots import present as present_times
from shared.orders.slot_reasons import Why
from shared.orders.slots import SlotAnswer


class StaffSlotArguments(SlotArguments):
    team_id = fields.UUID(metadata={"description": "Only this team"})
    explain = fields.Boolean(
        load_default=False,
        truthy={"true"},
        falsy={"false"},
        metadata={"description": "Also say why other times are not offered."},
    )


class StaffSlotSchema(SlotSchema):
    team_ids = fields.List(fields.UUID(), required=True, metadata={"description": "The teams that can come then"})


class ReasonSchema(OutSchema):
    """The team offers no start from `from` until before `to`."""

    team_id = fields.UUID(required=True)
    date = fields.Date(required=True, metadata={"description": "Local date of `from`"})
    reason = fields.Enum(Why, by_value=True, required=True)
    from_ = Instant(data_key="from", required=True)
    to = Instant(required=True)
    detail = fields.String(required=True, metadata={"description": "A sentence for people"})


class StaffSlotsSchema(SlotsSchema):
    """The times at which a visit can start, the earliest first; with `explain=true`, why others are not offered."""

    data = fields.List(fields.Nested(StaffSlotSchema), required=True)
    explain = fields.List(fields.Nested(ReasonSchema))


def present(answer: SlotAnswer) -> dict[str, Any]:
    """The answer as `StaffSlotsSchema` says."""
    body = present_times(answer)
    for shown, slot in zip(body["data"], answer.slots, strict=True):
        shown["team_ids"] = slot.team_ids
    if answer.reasons is not None:
        body["explain"] = [
            {
                "team_id": reason.team_id,
                "date": reason.day,
                "reason": reason.why,
                "from": reason.starts_at,
                "to": reason.ends_at,
                "detail": reason.detail,
            }
            for reason in answer.reasons
        ]
    return body
