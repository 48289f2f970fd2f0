from typing import Any

from marshmallow import fields, validate
from webargs.fields import DelimitedList

from api.core.messages import MessageSchema, present_message
from api.core.openapi import needs_either
from api.core.schemas import InSchema, Instant, MailAddress, OutSchema, PageArguments, Text
from shared.core.orm import columns_of
from shared.messages.model import MessageKind, MessageState
from shared.messages.replaying import Replayed
from shared.messages.telling import without_secrets

MOST_NAMED = 200
MOST_AT_ONCE = 1000


class MessageListArguments(PageArguments):
    state = DelimitedList(
        fields.Enum(MessageState, by_value=True),
        metadata={"description": "Comma list of states; all without it", "example": "dead"},
    )
    kind = fields.Enum(MessageKind, by_value=True)
    recipient = MailAddress(
        metadata={"description": "Exactly this address, in any case", "example": "anna@example.com"}
    )
    resource_id = fields.UUID(metadata={"description": "About this, such as an order"})
    created_from = Instant(metadata={"description": "Made at this moment or later"})
    created_to = Instant(metadata={"description": "Made before this moment"})


class MessageDetailSchema(MessageSchema):
    variables = fields.Dict(
        required=True,
        metadata={
            "description": "What its template was given. Passwords and links, which open something, are `(secret)`.",
            "example": {"client_name": "Anna Berg", "title": "Spring cleaning"},
        },
    )


@needs_either(("message_ids",), ("kind",), ("created_from",), ("created_to",), ("error_contains",))
class ReplaySchema(InSchema):
    """All that is given has to hold; at least one besides `limit`."""

    message_ids = fields.List(
        fields.UUID(),
        validate=validate.Length(min=1, max=MOST_NAMED),
        metadata={"description": "These. Without them: those that are dead"},
    )
    kind = fields.Enum(MessageKind, by_value=True, metadata={"example": "order_confirmed"})
    created_from = Instant(metadata={"description": "Made at this moment or later"})
    created_to = Instant(metadata={"description": "Made before this moment"})
    error_contains = Text(limit=200, metadata={"description": "Part of the last error, in any case"})
    limit = fields.Integer(
        strict=True,
        load_default=MOST_AT_ONCE,
        validate=validate.Range(min=1, max=MOST_AT_ONCE),
        metadata={"description": "At most so many, the oldest first"},
    )


class ReplayedSchema(OutSchema):
    replayed = fields.Integer(required=True, metadata={"description": "Sent again", "example": 42})
    skipped = fields.Integer(required=True, metadata={"description": "Cannot be sent again", "example": 1})
    skipped_by_reason = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={
            "description": "The same by the code that the replay of one mail is refused with",
            "example": {"messages.too_late": 1},
        },
    )
    remaining = fields.Integer(
        required=True, metadata={"description": "Could be sent again and are beyond `limit`: ask again", "example": 0}
    )


def present_detail(message: Any) -> dict[str, Any]:
    """A mail as `MessageDetailSchema` says."""
    return present_message(message) | {"variables": without_secrets(columns_of(message)["variables"])}


def present_replayed(result: Replayed) -> dict[str, Any]:
    """Counts as `ReplayedSchema` says."""
    return {
        "replayed": result.replayed,
        "skipped": sum(result.skipped.values()),
        "skipped_by_reason": result.skipped,
        "remaining": result.remaining,
    }
