from datetime import datetime
from typing import Any

from marshmallow import fields

from api.core.schemas import InSchema, Instant, OutSchema
from shared.clients.model import ClientExportState
from shared.core.orm import columns_of
from shared.privacy.erasing import ErasureReason


class EraseSchema(InSchema):
    reason = fields.Enum(ErasureReason, by_value=True, required=True, metadata={"example": "asked"})


class ErasureSchema(OutSchema):
    client_id = fields.UUID(required=True)
    erased_at = Instant(required=True)


class ClientExportSchema(OutSchema):
    id = fields.UUID(required=True)
    client_id = fields.UUID(required=True)
    state = fields.Enum(ClientExportState, by_value=True, required=True)
    created_at = Instant(required=True)
    ready_at = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True)


class ClientExportBundleSchema(ClientExportSchema):
    bundle = fields.Dict(
        required=True,
        allow_none=True,
        metadata={"description": "Everything that is held on the person; null unless the state is `ready`."},
    )


def present_erasure(client: Any) -> dict[str, Any]:
    """What came of erasing a client, as `ErasureSchema` says."""
    columns = columns_of(client)
    return {"client_id": columns["id"], "erased_at": columns["erased_at"]}


def present(export: Any) -> dict[str, Any]:
    """A copy as `ClientExportSchema` says."""
    columns = columns_of(export)
    return {
        "id": columns["id"],
        "client_id": columns["client_id"],
        "state": columns["state"],
        "created_at": columns["created_at"],
        "ready_at": columns["ready_at"],
        "expires_at": columns["expires_at"],
    }


def present_bundle(export: Any, *, now: datetime) -> dict[str, Any]:
    """A copy with what is in it, as `ClientExportBundleSchema` says; one whose time is over has expired, whether the
    sweep has been there or not."""
    shown = present(export)
    if shown["state"] == ClientExportState.READY and shown["expires_at"] <= now:
        return shown | {"state": ClientExportState.EXPIRED, "bundle": None}
    return shown | {"bundle": columns_of(export)["bundle"]}
