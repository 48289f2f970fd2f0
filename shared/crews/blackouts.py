from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core import pages
from shared.core.actor import Actor
from shared.core.errors import NotFound, code, invalid_field
from shared.core.orm import Reader, columns_of, table_of
from shared.crews import teams, workers
from shared.crews.model import Blackout

NOT_FOUND = code("crews.blackout_not_found", "No such blackout")
BAD_TIMES = code("crews.bad_times", "The times cannot be used")
NOT_BOTH = code("crews.team_or_worker", "A blackout is of a team or of a worker, not of both")

LONGEST = timedelta(days=366)

_blackouts = table_of(Blackout)
_TOLD = [_blackouts.c[name] for name in ("team_id", "worker_id", "starts_at", "ends_at")]
"""What the audit log is told of a blackout: not the reason, which may be somebody's illness."""


def create(
    session: Session,
    actor: Actor,
    *,
    starts_at: datetime,
    ends_at: datetime,
    team_id: UUID | None = None,
    worker_id: UUID | None = None,
    reason: str = "",
    now: datetime,
) -> Blackout:
    """Say that a team, a worker, or with neither the whole company does not work from `starts_at` until `ends_at`.

    Raises `Invalid` for times that are no stretch of 366 days at most, and for an unknown team or worker.
    """
    if not starts_at < ends_at:
        raise invalid_field("/ends_at", BAD_TIMES, "The end must be after the start.")
    if ends_at - starts_at > LONGEST:
        raise invalid_field("/ends_at", BAD_TIMES, f"A blackout lasts {LONGEST.days} days at most.")
    if team_id and worker_id:
        raise invalid_field("/worker_id", NOT_BOTH, "Name a team, or a worker, or neither for the whole company.")
    teams.refuse_unknown(session, actor, team_id)
    workers.refuse_unknown(session, actor, worker_id)
    told = {"team_id": team_id, "worker_id": worker_id, "starts_at": starts_at, "ends_at": ends_at}
    blackout = Blackout(org_id=actor.org_id, **told, reason=reason, created_at=now)
    session.add(blackout)
    session.flush()
    after = {name: value for name, value in told.items() if value}
    audit.record(session, actor, "crews.create_blackout", blackout.id, now=now, after=after)
    return blackout


def list_page(
    session: Reader,
    actor: Actor,
    request: pages.PageRequest,
    *,
    team_id: UUID | None = None,
    worker_id: UUID | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
) -> pages.Page:
    """Blackouts, the one that ends last first; those that overlap the time from `from_at` until `to_at`."""
    blackout = _blackouts.c
    query = select(_blackouts).where(blackout.org_id == actor.org_id)
    if team_id:
        query = query.where(blackout.team_id == team_id)
    if worker_id:
        query = query.where(blackout.worker_id == worker_id)
    if from_at:
        query = query.where(blackout.ends_at > from_at)
    if to_at:
        query = query.where(blackout.starts_at < to_at)
    return pages.fetch_page(session, query, request, pages.by_time(blackout.ends_at), pages.by_id(blackout.id))


def remove(session: Session, actor: Actor, blackout_id: UUID, *, now: datetime) -> None:
    """Take a blackout back. Raises `NotFound`, also for one that was removed already."""
    mine = delete(_blackouts).where(_blackouts.c.org_id == actor.org_id, _blackouts.c.id == blackout_id)
    removed = session.execute(mine.returning(*_TOLD)).one_or_none()
    if removed is None:
        raise NotFound(NOT_FOUND, "There is no such blackout.")
    before = {name: value for name, value in columns_of(removed).items() if value}
    audit.record(session, actor, "crews.remove_blackout", blackout_id, now=now, before=before)
