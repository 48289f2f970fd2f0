from datetime import datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core import pages
from shared.core.actor import Actor
from shared.core.database_errors import conflict_on
from shared.core.errors import NotFound, code, invalid_field
from shared.core.orm import Reader, table_of
from shared.core.permissions import Role
from shared.crews import teams
from shared.crews.changes import apply
from shared.crews.model import Worker
from shared.identity.model import User

NOT_FOUND = code("crews.worker_not_found", "No such worker")
UNKNOWN_WORKER = code("crews.unknown_worker", "The organization has no such worker")
NOT_A_WORKER = code("crews.not_a_worker", "The user is not a worker")
USER_TAKEN = code("crews.user_taken", "The user is another worker's")

conflict_on("uq_workers_org_id_user_id", USER_TAKEN, "Another worker of this organization has this user.")

_workers, _users = table_of(Worker), table_of(User)


class Changes(TypedDict, total=False):
    """What can be changed in a worker."""

    name: str
    email: str | None
    phone: str | None
    team_id: UUID | None
    user_id: UUID | None
    is_active: bool


def create(
    session: Session,
    actor: Actor,
    *,
    name: str,
    email: str | None = None,
    phone: str | None = None,
    team_id: UUID | None = None,
    user_id: UUID | None = None,
    is_active: bool = True,
    team_pointer: str = "/team_id",
    now: datetime,
) -> Worker:
    """Add a worker, who may have an account (`user_id`); `team_pointer` is where the body has the team.

    Raises `Invalid` for an unknown team and for a user without the role worker, `Conflict` when the user is another
    worker's. The audit log is told which fields were given, not what is in them: a person can be erased, it cannot.
    """
    teams.refuse_unknown(session, actor, team_id, pointer=team_pointer)
    _refuse_not_a_worker(session, actor, user_id)
    given = {"name": name, "email": email, "phone": phone, "team_id": team_id, "user_id": user_id}
    worker = Worker(org_id=actor.org_id, **given, is_active=is_active, created_at=now, updated_at=now)
    session.add(worker)
    session.flush()
    fields = sorted(field for field, value in given.items() if value is not None)
    audit.record(session, actor, "crews.create_worker", worker.id, now=now, after={"fields": fields})
    return worker


def get(session: Reader, actor: Actor, worker_id: UUID) -> Row[Any]:
    """One worker's columns. Raises `NotFound`."""
    mine = select(_workers).where(_workers.c.org_id == actor.org_id, _workers.c.id == worker_id)
    found = session.execute(mine).one_or_none()
    if found is None:
        raise _not_found()
    return found


def list_page(session: Reader, actor: Actor, request: pages.PageRequest, *, team_id: UUID | None = None) -> pages.Page:
    """Workers, newest first; of one team, or all."""
    query = select(_workers).where(_workers.c.org_id == actor.org_id)
    if team_id:
        query = query.where(_workers.c.team_id == team_id)
    return pages.fetch_page(session, query, request, pages.by_id(_workers.c.id))


def change(session: Session, actor: Actor, worker_id: UUID, *, now: datetime, **changes: Unpack[Changes]) -> Worker:
    """Change a worker; what stays as it is leaves no trace. Raises `NotFound`, and as `create` does."""
    mine = select(Worker).where(Worker.org_id == actor.org_id, Worker.id == worker_id)
    worker = session.scalar(mine.with_for_update(key_share=True))
    if worker is None:
        raise _not_found()
    teams.refuse_unknown(session, actor, changes.get("team_id"))
    _refuse_not_a_worker(session, actor, changes.get("user_id"))
    changed = sorted(apply(worker, dict(changes), now=now))
    session.flush()
    if changed:
        audit.record(session, actor, "crews.change_worker", worker.id, now=now, after={"fields": changed})
    return worker


def lock_active(session: Session, actor: Actor, worker_id: UUID) -> bool:
    """Lock a worker's row until the end of the transaction. Returns whether there is one and they are active."""
    mine = select(_workers.c.is_active).where(_workers.c.org_id == actor.org_id, _workers.c.id == worker_id)
    return bool(session.scalar(mine.with_for_update(key_share=True)))


def refuse_unknown(session: Reader, actor: Actor, worker_id: UUID | None) -> None:
    """Raise `Invalid` when a `/worker_id` in a body is no worker of the organization."""
    if worker_id is None:
        return
    mine = select(_workers.c.id).where(_workers.c.org_id == actor.org_id, _workers.c.id == worker_id)
    if session.execute(mine).one_or_none() is None:
        raise invalid_field("/worker_id", UNKNOWN_WORKER, "This organization has no such worker.")


def _refuse_not_a_worker(session: Reader, actor: Actor, user_id: UUID | None) -> None:
    if user_id is None:
        return
    mine = select(_users.c.id).where(_users.c.org_id == actor.org_id, _users.c.id == user_id)
    if session.execute(mine.where(_users.c.role == Role.WORKER)).one_or_none() is None:
        raise invalid_field("/user_id", NOT_A_WORKER, "This organization has no such user with the role worker.")


def _not_found() -> NotFound:
    return NotFound(NOT_FOUND, "There is no such worker.")
