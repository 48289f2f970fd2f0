"""How the jobs of the installation do: a bounded look for each job, whatever the number of runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Text, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from shared.core.orm import Reader, table_of
from shared.job_runs.model import OPEN, JobRun, RunState
from shared.job_runs.service import NEWEST_FIRST, of

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
    """The health of each of `jobs`, in two statements. Needs the platform's scope."""
    found = session.execute(_health(jobs)).all()
    ids = [run_id for row in found for run_id in (row.last_id, row.done_id) if run_id is not None]
    runs = {run.id: run for run in session.execute(select(_runs).where(_run.id.in_(ids)))}
    return {row.job: Health(runs.get(row.last_id), runs.get(row.done_id), row.failures) for row in found}


def read_last(session: Reader, org_id: UUID, jobs: Sequence[str]) -> dict[str, Row[Any]]:
    """The organization's last run of each job that claimed a slot."""
    asked = _named(jobs)
    last = _newest(select(_runs), asked, of(org_id)).lateral("last")
    query = select(last).select_from(asked.join(last, literal(True)))
    return {run.job: run for run in session.execute(query)}


def _health(jobs: Sequence[str]) -> Select[Any]:
    """For each job the last run, the last that succeeded, and how many have failed since: each from an index."""
    asked = _named(jobs)
    last = _newest(select(_run.id), asked, of(None)).lateral("last")
    done = _newest(select(_run.id), asked, of(None), _run.state == RunState.SUCCEEDED).lateral("done")
    since = _run.id > func.coalesce(done.c.id, _BEFORE_ALL)
    has_failed = _run.state.in_([RunState.FAILED, RunState.LOST])
    failed = _newest(select(_run.id), asked, of(None), since, has_failed, limit=MOST_COUNTED).lateral("failed")
    always = literal(True)
    joined = asked.outerjoin(last, always).outerjoin(done, always).outerjoin(failed, always)
    columns = (asked.c.job, last.c.id.label("last_id"), done.c.id.label("done_id"))
    counted = select(*columns, func.count(failed.c.id).label("failures")).select_from(joined)
    return counted.group_by(asked.c.job, last.c.id, done.c.id)


def _named(jobs: Sequence[str]) -> Any:
    return func.unnest(literal(list(jobs), ARRAY(Text))).table_valued("job").render_derived("asked")


def _newest(query: Select[Any], asked: Any, *which: ColumnElement[bool], limit: int = 1) -> Select[Any]:
    """`query` for the newest runs of an asked job that claimed a slot."""
    of_job = (_run.job == asked.c.job, _run.slot_at.is_not(None), *which)
    return query.where(*of_job).order_by(*NEWEST_FIRST).limit(limit)
