"""An event's way from `pending` to an end, as the worker walks it: claim, send outside any transaction, record.

    pending ----claim----> delivering ----2xx----> delivered
       ^                     |     |
       |  410: it waits      |     +-- refused, or no tries left --> dead
       +---------------------+
                             +-- any other failure --> retrying ----claim----> delivering

What is due is claimed, in whatever state it waits: a lease that ran out makes it due as well. So nothing has to be put
back, and the sweep only looks for organizations to which something is owed.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, exists, func, literal, literal_column, or_, select, tuple_, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from shared.core import jobs
from shared.core.orm import Reader, table_of
from shared.core.settings import Settings
from shared.exports import targets
from shared.exports.jobs import DELIVER, GO_ON
from shared.exports.model import UNFINISHED, EndpointState, Export, ExportState, WebhookEndpoint
from shared.exports.outcomes import STILL_FAILING, Outcome, all_tries_take
from shared.exports.targets import LEASE_SLACK_SECONDS
from shared.organizations.model import Organization

CLOCK_SKEW = timedelta(seconds=1)
"""Clocks of hosts differ a little: what an API has promised just now is due for every worker."""
EXHAUSTED = "The target has failed for longer than all tries take."

_exports, _endpoints, _organizations = table_of(Export), table_of(WebhookEndpoint), table_of(Organization)
_export, _endpoint = _exports.c, _endpoints.c
_IS_OWED = _export.state.in_([literal_column(f"'{each}'") for each in UNFINISHED])
"""Spelled out once, as in the index, and not anew for each statement."""
_IS_DUE = (_IS_OWED, _export.next_attempt_at <= bindparam("at"))
_OLDEST_DUE = (
    select(_export.id, _export.state.label("was"))
    .where(_export.org_id == bindparam("of_org"), *_IS_DUE)
    .order_by(_export.next_attempt_at)
    .limit(1)
    .with_for_update(skip_locked=True)
)


def _claiming_the(row: Select[Any]) -> ReturningUpdate[Any]:
    due = row.cte("due")  # evaluated once, as no subquery is that a join may ask again
    return (
        update(_exports)
        .where(_export.org_id == bindparam("of_org"), _export.id == due.c.id)
        .values(state=ExportState.DELIVERING, attempts=_export.attempts + 1, next_attempt_at=bindparam("lease_until"))
        .returning(
            *(_export[name] for name in ("org_id", "id", "event", "payload", "created_at")),
            *(_export[name] for name in ("attempts", "next_attempt_at")),
            due.c.was,
        )
    )


_RECORD = (
    update(_exports)
    .where(
        _export.org_id == bindparam("of_org"),
        _export.id == bindparam("claimed_id"),
        _export.state == ExportState.DELIVERING,
        _export.attempts == bindparam("claimed_attempts"),
        _export.next_attempt_at == bindparam("claimed_until"),
    )
    .values(
        state=bindparam("new_state"),
        attempts=bindparam("new_attempts"),
        next_attempt_at=bindparam("new_next_attempt_at"),
        last_error=bindparam("new_last_error"),
        last_status=bindparam("new_last_status"),
        delivered_at=bindparam("new_delivered_at"),
        dead_at=bindparam("new_dead_at"),
    )
)
_CLAIM = _claiming_the(_OLDEST_DUE)
_recorded = _RECORD.returning(_export.id).cte("recorded")
# Counted, so that Postgres records first, as in `shared/messages/sending.py`.
_RECORD_AND_CLAIM = _claiming_the(_OLDEST_DUE.where(select(func.count()).select_from(_recorded).scalar_subquery() >= 0))
# What somebody else holds is not due for us: the turn that is asked for would find nothing, and ask again.
_SOME_DUE = (
    select(_export.id).where(_export.org_id == bindparam("of_org"), *_IS_DUE).limit(1).with_for_update(skip_locked=True)
)
_ORGANIZATION = select(_organizations.c.id, _organizations.c.slug).where(_organizations.c.id == bindparam("of_org"))
_OWING = (
    select(_organizations.c.id)
    .outerjoin(_endpoints, _endpoint.org_id == _organizations.c.id)
    .where(
        _organizations.c.id > bindparam("after"),
        or_(_endpoint.org_id.is_(None), targets.is_free(bindparam("at"))),
        or_(_endpoint.url.is_not(None), bindparam("has_default")),
        exists().where(_export.org_id == _organizations.c.id, *_IS_DUE),
    )
    .order_by(_organizations.c.id)
    .limit(bindparam("most"))
)


def organization(session: Reader, org_id: UUID) -> Row[Any, Any]:
    """What bodies say of the organization: `id` and `slug`."""
    return session.execute(_ORGANIZATION, {"of_org": org_id}).one()


def claim(session: Session, org_id: UUID, settings: Settings, *, now: datetime) -> Row[Any] | None:
    """Take the organization's event that has been due for longest, for the length of the lease. `was` is the state in
    which it waited. None when nothing is due."""
    return session.execute(_CLAIM, _claiming(org_id, settings, now)).one_or_none()


def record(session: Session, claimed: Row[Any], outcome: Outcome) -> None:
    """Write the outcome of *this* claim: not over the one of a worker that took the row after our lease ran out."""
    session.execute(_RECORD, {"of_org": claimed.org_id} | _recording(claimed, outcome))


def record_and_claim(
    session: Session, claimed: Row[Any], outcome: Outcome, settings: Settings, *, now: datetime
) -> Row[Any] | None:
    """`record`, and `claim` the next, in one statement."""
    values = _recording(claimed, outcome) | _claiming(claimed.org_id, settings, now)
    return session.execute(_RECORD_AND_CLAIM, values).one_or_none()


def ask_for_rest(session: Session, org_id: UUID, *, now: datetime) -> bool:
    """Have what is due of the organization, if anything is, sent by whoever is next: other organizations' first.
    Returns whether something is."""
    is_left = session.scalar(_SOME_DUE, {"of_org": org_id, "at": now + CLOCK_SKEW}) is not None
    if is_left:
        jobs.enqueue(session, GO_ON, org_id=org_id)
    return is_left


def sweep(session: Session, settings: Settings, after: UUID, *, now: datetime, limit: int) -> list[UUID]:
    """Ask for the turns of organizations to which something is due: whose message was lost, whose worker died, whose
    retry or rest is over. Returns those, whose identifiers are greater than `after`."""
    values = {"after": after, "at": now, "has_default": bool(settings.export_webhook_url), "most": limit}
    owing = list(session.scalars(_OWING, values))
    for org_id in owing:
        jobs.enqueue(session, DELIVER, org_id=org_id)
    return owing


def give_up_exhausted(session: Session, settings: Settings, *, now: datetime, limit: int) -> int:
    """Move events to dead that have been owed for longer than all tries take, to targets that have failed for as long.
    What waits because nobody sends it (exports or workers were off, the target is disabled) is not exhausted. Returns
    how many."""
    if settings.export_mode == "off":
        return 0
    key = tuple_(_export.org_id, _export.id)
    exhausted = _exhausted(settings, now).limit(limit).with_for_update(skip_locked=True, of=_exports)
    given_up = session.execute(
        update(_exports)
        .where(key.in_(exhausted))
        .values(
            state=ExportState.DEAD,
            dead_at=now,
            next_attempt_at=None,
            last_error=func.coalesce(_export.last_error, literal(EXHAUSTED)),
        )
        .returning(_export.id)
    )
    return len(given_up.all())


def count_exhausted(session: Reader, settings: Settings, *, now: datetime) -> int:
    """How many events `give_up_exhausted` would move to dead."""
    if settings.export_mode == "off":
        return 0
    found = _exhausted(settings, now).subquery()
    return session.execute(select(func.count()).select_from(found)).scalar_one()


def _exhausted(settings: Settings, now: datetime) -> Select[Any]:
    long_ago = now - all_tries_take(settings)
    return (
        select(_export.org_id, _export.id)
        .join(_endpoints, _endpoint.org_id == _export.org_id)
        .where(
            _endpoint.state == EndpointState.ACTIVE,
            _endpoint.failing_since <= long_ago,
            _endpoint.last_failure_at >= now - STILL_FAILING,
            _IS_OWED,
            _export.next_attempt_at <= now,
            _export.owed_since <= long_ago,
        )
    )


def _claiming(org_id: UUID, settings: Settings, now: datetime) -> dict[str, Any]:
    lease = timedelta(seconds=settings.export_webhook_timeout_seconds + LEASE_SLACK_SECONDS)
    return {"of_org": org_id, "at": now + CLOCK_SKEW, "lease_until": now + lease}


def _recording(claimed: Row[Any], outcome: Outcome) -> dict[str, Any]:
    return {
        "claimed_id": claimed.id,
        "claimed_attempts": claimed.attempts,
        "claimed_until": claimed.next_attempt_at,
        "new_state": outcome.state,
        "new_attempts": outcome.attempts,
        "new_next_attempt_at": outcome.next_attempt_at,
        "new_last_error": outcome.last_error,
        "new_last_status": outcome.last_status,
        "new_delivered_at": outcome.delivered_at,
        "new_dead_at": outcome.dead_at,
    }
