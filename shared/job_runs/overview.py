"""How the jobs of the installation do: a bounded look for each job, whatever the number of runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Text, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from shared.core.orm import Reader, table_of
from shared.job_runs.model import OPEN, JobRun, RunState
from shared.job_runs.service import of

FAILING = 5
"""From so many failures in a row on, a job is failing."""
MOST_COUNTED = 1000
"""Failures in a row are counted up to here."""

_runs = table_of(JobRun)
_run = _runs.c
_BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Health:
    """How a job has done in the whole installation: its `last` run that claimed a slot and the last that succeeded
    (`done`), if there are any, and how many have failed or were lost since."""

    last: Row[Any] | None = None
    done: Row[Any] | None = None
    failures: int = 0

    @property
    def is_failing(self) -> bool:
        return self.failures >= FAILING

    @property
    def is_running(self) -> bool:
        """Whether a run is going on, one between two turns included."""
        return self.last is not None and self.last.state in OPEN

    @property
    def taken_slot(self) -> datetime | None:
        """The last slot that is done or being done."""
        taken = self.last if self.is_running else self.done
        return taken.slot_at if taken is not None else None


def read_health(session: Reader, jobs: Sequence[str]) -> dict[str, Health]:
    """The health of each of `jobs`, in three statements. Needs the platform's scope."""
    last = read_last(session, None, jobs)
    done = {row.job: row for row in session.execute(_newest(jobs, _of_slot(None), _run.state == RunState.SUCCEEDED))}
    failures = _count_failures(session, jobs)
    return {job: Health(last.get(job), done.get(job), failures[job]) for job in jobs}


def read_last(session: Reader, org_id: UUID | None, jobs: Sequence[str]) -> dict[str, Row[Any]]:
    """The last run of each job that claimed a slot: of the organization, or of the whole installation."""
    return {row.job: row for row in session.execute(_newest(jobs, _of_slot(org_id)))}


def _of_slot(org_id: UUID | None) -> ColumnElement[bool]:
    return of(org_id) & _run.slot_at.is_not(None)


def _named(jobs: Sequence[str]) -> Any:
    return func.unnest(literal(list(jobs), ARRAY(Text))).table_valued("job").render_derived("asked")


def _newest(jobs: Sequence[str], *which: ColumnElement[bool]) -> Any:
    asked = _named(jobs)
    newest = select(_runs).where(_run.job == asked.c.job, *which).order_by(_run.id.desc()).limit(1).lateral("newest")
    return select(newest).select_from(asked.join(newest, literal(True)))


def _count_failures(session: Reader, jobs: Sequence[str]) -> dict[str, int]:
    asked = _named(jobs)
    of_job = (_run.job == asked.c.job, _of_slot(None))
    done = (
        select(_run.id)
        .where(*of_job, _run.state == RunState.SUCCEEDED)
        .order_by(_run.id.desc())
        .limit(1)
        .lateral("done")
    )
    since = _run.id > func.coalesce(done.c.id, _BEFORE_ALL)
    failed = (
        select(_run.id).where(*of_job, since, _run.state.in_([RunState.FAILED, RunState.LOST])).limit(MOST_COUNTED)
    ).lateral("failed")
    counting = select(asked.c.job, func.count(failed.c.id)).select_from(
        asked.outerjoin(done, literal(True)).outerjoin(failed, literal(True))
    )
    return {row[0]: row[1] for row in session.execute(counting.group_by(asked.c.job))}
