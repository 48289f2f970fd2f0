from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Row, Update, and_, func, insert, literal, or_, select, text, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import Actor
from shared.core.database_errors import conflict_on
from shared.core.errors import Conflict, Invalid, code, invalid_field
from shared.core.ids import new_id
from shared.core.orm import table_of
from shared.crews import workers
from shared.time_entries import queries
from shared.time_entries.model import TimeEntry, TimeSegment
from shared.time_entries.states import ARROWS, Move, TimeEntryState, allowed_from

ALREADY_RUNNING = code("time_entries.already_running", "The worker's time is running already")
ALREADY_OPEN = code("time_entries.already_open", "The worker has an open entry at this order")
WRONG_STATE = code("time_entries.wrong_state", "The entry's state does not allow this")
OVERRUN = code("time_entries.overrun", "More time than planned needs a reason")

OVERRUN_TENTHS = 12
"""Above so many tenths of what was planned, a reason is asked for."""

conflict_on("uq_time_entries_running", ALREADY_RUNNING, "The worker's time is running already.")
conflict_on("uq_time_entries_open", ALREADY_OPEN, "The worker has an entry at this order that is not finished.")

_entries, _segments = table_of(TimeEntry), table_of(TimeSegment)
_START = text("""
    WITH entry AS (
        INSERT INTO time_entries (org_id, id, order_id, worker_id, state, started_at)
        VALUES (:org_id, :entry_id, :order_id, :worker_id, 'running', :now) RETURNING *
    ), segment AS (
        INSERT INTO time_segments (org_id, id, time_entry_id, started_at)
        SELECT org_id, :segment_id, id, started_at FROM entry RETURNING started_at, ended_at
    )
    SELECT entry.*, ARRAY[segment.started_at] AS starts, ARRAY[segment.ended_at] AS ends, 0 AS worked_minutes
    FROM entry, segment
""")
"""An entry with its first segment, as `queries.get` shows it."""


def start(session: Session, actor: Actor, order_id: UUID, worker_id: UUID, *, now: datetime) -> Row[Any]:
    """Let a worker's time at an order run. The caller holds the order's lock, and knows that it is there.

    Raises `Invalid` for an unknown worker or one who is not active, `Conflict` when their time runs already, which
    tells at which order, and when they have a paused entry at this one.
    """
    if not workers.lock_active(session, actor, worker_id):
        raise invalid_field("/worker_id", workers.UNKNOWN_WORKER, "This organization has no such active worker.")
    _refuse_second(session, actor, worker_id, order_id)
    values = {
        "org_id": actor.org_id,
        "entry_id": new_id(),
        "segment_id": new_id(),
        "order_id": order_id,
        "worker_id": worker_id,
        "now": now,
    }
    started = session.execute(_START, values).one()
    after = {"order_id": order_id, "worker_id": worker_id}
    audit.record(session, actor, "time_entries.start", started.id, now=now, after=after)
    return started


def pause(session: Session, actor: Actor, entry_id: UUID, *, now: datetime) -> Row[Any]:
    """Stop the time of a running entry for a while. Raises `NotFound`, `Conflict` when it is not running."""
    entry = _move(session, actor, entry_id, Move.PAUSE, now=now)
    session.execute(_end_segments(actor, now).where(_segments.c.time_entry_id == entry.id))
    return queries.get(session, actor, entry_id, now=now)


def resume(session: Session, actor: Actor, entry_id: UUID, *, now: datetime) -> Row[Any]:
    """Let the time of a paused entry run again. Raises `NotFound`, `Conflict` when it is not paused, and when the
    worker's time runs elsewhere."""
    entry = _move(session, actor, entry_id, Move.RESUME, now=now)
    segment = _segments.c
    starts_at = func.greatest(literal(now, DateTime(timezone=True)), func.max(segment.ended_at))
    values = select(literal(actor.org_id), literal(new_id()), literal(entry.id), starts_at).where(
        segment.org_id == actor.org_id, segment.time_entry_id == entry.id
    )
    session.execute(insert(_segments).from_select(["org_id", "id", "time_entry_id", "started_at"], values))
    return queries.get(session, actor, entry_id, now=now)


