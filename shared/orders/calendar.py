"""What the slot search reads: two statements, however many teams and orders there are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select, text

from shared.core.actor import Actor
from shared.core.errors import NotFound, invalid_field
from shared.core.orm import Reader, table_of
from shared.orders.free_starts import Busy, TeamTimes, WorkerTimes
from shared.orders.model import OrderWorker
from shared.orders.openings import EPOCH, SECOND
from shared.orders.states import OCCUPYING
from shared.orders.terms import UNKNOWN_ESTIMATE, UNKNOWN_TEAM
from shared.organizations.service import NOT_FOUND

_COMPANY = text("""
    SELECT o.timezone, o.business_hours, o.scheduling_policy, e.minutes, e.crew_size,
        t.id AS team_id, t.hours, t.postal_prefixes, t.is_active,
        ARRAY(SELECT w.id FROM workers AS w WHERE w.org_id = :org_id AND w.team_id = t.id AND w.is_active) AS workers
    FROM organizations AS o
    LEFT JOIN estimates AS e ON e.org_id = o.id AND e.id = CAST(:estimate_id AS uuid)
    LEFT JOIN teams AS t ON t.org_id = o.id AND CASE
        WHEN CAST(:team_id AS uuid) IS NULL THEN t.is_active ELSE t.id = CAST(:team_id AS uuid) END
    WHERE o.id = :org_id
    ORDER BY t.id
""")
"""One row for each team that can be meant, or one row without a team. An idle team only when it is asked for."""

_sent = table_of(OrderWorker)

_TAKES_TIME = ", ".join(f"'{state}'" for state in OCCUPYING)
_BUSY = text(f"""
    WITH busy AS (
        SELECT team_id AS owner_id, scheduled_start AS a, coalesce(blocked_until, scheduled_end) AS b,
            'order' AS kind, number::text AS what
        FROM orders
        WHERE org_id = :org_id AND state IN ({_TAKES_TIME}) AND team_id = ANY(:teams)
            AND scheduled_start < :until AND coalesce(blocked_until, scheduled_end) > :since
            AND id IS DISTINCT FROM CAST(:moved_order_id AS uuid)
        UNION ALL
        SELECT a.worker_id, a.starts_at, a.blocked_until, 'order', ''
        FROM order_workers AS a JOIN workers AS w ON w.org_id = a.org_id AND w.id = a.worker_id
            JOIN orders AS o ON o.org_id = a.org_id AND o.id = a.order_id
        WHERE a.org_id = :org_id AND a.occupies AND a.worker_id = ANY(:workers)
            AND a.starts_at < :until AND a.blocked_until > :since
            AND o.team_id IS DISTINCT FROM w.team_id
            AND a.order_id IS DISTINCT FROM CAST(:moved_order_id AS uuid)
        UNION ALL
        SELECT coalesce(team_id, worker_id), starts_at, ends_at, 'blackout', reason
        FROM blackouts
        WHERE org_id = :org_id AND ends_at > :since AND starts_at < :until
    )
    SELECT kind, owner_id, json_agg(json_build_array(
        floor(extract(epoch FROM a))::bigint, ceil(extract(epoch FROM b))::bigint, what) ORDER BY a) AS times
    FROM busy GROUP BY kind, owner_id
""")  # noqa: S608 - states of ours
"""What takes the time of each team and worker, and of the whole company (nobody), as lists: rows of their own would
cost more than the search. An order takes its own team's workers with the team, so those are not read again. A part of a
second counts as a whole one."""


@dataclass(frozen=True, slots=True)
class Company:
    """How the organization works, and the teams that are asked about. `minutes` and `crew_size` are the estimate's."""

    zone: ZoneInfo
    step: int
    buffer: int
    notice: int
    days_ahead: int
    minutes: int | None
    crew_size: int | None
    teams: list[TeamTimes] = field(default_factory=list)


