from typing import Any

from marshmallow import fields

from api.core.schemas import Instant, MailAddress, OutSchema, PageArguments
from shared.core.orm import columns_of
from shared.messages.model import SuppressionReason


class MailSuppressionListArguments(PageArguments):
    reason = fields.Enum(SuppressionReason, by_value=True)
    email = MailAddress(metadata={"description": "The whole address, in any case", "example": "anna@client.example"})


class MailSuppressionSchema(OutSchema):
    id = fields.UUID(required=True)
    email = fields.String(required=True, metadata={"example": "anna@client.example"})
    reason = fields.Enum(
        SuppressionReason,
        by_value=True,
        required=True,
        metadata={
            "description": "`bounced`: gets no mail at all, and may be deleted. `unsubscribed`, `complained`: gets no"
            " reminders; only the reader may take that back."
        },
    )
    detail = fields.String(
        required=True, allow_none=True, metadata={"description": "What the recipient's server has said"}
    )
    created_at = Instant(required=True)


def present(row: Any) -> dict[str, Any]:
    """A suppression, as `MailSuppressionSchema` says."""
    columns = columns_of(row)
    return {name: columns[name] for name in ("id", "email", "reason", "detail", "created_at")}
