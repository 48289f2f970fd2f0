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

from shared.core import jobs
from shared.core.orm import Reader, asked_once, table_of
from shared.core.outbox_queue import OutboxQueue
from shared.core.settings import Settings
from shared.exports import targets
from shared.exports.jobs import DELIVER, GO_ON
from shared.exports.model import UNFINISHED, EndpointState, Export, ExportState, WebhookEndpoint
from shared.exports.outcomes import STILL_FAILING, Outcome, exhausted_after
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
_CLAIMED = ("org_id", "id", "event", "payload", "created_at", "attempts", "next_attempt_at")
_QUEUE = OutboxQueue(
    _exports,
    waiting=_IS_DUE,
    order_by=_export.next_attempt_at,
    working=ExportState.DELIVERING,
    returning=[_export[name] for name in _CLAIMED],
    outcome=Outcome,
)
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
    return _QUEUE.claim(session, org_id, **_at(now, settings))


record = _QUEUE.record


def record_and_claim(
    session: Session, claimed: Row[Any], outcome: Outcome, settings: Settings, *, now: datetime
) -> Row[Any] | None:
    """`record`, and `claim` the next, in one statement."""
    return _QUEUE.record_and_claim(session, claimed, outcome, **_at(now, settings))


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
        .where(key.in_(asked_once(exhausted)))
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
    long_ago, lately = now - exhausted_after(settings), now - STILL_FAILING
    return (
        select(_export.org_id, _export.id)
        .join(_endpoints, _endpoint.org_id == _export.org_id)
        .where(
            _endpoint.state == EndpointState.ACTIVE,
            _endpoint.failing_since <= long_ago,
            or_(_endpoint.last_failure_at >= lately, _endpoint.rests_until >= lately),
            _IS_OWED,
            _export.next_attempt_at <= now,
            _export.owed_since <= long_ago,
        )
    )


def _at(now: datetime, settings: Settings) -> dict[str, datetime]:
    lease = timedelta(seconds=settings.export_webhook_timeout_seconds + LEASE_SLACK_SECONDS)
    return {"at": now + CLOCK_SKEW, "lease_until": now + lease}