def read_company(
    session: Reader,
    actor: Actor,
    *,
    team_id: UUID | None = None,
    estimate_id: UUID | None = None,
    postal_code: str | None = None,
) -> Company:
    """The organization and its teams, or the one team. Raises `Invalid` for an unknown team or estimate."""
    asked = {"org_id": actor.org_id, "team_id": team_id, "estimate_id": estimate_id}
    rows = session.execute(_COMPANY, asked).all()
    if not rows:
        raise NotFound(NOT_FOUND, "There is no such organization.")
    first = rows[0]
    if estimate_id is not None and first.minutes is None:
        raise invalid_field("/estimate_id", UNKNOWN_ESTIMATE, "This organization has no such estimate.")
    if team_id is not None and first.team_id is None:
        raise invalid_field("/team_id", UNKNOWN_TEAM, "This organization has no such team.")
    policy = first.scheduling_policy
    return Company(
        zone=ZoneInfo(first.timezone),
        step=policy["step_minutes"] * 60,
        buffer=policy["buffer_minutes"] * 60,
        notice=policy["min_notice_hours"] * 3600,
        days_ahead=policy["max_days_ahead"],
        minutes=first.minutes,
        crew_size=first.crew_size,
        teams=[_team(row, postal_code) for row in rows if row.team_id is not None],
    )


def read_busy_times(
    session: Reader, actor: Actor, company: Company, since: int, until: int, *, moved_order_id: UUID | None = None
) -> None:
    """Fill in what takes the teams' time between two instants. An order that is about to be moved does not."""
    workers = {worker.worker_id: worker for team in company.teams for worker in team.workers}
    asked = {
        "org_id": actor.org_id,
        "teams": [team.team_id for team in company.teams],
        "workers": list(workers),
        "since": _moment(since),
        "until": _moment(until),
        "moved_order_id": moved_order_id,
    }
    found: dict[tuple[str, UUID | None], list[Busy]] = {
        (row.kind, row.owner_id): row.times for row in session.execute(_BUSY, asked)
    }
    of_everybody = found.get(("blackout", None), [])
    for team in company.teams:
        team.orders = found.get(("order", team.team_id), [])
        team.blackouts = sorted([*of_everybody, *found.get(("blackout", team.team_id), [])])
    for worker_id, worker in workers.items():
        worker.orders = found.get(("order", worker_id), [])
        worker.blackouts = found.get(("blackout", worker_id), [])


def read_worker_orders(
    session: Reader,
    actor: Actor,
    worker_ids: Sequence[UUID],
    midnights: Sequence[int],
    *,
    moved_order_id: UUID | None = None,
) -> list[Busy]:
    """When orders take the time of any of these workers, within days that begin at `midnights`."""
    query = select(_sent.c.starts_at, _sent.c.blocked_until).where(
        _sent.c.org_id == actor.org_id,
        _sent.c.occupies,
        _sent.c.worker_id.in_(worker_ids),
        _sent.c.starts_at < _moment(midnights[-1]),
        _sent.c.blocked_until > _moment(midnights[0]),
        _sent.c.order_id.is_distinct_from(moved_order_id),
    )
    return [
        [(row.starts_at - EPOCH) // SECOND, -((EPOCH - row.blocked_until) // SECOND), ""]
        for row in session.execute(query)
    ]


def _team(row: Row[Any], postal_code: str | None) -> TeamTimes:
    return TeamTimes(
        team_id=row.team_id,
        week=row.business_hours if row.hours is None else row.hours,
        is_active=row.is_active,
        in_area=postal_code is None or _fits(postal_code, row.postal_prefixes),
        workers=[WorkerTimes(worker_id) for worker_id in row.workers],
    )


def _fits(postal_code: str, prefixes: list[str]) -> bool:
    """Whether a team that works at `prefixes` (nothing means everywhere) comes there; spaces and case do not matter."""
    return not prefixes or _plain(postal_code).startswith(tuple(_plain(prefix) for prefix in prefixes))


def _plain(postal_code: str) -> str:
    return "".join(filter(str.isalnum, postal_code)).upper()


def _moment(instant: int) -> datetime:
    return EPOCH + timedelta(seconds=instant)
