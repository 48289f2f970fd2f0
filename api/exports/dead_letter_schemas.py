from typing import Any

from marshmallow import fields, validate
from webargs.fields import DelimitedList

from api.core.schemas import Flag, InSchema, Instant, OutSchema, PageArguments, Text
from shared.core.orm import columns_of
from shared.exports.events import Event
from shared.exports.model import ExportState
from shared.exports.telling import without_answer, without_people, without_secrets

MOST_NAMED = 200


class DeadLetterListArguments(PageArguments):
    state = DelimitedList(
        fields.Enum(ExportState, by_value=True),
        load_default=lambda: [ExportState.DEAD],
        metadata={"description": "Comma list of states; those that were given up without it", "example": "dead"},
    )
    event = fields.Enum(Event, by_value=True)
    created_from = Instant(metadata={"description": "Made at this moment or later"})
    created_to = Instant(metadata={"description": "Made before this moment"})
    dead_from = Instant(metadata={"description": "Given up at this moment or later"})
    dead_to = Instant(metadata={"description": "Given up before this moment"})
    error_contains = Text(limit=200, metadata={"description": "Part of the last error, in any case", "example": "503"})
    resource_id = fields.UUID(metadata={"description": "About this, such as an order"})


class ExportReplaySchema(InSchema):
    """All that is given has to hold. With nothing, the job does what it does by itself."""

    may_be_absent = True
    all = Flag(validate=validate.Equal(True), metadata={"description": "Replay every dead event that fits the rest"})
    export_ids = fields.List(
        fields.UUID(),
        validate=validate.Length(min=1, max=MOST_NAMED),
        metadata={"description": "Replay these"},
    )
    event = fields.Enum(Event, by_value=True, metadata={"description": "Replay those of this name"})
    created_from = Instant(metadata={"description": "Replay those made at this moment or later"})
    created_to = Instant(metadata={"description": "Replay those made before this moment"})
    error_contains = Text(limit=200, metadata={"description": "Replay those with this in their last error"})


class ExportSchema(OutSchema):
    id = fields.UUID(required=True, metadata={"description": "The `webhook-id` of its deliveries"})
    event = fields.String(required=True, metadata={"example": "order.confirmed"})
    resource_id = fields.UUID(required=True, metadata={"description": "What it is about, such as an order"})
    state = fields.Enum(ExportState, by_value=True, required=True)
    attempts = fields.Integer(required=True, metadata={"description": "Since it was made or replayed last"})
    next_attempt_at = Instant(
        required=True, allow_none=True, metadata={"description": "When it is tried next; null at an end"}
    )
    last_error = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Without secrets; of URLs the host is shown. What the target has said may be about a person:"
            " owners and admins see it"
        },
    )
    last_status = fields.Integer(
        required=True, allow_none=True, metadata={"description": "What the target answered last; null: nothing"}
    )
    created_at = Instant(required=True)
    delivered_at = Instant(required=True, allow_none=True)
    dead_at = Instant(required=True, allow_none=True)
    replays = fields.Integer(required=True, metadata={"description": "How often it was begun anew"})
    auto_replays = fields.Integer(required=True, metadata={"description": "How often of these by itself"})
    auto_replayed_at = Instant(required=True, allow_none=True)


class ExportDetailSchema(ExportSchema):
    payload = fields.Dict(
        required=True,
        metadata={
            "description": "What it says. Owners and admins see all of it; for others what may be about a person is"
            " `(personal)`. Empty once the person was erased.",
            "example": {"id": "0199a000-0000-7000-8000-0000000003e9", "name": "(personal)", "state": "new"},
        },
    )


_COLUMNS = tuple(name for name in ExportSchema().fields if name != "last_error")


def present_export(export: Any, *, whole: bool) -> dict[str, Any]:
    """An event as `ExportSchema` says; `whole` with what the target has said of it."""
    columns = columns_of(export)
    error = columns["last_error"] if whole else without_answer(columns["last_error"])
    return {name: columns[name] for name in _COLUMNS} | {"last_error": without_secrets(error)}


def present_detail(export: Any, *, whole: bool) -> dict[str, Any]:
    """The same with what it says; `whole` with what it says of people."""
    payload = columns_of(export)["payload"]
    return present_export(export, whole=whole) | {"payload": payload if whole else without_people(payload)}
