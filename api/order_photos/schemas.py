from typing import Any

from flask_smorest.fields import Upload
from marshmallow import fields

from api.core.schemas import InSchema, Instant, OutSchema, Text
from shared.core.orm import columns_of
from shared.order_photos.model import PhotoPhase


class PhotoFileSchema(InSchema):
    file = Upload(required=True)


class PhotoFormSchema(InSchema):
    phase = fields.Enum(PhotoPhase, by_value=True, required=True)
    caption = Text(load_default="", shortest=0, limit=500)
    consent_override = Text(
        load_default=None,
        limit=500,
        metadata={"description": "Why a photo is taken although the client has not agreed to photos; audited."},
    )


class PhotoSchema(OutSchema):
    id = fields.UUID(required=True)
    order_id = fields.UUID(required=True)
    phase = fields.Enum(PhotoPhase, by_value=True, required=True)
    caption = fields.String(required=True)
    mime = fields.String(required=True)
    size = fields.Integer(required=True, metadata={"description": "Bytes"})
    sha256 = fields.String(required=True)
    url = fields.Url(
        required=True, metadata={"description": "Signed; anyone who has it may open it until `url_expires_at`"}
    )
    url_expires_at = Instant(required=True)
    created_at = Instant(required=True)


class PhotoListSchema(OutSchema):
    data = fields.List(fields.Nested(PhotoSchema), required=True)


def present(photo: Any, signed: Any) -> dict[str, Any]:
    """A photo and a fresh link to it, as `PhotoSchema` says."""
    columns = columns_of(photo)
    return {
        "id": columns["id"],
        "order_id": columns["order_id"],
        "phase": columns["phase"],
        "caption": columns["caption"],
        "mime": columns["mime"],
        "size": columns["size"],
        "sha256": columns["sha256"],
        "url": signed.url,
        "url_expires_at": signed.expires_at,
        "created_at": columns["created_at"],
    }
