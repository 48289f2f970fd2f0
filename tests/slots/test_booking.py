"""Slots and the database's own rule against double booking must say the same."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from shared.core.errors import Invalid
from shared.core.orm import table_of
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only
from shared.orders import slots
from shared.orders.model import Order
from shared.orders.slot_reasons import Why
from shared.orders.slot_search import Slot
from shared.orders.slots import SlotQuery
from tests.factories.crews import make_blackout, make_team, make_worker
from tests.factories.organizations import Company
from tests.rows import as_role
from tests.slots.schedule import add_estimate, assign, book, every_day, order_row, settle

NOW = datetime(2027, 3, 1, 15, tzinfo=UTC)
"""A Monday, 08:00 in Edmonton, two weeks before the clocks change there."""

DAY = timedelta(days=1)
HALF_HOUR = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)


def _at(day: int, hour: float) -> datetime:
    """A local time of March 2027 in Edmonton, before the change."""
    return datetime(2027, 3, day, 7, tzinfo=UTC) + timedelta(hours=hour)


def _find(company: Company, **changes: Any) -> slots.SlotAnswer:
    query = SlotQuery(**{"minutes": 60, "from_day": _at(3, 0).date(), "until_day": _at(4, 0).date(), **changes})
    with read_only(company.scope) as session:
        return slots.find(session, company.owner, query, now=NOW)


def _starts(company: Company, **changes: Any) -> list[datetime]:
    return [slot.start for slot in _find(company, **changes).slots]


def _free(company: Company, start: datetime, *, postal_code: str | None = None) -> list[UUID]:
    estimate_id = add_estimate(company, minutes=60)
    with read_only(company.scope) as session:
        crews = slots.free_teams(
            session, company.owner, start=start, estimate_id=estimate_id, postal_code=postal_code, now=NOW
        )
    return [crew.team_id for crew in crews]


def _alternatives(company: Company, start: datetime, **changes: Any) -> list[Slot]:
    wanted = changes if "estimate_id" in changes else {"minutes": 60, **changes}
    with read_only(company.scope) as session:
        return slots.alternatives(session, company.owner, start=start, **wanted, now=NOW)


@pytest.fixture
def lets_in(company: Company, database: Connection) -> Callable[[UUID, datetime, datetime, timedelta], bool]:
    """Whether Postgres takes an order of the team at a time; it is not kept."""

    def attempt(team_id: UUID, start: datetime, end: datetime, buffer: timedelta) -> bool:
        row = order_row(company, team_id, start, end, buffer=buffer, notes="", paid_amount=0)
        values = {name: value for name, value in vars(row).items() if name in table_of(Order).columns}
        nested, violated = database.begin_nested(), ""
        try:
            as_role(database, "crewline_tenant", company.org_id)
            database.execute(insert(table_of(Order)).values(**values, photo_consent=False, version=1))
        except IntegrityError as error:
            violated = str(error)
        finally:
            nested.rollback()
        assert not violated or "ex_orders_team" in violated
        return not violated

    return attempt


@pytest.mark.parametrize("buffer_minutes", [0, 45])
def test_what_is_offered_can_be_booked_and_what_is_booked_cannot(
    company: Company, lets_in: Callable[..., bool], buffer_minutes: int
) -> None:
    settle(company, buffer_minutes=buffer_minutes, step_minutes=15)
    team, other = make_team(company, hours=every_day("06:00-22:00")), make_team(company)
    book(company, team, _at(3, 9), _at(3, 10), buffer=HALF_HOUR)
    book(company, team, _at(3, 12), _at(3, 13), state="pending")
    book(company, team, _at(3, 14) + timedelta(seconds=1), _at(3, 15), state="in_progress", buffer=timedelta(0))
    book(company, team, _at(3, 10.75), _at(3, 11.75), state="cancelled")
    book(company, other, _at(3, 8), _at(3, 17))
    answer = _find(company, explain=True, team_id=team)
    buffer = timedelta(minutes=buffer_minutes)
    assert len(answer.slots) > 5
    for slot in answer.slots:
        assert slot.team_ids == [team]
        assert lets_in(team, slot.start, slot.end, buffer), slot
    assert answer.reasons is not None
    booked = [reason for reason in answer.reasons if reason.why == Why.BOOKED]
    assert len(booked) >= 3
    for reason in booked:
        start = reason.starts_at
        while start < reason.ends_at:
            assert not lets_in(team, start, start + timedelta(hours=1), buffer), start
            start += timedelta(minutes=15)


def test_an_order_ends_with_its_own_buffer_and_the_visit_needs_one_too(company: Company) -> None:
    team = make_team(company)
    book(company, team, _at(3, 11), _at(3, 12), buffer=timedelta(minutes=60))
    hours = [(start - _at(3, 0)) / timedelta(hours=1) for start in _starts(company)]
    assert hours == [8, 8.5, 9, 9.5, 13, 13.5, 14, 14.5, 15, 15.5, 16]


def test_a_buffer_does_not_count_at_a_blackout_or_at_closing_time(company: Company) -> None:
    team = make_team(company, hours=every_day("09:00-10:00", "12:00-13:00", "15:00-17:00"))
    make_blackout(company, starts_at=_at(3, 13), ends_at=_at(3, 15), team_id=team)
    make_blackout(company, starts_at=_at(3, 16) + MINUTE, ends_at=_at(3, 20))
    assert _starts(company) == [_at(3, 9), _at(3, 12), _at(3, 15)]


def test_a_blackout_of_another_team_is_in_nobodys_way(company: Company) -> None:
    team, other = make_team(company), make_team(company)
    make_blackout(company, starts_at=_at(3, 0), ends_at=_at(4, 0), team_id=other)
    found = _find(company)
    assert len(found.slots) == 17
    assert {tuple(slot.team_ids) for slot in found.slots} == {(team,)}


def test_a_team_without_hours_works_the_companys_hours(company: Company) -> None:
    settle(company, business_hours=every_day("10:00-12:00"))
    make_team(company)
    assert _starts(company) == [_at(3, 10), _at(3, 10.5), _at(3, 11)]


def test_a_visit_may_go_on_where_periods_touch_and_starts_count_from_each_opening(company: Company) -> None:
    make_team(company, hours=every_day("08:00-09:10", "09:10-10:30"))
    minutes = [(start - _at(3, 8)) // MINUTE for start in _starts(company)]
    assert minutes == [0, 30, 60, 70]


def test_a_visit_may_last_over_midnight_where_the_hours_do(company: Company) -> None:
    make_team(company, hours=every_day("00:00-02:00", "20:00-24:00"))
    answer = _starts(company, minutes=360)
    assert answer == [_at(3, 20)]
    assert _starts(company, minutes=361) == []


def test_the_longest_visit_fits_a_team_that_never_closes(company: Company) -> None:
    make_team(company, hours=every_day("00:00-24:00"))
    assert len(_starts(company, minutes=1440)) == 48


def test_notice_is_counted_to_the_second(company: Company) -> None:
    settle(company, min_notice_hours=48)
    make_team(company)
    assert _starts(company)[0] == NOW + 2 * DAY
    with read_only(company.scope) as session:
        later = slots.find(
            session,
            company.owner,
            SlotQuery(minutes=60, from_day=_at(3, 0).date(), until_day=_at(4, 0).date()),
            now=NOW + timedelta(microseconds=1),
        )
    assert later.slots[0].start == NOW + 2 * DAY + HALF_HOUR


def test_nothing_is_offered_in_the_past(company: Company) -> None:
    settle(company, min_notice_hours=0)
    make_team(company)
    today, yesterday = NOW.date(), (NOW - DAY).date()
    assert _starts(company, from_day=yesterday, until_day=today) == []
    assert _starts(company, from_day=today, until_day=(NOW + DAY).date())[0] == NOW


def test_a_team_with_workers_needs_as_many_free_as_the_visit_takes(company: Company) -> None:
    team, elsewhere = make_team(company), make_team(company, hours=every_day())
    one, two = make_worker(company, team_id=team), make_worker(company, team_id=team)
    make_worker(company, team_id=team, is_active=False)
    make_worker(company, team_id=None)
    make_blackout(company, starts_at=_at(3, 8), ends_at=_at(3, 12), worker_id=one)
    assign(company, book(company, elsewhere, _at(3, 14), _at(3, 15), buffer=HALF_HOUR), two)
    assert len(_starts(company)) == 17
    hours = [(start - _at(3, 0)) / timedelta(hours=1) for start in _starts(company, crew_size=2)]
    assert hours == [12, 12.5, 15.5, 16]
    assert _starts(company, crew_size=3) == []


def test_workers_who_are_away_one_after_the_other_are_never_both_away(company: Company) -> None:
    team = make_team(company)
    one, two = make_worker(company, team_id=team), make_worker(company, team_id=team)
    make_blackout(company, starts_at=_at(3, 0), ends_at=_at(3, 12), worker_id=one)
    make_blackout(company, starts_at=_at(3, 12), ends_at=_at(4, 0), worker_id=two)
    hours = [(start - _at(3, 0)) / timedelta(hours=1) for start in _starts(company)]
    assert hours == [8, 8.5, 9, 9.5, 10, 10.5, 11, 12, 12.5, 13, 13.5, 14, 14.5, 15, 15.5, 16]


def test_an_order_that_is_over_frees_its_workers(company: Company) -> None:
    team, elsewhere = make_team(company), make_team(company, hours=every_day())
    assign(
        company, book(company, elsewhere, _at(3, 8), _at(3, 17), state="cancelled"), make_worker(company, team_id=team)
    )
    assert len(_starts(company)) == 17


def test_a_team_without_workers_works_as_a_unit(company: Company) -> None:
    make_team(company)
    assert len(_starts(company, crew_size=5)) == 17


def test_the_least_busy_team_of_the_day_comes_first(company: Company) -> None:
    busy, idle, somewhat, closed = (
        make_team(company),
        make_team(company),
        make_team(company),
        make_team(company, hours=every_day()),
    )
    book(company, busy, _at(3, 8), _at(3, 12))
    book(company, somewhat, _at(3, 8), _at(3, 9))
    book(company, idle, _at(4, 8), _at(4, 17))
    assert _free(company, _at(3, 15)) == [idle, somewhat, busy]
    assert closed not in _free(company, _at(3, 15))


def test_only_a_start_that_is_offered_is_free(company: Company) -> None:
    make_team(company)
    assert len(_free(company, _at(3, 9))) == 1
    assert _free(company, _at(3, 9) + MINUTE) == []
    assert _free(company, _at(3, 9) + timedelta(microseconds=1)) == []
    assert _free(company, _at(3, 17)) == []
    assert _free(company, NOW) == []


def test_the_area_decides_who_comes(company: Company) -> None:
    near, everywhere = make_team(company, postal_prefixes=["T2P", "T3"]), make_team(company)
    assert _free(company, _at(3, 9), postal_code="t2p 1j9") == sorted([near, everywhere])
    assert _free(company, _at(3, 9), postal_code="T 31 000") == sorted([near, everywhere])
    assert _free(company, _at(3, 9), postal_code="V5K 0A1") == [everywhere]
    assert _free(company, _at(3, 9)) == sorted([near, everywhere])


def test_an_order_that_is_moved_is_not_in_its_own_way(company: Company) -> None:
    team, elsewhere = make_team(company), make_team(company, hours=every_day())
    worker = make_worker(company, team_id=team)
    order_id = book(company, team, _at(3, 9), _at(3, 10), buffer=HALF_HOUR)
    assign(company, order_id, worker)
    assert _free(company, _at(3, 9.5)) == []
    other = book(company, elsewhere, _at(3, 13), _at(3, 14), buffer=HALF_HOUR)
    assign(company, other, worker)
    assert _alternatives(company, _at(3, 13), count=1, moved_order_id=other)[0].start == _at(3, 13)
    assert _alternatives(company, _at(3, 9.5), count=1, moved_order_id=order_id)[0].start == _at(3, 9.5)


def test_alternatives_are_the_nearest_that_can_be_booked(company: Company, lets_in: Callable[..., bool]) -> None:
    team = make_team(company)
    book(company, team, _at(3, 9), _at(3, 12), buffer=HALF_HOUR)
    found = _alternatives(company, _at(3, 10))
    assert [slot.start for slot in found] == [_at(3, 12.5), _at(3, 13), _at(3, 13.5)]
    for slot in found:
        assert lets_in(team, slot.start, slot.end, HALF_HOUR)
        assert _free(company, slot.start) == slot.team_ids == [team]


def test_alternatives_lie_before_as_well_as_after_and_at_most_two_weeks_away(company: Company) -> None:
    make_team(company, hours={day: [] for day in every_day()} | {"wed": [{"opens": "09:00", "closes": "10:00"}]})
    around = [slot.start for slot in _alternatives(company, _at(11, 9), count=10)]
    assert around == [_at(10, 9), _at(17, 8), _at(3, 9), _at(24, 8)]
    assert _alternatives(company, _at(11, 9) + 60 * DAY, count=1) != []
    assert _alternatives(company, NOW - 60 * DAY) == []


def test_alternatives_of_one_team_are_that_teams(company: Company) -> None:
    one, _ = make_team(company, hours=every_day("14:00-15:00")), make_team(company)
    found = _alternatives(company, _at(3, 9), team_id=one, count=2)
    assert [slot.team_ids for slot in found] == [[one], [one]]
    assert found[0].start == _at(3, 14)
    with pytest.raises(Invalid):
        _alternatives(company, _at(3, 9), team_id=uuid4())


def test_an_idle_team_is_not_offered(company: Company) -> None:
    idle = make_team(company, is_active=False)
    assert _starts(company) == []
    answer = _find(company, team_id=idle, explain=True)
    assert answer.reasons is not None
    assert [(reason.why, reason.starts_at, reason.ends_at) for reason in answer.reasons] == [
        (Why.CLOSED, _at(3, 0), _at(4, 0))
    ]


def test_another_organizations_time_is_not_looked_at(company: Company, neighbour: Company) -> None:
    """Even by somebody whom row-level security lets see everything."""
    team, theirs = make_team(company), make_team(neighbour)
    book(neighbour, theirs, _at(3, 8), _at(3, 17))
    make_blackout(neighbour, starts_at=_at(3, 0), ends_at=_at(4, 0))
    query = SlotQuery(minutes=60, from_day=_at(3, 0).date(), until_day=_at(4, 0).date())
    with read_only(PLATFORM) as session:
        found = slots.find(session, company.owner, query, now=NOW)
    assert {tuple(slot.team_ids) for slot in found.slots} == {(team,)}
    assert len(found.slots) == 17


def test_alternatives_for_an_estimate_are_as_long_and_for_as_many(company: Company) -> None:
    alone, together = make_team(company), make_team(company)
    make_worker(company, team_id=alone)
    for _ in range(2):
        make_worker(company, team_id=together)
    estimate_id = add_estimate(company, minutes=150, crew_size=2)
    (nearest,) = _alternatives(company, _at(3, 9), estimate_id=estimate_id, count=1)
    assert (nearest.start, nearest.end, nearest.team_ids) == (_at(3, 9), _at(3, 11.5), [together])
