"""Events that were given up, and all others of an organization: what became of each, and sending them again.

A replay is a fresh start under the old name: the same `webhook-id`, so that a receiver which has had the event after
all knows it; no tries used up. A worker that still has an earlier claim of it records nothing: it names its claim.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, case, func, literal_column, select, text, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.audit.service import APART
from shared.core import jobs, pages
from shared.core.actor import Actor
from shared.core.errors import Conflict, NotFound, code
from shared.core.ids import lowest_id_at
from shared.core.orm import Reader, table_of
from shared.exports.jobs import DELIVER
from shared.exports.model import Export, ExportState
from shared.exports.telling import ANSWER

NOT_FOUND = code("exports.not_found", "No such event")
NOT_DEAD = code("exports.not_dead", "The event is not dead")
FORGOTTEN = code("exports.forgotten", "What the event said is forgotten")

_DETAILS = {
    NOT_DEAD: "Only an event that was given up is sent again; this one is on its way, or has arrived.",
    FORGOTTEN: "The person was erased, and what the event said of them with them.",
}

_exports = table_of(Export)
_export = _exports.c
_COLUMNS = [column for column in _exports.columns if column.name != "payload"]
"""What a list shows of an event: not what it says."""
_NOTHING = text("'{}'::jsonb")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which events of the organization: those for which all that is given holds. None is any.

    What ends in `_from` is included, in `_to` is not. `error_contains` is looked for in the last error, in any case;
    in what the target has said only with `sees_answers`.
    """

    states: Sequence[str] | None = None
    export_ids: Sequence[UUID] | None = None
    event: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    dead_from: datetime | None = None
    dead_to: datetime | None = None
    error_contains: str | None = None
    resource_id: UUID | None = None
    sees_answers: bool = True

    @staticmethod
    def asked(wishes: Mapping[str, Any]) -> "Filters":
        """What was asked of a run: the same in JSON. `all` adds nothing."""
        read: dict[str, Callable[[Any], Any]] = {"export_ids": lambda ids: [UUID(each) for each in ids]}
        read |= dict.fromkeys(("created_from", "created_to"), datetime.fromisoformat)
        given = {name: value for name, value in wishes.items() if name != "all"}
        return Filters(**{name: read.get(name, str)(value) for name, value in given.items()})


def list_page(session: Reader, actor: Actor, request: pages.PageRequest, filters: Filters) -> pages.Page:
    """Events of the organization, newest first, without what they say. Each state is read from its own index."""
    query = select(*_COLUMNS).where(*_matching(actor, filters))
    states = sorted(set(filters.states or ()))
    if filters.resource_id or not states:
        queries: list[Select[Any]] = [query.where(_export.state.in_(states)) if states else query]
    else:
        queries = [query.where(_export.state == state) for state in states]
    return pages.fetch_merged_page(session, queries, request, pages.by_id(_export.id))


def get(session: Reader, actor: Actor, export_id: UUID) -> Row[Any]:
    """One event with what it says. Raises `NotFound`."""
    query = select(_exports).where(_export.org_id == actor.org_id, _export.id == export_id)
    found = session.execute(query).one_or_none()
    if found is None:
        raise _not_found()
    return found


def demand_all_known(session: Reader, actor: Actor, export_ids: Sequence[UUID]) -> None:
    """Raises `NotFound` when one of them is no event of the organization."""
    known = select(_export.id).where(_export.org_id == actor.org_id, _export.id.in_(export_ids))
    if set(export_ids) - set(session.execute(known).scalars()):
        raise _not_found()


def replay(session: Session, actor: Actor, export_id: UUID, *, now: datetime) -> Row[Any]:
    """Send one event again. Its last error stays until it is delivered. Raises `NotFound`, or `Conflict` with the
    reason."""
    mine = (_export.org_id == actor.org_id, _export.id == export_id)
    query = select(_export.state, _OBSTACLE.label("obstacle")).where(*mine)
    found = session.execute(query.with_for_update()).one_or_none()
    if found is None:
        raise _not_found()
    if found.obstacle == NOT_DEAD:
        raise Conflict(NOT_DEAD, _DETAILS[NOT_DEAD], state=found.state)
    if found.obstacle is not None:
        raise Conflict(FORGOTTEN, _DETAILS[FORGOTTEN], state=found.state)
    row = session.execute(putting_back(actor.org_id, [export_id], now).returning(*_COLUMNS)).one()
    audit.record(session, actor, "exports.replay", export_id, now=now, after={"event": row.event})
    jobs.enqueue(session, DELIVER, org_id=actor.org_id)
    return row


