"""Questions about slots, asked on a Monday in March."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.core.transaction import read_only
from shared.orders import slots
from shared.orders.slot_search import Slot
from shared.orders.slots import SlotQuery
from tests.factories.organizations import Company
from tests.slots.schedule import add_estimate

NOW = datetime(2027, 3, 1, 15, tzinfo=UTC)
"""A Monday, 08:00 in Edmonton, two weeks before the clocks change there."""
DAY = timedelta(days=1)
HALF_HOUR = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)


def march(day: int, hour: float) -> datetime:
    """A local time of March 2027 in Edmonton, before the change."""
    return datetime(2027, 3, day, 7, tzinfo=UTC) + timedelta(hours=hour)


def find_slots(company: Company, **changes: Any) -> slots.SlotAnswer:
    query = SlotQuery(**{"minutes": 60, "from_day": march(3, 0).date(), "until_day": march(4, 0).date(), **changes})
    with read_only(company.scope) as session:
        return slots.find(session, company.owner, query, now=NOW)


def starts_of(company: Company, **changes: Any) -> list[datetime]:
    return [slot.start for slot in find_slots(company, **changes).slots]


def free_teams(company: Company, start: datetime, *, postal_code: str | None = None) -> list[UUID]:
    estimate_id = add_estimate(company, minutes=60)
    with read_only(company.scope) as session:
        crews = slots.free_teams(
            session, company.owner, start=start, estimate_id=estimate_id, postal_code=postal_code, now=NOW
        )
    return [crew.team_id for crew in crews]


def alternatives_to(company: Company, start: datetime, **changes: Any) -> list[Slot]:
    wanted = changes if "estimate_id" in changes else {"minutes": 60, **changes}
    with read_only(company.scope) as session:
        return slots.alternatives(session, company.owner, start=start, **wanted, now=NOW)
