from typing import Any

from marshmallow import fields, validate

from api.core.schemas import InSchema, Instant, MailAddress, OutSchema, Text
from shared.core.orm import columns_of


class ClientInSchema(InSchema):
    name = Text(required=True, limit=200, metadata={"example": "Anna Berg"})
    email = MailAddress(required=True, metadata={"example": "anna@example.com"})
    phone = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"\+[1-9][0-9]{6,14}\Z", error="Write it in E.164: +14035550123."),
        metadata={"example": "+14035550123"},
    )


class ClientSchema(OutSchema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)


def present(client: Any) -> dict[str, Any]:
    """A client as `ClientSchema` says."""
    columns = columns_of(client)
    return {
        "id": columns["id"],
        "name": columns["name"],
        "email": columns["email"],
        "phone": columns["phone"],
        "created_at": columns["created_at"],
    }
