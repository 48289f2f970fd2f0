from typing import Any

from marshmallow import fields

from api.core.schemas import Instant, OutSchema, PageArguments
from shared.core.orm import columns_of
from shared.storage_deletes.model import DeleteState


class StorageDeleteListArguments(PageArguments):
    state = fields.Enum(DeleteState, by_value=True, load_default=DeleteState.STUCK)


class StorageDeleteSchema(OutSchema):
    id = fields.UUID(required=True)
    owner_id = fields.UUID(required=True, metadata={"description": "What the file belonged to, such as a photo"})
    backend = fields.String(required=True, metadata={"example": "local"})
    storage_key = fields.String(required=True)
    state = fields.Enum(DeleteState, by_value=True, required=True)
    attempts = fields.Integer(required=True)
    last_error = fields.String(required=True, allow_none=True)
    next_attempt_at = Instant(required=True, allow_none=True)
    created_at = Instant(required=True)


def present(row: Any) -> dict[str, Any]:
    """A delete, as `StorageDeleteSchema` says."""
    columns = columns_of(row)
    shown = ("id", "owner_id", "backend", "storage_key", "state", "attempts", "last_error", "next_attempt_at")
    return {name: columns[name] for name in (*shown, "created_at")}
