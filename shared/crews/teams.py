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
from shared.crews.changes import apply
from shared.crews.model import Team
from shared.organizations import settings

NOT_FOUND = code("crews.team_not_found", "No such team")
NAME_TAKEN = code("crews.name_taken", "A team with this name exists")
UNKNOWN_TEAM = code("crews.unknown_team", "The organization has no such team")

conflict_on("uq_teams_org_id_name", NAME_TAKEN, "This organization has a team with this name.")

_teams = table_of(Team)


class Changes(TypedDict, total=False):
    """What can be changed in a team; each value replaces the old one as a whole."""

    name: str
    hours: dict[str, Any] | None
    postal_prefixes: list[str]
    is_active: bool


def create(
    session: Session,
    actor: Actor,
    *,
    name: str,
    hours: dict[str, Any] | None = None,
    postal_prefixes: list[str] | None = None,
    is_active: bool = True,
    now: datetime,
) -> Team:
    """Add a team; without `hours` it works the company's. Raises `Invalid` for hours that overlap, `Conflict` when the
    name is taken."""
    _refuse_faulty(hours)
    given = {"name": name, "hours": hours, "postal_prefixes": postal_prefixes or [], "is_active": is_active}
    team = Team(org_id=actor.org_id, **given, created_at=now, updated_at=now)
    session.add(team)
    session.flush()
    audit.record(session, actor, "crews.create_team", team.id, now=now, after=given)
    return team


def get(session: Reader, actor: Actor, team_id: UUID) -> Row[Any]:
    """One team's columns. Raises `NotFound`."""
    mine = select(_teams).where(_teams.c.org_id == actor.org_id, _teams.c.id == team_id)
    found = session.execute(mine).one_or_none()
    if found is None:
        raise _not_found()
    return found


def list_page(session: Reader, actor: Actor, request: pages.PageRequest) -> pages.Page:
    """Teams, newest first."""
    query = select(_teams).where(_teams.c.org_id == actor.org_id)
    return pages.fetch_page(session, query, request, pages.by_id(_teams.c.id))


def change(session: Session, actor: Actor, team_id: UUID, *, now: datetime, **changes: Unpack[Changes]) -> Team:
    """Change a team; what stays as it is leaves no trace. Raises `NotFound`, and as `create` does."""
    _refuse_faulty(changes.get("hours"))
    mine = select(Team).where(Team.org_id == actor.org_id, Team.id == team_id)
    team = session.scalar(mine.with_for_update(key_share=True))
    if team is None:
        raise _not_found()
    before = apply(team, dict(changes), now=now)
    session.flush()
    if before:
        after = {name: getattr(team, name) for name in before}
        audit.record(session, actor, "crews.change_team", team.id, now=now, before=before, after=after)
    return team


def refuse_unknown(session: Reader, actor: Actor, team_id: UUID | None, *, pointer: str = "/team_id") -> None:
    """Raise `Invalid` when the `team_id` that stands at `pointer` in a body is no team of the organization."""
    if team_id is None:
        return
    mine = select(_teams.c.id).where(_teams.c.org_id == actor.org_id, _teams.c.id == team_id)
    if session.execute(mine).one_or_none() is None:
        raise invalid_field(pointer, UNKNOWN_TEAM, "This organization has no such team.")


def _refuse_faulty(hours: dict[str, Any] | None) -> None:
    settings.refuse(list(settings.faults_in_hours(hours or {}, "/hours")))


def _not_found() -> NotFound:
    return NotFound(NOT_FOUND, "There is no such team.")
