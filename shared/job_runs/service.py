from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.core.ids import new_id
from shared.job_runs.model import JobRun, RunState

LEASE = timedelta(seconds=30)
"""A run renews it between batches; a batch is one transaction and far shorter."""


def slot_of(now: datetime, cadence: timedelta) -> datetime:
    """The start of the cadence-long slot, counted from the epoch, that `now` falls into."""
    seconds = cadence.total_seconds()
    return datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC)


def claim(session: Session, job: str, slot_at: datetime, *, now: datetime) -> UUID | None:
    """Claim `slot_at` of `job`. None when it is taken, or when an earlier run of the job is still going on."""
    lost = update(JobRun).where(JobRun.job == job, JobRun.state == RunState.RUNNING, JobRun.lease_until < now)
    session.execute(lost.values(state=RunState.LOST, finished_at=now, error="its worker never came back"))
    run = insert(JobRun).values(
        id=new_id(),
        job=job,
        slot_at=slot_at,
        state=RunState.RUNNING,
        started_at=now,
        lease_until=now + LEASE,
        counts={},
    )
    claimed: UUID | None = session.scalar(run.on_conflict_do_nothing().returning(JobRun.id))
    return claimed


def renew(session: Session, run_id: UUID, *, now: datetime) -> None:
    """The run is alive."""
    _change(session, run_id, lease_until=now + LEASE)


def finish(session: Session, run_id: UUID, counts: dict[str, int], *, now: datetime) -> None:
    """Record that the run ended well, with what it did."""
    _change(session, run_id, state=RunState.SUCCEEDED, finished_at=now, counts=counts)


def fail(session: Session, run_id: UUID, error: str, *, now: datetime) -> None:
    """Record that the run raised."""
    _change(session, run_id, state=RunState.FAILED, finished_at=now, error=error)


def _change(session: Session, run_id: UUID, **values: object) -> None:
    running = update(JobRun).where(JobRun.id == run_id, JobRun.state == RunState.RUNNING)
    session.execute(running.values(**values))
