"""Slots and the database's own rule against double booking must say the same."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only
from shared.orders import slots
from shared.orders.slot_reasons import Why
from shared.orders.slots import SlotQuery
from tests.factories.crews import make_blackout, make_team, make_worker
from tests.factories.organizations import Company
from tests.slots.asking import DAY, HALF_HOUR, MINUTE, NOW, find_slots, march, starts_of
from tests.slots.schedule import assign, book, every_day, settle


@pytest.mark.parametrize("buffer_minutes", [0, 45])
def test_what_is_offered_can_be_booked_and_what_is_booked_cannot(
    company: Company, lets_in: Callable[..., bool], buffer_minutes: int
) -> None:
    settle(company, buffer_minutes=buffer_minutes, step_minutes=15)
    team, other = make_team(company, hours=every_day("06:00-22:00")), make_team(company)
    book(company, team, march(3, 9), march(3, 10), buffer=HALF_HOUR)
    book(company, team, march(3, 12), march(3, 13), state="pending")
    book(company, team, march(3, 14) + timedelta(seconds=1), march(3, 15), state="in_progress", buffer=timedelta(0))
    book(company, team, march(3, 10.75), march(3, 11.75), state="cancelled")
    book(company, other, march(3, 8), march(3, 17))
    answer = find_slots(company, explain=True, team_id=team)
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
    book(company, team, march(3, 11), march(3, 12), buffer=timedelta(minutes=60))
    hours = [(start - march(3, 0)) / timedelta(hours=1) for start in starts_of(company)]
    assert hours == [8, 8.5, 9, 9.5, 13, 13.5, 14, 14.5, 15, 15.5, 16]


def test_a_buffer_does_not_count_at_a_blackout_or_at_closing_time(company: Company) -> None:
    team = make_team(company, hours=every_day("09:00-10:00", "12:00-13:00", "15:00-17:00"))
    make_blackout(company, starts_at=march(3, 13), ends_at=march(3, 15), team_id=team)
    make_blackout(company, starts_at=march(3, 16) + MINUTE, ends_at=march(3, 20))
    assert starts_of(company) == [march(3, 9), march(3, 12), march(3, 15)]


def test_a_blackout_of_another_team_is_in_nobodys_way(company: Company) -> None:
    team, other = make_team(company), make_team(company)
    make_blackout(company, starts_at=march(3, 0), ends_at=march(4, 0), team_id=other)
    found = find_slots(company)
    assert len(found.slots) == 17
    assert {tuple(slot.team_ids) for slot in found.slots} == {(team,)}


def test_a_team_without_hours_works_the_companys_hours(company: Company) -> None:
    settle(company, business_hours=every_day("10:00-12:00"))
    make_team(company)
    assert starts_of(company) == [march(3, 10), march(3, 10.5), march(3, 11)]


def test_a_visit_may_go_on_where_periods_touch_and_starts_count_from_each_opening(company: Company) -> None:
    make_team(company, hours=every_day("08:00-09:10", "09:10-10:30"))
    minutes = [(start - march(3, 8)) // MINUTE for start in starts_of(company)]
    assert minutes == [0, 30, 60, 70]


def test_a_visit_may_last_over_midnight_where_the_hours_do(company: Company) -> None:
    make_team(company, hours=every_day("00:00-02:00", "20:00-24:00"))
    answer = starts_of(company, minutes=360)
    assert answer == [march(3, 20)]
    assert starts_of(company, minutes=361) == []


def test_the_longest_visit_fits_a_team_that_never_closes(company: Company) -> None:
    make_team(company, hours=every_day("00:00-24:00"))
    assert len(starts_of(company, minutes=1440)) == 48


def test_notice_is_counted_to_the_second(company: Company) -> None:
    settle(company, min_notice_hours=48)
    make_team(company)
    assert starts_of(company)[0] == NOW + 2 * DAY
    with read_only(company.scope) as session:
        later = slots.find(
            session,
            company.owner,
            SlotQuery(minutes=60, from_day=march(3, 0).date(), until_day=march(4, 0).date()),
            now=NOW + timedelta(microseconds=1),
        )
    assert later.slots[0].start == NOW + 2 * DAY + HALF_HOUR


def test_nothing_is_offered_in_the_past(company: Company) -> None:
    settle(company, min_notice_hours=0)
    make_team(company)
    today, yesterday = NOW.date(), (NOW - DAY).date()
    assert starts_of(company, from_day=yesterday, until_day=today) == []
    assert starts_of(company, from_day=today, until_day=(NOW + DAY).date())[0] == NOW


def test_a_team_with_workers_needs_as_many_free_as_the_visit_takes(company: Company) -> None:
    team, elsewhere = make_team(company), make_team(company, hours=every_day())
    one, two = make_worker(company, team_id=team), make_worker(company, team_id=team)
    make_worker(company, team_id=team, is_active=False)
    make_worker(company, team_id=None)
    make_blackout(company, starts_at=march(3, 8), ends_at=march(3, 12), worker_id=one)
    assign(company, book(company, elsewhere, march(3, 14), march(3, 15), buffer=HALF_HOUR), two)
    assert len(starts_of(company)) == 17
    hours = [(start - march(3, 0)) / timedelta(hours=1) for start in starts_of(company, crew_size=2)]
    assert hours == [12, 12.5, 15.5, 16]
    assert starts_of(company, crew_size=3) == []


def test_workers_who_are_away_one_after_the_other_are_never_both_away(company: Company) -> None:
    team = make_team(company)
    one, two = make_worker(company, team_id=team), make_worker(company, team_id=team)
    make_blackout(company, starts_at=march(3, 0), ends_at=march(3, 12), worker_id=one)
    make_blackout(company, starts_at=march(3, 12), ends_at=march(4, 0), worker_id=two)
    hours = [(start - march(3, 0)) / timedelta(hours=1) for start in starts_of(company)]
    assert hours == [8, 8.5, 9, 9.5, 10, 10.5, 11, 12, 12.5, 13, 13.5, 14, 14.5, 15, 15.5, 16]


def test_an_order_that_is_over_frees_its_workers(company: Company) -> None:
    team, elsewhere = make_team(company), make_team(company, hours=every_day())
    cancelled = book(company, elsewhere, march(3, 8), march(3, 17), state="cancelled")
    assign(company, cancelled, make_worker(company, team_id=team))
    assert len(starts_of(company)) == 17


def test_a_team_without_workers_works_as_a_unit(company: Company) -> None:
    make_team(company)
    assert len(starts_of(company, crew_size=5)) == 17


def test_an_idle_team_is_not_offered(company: Company) -> None:
    idle = make_team(company, is_active=False)
    assert starts_of(company) == []
    answer = find_slots(company, team_id=idle, explain=True)
    assert answer.reasons is not None
    assert [(reason.why, reason.starts_at, reason.ends_at) for reason in answer.reasons] == [
        (Why.CLOSED, march(3, 0), march(4, 0))
    ]


def test_another_organizations_time_is_not_looked_at(company: Company, neighbour: Company) -> None:
    """Even by somebody whom row-level security lets see everything."""
    team, theirs = make_team(company), make_team(neighbour)
    book(neighbour, theirs, march(3, 8), march(3, 17))
    make_blackout(neighbour, starts_at=march(3, 0), ends_at=march(4, 0))
    query = SlotQuery(minutes=60, from_day=march(3, 0).date(), until_day=march(4, 0).date())
    with read_only(PLATFORM) as session:
        found = slots.find(session, company.owner, query, now=NOW)
    assert {tuple(slot.team_ids) for slot in found.slots} == {(team,)}
    assert len(found.slots) == 17
