"""Who is free at a time that somebody wants, and what else can be offered."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from shared.core.errors import Invalid
from tests.factories.crews import make_team, make_worker
from tests.factories.organizations import Company
from tests.slots.asking import DAY, HALF_HOUR, MINUTE, NOW, alternatives_to, free_teams, march
from tests.slots.schedule import add_estimate, assign, book, every_day


def test_the_least_busy_team_of_the_day_comes_first(company: Company) -> None:
    busy, idle, somewhat, closed = (
        make_team(company),
        make_team(company),
        make_team(company),
        make_team(company, hours=every_day()),
    )
    book(company, busy, march(3, 8), march(3, 12))
    book(company, somewhat, march(3, 8), march(3, 9))
    book(company, idle, march(4, 8), march(4, 17))
    assert free_teams(company, march(3, 15)) == [idle, somewhat, busy]
    assert closed not in free_teams(company, march(3, 15))


def test_only_a_start_that_is_offered_is_free(company: Company) -> None:
    make_team(company)
    assert len(free_teams(company, march(3, 9))) == 1
    assert free_teams(company, march(3, 9) + MINUTE) == []
    assert free_teams(company, march(3, 9) + timedelta(microseconds=1)) == []
    assert free_teams(company, march(3, 17)) == []
    assert free_teams(company, NOW) == []


def test_the_area_decides_who_comes(company: Company) -> None:
    near, everywhere = make_team(company, postal_prefixes=["T2P", "T3"]), make_team(company)
    assert free_teams(company, march(3, 9), postal_code="t2p 1j9") == sorted([near, everywhere])
    assert free_teams(company, march(3, 9), postal_code="T 31 000") == sorted([near, everywhere])
    assert free_teams(company, march(3, 9), postal_code="V5K 0A1") == [everywhere]
    assert free_teams(company, march(3, 9)) == sorted([near, everywhere])


def test_an_order_that_is_moved_is_not_in_its_own_way(company: Company) -> None:
    team, elsewhere = make_team(company), make_team(company, hours=every_day())
    worker = make_worker(company, team_id=team)
    order_id = book(company, team, march(3, 9), march(3, 10), buffer=HALF_HOUR)
    assign(company, order_id, worker)
    assert free_teams(company, march(3, 9.5)) == []
    other = book(company, elsewhere, march(3, 13), march(3, 14), buffer=HALF_HOUR)
    assign(company, other, worker)
    assert alternatives_to(company, march(3, 13), count=1, moved_order_id=other)[0].start == march(3, 13)
    assert alternatives_to(company, march(3, 9.5), count=1, moved_order_id=order_id)[0].start == march(3, 9.5)


def test_alternatives_are_the_nearest_that_can_be_booked(company: Company, lets_in: Callable[..., bool]) -> None:
    team = make_team(company)
    book(company, team, march(3, 9), march(3, 12), buffer=HALF_HOUR)
    found = alternatives_to(company, march(3, 10))
    assert [slot.start for slot in found] == [march(3, 12.5), march(3, 13), march(3, 13.5)]
    for slot in found:
        assert lets_in(team, slot.start, slot.end, HALF_HOUR)
        assert free_teams(company, slot.start) == slot.team_ids == [team]


def test_alternatives_lie_before_as_well_as_after_and_at_most_two_weeks_away(company: Company) -> None:
    make_team(company, hours={day: [] for day in every_day()} | {"wed": [{"opens": "09:00", "closes": "10:00"}]})
    around = [slot.start for slot in alternatives_to(company, march(11, 9), count=10)]
    assert around == [march(10, 9), march(17, 8), march(3, 9), march(24, 8)]
    assert alternatives_to(company, march(11, 9) + 60 * DAY, count=1) != []
    assert alternatives_to(company, NOW - 60 * DAY) == []


def test_alternatives_of_one_team_are_that_teams(company: Company) -> None:
    one, _ = make_team(company, hours=every_day("14:00-15:00")), make_team(company)
    found = alternatives_to(company, march(3, 9), team_id=one, count=2)
    assert [slot.team_ids for slot in found] == [[one], [one]]
    assert found[0].start == march(3, 14)
    with pytest.raises(Invalid):
        alternatives_to(company, march(3, 9), team_id=uuid4())


def test_alternatives_for_an_estimate_are_as_long_and_for_as_many(company: Company) -> None:
    alone, together = make_team(company), make_team(company)
    make_worker(company, team_id=alone)
    for _ in range(2):
        make_worker(company, team_id=together)
    estimate_id = add_estimate(company, minutes=150, crew_size=2)
    (nearest,) = alternatives_to(company, march(3, 9), estimate_id=estimate_id, count=1)
    assert (nearest.start, nearest.end, nearest.team_ids) == (march(3, 9), march(3, 11.5), [together])
