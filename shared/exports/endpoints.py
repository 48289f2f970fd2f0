"""Where an organization's events go: to a URL of its own, signed with a secret of its own, or to the installation's.

`version` is of what people decide, URL and secrets; what deliveries write down of the target's health leaves it alone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core import jobs, webhook_secrets
from shared.core.actor import Actor
from shared.core.errors import STALE, Conflict, code
from shared.core.orm import Reader, columns_of, table_of
from shared.core.sealing import seal, unseal
from shared.core.settings import Settings
from shared.exports.jobs import DELIVER
from shared.exports.model import EndpointState, WebhookEndpoint

NO_ENDPOINT = code("webhook_endpoints.none", "The organization has no webhook endpoint of its own")

OLD_SECRET_SIGNS = timedelta(hours=24)
"""So long after a rotation, so that a receiver can be given the new secret at leisure."""
FIRST_VERSION = 1

_endpoints = table_of(WebhookEndpoint)
_endpoint = _endpoints.c
_WELL: dict[str, Any] = {
    "state": EndpointState.ACTIVE,
    "disabled_reason": None,
    "disabled_at": None,
    "failures": 0,
    "failing_since": None,
    "rests_until": None,
    "last_error": None,
    "probed_at": None,
    "probe_worked": None,
}
"""What is known of a target that nobody has tried yet."""
_UNKNOWN: dict[str, Any] = {column.name: None for column in _endpoints.columns} | _WELL | {"version": FIRST_VERSION}


def find(session: Reader, actor: Actor) -> Mapping[str, Any]:
    """The columns of the organization's row; what would be in a new one, without one."""
    found = find_row(session, actor.org_id)
    return columns_of(found) if found is not None else _UNKNOWN


def find_row(session: Reader, org_id: UUID) -> Row[Any] | None:
    """The organization's row, for whoever sends there."""
    return session.execute(select(_endpoints).where(_endpoint.org_id == org_id)).one_or_none()


def secret_that_is_over(endpoint: Row[Any], settings: Settings, *, now: datetime) -> str | None:
    """A secret that has signed for the target once and does no more, if it is known. Raises ValueError when it was
    sealed with a key that is gone."""
    sealed, until = endpoint.sealed_previous_secret, endpoint.previous_secret_until
    return unseal(settings, sealed) if sealed and until and until <= now else None


def lock(session: Session, actor: Actor, *, now: datetime) -> Row[Any]:
    """The organization's row until the end of the transaction, made when there is none."""
    making = insert(_endpoints).values(org_id=actor.org_id, created_at=now, updated_at=now)
    touched = making.on_conflict_do_update(index_elements=["org_id"], set_={"org_id": actor.org_id})
    return session.execute(touched.returning(_endpoints)).one()


def set_url(
    session: Session, actor: Actor, settings: Settings, endpoint: Row[Any], url: str, *, now: datetime
) -> tuple[Row[Any], str | None]:
    """Send the organization's events to `url` from now on. `endpoint` is the locked row.

    Returns the row, and the secret if one was made: nobody can be told it again. Another URL is another target, of
    which nothing bad is known: its events are tried at once.
    """
    made = None
    changes: dict[str, Any] = {}
    if endpoint.url != url:
        changes |= {"url": url} | _WELL
    if endpoint.sealed_secret is None:
        made = webhook_secrets.make()
        changes["sealed_secret"] = seal(settings, made)
    if not changes:
        return endpoint, None
    told = [name for name in ("url", "sealed_secret") if name in changes]
    row = _change(session, actor, "webhook_endpoints.set", told, changes, now=now)
    jobs.enqueue(session, DELIVER, org_id=actor.org_id)
    return row, made


def remove(session: Session, actor: Actor, *, now: datetime) -> None:
    """Go back to the installation's target, and forget URL and secrets. Removing twice is harmless."""
    endpoint = lock(session, actor, now=now)
    if endpoint.url is None:
        return
    gone = dict.fromkeys(("url", "sealed_secret", "sealed_previous_secret", "previous_secret_until"))
    _change(session, actor, "webhook_endpoints.remove", ["url", "sealed_secret"], gone | _WELL, now=now)
    jobs.enqueue(session, DELIVER, org_id=actor.org_id)


def rotate_secret(session: Session, actor: Actor, settings: Settings, *, now: datetime) -> tuple[Row[Any], str]:
    """Make a new secret; the one before signs as well for a day, and the one before that no more. Returns the row and
    the secret. Raises `Conflict` without a URL of the organization's own."""
    endpoint = lock(session, actor, now=now)
    if endpoint.url is None or endpoint.sealed_secret is None:
        raise _no_endpoint()
    made = webhook_secrets.make()
    changes = {
        "sealed_secret": seal(settings, made),
        "sealed_previous_secret": endpoint.sealed_secret,
        "previous_secret_until": now + OLD_SECRET_SIGNS,
        "failing_since": None,  # it may have failed because of the secret
    }
    return _change(session, actor, "webhook_endpoints.rotate_secret", ["sealed_secret"], changes, now=now), made


def demand_own(session: Reader, actor: Actor) -> None:
    """Raises `Conflict` without a URL of the organization's own."""
    if find(session, actor)["url"] is None:
        raise _no_endpoint()


def enable(session: Session, actor: Actor, *, now: datetime) -> Row[Any]:
    """Try the target again, now: it was disabled because it wanted no more events, or rests because it has failed."""
    lock(session, actor, now=now)
    row = _change(session, actor, "webhook_endpoints.enable", ["state"], _WELL, now=now)
    jobs.enqueue(session, DELIVER, org_id=actor.org_id)
    return row


def demand_version(endpoint: Row[Any], version: int | None) -> None:
    """Refuse a change that was made to another version than `endpoint` is at. None is any."""
    if version is not None and version != endpoint.version:
        raise Conflict(STALE, "The endpoint was changed since you have read it.")


def _change(
    session: Session, actor: Actor, action: str, told: Sequence[str], changes: dict[str, Any], *, now: datetime
) -> Row[Any]:
    """`told` are the names that the auditor sees; the values are nobody's business."""
    values = changes | {"version": _endpoint.version + 1, "updated_at": now}
    mine = update(_endpoints).where(_endpoint.org_id == actor.org_id)
    audit.record(session, actor, action, actor.org_id, now=now, after={"changed": list(told)})
    return session.execute(mine.values(values).returning(_endpoints)).one()


def _no_endpoint() -> Conflict:
    return Conflict(NO_ENDPOINT, "Its events go to the installation's target, if there is one. Set a URL first.")
