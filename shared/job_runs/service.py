"""A run's way: claimed by beat or asked for by somebody, taken by a worker turn by turn, written down to its end."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.core import jobs
from shared.core.errors import Conflict, Unavailable, code
from shared.core.ids import new_id
from shared.core.locks import queue_up
from shared.core.orm import Reader, table_of
from shared.core.outbox import PUBLISH_GRACE
from shared.job_runs.jobs import GO_ON
from shared.job_runs.model import OPEN, JobRun, RunState, Trigger

LEASE = timedelta(seconds=30)
"""A run renews it between batches; a batch is one transaction and far shorter."""
LOST = "its worker never came back"
TRIES = 3
"""What stands in the way of a new run may end before it is looked at."""
BUSY = code("job_runs.busy", "Runs of this job end and begin at this moment")
TOO_MANY = code("job_runs.too_many", "Too many runs of this job are not over yet")
MOST_OPEN = 5
"""Runs of a job without a slot, in one organization."""

_runs = table_of(JobRun)
_run = _runs.c
NEWEST_FIRST = (_run.org_id.desc(), _run.id.desc())
"""Of the runs of one organization, or of the whole installation: with `org_id`, or Postgres does not see that the index
has this order where `org_id` is NULL."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants a job to do, beside what it does by itself, and for whom.

    `slot_at` is the slot to claim; None for what may run beside the others: a dry run, or one with `wishes` of its own.
    """

    job: str
    org_id: UUID | None
    trigger: Trigger
    requested_by: str | None = None
    slot_at: datetime | None = None
    dry_run: bool = False
    wishes: dict[str, Any] = field(default_factory=dict)


def slot_of(now: datetime, cadence: timedelta, offset: timedelta = timedelta()) -> datetime:
    """The start of the cadence-long slot, counted from `offset` after the epoch, that `now` falls into."""
    seconds, shift = cadence.total_seconds(), offset.total_seconds()
    return datetime.fromtimestamp((now.timestamp() - shift) // seconds * seconds + shift, UTC)


def claim(session: Session, asked: Asked, *, now: datetime) -> Row[Any] | None:
    """Begin a run at once, in this process. None when its slot is taken, or an earlier run of the job is going on."""
    close_lost(session, now=now, job=asked.job)
    run = _new(asked, now) | {"state": RunState.RUNNING, "started_at": now, "lease_until": now + LEASE}
    return session.execute(insert(_runs).values(run).on_conflict_do_nothing().returning(_runs)).one_or_none()


def ask(session: Session, asked: Asked, *, now: datetime) -> Row[Any]:
    """Have a run made by a worker. Answers with the one that is asked for already, or has claimed the slot.

    Raises `Conflict` when `MOST_OPEN` runs that claim no slot are not over yet.
    """
    close_lost(session, now=now, job=asked.job)
    if asked.slot_at is None:  # no index keeps two of the same apart
        queue_up(session, "job_runs.ask", asked.org_id, asked.job)
    for _ in range(TRIES):
        found = _find_like(session, asked)
        if found is not None:
            return found
        if asked.slot_at is None:
            _demand_few_open(session, asked)
        making = insert(_runs).values(_new(asked, now) | {"state": RunState.QUEUED})
        made = session.execute(making.on_conflict_do_nothing().returning(_runs)).one_or_none()
        if made is not None:
            jobs.enqueue(session, GO_ON, run_id=made.id)
            return made
    raise Unavailable(BUSY, "Runs of this job end and begin at this moment. Try again.")


def _find_like(session: Session, asked: Asked) -> Row[Any] | None:
    """The run that stands in the way of a new one: it holds the slot, or is open; without a slot, it is open and asked
    for the same."""
    like: tuple[ColumnElement[bool], ...]
    if asked.slot_at is None:
        like = (_run.slot_at.is_(None), _run.state.in_(OPEN), _run.dry_run == asked.dry_run, _run.asked == asked.wishes)
    else:
        holds_slot = (_run.slot_at == asked.slot_at) & _run.state.not_in([RunState.FAILED, RunState.LOST])
        like = (_run.slot_at.is_not(None), or_(holds_slot, _run.state.in_(OPEN)))
    query = select(_runs).where(of(asked.org_id), _run.job == asked.job, *like)
    return session.execute(query.order_by(*NEWEST_FIRST).limit(1)).one_or_none()


def _demand_few_open(session: Session, asked: Asked) -> None:
    is_open = (of(asked.org_id), _run.job == asked.job, _run.slot_at.is_(None), _run.state.in_(OPEN))
    if session.execute(select(func.count()).where(*is_open)).scalar_one() >= MOST_OPEN:
        raise Conflict(TOO_MANY, f"{MOST_OPEN} runs of this job are not over yet. Wait for one of them.")


def of(org_id: UUID | None) -> ColumnElement[bool]:
    """Runs of the organization, or of the whole installation. Not `IS NOT DISTINCT FROM`, which no index serves."""
    return _run.org_id == org_id if org_id else _run.org_id.is_(None)


def find_covering(session: Reader, job: str, slot_at: datetime, *, now: datetime) -> Row[Any] | None:
    """The run of the whole installation that is going on, or has begun in this slot or after it. One that has lost its
    worker will not do the work. Needs the platform's scope."""
    of_all = (_run.org_id.is_(None), _run.job == job, _run.slot_at.is_not(None))
    is_open = select(_run.id).where(*of_all, _run.state.in_(OPEN))
    is_done = select(_run.id).where(*of_all, _run.state == RunState.SUCCEEDED).order_by(*NEWEST_FIRST).limit(1)
    either = or_(_run.id == is_open.scalar_subquery(), _run.id == is_done.scalar_subquery())
    counts = _run.state.in_(OPEN) | (_run.started_at >= slot_at)
    is_lost = func.coalesce((_run.state == RunState.RUNNING) & (_run.lease_until < now), False)
    return session.execute(select(_runs).where(either, counts, ~is_lost).order_by(*NEWEST_FIRST).limit(1)).one_or_none()


