"""Orders that come back: placed ahead, in conflict, ended."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.core.outbox import PUBLISH_GRACE
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.recurrences import placing
from tests.checked_client import CheckedClient
from tests.factories.catalog import make_estimate
from tests.factories.crews import make_team
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.recurrences import make_recurrence, place_ahead
from tests.jobs_probe import JobsProbe
from tests.recurrences.steps import EDMONTON, FIRST, create_series, occurrences_of, post_to, series_body
from tests.rows import footprint, row, rows


def test_a_worker_places_sixty_days_of_confirmed_orders_without_a_mail_each(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    made = create_series(client, company)
    assert (made.status_code, made.get_json()["placed_until"]) == (201, None)
    jobs.drain()
    recurrence = client.get(f"/v1/recurrences/{made.get_json()['id']}", headers=company.headers()).get_json()
    today = datetime.now(EDMONTON).date()
    assert recurrence["placed_until"] == (today + timedelta(days=60)).isoformat()
    found = occurrences_of(client, company, recurrence["id"])
    expected = [
        FIRST + timedelta(weeks=week)
        for week in range(9)
        if FIRST + timedelta(weeks=week) <= today + timedelta(days=60)
    ]
    assert [each["on_date"] for each in found] == [day.isoformat() for day in expected]
    assert {(each["state"], each["order_state"]) for each in found} == {("placed", "confirmed")}
    starts = rows("SELECT scheduled_start, source, occurrence_on FROM orders ORDER BY scheduled_start")
    assert {each["scheduled_start"].astimezone(EDMONTON).time() for each in starts} == {time(9)}
    assert {each["source"] for each in starts} == {"recurrence"}
    assert rows("SELECT * FROM messages") == []


def test_placing_again_places_nothing_twice(company: Company) -> None:
    recurrence_id = make_recurrence(company)
    assert place_ahead(company, recurrence_id)["placed"] > 0
    before = rows("SELECT id FROM orders ORDER BY id")
    assert place_ahead(company, recurrence_id) == {"placed": 0, "skipped": 0, "conflict": 0}
    assert rows("SELECT id FROM orders ORDER BY id") == before


def test_the_next_day_one_more_visit_comes_within_reach(company: Company) -> None:
    recurrence_id = make_recurrence(company)
    first = place_ahead(company, recurrence_id)["placed"]
    later = datetime.now(UTC) + timedelta(days=7)
    assert place_ahead(company, recurrence_id, now=later)["placed"] == 1
    assert row("SELECT count(*) AS n FROM orders")["n"] == first + 1


def test_a_conflict_is_reported_and_stops_none_of_the_others(client: CheckedClient, company: Company) -> None:
    team_id = make_team(company)
    second = datetime.combine(FIRST + timedelta(weeks=1), time(10), EDMONTON)
    make_order(company, team_id=team_id, scheduled_start=second, scheduled_end=second + timedelta(hours=1))
    recurrence_id = make_recurrence(company, team_id=team_id, starts_on=FIRST, local_time=time(9))
    counts = place_ahead(company, recurrence_id)
    assert (counts["conflict"], counts["placed"]) == (1, 8)
    found = occurrences_of(client, company, recurrence_id)
    assert [each["state"] for each in found[:3]] == ["placed", "conflict", "placed"]
    assert "another order" in found[1]["detail"]
    assert found[1]["order_id"] is None
    moved = post_to(
        client,
        company,
        recurrence_id,
        "move",
        on_date=found[1]["on_date"],
        scheduled_start=(second + timedelta(hours=3)).isoformat(),
    )
    assert (moved.status_code, moved.get_json()["state"]) == (200, "placed")


def test_ending_calls_off_what_has_not_begun_and_mails_once(client: CheckedClient, company: Company) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST)
    place_ahead(company, recurrence_id)
    ended = post_to(client, company, recurrence_id, "end", reason="The client moves away")
    assert (ended.status_code, ended.get_json()["state"]) == (200, "ended")
    assert {each["state"] for each in rows("SELECT state FROM orders")} == {"cancelled"}
    assert len(rows("SELECT id FROM messages WHERE kind = 'order_cancelled'")) == 1
    assert place_ahead(company, recurrence_id) == {"placed": 0, "skipped": 0, "conflict": 0}
    for verb, body in (
        ("end", {"reason": "again"}),
        ("skip", {"on_date": FIRST.isoformat()}),
        ("move", {"on_date": FIRST.isoformat(), "scheduled_start": "2126-01-01T09:00:00Z"}),
    ):
        again = post_to(client, company, recurrence_id, verb, **body)
        assert (again.status_code, again.get_json()["code"]) == (409, "recurrences.ended")


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"starts_on": "2020-01-01"}, "recurrences.bad_dates", "/starts_on"),
        ({"ends_on": (FIRST - timedelta(days=1)).isoformat()}, "recurrences.bad_dates", "/ends_on"),
        ({"minutes": 0}, "request.invalid", "/minutes"),
        ({"minutes": 25 * 60}, "request.invalid", "/minutes"),
        ({"frequency": "daily"}, "request.invalid", "/frequency"),
        ({"local_time": "25:00"}, "request.invalid", "/local_time"),
        ({"local_time": "09:00+02:00"}, "request.invalid", "/local_time"),
        ({"client_id": str(uuid4())}, "orders.unknown_client", "/client_id"),
        ({"team_id": str(uuid4())}, "orders.unknown_team", "/team_id"),
        ({"total": {"amount": 9900, "currency": "usd"}}, "orders.wrong_currency", "/total/currency"),
    ],
)
def test_a_series_that_cannot_be_is_refused(
    client: CheckedClient, company: Company, changes: dict[str, Any], code: str, pointer: str
) -> None:
    company.headers()
    before = footprint(company.org_id)
    answer = create_series(client, company, **changes)
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (422, code)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert footprint(company.org_id) == before


def test_nine_in_the_morning_stays_nine_when_the_clocks_change(company: Company) -> None:
    year = FIRST.year + 1
    recurrence_id = make_recurrence(company, starts_on=date(year, 3, 1), local_time=time(9))
    place_ahead(company, recurrence_id, now=datetime(year, 2, 25, tzinfo=UTC))
    starts = [each["scheduled_start"] for each in rows("SELECT scheduled_start FROM orders ORDER BY scheduled_start")]
    assert {start.astimezone(EDMONTON).time() for start in starts} == {time(9)}
    assert len({start.time() for start in starts}) == 2, "the change lies among them"


def test_the_sweep_finds_series_with_days_to_place_and_no_others(company: Company, jobs: JobsProbe) -> None:
    due: UUID = make_recurrence(company)
    done = make_recurrence(company)
    place_ahead(company, done)
    jobs.enqueued()
    for found in (1, 0):
        with transaction(PLATFORM) as session:
            later = datetime.now(UTC) + PUBLISH_GRACE
            assert placing.sweep(session, now=later, limit=10) == {"requeued": found}, "asked for, and left alone then"
    assert jobs.enqueued() == [
        ("recurrences.place", {"org_id": str(company.org_id), "recurrence_id": str(due)}),
    ]


def test_a_series_whose_last_visit_is_placed_is_left_alone(company: Company) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST, ends_on=FIRST + timedelta(weeks=1))
    assert place_ahead(company, recurrence_id)["placed"] == 2
    assert row("SELECT next_place_at FROM recurrences")["next_place_at"] is None


@pytest.mark.parametrize(
    ("changes", "pointer"), [({"minutes": 30}, "/minutes"), ({"frequency": "monthly"}, "/estimate_id"), ({}, None)]
)
def test_the_estimate_says_how_long_and_how_often(
    client: CheckedClient, company: Company, changes: dict[str, Any], pointer: str | None
) -> None:
    body = series_body(company, estimate_id=str(make_estimate(company, frequency="weekly"))) | changes
    for name in {"minutes", "title", "total"} - set(changes):
        del body[name]
    answer = client.post("/v1/recurrences", json=body, headers=company.headers())
    if pointer is None:
        assert answer.status_code == 201
    else:
        assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, pointer)
