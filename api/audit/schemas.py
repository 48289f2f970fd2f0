from typing import Any

from marshmallow import fields, validate

from api.core.schemas import Instant, OutSchema, PageArguments
from shared.core.orm import columns_of

_WORD = "[a-z][a-z0-9_]{0,60}"


class AuditListArguments(PageArguments):
    actor_id = fields.UUID(metadata={"description": "Done by this user"})
    action = fields.String(
        validate=validate.Regexp(rf"{_WORD}\.{_WORD}\Z", error="Write it as in orders.confirm."),
        metadata={"description": "Exactly this action", "example": "orders.confirm"},
    )
    resource = fields.String(
        validate=validate.Regexp(rf"{_WORD}\Z", error="Write it as in orders."),
        metadata={"description": "Done to any row of this feature", "example": "orders"},
    )
    resource_id = fields.UUID(metadata={"description": "Done to this row"})
    created_from = Instant(metadata={"description": "At this moment or later"})
    created_to = Instant(metadata={"description": "Before this moment"})


class AuditEntrySchema(OutSchema):
    id = fields.UUID(required=True)
    created_at = Instant(required=True, metadata={"description": "When the request came in"})
    actor_id = fields.UUID(required=True, allow_none=True, metadata={"description": "The user; null for the system"})
    actor_label = fields.String(
        required=True, metadata={"description": "`user`, or the part of the system that did it", "example": "user"}
    )
    action = fields.String(required=True, metadata={"example": "orders.confirm"})
    resource = fields.String(required=True, metadata={"example": "orders"})
    resource_id = fields.UUID(required=True)
    before = fields.Dict(required=True, metadata={"description": "What changed, as it was"})
    after = fields.Dict(required=True, metadata={"description": "What changed, as it is since"})
    request_id = fields.String(required=True, allow_none=True)
    address = fields.String(
        required=True, allow_none=True, metadata={"description": "Where the request came from", "example": "192.0.2.7"}
    )


def present(entry: Any) -> dict[str, Any]:
    """An entry as `AuditEntrySchema` says."""
    columns = columns_of(entry)
    return {
        "id": columns["id"],
        "created_at": columns["created_at"],
        "actor_id": columns["actor_id"],
        "actor_label": columns["actor_label"],
        "action": columns["action"],
        "resource": columns["resource"],
        "resource_id": columns["resource_id"],
        "before": columns["before"],
        "after": columns["after"],
        "request_id": columns["request_id"],
        "address": columns["address"],
    }
