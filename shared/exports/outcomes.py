"""What a try came to: for the event, and for the target that it was made on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from shared.core import outbox_queue
from shared.core.errors import Refusal, Unavailable
from shared.core.outbox import MOST_JITTER, backoff, without_jitter
from shared.core.settings import Settings
from shared.exports.model import ExportState
from shared.integrations.export import Answer

BACKOFF_FACTOR = 4.0
LONGEST_BACKOFF = timedelta(days=1)
LONGEST_RETRY_AFTER = timedelta(days=1)
"""However long a receiver asks to be left alone."""
MOST_FAILURES = 3
"""In a row; after that the target rests."""
FIRST_REST_SECONDS = 5.0
LONGEST_REST = timedelta(minutes=5)
STILL_FAILING = timedelta(hours=1)
"""A target that fails is tried more often than that, unless it rests for longer, or nobody tries it."""
SOONEST_EXHAUSTED = timedelta(days=1)
"""While a target rests, most of what waits for it is not tried at all: so it is not given up after minutes, however few
the tries are that an event has."""
GONE = "The target answered 410 Gone: it wants no more events."
DIED = "The worker died while delivering, every time."


@dataclass(frozen=True, slots=True)
class Outcome(outbox_queue.Outcome):
    """What the row of the event is to say."""

    last_status: int | None = None
    delivered_at: datetime | None = None
    dead_at: datetime | None = None


@dataclass(slots=True)
class Health:
    """How the target fares, in the course of a turn. `failures` are those in a row, with those of turns before, and
    `failing_since` is when they began, as far as somebody has tried all the while."""

    failures: int
    failing_since: datetime | None = None
    rests_until: datetime | None = None
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_error: str | None = None
    disabled_reason: str | None = None

    @staticmethod
    def of(endpoint: Any, *, now: datetime) -> "Health":
        """How the target of a row of `webhook_endpoints` has fared. Workers may have been away since it has failed, and
        it may have been well meanwhile: then nobody knows since when it fails."""
        known = [moment for moment in (endpoint.last_failure_at, endpoint.rests_until) if moment is not None]
        was_tried = any(moment > now - STILL_FAILING for moment in known)
        return Health(endpoint.failures, endpoint.failing_since if was_tried else None)

    @property
    def lets_others_wait(self) -> bool:
        """Whether nothing else of the organization is to be tried now."""
        return self.rests_until is not None or self.disabled_reason is not None

    def succeed(self, *, now: datetime) -> None:
        """Any success ends a rest."""
        self.failures, self.failing_since, self.rests_until, self.last_success_at = 0, None, None, now

    def fail(self, error: str, *, now: datetime, rest: timedelta | None = None) -> None:
        """One more failure; `rest` is what the receiver has asked for."""
        self.failures += 1
        self.failing_since = self.failing_since or now
        self.last_failure_at, self.last_error = now, error
        if self.failures >= MOST_FAILURES:
            own = backoff(self.failures - MOST_FAILURES + 1, FIRST_REST_SECONDS, longest=LONGEST_REST)
            rest = max(own, rest or own)
        if rest:
            self.rests_until = now + rest

    def disable(self, reason: str, *, now: datetime) -> None:
        """The target is not tried any more, until somebody enables it."""
        self.disabled_reason = self.last_error = reason
        self.last_failure_at = now


def of_answer(claimed: Any, answer: Answer, health: Health, settings: Settings, *, now: datetime) -> Outcome:
    """What to make of what the receiver has answered."""
    if answer.is_success:
        health.succeed(now=now)
        return Outcome(ExportState.DELIVERED, claimed.attempts, last_status=answer.status, delivered_at=now)
    if answer.status == HTTPStatus.GONE:
        health.disable(GONE, now=now)
        return _as_it_was(claimed, GONE, answer.status, now=now)
    asked = min(timedelta(seconds=answer.retry_after or 0.0), LONGEST_RETRY_AFTER)
    error = f"The target answered {answer.status}" + (f": {answer.excerpt}" if answer.excerpt else ".")
    health.fail(error, now=now, rest=asked)
    return _later(claimed, error, answer.status, asked, settings, now=now)


def of_refusal(claimed: Any, refusal: Refusal, health: Health, settings: Settings, *, now: datetime) -> Outcome:
    """What to make of a try to which nobody has answered."""
    health.fail(refusal.detail, now=now)
    if isinstance(refusal, Unavailable):
        return _later(claimed, refusal.detail, None, timedelta(), settings, now=now)
    return dead(claimed, refusal.detail, now=now)


def dead(claimed: Any, error: str, status: int | None = None, *, now: datetime) -> Outcome:
    """It is given up. The row stays, with the reason."""
    return Outcome(ExportState.DEAD, claimed.attempts, last_error=error, last_status=status, dead_at=now)


def is_hopeless(claimed: Any, settings: Settings) -> bool:
    """Whether its tries are used up by workers that died of it, or with it."""
    died: bool = claimed.was == ExportState.DELIVERING
    return died and bool(claimed.attempts > settings.export_webhook_max_retries + 1)


def all_tries_take(settings: Settings) -> timedelta:
    """The longest that the tries of an event take, from the first to the last."""
    retries = range(1, settings.export_webhook_max_retries + 1)
    first = settings.export_webhook_backoff_seconds
    waits = (without_jitter(each, first, factor=BACKOFF_FACTOR, longest=LONGEST_BACKOFF) for each in retries)
    trying = timedelta(seconds=settings.export_webhook_timeout_seconds) * (len(retries) + 1)
    return sum(waits, timedelta()) * MOST_JITTER + trying


def exhausted_after(settings: Settings) -> timedelta:
    """For how long a target must have failed, and an event have waited, until it is given up untried."""
    return max(all_tries_take(settings), SOONEST_EXHAUSTED)


def _later(
    claimed: Any, error: str, status: int | None, asked: timedelta, settings: Settings, *, now: datetime
) -> Outcome:
    if claimed.attempts > settings.export_webhook_max_retries:
        return dead(claimed, error, status, now=now)
    first = settings.export_webhook_backoff_seconds
    wait = max(asked, backoff(claimed.attempts, first, factor=BACKOFF_FACTOR, longest=LONGEST_BACKOFF))
    return Outcome(ExportState.RETRYING, claimed.attempts, now + wait, error, status)


def _as_it_was(claimed: Any, error: str, status: int, *, now: datetime) -> Outcome:
    """It waits for a target, and has used up no try."""
    spent = claimed.attempts - 1
    return Outcome(ExportState.RETRYING if spent else ExportState.PENDING, spent, now, error, status)
