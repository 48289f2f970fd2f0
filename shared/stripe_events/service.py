from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.core import jobs
from shared.core.orm import table_of
from shared.core.outbox import PUBLISH_GRACE, backoff, lock_due
from shared.integrations.payments import ProviderEvent
from shared.stripe_events import handlers
from shared.stripe_events.jobs import HANDLE
from shared.stripe_events.model import EventState, StripeEvent

MAX_ATTEMPTS = 8
FIRST_RETRY_SECONDS = 30.0
LEASE = timedelta(minutes=2)
"""How long a worker has for one event before the sweep gives it to another: the hard time limit of a task."""


_events = table_of(StripeEvent)
_KEEP_ONCE = insert(_events).on_conflict_do_nothing().returning(_events.c.id)


def receive(session: Session, event: ProviderEvent, *, now: datetime) -> bool:
    """Keep a verified event; False when it is here already. Stored once and enqueued once, however often it is sent."""
    row = {
        "id": event.id,
        "type": event.type,
        "api_version": event.api_version,
        "payload": event.payload,
        "created_at": event.created_at,
        "received_at": now,
        "next_attempt_at": now + PUBLISH_GRACE,
    }
    if session.scalar(_KEEP_ONCE, row) is None:
        return False
    jobs.enqueue(session, HANDLE, event_id=event.id)
    return True


def claim(session: Session, event_id: str, *, now: datetime) -> bool:
    """Take the event for handling; False when there is nothing to do. Counts the try before it is made, so that one
    which kills its worker ends as `dead` too."""
    mine = (StripeEvent.id == event_id, StripeEvent.state == EventState.RECEIVED)
    claimed = (
        update(StripeEvent)
        .where(*mine)
        .values(state=EventState.HANDLING, attempts=StripeEvent.attempts + 1, next_attempt_at=now + LEASE)
    )
    return session.scalar(claimed.returning(StripeEvent.id)) is not None


def lock_claimed(session: Session, event_id: str) -> StripeEvent | None:
    """The event, locked, if it is in hand and nobody has finished it in the meantime."""
    query = select(StripeEvent).where(StripeEvent.id == event_id, StripeEvent.state == EventState.HANDLING)
    return session.scalar(query.with_for_update(skip_locked=True))


def handle(session: Session, event: StripeEvent, *, now: datetime) -> None:
    """Do what the event asks for and mark it, in the caller's one transaction, with the row locked."""
    handler = handlers.HANDLERS.get(event.type)
    done = handler is not None and handler(session, event, now)
    event.state = EventState.HANDLED if done else EventState.IGNORED
    event.handled_at, event.next_attempt_at, event.last_error = now, None, None


def record_failure(event: StripeEvent, error: str, *, now: datetime) -> None:
    """It could not be handled this time. Tried again later, until the tries are used up."""
    event.last_error = error
    if event.attempts >= MAX_ATTEMPTS:
        event.state, event.next_attempt_at = EventState.DEAD, None
    else:
        event.next_attempt_at = now + backoff(event.attempts, FIRST_RETRY_SECONDS)


def sweep(session: Session, *, now: datetime, limit: int) -> dict[str, int]:
    """Enqueue events whose message was lost, whose worker died, or whose retry is due. Returns counts."""
    counts = {"requeued": 0, "dead": 0}
    for event in lock_due(session, StripeEvent, {EventState.RECEIVED, EventState.HANDLING}, now=now, limit=limit):
        if event.state == EventState.HANDLING and event.attempts >= MAX_ATTEMPTS:
            event.state, event.next_attempt_at = EventState.DEAD, None
            event.last_error = event.last_error or "the worker died while handling, every time"
            counts["dead"] += 1
            continue
        event.state, event.next_attempt_at = EventState.RECEIVED, now + PUBLISH_GRACE
        jobs.enqueue(session, HANDLE, event_id=event.id)
        counts["requeued"] += 1
    return counts
