"""Runs of jobs, turn by turn: claimed once per slot or asked for, recorded, never overlapping (`shared/job_runs`).

The work of a job is a generator: each `yield` says what one transaction has done, and is the moment at which the run
may be told to stop. It keeps nothing between turns but what is in the database: the next turn begins anew, and finds
what is left. A dry run changes nothing, so it has to count in a few statements, or keep in `details` where it was.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row

from shared import schedule
from shared.core import clock
from shared.core.errors import Refusal
from shared.core.tenancy import PLATFORM, Scope, Tenant
from shared.core.transaction import read_only, transaction
from shared.job_runs import service as job_runs
from shared.job_runs.model import Trigger
from shared.job_runs.service import Asked
from worker.core import background
from worker.core.boot import services

TIME_BUDGET = timedelta(seconds=20)
"""A turn stops after this long; others have theirs, then the next one, or the next slot, goes on where it stopped."""
ALREADY = "already running or done"
RESTS = "has failed, and rests"
LONGEST_RUN = timedelta(hours=2)
"""One that goes on, turn after turn, ends then; the next slot does the rest."""
FAILED, REASONS = "failed", "reasons"
"""Kept with the run: how many organizations could not be done in its turns so far, and why the first could not."""
MOST_NAMED = 5
TIME_IS_UP = "time was up for the rest: ask again"

Counts = dict[str, int]
Outcome = dict[str, Any]


class IncompleteError(Exception):
    """Some organizations could not be done, or not all of what was asked for. Its message is for those who asked."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a work is told: whose rows (`scope`: one organization's, or all), whether only to count what it would do
    (`dry_run`), and what else was `asked`. What it writes into `details` is kept with the run."""

    id: UUID
    scope: Scope
    dry_run: bool = False
    asked: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def org_id(self) -> UUID | None:
        """The organization whose rows they are, if they are one's."""
        return self.scope.org_id if isinstance(self.scope, Tenant) else None

    def pass_over(self, whose: str, error: Exception) -> None:
        """Go on with the others. The run names the first whom it has passed over, and why, and has failed when it ends,
        whichever turn that is in."""
        self.details[FAILED] = self.details.get(FAILED, 0) + 1
        reasons = self.details.setdefault(REASONS, {})
        if len(reasons) < MOST_NAMED:
            reasons[whose] = _reason(error, self.org_id).partition("\n")[0][:200]

    def demand_complete(self, *, is_done: bool, wants_all: bool) -> None:
        """Raises `IncompleteError` when somebody was passed over, or when it was not done and whoever asked `wants_all`
        in this run."""
        if FAILED in self.details:
            others = "the others are done" if is_done else TIME_IS_UP
            named = "; ".join(f"{whose}: {why}" for whose, why in self.details[REASONS].items())
            raise IncompleteError(f"{self.details[FAILED]} organizations failed, {others}: {named}")
        if wants_all and not is_done:
            raise IncompleteError(TIME_IS_UP)


Work = Callable[[Run], Iterator[Counts]]
Tell = Callable[[UUID, Counts], None]
"""Hears after each batch what a run has done so far."""

Turn = Callable[[], Outcome]
Maker = Callable[[Turn], Outcome]
"""Makes a turn, here or elsewhere."""

_WORKS: dict[str, Work] = {}
_CALLING_OUT: set[str] = set()


def by_hand(name: str, *, calls_out: bool = False) -> Callable[[Work], Work]:
    """Make the decorated generator the work of the job that operators call `name`. One that `calls_out` waits for
    servers of strangers: its turns keep no worker process from other work."""

    def register(work: Work) -> Work:
        _WORKS[name] = work
        if calls_out:
            _CALLING_OUT.add(name)
        return work

    return register


def periodic(name: str, *, calls_out: bool = False) -> Callable[[Work], Callable[[], Outcome]]:
    """The same for a job that beat sends: what is bound to its `Job` claims the slot of this moment, at most once in
    each, whoever asks for it."""

    def bind(work: Work) -> Callable[[], Outcome]:
        by_hand(name, calls_out=calls_out)(work)

        def run_slot() -> Outcome:
            entry, now = schedule.entry(services().settings, name), clock.utc_now()
            slot_at = entry.slot(now)
            if entry.rest and _has_failed(name, slot_at, since=now - entry.rest):
                return {"outcome": RESTS}
            return run_now(Asked(name, None, Trigger.BEAT, slot_at=slot_at), maker=background.run)

        run_slot.__doc__ = work.__doc__
        return run_slot

    return bind