def replay_batch(
    session: Session, actor: Actor, wanted: Filters, *, dead_before: datetime, limit: int, now: datetime
) -> int:
    """Send up to `limit` dead events again that are `wanted`, the oldest first; locked ones are somebody else's.
    Returns how many.

    Only those that were given up before `dead_before`: one that dies again at once is not replayed for ever.
    """
    fitting = (*_matching(actor, wanted), _IS_DEAD, _OBSTACLE.is_(None), _export.dead_at < dead_before)
    query = select(_export.id).where(*fitting).order_by(_export.id).limit(limit)
    chosen = session.execute(query.with_for_update(skip_locked=True)).scalars().all()
    if chosen:
        session.execute(putting_back(actor.org_id, chosen, now))
        told = {"chosen_by": chosen_by(wanted), "replayed": len(chosen)}
        audit.record(session, actor, "exports.replay_all", actor.org_id, now=now, after=told)
        jobs.enqueue(session, DELIVER, org_id=actor.org_id)
    return len(chosen)


def count_obstacles(session: Reader, actor: Actor, wanted: Filters) -> dict[str | None, int]:
    """How many of the events that are `wanted` cannot be sent again, by the code of what keeps them; under None those
    that can. Without `export_ids`, dead ones are meant."""
    found = select(_OBSTACLE.label("obstacle")).where(*_matching(actor, wanted))
    if wanted.export_ids is None:
        found = found.where(_export.state == ExportState.DEAD)
    counted = found.subquery()
    counting = select(counted.c.obstacle, func.count()).group_by(counted.c.obstacle)
    return {row[0]: row[1] for row in session.execute(counting)}


def chosen_by(wanted: Filters) -> list[str]:
    """For the auditor: by what the events were chosen. Names only, for errors may tell of people."""
    given = ("export_ids", "event", "created_from", "created_to", "error_contains", "resource_id")
    return [name for name in given if getattr(wanted, name) is not None] or ["all"]


def putting_back(org_id: UUID, export_ids: Sequence[UUID], now: datetime, **more: Any) -> Any:
    """The UPDATE by which dead events begin anew; `more` are further columns."""
    dead = (_export.org_id == org_id, _export.id.in_(export_ids), _export.state == ExportState.DEAD)
    values = {"state": ExportState.PENDING, "attempts": 0, "next_attempt_at": now, "owed_since": now, "dead_at": None}
    return update(_exports).where(*dead).values(**values, replays=_export.replays + 1, **more)


_IS_DEAD = _export.state == literal_column(f"'{ExportState.DEAD}'")
"""Spelled out, as in the index: from an obstacle that is none, Postgres does not see that only dead ones are meant."""
_OBSTACLE: ColumnElement[str | None] = case(
    (_export.state != ExportState.DEAD, NOT_DEAD), (_export.payload == _NOTHING, FORGOTTEN)
)
"""The code of what keeps a row from being sent again, NULL when nothing does."""


def _matching(actor: Actor, wanted: Filters) -> Iterator[ColumnElement[bool]]:
    yield _export.org_id == actor.org_id
    if wanted.export_ids is not None:
        yield _export.id.in_(wanted.export_ids)
    if wanted.event:
        yield _export.event == wanted.event
    if wanted.created_from:
        # Identifiers carry the time, so that it is a range of whichever index serves the rest.
        yield _export.created_at >= wanted.created_from
        yield _export.id >= lowest_id_at(wanted.created_from - APART)
    if wanted.created_to:
        yield _export.created_at < wanted.created_to
        yield _export.id < lowest_id_at(wanted.created_to + APART)
    if wanted.dead_from:
        yield _export.dead_at >= wanted.dead_from
    if wanted.dead_to:
        yield _export.dead_at < wanted.dead_to
    if wanted.resource_id:
        yield _export.resource_id == wanted.resource_id
    if wanted.error_contains:
        error = _export.last_error if wanted.sees_answers else func.regexp_replace(_export.last_error, ANSWER, r"\1.")
        yield func.strpos(func.lower(error), wanted.error_contains.lower()) > 0


def _not_found() -> NotFound:
    return NotFound(NOT_FOUND, "There is no such event.")
