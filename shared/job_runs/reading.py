"""What became of runs: one, and pages of an organization's own."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from shared.core import pages
from shared.core.actor import Actor
from shared.core.errors import NotFound, code
from shared.core.orm import Reader, table_of
from shared.job_runs.model import JobRun
from shared.job_runs.service import of

NOT_FOUND = code("job_runs.not_found", "No such run")

_runs = table_of(JobRun)
_run = _runs.c


def find(session: Reader, org_id: UUID | None, run_id: UUID) -> Row[Any] | None:
    """A run of the organization; without one, of the whole installation, for which the platform's scope is needed."""
    return session.execute(select(_runs).where(_run.id == run_id, of(org_id))).one_or_none()


def read(session: Reader, run_id: UUID) -> Row[Any]:
    """A run that is there, whoever's it is. Needs the platform's scope."""
    return session.execute(select(_runs).where(_run.id == run_id)).one()


def not_found() -> NotFound:
    return NotFound(NOT_FOUND, "There is no such run.")


def list_page(
    session: Reader, actor: Actor, request: pages.PageRequest, *, job: str | None = None, state: str | None = None
) -> pages.Page:
    """The organization's own runs, the last that was asked for first."""
    query = select(_runs).where(_run.org_id == actor.org_id)
    if job is not None:
        query = query.where(_run.job == job)
    if state is not None:
        query = query.where(_run.state == state)
    return pages.fetch_page(session, query, request, pages.by_id(_run.id))
