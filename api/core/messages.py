"""A mail, as lists of mails and what sends one again answer it."""

from typing import Any

from marshmallow import fields

from api.core.schemas import Instant, OutSchema
from shared.core.orm import columns_of
from shared.messages.model import Delivery, MessageKind, MessageState, SuppressionReason
from shared.messages.telling import summary, suppressed_reason


class MessageSchema(OutSchema):
    id = fields.UUID(required=True, metadata={"description": "The part in front of the `@` of its Message-ID"})
    kind = fields.Enum(MessageKind, by_value=True, required=True)
    recipient = fields.String(required=True, metadata={"example": "anna@example.com"})
    resource_id = fields.UUID(required=True, allow_none=True, metadata={"description": "What it is about: an order"})
    state = fields.Enum(MessageState, by_value=True, required=True)
    summary = fields.String(
        required=True,
        metadata={
            "description": "What became of it, for people; decide on the other fields",
            "example": "Taken by the mail server at 2026-11-27 15:40 UTC; delivered.",
        },
    )
    attempts = fields.Integer(
        required=True, metadata={"description": "Tries; those in which no server was reached are not counted"}
    )
    next_attempt_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "`retrying`: the next try. `sending`: when another worker takes it. Null at an end"},
    )
    last_error = fields.String(
        required=True, allow_none=True, metadata={"description": "Of the last try that failed; null once it is sent"}
    )
    suppressed_reason = fields.Enum(
        SuppressionReason,
        by_value=True,
        required=True,
        allow_none=True,
        metadata={"description": "`suppressed`: why the address gets no such mails; null when the mail was taken back"},
    )
    provider_id = fields.String(
        required=True, allow_none=True, metadata={"description": "What the mail server that took it calls it"}
    )
    delivery = fields.Enum(
        Delivery,
        by_value=True,
        required=True,
        allow_none=True,
        metadata={"description": "What the provider told afterwards; null when it tells nothing (SMTP)"},
    )
    delivery_at = Instant(required=True, allow_none=True)
    delivery_detail = fields.String(required=True, allow_none=True)
    locale = fields.String(
        required=True, allow_none=True, metadata={"description": "Its language; null for the organization's"}
    )
    not_after = Instant(
        required=True, allow_none=True, metadata={"description": "From then on it is of no use, and not sent"}
    )
    request_id = fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)
    sent_at = Instant(required=True, allow_none=True)


_COLUMNS = tuple(name for name in MessageSchema().fields if name not in {"summary", "suppressed_reason"})


def present_message(message: Any) -> dict[str, Any]:
    """A mail as `MessageSchema` says."""
    columns = columns_of(message)
    told = {"summary": summary(message), "suppressed_reason": suppressed_reason(message)}
    return {name: columns[name] for name in _COLUMNS} | told
