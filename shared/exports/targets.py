"""Where the events of an organization go and what signs them; and whose turn it is to send them there.

One worker at a time serves a target: it holds the row of `webhook_endpoints` by a lease (`busy_until`), which runs out
when the worker dies.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, bindparam, func, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.core.orm import table_of
from shared.core.sealing import unseal
from shared.core.settings import Settings
from shared.core.webhook_secrets import key_of
from shared.exports.model import EndpointState, WebhookEndpoint
from shared.exports.outcomes import Health

LEASE_SLACK_SECONDS = 15.0
"""A turn lasts about a second and one time-out; what the database takes comes on top."""

_endpoints = table_of(WebhookEndpoint)
_endpoint = _endpoints.c


def is_free(at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether a row of `webhook_endpoints` lets a turn begin."""
    return (
        (_endpoint.state == EndpointState.ACTIVE)
        & or_(_endpoint.busy_until.is_(None), _endpoint.busy_until <= at)
        & or_(_endpoint.rests_until.is_(None), _endpoint.rests_until <= at)
    )


_CLAIM = (
    update(_endpoints)
    .where(
        _endpoint.org_id == bindparam("of_org"),
        is_free(bindparam("at")),
        or_(_endpoint.url.is_not(None), bindparam("has_default")),
    )
    .values(busy_until=bindparam("lease_until"))
    .returning(_endpoints)
)
_MAKE = (
    insert(_endpoints)
    .values(
        org_id=bindparam("of_org"),
        busy_until=bindparam("lease_until"),
        created_at=bindparam("at"),
        updated_at=bindparam("at"),
    )
    .on_conflict_do_nothing()
    .returning(_endpoints)
)
_HELD = (_endpoint.org_id == bindparam("of_org"), _endpoint.busy_until == bindparam("held_until"))
_RELEASE = update(_endpoints).where(*_HELD).values(busy_until=None)
_RECORD = (
    _RELEASE.where(_endpoint.version == bindparam("seen_version"))
    .values(
        failures=bindparam("new_failures"),
        failing_since=bindparam("new_failing_since"),
        rests_until=bindparam("new_rests_until"),
        last_success_at=func.coalesce(bindparam("new_success_at"), _endpoint.last_success_at),
        last_failure_at=func.coalesce(bindparam("new_failure_at"), _endpoint.last_failure_at),
        last_error=func.coalesce(bindparam("new_error"), _endpoint.last_error),
    )
    .returning(_endpoint.org_id)
)
_RECORD_DISABLED = _RECORD.values(
    state=EndpointState.DISABLED, disabled_reason=bindparam("new_reason"), disabled_at=bindparam("new_failure_at")
)


@dataclass(frozen=True, slots=True)
class Target:
    """A receiver. It gets a signature with each of `secrets`; the first is the current one."""

    url: str
    secrets: tuple[str, ...] = field(repr=False)


def target_of(endpoint: Any, settings: Settings, *, now: datetime) -> Target | None:
    """The target of an organization by its row of `webhook_endpoints` (None: it has none): its own, or else the
    installation's; None without either.

    Raises ValueError when its secret is missing, or was sealed with a key that is gone.
    """
    if endpoint is not None and endpoint.url is not None:
        secrets = _own_secrets(endpoint, settings, now)
        for secret in secrets:
            key_of(secret)
        return Target(endpoint.url, secrets)
    if settings.export_webhook_url:
        return Target(settings.export_webhook_url, settings.export_webhook_secrets)
    return None


def claim(session: Session, org_id: UUID, settings: Settings, *, now: datetime) -> Row[Any] | None:
    """Take the organization's turn, for the length of the lease: its row of `webhook_endpoints`, made when missing.
    None when there is no target, it rests or is disabled, or somebody else is at it."""
    lease = timedelta(seconds=settings.export_webhook_timeout_seconds + LEASE_SLACK_SECONDS)
    has_default = bool(settings.export_webhook_url)
    values = {"of_org": org_id, "at": now, "lease_until": now + lease, "has_default": has_default}
    found = session.execute(_CLAIM, values).one_or_none()
    if found is None and has_default:
        found = session.execute(_MAKE, values).one_or_none()
    return found


def release(session: Session, claimed: Row[Any], health: Health) -> None:
    """End the turn, and write down how the target fares: not over what a worker has found out that took the turn after
    our lease ran out, and not when the target is another one by now."""
    held = {"of_org": claimed.org_id, "held_until": claimed.busy_until}
    found = {
        "seen_version": claimed.version,
        "new_failures": health.failures,
        "new_failing_since": health.failing_since,
        "new_rests_until": health.rests_until,
        "new_success_at": health.last_success_at,
        "new_failure_at": health.last_failure_at,
        "new_error": health.last_error,
    }
    recording = _RECORD
    if health.disabled_reason is not None:
        recording, found = _RECORD_DISABLED, found | {"new_reason": health.disabled_reason}
    if session.scalar(recording, held | found) is None:
        session.execute(_RELEASE, held)


def _own_secrets(endpoint: Any, settings: Settings, now: datetime) -> tuple[str, ...]:
    if endpoint.sealed_secret is None:
        raise ValueError("there is no secret to sign with")
    sealed = [endpoint.sealed_secret]
    until = endpoint.previous_secret_until
    if endpoint.sealed_previous_secret is not None and until is not None and until > now:
        sealed.append(endpoint.sealed_previous_secret)
    return tuple(unseal(settings, each) for each in sealed)
