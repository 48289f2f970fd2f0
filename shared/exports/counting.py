"""How many events wait and were given up, for metrics. Delivered ones are not looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, literal, or_, select

from shared.core.orm import Reader, table_of
from shared.core.settings import Settings
from shared.exports.model import UNFINISHED, EndpointState, Export, ExportState, WebhookEndpoint

MOST_COUNTED = 100_000
"""A scrape looks at no more events that wait: without a target they wait for ever."""

_exports, _endpoints = table_of(Export), table_of(WebhookEndpoint)
_export, _endpoint = _exports.c, _endpoints.c


@dataclass(frozen=True, slots=True)
class Waiting:
    """`number` of events; `oldest_seconds` since the oldest was made of those that somebody should act upon."""

    number: int = 0
    oldest_seconds: float = 0.0


def count_unfinished(session: Reader, settings: Settings, *, now: datetime) -> Mapping[str, Waiting]:
    """Per state, what is still to be delivered. As oldest counts what could go out now: its organization has a target,
    which is neither disabled nor resting."""
    seen = select(_export.org_id, _export.state, _export.created_at).where(_export.state.in_(UNFINISHED))
    some = seen.limit(MOST_COUNTED).subquery()
    at = some.join(_endpoints, _endpoint.org_id == some.c.org_id, isouter=True)
    oldest = func.min(some.c.created_at).filter(_could_go_out(settings, now))
    query = select(some.c.state, func.count(), func.extract("epoch", now - oldest)).select_from(at)
    found = session.execute(query.group_by(some.c.state)).all()
    return {row[0]: Waiting(row[1], float(row[2] or 0)) for row in found}


def count_dead(session: Reader, *, now: datetime) -> Mapping[str, Waiting]:
    """Per name of the event, what was given up. Read from its own index."""
    oldest = func.extract("epoch", now - func.min(_export.created_at))
    given_up = (_export.state == ExportState.DEAD, _export.dead_at.is_not(None))
    query = select(_export.event, func.count(), oldest).where(*given_up).group_by(_export.event)
    return {row[0]: Waiting(row[1], float(row[2])) for row in session.execute(query)}


def count_targets(session: Reader, *, now: datetime) -> Mapping[str, int]:
    """How many organizations' targets are disabled, and how many others rest."""
    disabled = _endpoint.state == EndpointState.DISABLED
    resting = and_(~disabled, _endpoint.rests_until > now)
    query = select(func.count().filter(disabled), func.count().filter(resting)).select_from(_endpoints)
    row = session.execute(query).one()
    return {"disabled": row[0], "resting": row[1]}


def _could_go_out(settings: Settings, now: datetime) -> ColumnElement[bool]:
    if settings.export_mode == "off":
        return literal(value=False)
    has_target = literal(value=True) if settings.export_webhook_url else _endpoint.url.is_not(None)
    is_well = and_(
        _endpoint.state.is_distinct_from(EndpointState.DISABLED),
        or_(_endpoint.rests_until.is_(None), _endpoint.rests_until <= now),
    )
    return and_(has_target, is_well)