def finish(
    session: Session,
    actor: Actor,
    entry_id: UUID,
    *,
    planned_minutes: int,
    overrun_reason: str | None = None,
    now: datetime,
) -> Row[Any]:
    """End an entry for good, running or paused.

    Raises `NotFound`, `Conflict` when it is finished, `Invalid` when more than 1.2 times `planned_minutes` were worked
    and there is no reason for it.
    """
    entry = _lock(session, actor, entry_id, Move.FINISH)
    worked = queries.get(session, actor, entry_id, now=now).worked_minutes
    if worked * 10 > planned_minutes * OVERRUN_TENTHS and not overrun_reason:
        raise _overrun(worked, planned_minutes)
    entry.overrun_reason = overrun_reason
    entry.finished_at = max(now, entry.started_at)
    after = {"worked_minutes": worked, "planned_minutes": planned_minutes}
    _apply(session, actor, entry, Move.FINISH, after, now=now)
    session.execute(_end_segments(actor, now).where(_segments.c.time_entry_id == entry.id))
    return queries.get(session, actor, entry_id, now=now)


def finish_all(session: Session, actor: Actor, order_id: UUID, *, now: datetime) -> int:
    """End every entry of an order that is over; nobody is asked for a reason. Returns how many."""
    entry, moment = _entries.c, literal(now, DateTime(timezone=True))
    ended = (
        update(_entries)
        .where(entry.org_id == actor.org_id, entry.order_id == order_id, entry.state != TimeEntryState.FINISHED)
        .values(state=TimeEntryState.FINISHED, finished_at=func.greatest(moment, entry.started_at))
        .returning(entry.id)
    )
    ids = session.execute(ended).scalars().all()
    if ids:
        session.execute(_end_segments(actor, now).where(_segments.c.time_entry_id.in_(ids)))
        after = {"time_entry_ids": ids}
        audit.record(session, actor, "time_entries.finish_all", order_id, now=now, after=after)
    return len(ids)


def _move(session: Session, actor: Actor, entry_id: UUID, move: Move, *, now: datetime) -> TimeEntry:
    entry = _lock(session, actor, entry_id, move)
    if move == Move.RESUME:
        workers.lock_active(session, actor, entry.worker_id)
        _refuse_second(session, actor, entry.worker_id)
    _apply(session, actor, entry, move, {}, now=now)
    return entry


def _lock(session: Session, actor: Actor, entry_id: UUID, move: Move) -> TimeEntry:
    """The entry, locked until the end of the transaction, in a state that allows `move`."""
    mine = select(TimeEntry).where(TimeEntry.org_id == actor.org_id, TimeEntry.id == entry_id)
    entry = session.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if entry is None:
        raise queries.not_found()
    if entry.state not in ARROWS[move]:
        detail = f"An entry that is {entry.state} cannot be changed by {move}."
        raise Conflict(WRONG_STATE, detail, state=entry.state, allowed=allowed_from(entry.state))
    return entry


def _apply(
    session: Session, actor: Actor, entry: TimeEntry, move: Move, more: dict[str, Any], *, now: datetime
) -> None:
    before = TimeEntryState(entry.state)
    entry.state = ARROWS[move][before]
    session.flush()
    after = {"state": entry.state} | more
    audit.record(session, actor, f"time_entries.{move}", entry.id, now=now, before={"state": before}, after=after)


def _end_segments(actor: Actor, now: datetime) -> Update:
    """Ends running segments; one that starts later than now, because the clock was set back, ends at its start."""
    ended_at = func.greatest(literal(now, DateTime(timezone=True)), _segments.c.started_at)
    running = (_segments.c.org_id == actor.org_id, _segments.c.ended_at.is_(None))
    return update(_segments).where(*running).values(ended_at=ended_at)


def _refuse_second(session: Session, actor: Actor, worker_id: UUID, order_id: UUID | None = None) -> None:
    """Raise `Conflict` when the worker, whose row is locked, has a running entry, or an open one at `order_id`."""
    entry = _entries.c
    is_running = entry.state == TimeEntryState.RUNNING
    is_open_here = and_(entry.order_id == order_id, entry.state != TimeEntryState.FINISHED)
    theirs = select(entry.id, entry.order_id, entry.state).where(
        entry.org_id == actor.org_id, entry.worker_id == worker_id, or_(is_running, is_open_here)
    )
    found = session.execute(theirs.order_by(is_running.desc()).limit(1)).one_or_none()
    if found is None:
        return
    where = {"order_id": found.order_id, "time_entry_id": found.id}
    if found.state == TimeEntryState.RUNNING:
        place = "this" if found.order_id == order_id else "another"
        raise Conflict(ALREADY_RUNNING, f"The worker's time is running at {place} order. Pause or finish it.", **where)
    raise Conflict(ALREADY_OPEN, "The worker has paused at this order. Resume that entry, or finish it.", **where)


def _overrun(worked: int, planned: int) -> Invalid:
    detail = f"{worked} minutes were worked and {planned} were planned. Say why it took longer."
    errors = invalid_field("/overrun_reason", OVERRUN, detail).errors
    return Invalid(OVERRUN, detail, errors=errors, worked_minutes=worked, planned_minutes=planned)
