"""What the views of orders share: an answer with its ETag, and the alternatives to a time that is taken."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from api.core.context import actor, now, tenant
from api.core.etags import etag
from api.core.idempotency import Answer
from api.core.slots import present_slot
from api.orders import schemas
from shared.core.errors import Conflict
from shared.core.permissions import Permission
from shared.core.transaction import read_only
from shared.orders import slots
from shared.orders.assigning import SLOT_TAKEN


def present(order: Any) -> dict[str, Any]:
    """An order for the caller: keys and alarms are for dispatch alone."""
    return schemas.present(order, with_access_notes=actor().may(Permission.ORDERS_WRITE))


def versioned(order: Any) -> Answer:
    """An order, with the ETag of its version."""
    return present(order), 200, etag(order.version)


@contextmanager
def offering_alternatives(
    start: datetime, length: timedelta, team_id: UUID | None, *, moved_order_id: UUID | None = None
) -> Iterator[None]:
    """Let the loser of a race choose again: 409 `orders.slot_taken` names the nearest three times that are free."""
    try:
        yield
    except Conflict as refusal:
        if refusal.code == SLOT_TAKEN:
            with read_only(tenant()) as session:
                found = slots.alternatives(
                    session,
                    actor(),
                    start=start,
                    minutes=max(1, int(length.total_seconds() // 60)),
                    crew_size=1,
                    team_id=team_id,
                    moved_order_id=moved_order_id,
                    now=now(),
                )
            refusal.fields["alternatives"] = [present_slot(slot) for slot in found]
        raise
