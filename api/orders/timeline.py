from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from marshmallow import fields

from api.core.schemas import Instant, OutSchema
from shared.messages.telling import summary


class TimelineEntrySchema(OutSchema):
    at = Instant(required=True)
    kind = fields.String(required=True, metadata={"description": "`history`, `message` or `payment`"})
    event = fields.String(required=True, metadata={"description": "What happened: a move, a kind of mail, a payment"})
    by = fields.String(required=True, allow_none=True, metadata={"description": "Who did it; null for what came in"})
    details = fields.Dict(
        required=True,
        metadata={
            "description": (
                "`message`: `message_id`, `recipient`, `state` (`queued`, `sending`, `retrying`, `sent`, `dead`,"
                " `suppressed`), `summary` (what became of it, in a sentence), `sent_at`, `attempts`, `last_error`,"
                " `next_attempt_at`, `provider_id`; and, where the provider tells, `delivery` (`deferred`, `delivered`,"
                " `bounced`, `dropped`, `complained`), `delivery_at`, `delivery_detail`. `payment`: `payment_id`,"
                " `amount`, `refund_due`, `paid_at`. `history`: what the event was given."
            ),
            "example": {
                "recipient": "anna@example.com",
                "state": "sent",
                "summary": "Taken by the mail server at 2026-11-27 15:40 UTC; delivered.",
            },
        },
    )


class TimelineSchema(OutSchema):
    data = fields.List(fields.Nested(TimelineEntrySchema), required=True)


def present_timeline(happened: Sequence[Any], mails: Sequence[Any], paid: Sequence[Any]) -> dict[str, Any]:
    """History, mails and payments in one row of time; of equal times history comes first, being the cause."""
    entries = [*map(_history, happened), *map(_message, mails), *map(_payment, paid)]
    return {"data": sorted(entries, key=itemgetter("at"))}


def _history(row: Any) -> dict[str, Any]:
    return {
        "at": row.created_at,
        "kind": "history",
        "event": row.event,
        "by": row.actor_name or row.actor_label,
        "details": row.details,
    }


def _message(row: Any) -> dict[str, Any]:
    details = {
        "message_id": row.id,
        "recipient": row.recipient,
        "state": row.state,
        "sent_at": row.sent_at,
        "attempts": row.attempts,
        "last_error": row.last_error,
        "next_attempt_at": row.next_attempt_at,
        "provider_id": row.provider_id,
        "delivery": row.delivery,
        "delivery_at": row.delivery_at,
        "delivery_detail": row.delivery_detail,
        "summary": summary(row),
    }
    return {"at": row.created_at, "kind": "message", "event": row.kind, "by": None, "details": details}


def _payment(row: Any) -> dict[str, Any]:
    details = {
        "payment_id": row.id,
        "amount": {"amount": row.amount, "currency": row.currency},
        "refund_due": row.refund_due,
        "paid_at": row.paid_at,
    }
    return {"at": row.created_at, "kind": "payment", "event": row.state, "by": None, "details": details}
