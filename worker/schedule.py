"""What beat sends, how often, and why. Beat may run twice: slots are claimed in Postgres, heartbeats are harmless."""

from dataclasses import dataclass
from typing import Any

from shared.core.heartbeats import HEARTBEATS
from shared.core.jobs import Job
from shared.core.settings import Settings
from shared.messages import jobs as messages
from shared.order_photos import jobs as order_photos
from shared.orders import jobs as orders
from shared.privacy import jobs as privacy
from shared.recurrences import jobs as recurrences
from shared.storage_deletes import jobs as storage_deletes
from shared.stripe_events import jobs as stripe_events

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A job that beat sends every `seconds`."""

    job: Job
    seconds: float
    why: str


def table(settings: Settings) -> list[Scheduled]:
    """The beat table."""
    heartbeat, sweep = settings.job_heartbeat_interval_seconds, settings.sweep_interval_seconds
    return [
        *(Scheduled(job, heartbeat, f"proves that {queue} is consumed") for queue, job in HEARTBEATS.items()),
        Scheduled(messages.SWEEP, sweep, "mails whose message or worker was lost, and retries that are due"),
        Scheduled(order_photos.SWEEP, sweep, "uploads that never ended, photos whose message or worker was lost"),
        Scheduled(storage_deletes.SWEEP, sweep, "the storage janitor: files that are to be deleted"),
        Scheduled(order_photos.RECOUNT, HOUR, "what photos take, counted anew; once a day, asked for more often"),
        Scheduled(orders.EXPIRE_HOLDS, sweep, "orders whose deposit was not paid in time"),
        Scheduled(orders.REMIND, settings.email_scan_interval_seconds, "reminders of orders that begin soon"),
        Scheduled(recurrences.SWEEP, sweep, "series with days that have no orders yet"),
        Scheduled(privacy.SWEEP, sweep, "copies for people whose time is over, or whose message or worker was lost"),
        Scheduled(stripe_events.SWEEP, sweep, "events whose message or worker was lost, and retries that are due"),
    ]


def schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """The table in Celery's words. A message that waits longer than its cadence is dropped: the next one is there."""
    return {
        entry.job.name: {
            "task": entry.job.name,
            "schedule": entry.seconds,
            "options": {"queue": str(entry.job.queue), "expires": max(entry.seconds, 60.0)},
        }
        for entry in table(settings)
    }
