"""What is done again and again: which job, how often, why, and what may be asked for by hand.

Beat sends what is in the table (`worker/schedule.py`), the API and the command line ask for what is `by_hand`. Beat may
run twice: slots are claimed in Postgres. What runs rarely is asked for often, so that a beat that was away makes up for
what it missed with one run.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.core.jobs import Job
from shared.core.settings import Settings
from shared.csv_files import jobs as csv_files
from shared.exports import jobs as exports
from shared.job_runs import jobs as job_runs
from shared.job_runs.service import slot_of
from shared.messages import jobs as messages
from shared.order_photos import jobs as order_photos
from shared.orders import jobs as orders
from shared.privacy import jobs as privacy
from shared.recurrences import jobs as recurrences
from shared.retention import jobs as retention
from shared.storage_deletes import jobs as storage_deletes
from shared.stripe_events import jobs as stripe_events

DAY = 86400.0
LONGEST_ASKING = 300.0
"""Seconds. So often beat asks for what runs more rarely."""
LONGEST_REST = 3600.0
"""Seconds after a failure in which beat does not ask again for what runs so rarely that it is asked for more often."""
HAND_SLOT = 60.0
"""Seconds. Asked for by hand twice within this, a job runs once."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A job that runs once in each slot of `every` seconds, which are counted from `at` seconds after midnight UTC.

    `name` is what operators call it, `job` what beat sends; without `job` and `every` it runs when it is asked for,
    only. `by_hand` says that staff may ask for it, in their own organization. One that `goes_on` and is not done at the
    end of its turn takes another, and does not leave the rest to the next slot.
    """

    name: str
    job: Job | None
    every: float | None
    why: str
    at: float = 0.0
    by_hand: bool = False
    goes_on: bool = False

    @property
    def asked_every(self) -> float | None:
        """How often beat asks for it."""
        return None if self.every is None else min(self.every, LONGEST_ASKING)

    @property
    def rest(self) -> timedelta:
        """How long beat lets a job alone that has failed, before the same slot is tried again. What fails because of
        one organization would be done for all the others every five minutes."""
        is_rare = self.every is not None and self.every > LONGEST_ASKING
        return timedelta(seconds=min(self.every or 0.0, LONGEST_REST) if is_rare else 0.0)

    def slot(self, now: datetime) -> datetime:
        """The slot of beat's runs that `now` falls into."""
        return slot_of(now, timedelta(seconds=self.every or HAND_SLOT), timedelta(seconds=self.at))

    def hand_slot(self, now: datetime) -> datetime:
        """The slot of runs by hand. Beat's slots begin with one, so that both at once are one run."""
        return slot_of(now, timedelta(seconds=min(self.every or HAND_SLOT, HAND_SLOT)), timedelta(seconds=self.at))

    def next_due(self, taken_slot: datetime | None, now: datetime) -> datetime | None:
        """When the next run of beat's is due, if the slot that was taken last is `taken_slot`; in the past when it is
        overdue, None when beat does not ask for it."""
        if self.every is None:
            return None
        if taken_slot is None:
            return self.slot(now)
        return self.slot(taken_slot) + timedelta(seconds=self.every)


def table(settings: Settings) -> list[Scheduled]:
    """Every job that is scheduled or may be asked for by hand."""
    sweep = settings.sweep_interval_seconds
    cleanup, scan = settings.cleanup_interval_seconds, settings.email_scan_interval_seconds
    dead = settings.export_dead_letter_interval_seconds
    return [
        _sweep(messages.SWEEP, sweep, "mails whose message or worker was lost, and retries that are due"),
        _sweep(exports.SWEEP, sweep, "events whose message or worker was lost, and retries that are due"),
        _sweep(order_photos.SWEEP, sweep, "uploads that never ended, photos whose message or worker was lost"),
        Scheduled("storage_janitor", storage_deletes.SWEEP, sweep, "files that are to be deleted", by_hand=True),
        Scheduled("photo_recount", order_photos.RECOUNT, DAY, "what photos take, counted anew"),
        Scheduled("email_scan", orders.REMIND, scan, "reminders that are due, and mails that are late", by_hand=True),
        Scheduled("cleanup", retention.CLEANUP, cleanup, "holds, sessions, links and keys that are over", by_hand=True),
        Scheduled(
            "retention",
            retention.RETENTION,
            DAY,
            "what has been kept for long enough",
            at=settings.retention_at_seconds,
            by_hand=True,
            goes_on=True,
        ),
        Scheduled(
            "export_dead_letter",
            exports.DEAD_LETTER,
            dead,
            "events that were given up: counted, warned of, replayed",
            by_hand=True,
            goes_on=True,
        ),
        Scheduled("webhook_drill", None, None, "how an organization's receiver takes what it should not"),
        _sweep(recurrences.SWEEP, sweep, "series with days that have no orders yet"),
        _sweep(csv_files.SWEEP, sweep, "tables whose time is over, or whose message or worker was lost"),
        _sweep(privacy.SWEEP, sweep, "copies for people whose time is over, or whose message or worker was lost"),
        _sweep(stripe_events.SWEEP, sweep, "events whose message or worker was lost, and retries that are due"),
        _sweep(job_runs.SWEEP, sweep, "runs that have lost their message or their worker"),
    ]


def entry(settings: Settings, name: str) -> Scheduled:
    """What the table says of the job that operators call `name`. Raises KeyError."""
    return {each.name: each for each in table(settings)}[name]


def _sweep(job: Job, every: float, why: str) -> Scheduled:
    return Scheduled(job.name, job, every, why)
