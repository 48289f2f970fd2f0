"""What the loser of a race for a time is told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from api.core.context import actor, now, tenant
from api.core.slots import present_slot
from shared.core.errors import Conflict
from shared.core.transaction import read_only
from shared.orders import slots
from shared.orders.assigning import SLOT_TAKEN, workers_of

_MINUTE = timedelta(minutes=1)


@contextmanager
def offering_alternatives(
    start: datetime,
    end: datetime | None,
    *,
    estimate_id: UUID | None = None,
    team_id: UUID | None = None,
    postal_code: str | None = None,
    worker_ids: Sequence[UUID] | None = None,
    moved_order_id: UUID | None = None,
) -> Iterator[None]:
    """Let the loser of a race choose again: 409 `orders.slot_taken` names the nearest three times that are free, for a
    visit from `start` to `end`, or as long as the estimate says. The workers of an order that is moved are kept, unless
    others are named."""
    try:
        yield
    except Conflict as refusal:
        if refusal.code == SLOT_TAKEN:
            with read_only(tenant()) as session:
                if worker_ids is None:
                    worker_ids = workers_of(session, actor(), moved_order_id) if moved_order_id else ()
                found = slots.alternatives(
                    session,
                    actor(),
                    start=start,
                    minutes=-((start - end) // _MINUTE) if end else None,  # rounded up
                    estimate_id=estimate_id,
                    postal_code=postal_code,
                    team_id=team_id,
                    worker_ids=worker_ids,
                    moved_order_id=moved_order_id,
                    now=now(),
                )
            refusal.fields["alternatives"] = [present_slot(slot) for slot in found]
        raise