def has_failed(session: Reader, job: str, slot_at: datetime, *, since: datetime) -> bool:
    """Whether the last run of the whole installation in this slot raised, and that after `since`. Needs the platform's
    scope."""
    of_slot = (_run.org_id.is_(None), _run.job == job, _run.slot_at >= slot_at)
    last = select(_run.state, _run.finished_at).where(*of_slot).order_by(*NEWEST_FIRST).limit(1)
    found = session.execute(last).one_or_none()
    return found is not None and found.state == RunState.FAILED and found.finished_at > since


def begin(session: Session, run_id: UUID, *, now: datetime) -> Row[Any] | None:
    """Take a queued run for one turn. None when there is nothing to do: another worker has it, it is over, or a run of
    the whole installation that began after it was asked for covers it. While that one is going on the run stays
    queued, and the sweep asks for it again: the other may fail."""
    queued = select(_runs).where(_run.id == run_id, _run.state == RunState.QUEUED).with_for_update()
    run = session.execute(queued).one_or_none()
    if run is None:
        return None
    covering = None
    if run.org_id is not None and run.slot_at is not None:
        covering = find_covering(session, run.job, run.created_at, now=now)
    if covering is not None and covering.state in OPEN:
        return None
    taking = update(_runs).where(_run.id == run_id).values(state=RunState.RUNNING, lease_until=now + LEASE)
    taken = session.execute(taking.values(started_at=func.coalesce(_run.started_at, now)).returning(_runs)).one()
    if covering is None:
        return taken
    finish(session, run_id, taken.counts, taken.details, now=now, covered_by=covering.id)
    return None


def renew(session: Session, run_id: UUID, counts: dict[str, int], *, now: datetime) -> bool:
    """The run is alive, and has done this so far. False when it was given up meanwhile."""
    return _change(session, run_id, lease_until=now + LEASE, counts=counts)


def pause(session: Session, run_id: UUID, counts: dict[str, int], details: dict[str, Any]) -> None:
    """The turn is over, and there is more to do: others' work first, then the next turn."""
    if _change(session, run_id, state=RunState.QUEUED, lease_until=None, counts=counts, details=details):
        jobs.enqueue(session, GO_ON, run_id=run_id)


def finish(
    session: Session,
    run_id: UUID,
    counts: dict[str, int],
    details: dict[str, Any],
    *,
    now: datetime,
    covered_by: UUID | None = None,
) -> None:
    """Record that the run ended well, with what it did."""
    ended = {"state": RunState.SUCCEEDED, "finished_at": now, "covered_by": covered_by}
    _change(session, run_id, counts=counts, details=details, **ended)


def fail(session: Session, run_id: UUID, error: str, *, now: datetime) -> None:
    """Record that the run raised; its slot may be claimed again."""
    _change(session, run_id, state=RunState.FAILED, finished_at=now, error=error)


def close_lost(session: Session, *, now: datetime, job: str | None = None) -> int:
    """Close the runs, of one job or of all, whose worker has died. Returns how many."""
    lost = [_run.state == RunState.RUNNING, _run.lease_until < now]
    if job is not None:
        lost.append(_run.job == job)
    closing = update(_runs).where(*lost).values(state=RunState.LOST, finished_at=now, error=LOST)
    return len(session.execute(closing.returning(_run.id)).all())


def sweep(session: Session, *, now: datetime, limit: int) -> dict[str, int]:
    """Close runs that have lost their worker, and enqueue those whose message was lost. Returns counts."""
    lost = close_lost(session, now=now)
    waiting = select(_run.id).where(_run.state == RunState.QUEUED, _run.created_at <= now - PUBLISH_GRACE)
    waiting_ids = session.scalars(waiting.order_by(_run.created_at).limit(limit)).all()
    for run_id in waiting_ids:
        jobs.enqueue(session, GO_ON, run_id=run_id)
    return {"lost": lost, "requeued": len(waiting_ids)}


def _new(asked: Asked, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "org_id": asked.org_id,
        "job": asked.job,
        "trigger": asked.trigger,
        "requested_by": asked.requested_by,
        "dry_run": asked.dry_run,
        "asked": asked.wishes,
        "slot_at": asked.slot_at,
        "created_at": now,
        "counts": {},
        "details": {},
    }


def _change(session: Session, run_id: UUID, **values: object) -> bool:
    running = update(_runs).where(_run.id == run_id, _run.state == RunState.RUNNING).values(**values)
    return session.scalar(running.returning(_run.id)) is not None