def _has_failed(name: str, slot_at: datetime, *, since: datetime) -> bool:
    with read_only(PLATFORM) as connection:
        return job_runs.has_failed(connection, name, slot_at, since=since)


def has_work(name: str) -> bool:
    """Whether there is a work of that name."""
    return name in _WORKS


def until_nothing(batch: Callable[[], Counts]) -> Iterator[Counts]:
    """Repeat `batch` until it has found nothing more to do."""
    while True:
        counts = batch()
        yield counts
        if not any(counts.values()):
            return


def _here(turn: Turn) -> Outcome:
    return turn()


def run_now(asked: Asked, tell: Tell = lambda *_: None, *, maker: Maker = _here) -> Outcome:
    """Make a run in this process: its first turn, that is. Says so when there is nothing to do. `maker` makes the turn
    of a work that calls out."""
    with transaction(PLATFORM) as session:
        run = job_runs.claim(session, asked, now=clock.utc_now())
    return _made(run, tell, maker) if run is not None else {"outcome": ALREADY}


def go_on(run_id: UUID, tell: Tell = lambda *_: None, *, maker: Maker = _here) -> Outcome:
    """Begin a run that was asked for, or take the next turn of one that has more to do. `maker` is as above."""
    with transaction(PLATFORM) as session:
        run = job_runs.begin(session, run_id, now=clock.utc_now())
    return _made(run, tell, maker) if run is not None else {"outcome": "nothing to do"}


def _made(row: Row[Any], tell: Tell, maker: Maker) -> Outcome:
    turn = partial(_take_turn, row, tell)
    return maker(turn) if row.job in _CALLING_OUT else turn()


def _take_turn(row: Row[Any], tell: Tell) -> Outcome:
    structlog.contextvars.bind_contextvars(run_id=str(row.id))
    scope = Tenant(row.org_id) if row.org_id else PLATFORM
    run = Run(row.id, scope, row.dry_run, row.asked, dict(row.details))
    try:
        counts, is_done = _work(run, row, tell)
        goes_on = not is_done and _may_go_on(row)
        if not goes_on:
            run.demand_complete(is_done=is_done, wants_all=row.trigger != Trigger.BEAT)
    except Exception as error:
        with transaction(PLATFORM) as session:
            job_runs.fail(session, run.id, _reason(error, row.org_id), now=clock.utc_now())
        raise
    with transaction(PLATFORM) as session:
        if goes_on:
            job_runs.pause(session, run.id, counts, run.details)
        else:
            job_runs.finish(session, run.id, counts, run.details, now=clock.utc_now())
    return {"run_id": str(run.id), **counts}


def _may_go_on(row: Row[Any]) -> bool:
    """Whether what is left is for another turn of the run. Whoever asks by hand wants it all done; beat comes back."""
    wants_all = row.trigger != Trigger.BEAT or schedule.entry(services().settings, row.job).goes_on
    return wants_all and clock.utc_now() - row.started_at < LONGEST_RUN


def _reason(error: Exception, org_id: UUID | None) -> str:
    """Why the run failed. A company reads its own runs: what we did not mean to say to it is in the log alone."""
    if isinstance(error, Refusal):
        return f"{error.code}: {error.detail}"[:2000]
    if isinstance(error, IncompleteError):
        return str(error)[:2000]
    if org_id is not None:
        return f"{type(error).__name__}; the worker's log says more"
    return f"{type(error).__name__}: {error}"[:2000]


def _work(run: Run, row: Row[Any], tell: Tell) -> tuple[Counts, bool]:
    """Work until the turn is over. Returns what the run has done in all its turns, and whether it is done."""
    deadline = clock.utc_now() + TIME_BUDGET
    totals: Counts = dict(row.counts)
    for counts in _WORKS[row.job](run):
        for name, count in counts.items():
            totals[name] = totals.get(name, 0) + count
        tell(run.id, totals)
        now = clock.utc_now()
        if any(counts.values()):  # a look that found nothing is no news
            with transaction(PLATFORM) as session:
                if not job_runs.renew(session, run.id, totals, now=now):
                    return totals, True
        if now >= deadline:
            return totals, False
    return totals, True
