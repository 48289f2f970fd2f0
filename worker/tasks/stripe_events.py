"""Handling Stripe's events: one transaction each, with the event's row locked."""

from collections.abc import Iterator

from shared.core import clock
from shared.core.database_errors import DATABASE_AWAY
from shared.core.errors import Refusal, Unavailable
from shared.core.jobs import Queue
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.stripe_events import jobs
from shared.stripe_events import service as stripe_events
from worker.core.backlog import is_backed_up
from worker.core.periodic import Counts, Run, periodic, until_nothing
from worker.core.task import task

SWEEP_BATCH = 500


@task(jobs.HANDLE)
def handle(event_id: str) -> dict[str, str]:
    """Handle a stored event, unless that is done or somebody else is at it. A failure is recorded and tried again."""
    with transaction(PLATFORM) as session:
        if not stripe_events.claim(session, event_id, now=clock.utc_now()):
            return {"outcome": "nothing to do"}
    try:
        with transaction(PLATFORM) as session:
            event = stripe_events.lock_claimed(session, event_id)
            if event is None:
                return {"outcome": "nothing to do"}
            stripe_events.handle(session, event, now=clock.utc_now())
            return {"outcome": event.state}
    except Exception as error:
        if not (isinstance(error, Unavailable) and error.code == DATABASE_AWAY):
            _record_failure(event_id, error)
        raise


@task(jobs.SWEEP)
@periodic(jobs.SWEEP.name)
def sweep(_: Run) -> Iterator[Counts]:
    """Bring back events whose message or worker was lost, and those whose retry is due."""
    return until_nothing(_sweep)


def _sweep() -> Counts:
    if is_backed_up(Queue.STRIPE):
        return {}
    with transaction(PLATFORM) as session:
        return stripe_events.sweep(session, now=clock.utc_now(), limit=SWEEP_BATCH)


def _record_failure(event_id: str, error: Exception) -> None:
    with transaction(PLATFORM) as session:
        event = stripe_events.lock_claimed(session, event_id)
        if event is not None:
            reason = f"{error.code}: {error.detail}" if isinstance(error, Refusal) else repr(error)
            stripe_events.record_failure(event, reason[:2000], now=clock.utc_now())
