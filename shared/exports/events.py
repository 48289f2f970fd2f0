"""The events that other systems are told of, and what a receiver gets of one. Described in `ops/docs/webhooks.md`."""

from enum import StrEnum
from typing import Any

import orjson


class Event(StrEnum):
    """The one place where an event gets its name."""

    LEAD_CREATED = "lead.created"
    ORDER_CREATED = "order.created"
    ORDER_CONFIRMED = "order.confirmed"
    ORDER_STARTED = "order.started"
    ORDER_COMPLETED = "order.completed"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_EXPIRED = "order.expired"
    ORDER_NO_SHOW = "order.no_show"
    ORDER_RESCHEDULED = "order.rescheduled"
    ORDER_ASSIGNED = "order.assigned"
    ORDER_CHANGED = "order.changed"


def body_of(export: Any, organization: Any) -> bytes:
    """The body that tells of `export`, the same on every try."""
    told = {
        "type": export.event,
        "timestamp": export.created_at,
        "data": export.payload,
        "organization": {"id": organization.id, "slug": organization.slug},
        "id": export.id,
    }
    return orjson.dumps(told, option=orjson.OPT_UTC_Z)
