from typing import Any

from flask_smorest.fields import Upload
from marshmallow import fields, validate

from api.core.schemas import InSchema, Instant, OutSchema, Text
from shared.core.orm import columns_of
from shared.order_photos.links import SignedUrls
from shared.order_photos.model import PhotoPhase, PhotoState

_STATES = {PhotoState.UPLOADED: "processing", PhotoState.PROCESSING: "processing"}
"""What the states of a row are called outside, where that differs."""


class PhotoFileSchema(InSchema):
    file = Upload(required=True)


class PhotoFormSchema(InSchema):
    phase = fields.Enum(PhotoPhase, by_value=True, required=True)
    caption = Text(load_default="", shortest=0, limit=500)
    consent_override = Text(
        load_default=None,
        limit=500,
        metadata={"description": "Why a photo is taken although the client has not agreed to photos; dispatch only."},
    )


class PhotoUrlsSchema(OutSchema):
    url = fields.Url(
        required=True, metadata={"description": "Signed; anyone who has it may open it until `url_expires_at`"}
    )
    thumbnail_url = fields.Url(required=True, metadata={"description": "The same for a picture of at most 480 pixels"})
    url_expires_at = Instant(required=True)


class PhotoSchema(OutSchema):
    id = fields.UUID(required=True)
    order_id = fields.UUID(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf(["processing", "stored", "rejected"]),
        metadata={"description": "It has links when it is `stored`. A `rejected` one goes away after a day."},
    )
    rejection = fields.String(
        required=True, allow_none=True, metadata={"description": "The code of why it was rejected", "example": None}
    )
    phase = fields.Enum(PhotoPhase, by_value=True, required=True)
    caption = fields.String(required=True)
    mime = fields.String(required=True, metadata={"description": "Of what is kept; of the upload while processing"})
    size = fields.Integer(required=True, metadata={"description": "Bytes; of what `mime` is of"})
    sha256 = fields.String(required=True, metadata={"description": "Of the file as it was uploaded"})
    width = fields.Integer(required=True, allow_none=True, metadata={"description": "Pixels, upright"})
    height = fields.Integer(required=True, allow_none=True, metadata={"description": "Pixels, upright"})
    taken_at = Instant(
        required=True, allow_none=True, metadata={"description": "When the camera says that it was taken"}
    )
    url = fields.Url(
        required=True,
        allow_none=True,
        metadata={"description": "Signed; anyone who has it may open it until `url_expires_at`"},
    )
    thumbnail_url = fields.Url(
        required=True, allow_none=True, metadata={"description": "The same for a picture of at most 480 pixels"}
    )
    url_expires_at = Instant(required=True, allow_none=True)
    created_at = Instant(required=True)


class PhotoListSchema(OutSchema):
    data = fields.List(fields.Nested(PhotoSchema), required=True)


def present(photo: Any, signed: SignedUrls | None) -> dict[str, Any]:
    """A photo and fresh links to it, if there are any yet, as `PhotoSchema` says."""
    columns = columns_of(photo)
    urls = present_urls(signed) if signed else {"url": None, "thumbnail_url": None, "url_expires_at": None}
    return {
        "id": columns["id"],
        "order_id": columns["order_id"],
        "state": _STATES.get(columns["state"], columns["state"]),
        "rejection": columns["rejection"],
        "phase": columns["phase"],
        "caption": columns["caption"],
        "mime": columns["mime"],
        "size": columns["size"],
        "sha256": columns["sha256"],
        "width": columns["width"],
        "height": columns["height"],
        "taken_at": columns["taken_at"],
        **urls,
        "created_at": columns["created_at"],
    }


def present_urls(signed: SignedUrls) -> dict[str, Any]:
    """Links to a photo, as `PhotoUrlsSchema` says."""
    return {"url": signed.url, "thumbnail_url": signed.thumbnail_url, "url_expires_at": signed.expires_at}
