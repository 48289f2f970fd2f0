"""Sending dead events again by itself, when their target is back: within limits, and only after a probe that worked.

A probe is a signed event of its own, `endpoint.probe`, which the worker sends outside any transaction. It says nothing
and changes nothing at the receiver; what came of it is written at the endpoint.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, or_, select, text, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core import jobs
from shared.core.actor import system
from shared.core.orm import Reader, table_of
from shared.core.settings import Settings
from shared.exports import endpoints
from shared.exports.dead_letters import putting_back
from shared.exports.jobs import DELIVER
from shared.exports.model import EndpointState, Export, ExportState, WebhookEndpoint

LABEL = "export_dead_letter"

_exports, _endpoints = table_of(Export), table_of(WebhookEndpoint)
_export, _endpoint = _exports.c, _endpoints.c
_NOTHING = text("'{}'::jsonb")


@dataclass(frozen=True, slots=True)
class Limits:
    """Only events younger than `max_age`, at most `max_times`, and `apart` from the time before."""

    max_age: timedelta
    max_times: int
    apart: timedelta

    @staticmethod
    def of(settings: Settings) -> "Limits":
        return Limits(
            timedelta(days=settings.export_dead_letter_auto_replay_max_age_days),
            settings.export_dead_letter_auto_replay_max_times,
            timedelta(hours=settings.export_dead_letter_auto_replay_hours),
        )


def find_waiting(
    session: Reader, limits: Limits, *, after: UUID | None, probed_before: datetime, now: datetime, limit: int
) -> list[UUID]:
    """The next organizations behind `after` that have dead events within the limits, and whose target is not disabled
    and did not fail a probe since `probed_before`. Needs no organization's scope; in one, that one is meant."""
    at = _exports.join(_endpoints, _endpoint.org_id == _export.org_id, isouter=True)
    is_disabled = _endpoint.state == EndpointState.DISABLED
    has_failed = (_endpoint.probed_at >= probed_before) & ~_endpoint.probe_worked
    query = select(_export.org_id).distinct().select_from(at)
    query = query.where(*_within(limits, now), is_disabled.is_not(True), has_failed.is_not(True))
    if after is not None:
        query = query.where(_export.org_id > after)
    return list(session.execute(query.order_by(_export.org_id).limit(limit)).scalars())


def count_within(session: Reader, limits: Limits, *, has_default: bool, now: datetime) -> int:
    """How many dead events are within the limits, and have a target that is not disabled: their organization's own, or
    if the installation `has_default` that."""
    at = _exports.join(_endpoints, _endpoint.org_id == _export.org_id, isouter=True)
    is_disabled = _endpoint.state == EndpointState.DISABLED
    has_target = or_(_endpoint.url.is_not(None), literal(has_default))
    query = select(func.count()).select_from(at).where(*_within(limits, now), is_disabled.is_not(True), has_target)
    return int(session.execute(query).scalar_one())


def record_probe(session: Session, org_id: UUID, *, worked: bool, now: datetime) -> None:
    """Write down what came of the probe of the organization's target. One that has worked ends a rest."""
    values: dict[str, Any] = {"probed_at": now, "probe_worked": worked}
    if worked:
        values["rests_until"] = None
    endpoints.lock(session, system(org_id, LABEL), now=now)
    session.execute(update(_endpoints).where(_endpoint.org_id == org_id).values(values))


def replay_batch(
    session: Session, org_id: UUID, limits: Limits, *, probed_since: datetime, limit: int, now: datetime
) -> int:
    """Send up to `limit` dead events of the organization again, the oldest first. Returns how many: none, unless its
    target is not disabled, and a probe since `probed_since` has worked."""
    well = (_endpoint.state == EndpointState.ACTIVE, _endpoint.probe_worked, _endpoint.probed_at >= probed_since)
    is_well = select(_endpoint.org_id).where(_endpoint.org_id == org_id, *well).with_for_update()
    if session.scalar(is_well) is None:
        return 0
    query = select(_export.id).where(_export.org_id == org_id, *_within(limits, now))
    chosen: Sequence[UUID] = (
        session.execute(query.order_by(_export.id).limit(limit).with_for_update(skip_locked=True)).scalars().all()
    )
    if chosen:
        more: dict[str, Any] = {"auto_replays": _export.auto_replays + 1, "auto_replayed_at": now}
        session.execute(putting_back(org_id, chosen, now, **more))
        actor = system(org_id, LABEL)
        audit.record(session, actor, "exports.auto_replay", org_id, now=now, after={"replayed": len(chosen)})
        jobs.enqueue(session, DELIVER, org_id=org_id)
    return len(chosen)


def _within(limits: Limits, now: datetime) -> Iterator[ColumnElement[bool]]:
    yield _export.state == ExportState.DEAD
    yield _export.payload != _NOTHING
    yield _export.created_at > now - limits.max_age
    yield _export.auto_replays < limits.max_times
    yield or_(_export.auto_replayed_at.is_(None), _export.auto_replayed_at <= now - limits.apart)
