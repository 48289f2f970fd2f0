from typing import Any

from marshmallow import fields

from api.core.schemas import (
    Flag,
    InSchema,
    Instant,
    Line,
    MailAddress,
    OutSchema,
    PageArguments,
    Phone,
    PostalCode,
    Text,
)
from shared.core.orm import columns_of

_ACCESS = "Keys, alarms, the way in. Null for whoever may not write clients."


class ClientChangesSchema(InSchema):
    name = Text(limit=200, metadata={"example": "Anna Berg"})
    email = MailAddress(allow_none=True, metadata={"example": "anna@example.com"})
    phone = Phone(allow_none=True)
    notes = Text(shortest=0, limit=10_000)
    access_notes = Text(shortest=0, limit=10_000, metadata={"description": _ACCESS})
    marketing_consent = Flag(metadata={"description": "The client agrees to advertising."})


class ClientInSchema(ClientChangesSchema):
    """At least one of `email` and `phone`."""

    name = Text(required=True, limit=200, metadata={"example": "Anna Berg"})
    email = MailAddress(
        required=True,
        allow_none=True,
        metadata={"example": "anna@example.com", "description": "Null when only the phone number is known"},
    )
    phone = Phone(load_default=None, allow_none=True)


class ClientListArguments(PageArguments):
    q = Text(limit=100, metadata={"description": "Each word begins a word of the name, e-mail address or phone number"})
    email = MailAddress(metadata={"description": "Exactly this address, in any case"})
    phone = Phone()


class MergeSchema(InSchema):
    client_id = fields.UUID(required=True, metadata={"description": "The one that becomes part of the other"})


class ClientSchema(OutSchema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    notes = fields.String(required=True)
    access_notes = fields.String(required=True, allow_none=True, metadata={"description": _ACCESS})
    marketing_consent = fields.Boolean(required=True)
    marketing_consent_at = Instant(required=True, allow_none=True)
    merged_into_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "The client that this one is part of now"}
    )
    erased_at = Instant(required=True, allow_none=True)
    legal_hold_at = Instant(
        required=True, allow_none=True, metadata={"description": "Since then nothing that is held on them is removed."}
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class ClientAddressChangesSchema(InSchema):
    label = Line(shortest=0, limit=100, metadata={"example": "Home"})
    address = Text(limit=500, metadata={"example": "12 Elm Street, Calgary"})
    postal_code = PostalCode(may_be_empty=True)
    access_notes = Text(shortest=0, limit=10_000, metadata={"description": _ACCESS})


class ClientAddressInSchema(ClientAddressChangesSchema):
    address = Text(required=True, limit=500, metadata={"example": "12 Elm Street, Calgary"})


class ClientAddressSchema(OutSchema):
    id = fields.UUID(required=True)
    client_id = fields.UUID(required=True)
    label = fields.String(required=True)
    address = fields.String(required=True)
    postal_code = fields.String(required=True)
    access_notes = fields.String(required=True, allow_none=True, metadata={"description": _ACCESS})
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


def present(client: Any, *, shows_access: bool) -> dict[str, Any]:
    """A client as `ClientSchema` says; `access_notes` only for whom they are meant."""
    columns = columns_of(client)
    return {
        "id": columns["id"],
        "name": columns["name"],
        "email": columns["email"],
        "phone": columns["phone"],
        "notes": columns["notes"],
        "access_notes": columns["access_notes"] if shows_access else None,
        "marketing_consent": columns["marketing_consent_at"] is not None,
        "marketing_consent_at": columns["marketing_consent_at"],
        "merged_into_id": columns["merged_into_id"],
        "erased_at": columns["erased_at"],
        "legal_hold_at": columns["legal_hold_at"],
        "created_at": columns["created_at"],
        "updated_at": columns["updated_at"],
    }


def present_address(address: Any, *, shows_access: bool) -> dict[str, Any]:
    """An address as `ClientAddressSchema` says; `access_notes` only for whom they are meant."""
    columns = columns_of(address)
    return {
        "id": columns["id"],
        "client_id": columns["client_id"],
        "label": columns["label"],
        "address": columns["address"],
        "postal_code": columns["postal_code"],
        "access_notes": columns["access_notes"] if shows_access else None,
        "created_at": columns["created_at"],
        "updated_at": columns["updated_at"],
    }
