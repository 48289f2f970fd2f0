"""Orders that come back: placed ahead, skipped, moved, in conflict, ended."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from shared.core.outbox import PUBLISH_GRACE
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.recurrences import placing
from tests.checked_client import CheckedClient
from tests.factories.catalog import make_estimate
from tests.factories.crews import make_team
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.recurrences import make_recurrence, place_ahead
from tests.jobs_probe import JobsProbe
from tests.orders.steps import let_it_begin
from tests.rows import footprint, row, rows

EDMONTON = ZoneInfo("America/Edmonton")
FIRST = (datetime.now(EDMONTON) + timedelta(days=2)).date()


def _body(company: Company, **changes: Any) -> dict[str, Any]:
    return {
        "client_id": str(company.client_id),
        "frequency": "weekly",
        "starts_on": FIRST.isoformat(),
        "local_time": "09:00",
        "minutes": 120,
        "title": "Weekly cleaning",
        "total": {"amount": 9900, "currency": "cad"},
        "address": "12 Elm Street, Calgary",
    } | changes


def _create(client: CheckedClient, company: Company, **changes: Any) -> Any:
    return client.post("/v1/recurrences", json=_body(company, **changes), headers=company.headers())


def _occurrences(client: CheckedClient, company: Company, recurrence_id: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/v1/recurrences/{recurrence_id}/occurrences", headers=company.headers())
    found: list[dict[str, Any]] = answer.get_json()["data"]
    return found


def _post(client: CheckedClient, company: Company, recurrence_id: Any, verb: str, **body: Any) -> Any:
    return client.post(f"/v1/recurrences/{recurrence_id}/{verb}", json=body, headers=company.headers())


def test_a_worker_places_sixty_days_of_confirmed_orders_without_a_mail_each(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    made = _create(client, company)
    assert (made.status_code, made.get_json()["placed_until"]) == (201, None)
    jobs.drain()
    recurrence = client.get(f"/v1/recurrences/{made.get_json()['id']}", headers=company.headers()).get_json()
    today = datetime.now(EDMONTON).date()
    assert recurrence["placed_until"] == (today + timedelta(days=60)).isoformat()
    found = _occurrences(client, company, recurrence["id"])
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
    found = _occurrences(client, company, recurrence_id)
    assert [each["state"] for each in found[:3]] == ["placed", "conflict", "placed"]
    assert "another order" in found[1]["detail"]
    assert found[1]["order_id"] is None
    moved = _post(
        client,
        company,
        recurrence_id,
        "move",
        on_date=found[1]["on_date"],
        scheduled_start=(second + timedelta(hours=3)).isoformat(),
    )
    assert (moved.status_code, moved.get_json()["state"]) == (200, "placed")


def test_a_visit_that_is_skipped_before_it_is_placed_is_never_placed(client: CheckedClient, company: Company) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST)
    skipped = (FIRST + timedelta(weeks=1)).isoformat()
    for _ in range(2):
        assert _post(client, company, recurrence_id, "skip", on_date=skipped).get_json()["state"] == "skipped"
    place_ahead(company, recurrence_id)
    found = {each["on_date"]: each for each in _occurrences(client, company, recurrence_id)}
    assert (found[skipped]["state"], found[skipped]["order_id"]) == ("skipped", None)
    assert {each["state"] for day, each in found.items() if day != skipped} == {"placed"}
    entries = rows("SELECT * FROM audit_entries WHERE action = 'recurrences.skip'")
    assert len(entries) == 1


def test_a_visit_that_is_placed_is_called_off_without_a_fee_when_it_is_skipped(
    client: CheckedClient, company: Company
) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST)
    place_ahead(company, recurrence_id)
    first = _occurrences(client, company, recurrence_id)[0]
    assert _post(client, company, recurrence_id, "skip", on_date=first["on_date"]).status_code == 200
    order = row("SELECT state, cancellation_fee_amount FROM orders WHERE id = :id", id=first["order_id"])
    assert (order["state"], order["cancellation_fee_amount"]) == ("cancelled", 0)
    assert [each["kind"] for each in rows("SELECT kind FROM messages")] == ["order_cancelled"]


def test_a_visit_that_is_moved_leaves_the_others(client: CheckedClient, company: Company) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST, team_id=make_team(company))
    place_ahead(company, recurrence_id)
    first, second = _occurrences(client, company, recurrence_id)[:2]
    to = datetime.combine(FIRST + timedelta(days=1), time(14), EDMONTON)
    moved = _post(client, company, recurrence_id, "move", on_date=first["on_date"], scheduled_start=to.isoformat())
    assert moved.status_code == 200
    starts = {str(each["id"]): each["scheduled_start"] for each in rows("SELECT id, scheduled_start FROM orders")}
    assert starts[first["order_id"]] == to
    assert starts[second["order_id"]].astimezone(EDMONTON).date().isoformat() == second["on_date"]
    assert [each["kind"] for each in rows("SELECT kind FROM messages")] == ["order_rescheduled"]


def test_a_move_onto_somebody_elses_time_is_refused_and_changes_nothing(
    client: CheckedClient, company: Company
) -> None:
    team_id = make_team(company)
    recurrence_id = make_recurrence(company, starts_on=FIRST, team_id=team_id)
    place_ahead(company, recurrence_id)
    first, second = _occurrences(client, company, recurrence_id)[:2]
    there = row("SELECT scheduled_start FROM orders WHERE id = :id", id=second["order_id"])["scheduled_start"]
    company.headers()
    before = footprint(company.org_id)
    refused = _post(client, company, recurrence_id, "move", on_date=first["on_date"], scheduled_start=there.isoformat())
    assert (refused.status_code, refused.get_json()["code"]) == (409, "orders.slot_taken")
    assert footprint(company.org_id) == before


def test_ending_calls_off_what_has_not_begun_and_mails_once(client: CheckedClient, company: Company) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST)
    place_ahead(company, recurrence_id)
    ended = _post(client, company, recurrence_id, "end", reason="The client moves away")
    assert (ended.status_code, ended.get_json()["state"]) == (200, "ended")
    assert {each["state"] for each in rows("SELECT state FROM orders")} == {"cancelled"}
    assert len(rows("SELECT id FROM messages WHERE kind = 'order_cancelled'")) == 1
    assert place_ahead(company, recurrence_id) == {"placed": 0, "skipped": 0, "conflict": 0}
    for verb, body in (
        ("end", {"reason": "again"}),
        ("skip", {"on_date": FIRST.isoformat()}),
        ("move", {"on_date": FIRST.isoformat(), "scheduled_start": "2126-01-01T09:00:00Z"}),
    ):
        again = _post(client, company, recurrence_id, verb, **body)
        assert (again.status_code, again.get_json()["code"]) == (409, "recurrences.ended")


@pytest.mark.parametrize("verb", ["skip", "move"])
def test_a_date_that_the_rule_does_not_have_is_refused(client: CheckedClient, company: Company, verb: str) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST)
    body = {"on_date": (FIRST + timedelta(days=1)).isoformat()}
    if verb == "move":
        body["scheduled_start"] = "2126-01-01T09:00:00Z"
    answer = _post(client, company, recurrence_id, verb, **body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "recurrences.no_such_date")
    assert answer.get_json()["errors"][0]["pointer"] == "/on_date"


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
    answer = _create(client, company, **changes)
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


@pytest.mark.parametrize("state", ["in_progress", "completed", "no_show"])
def test_a_visit_that_has_begun_is_not_skipped(client: CheckedClient, company: Company, state: str) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST)
    place_ahead(company, recurrence_id)
    first = _occurrences(client, company, recurrence_id)[0]
    set_order_state(company, UUID(first["order_id"]), state)
    refused = _post(client, company, recurrence_id, "skip", on_date=first["on_date"])
    assert (refused.status_code, refused.get_json()["code"]) == (409, "orders.wrong_state")
    set_order_state(company, UUID(first["order_id"]), "confirmed")
    let_it_begin(company, first["order_id"])
    late = _post(client, company, recurrence_id, "skip", on_date=first["on_date"])
    assert (late.status_code, late.get_json()["code"]) == (409, "recurrences.begun")
    assert row("SELECT state FROM orders WHERE id = :id", id=first["order_id"])["state"] == "confirmed"


@pytest.mark.parametrize(
    ("day", "listed"), [("8999-12-31", 200), ("9999-12-31", 400), ("0001-01-01", 400), ("2026-02-30", 400)]
)
def test_a_date_far_away_is_refused_at_once(client: CheckedClient, company: Company, day: str, listed: int) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST)
    assert _post(client, company, recurrence_id, "skip", on_date=day).status_code == 422
    assert _create(client, company, starts_on=day).status_code == 422
    assert client.get(f"/v1/orders?date={day}", headers=company.headers()).status_code == listed


def test_a_visit_that_staff_have_called_off_can_be_skipped(client: CheckedClient, company: Company) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST)
    place_ahead(company, recurrence_id)
    first = _occurrences(client, company, recurrence_id)[0]
    client.post(f"/v1/orders/{first['order_id']}/cancel", json={"reason": "rain"}, headers=company.headers())
    skipped = _post(client, company, recurrence_id, "skip", on_date=first["on_date"])
    assert (skipped.status_code, skipped.get_json()["state"]) == (200, "skipped")


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
    body = _body(company, estimate_id=str(make_estimate(company, frequency="weekly"))) | changes
    for name in {"minutes", "title", "total"} - set(changes):
        del body[name]
    answer = client.post("/v1/recurrences", json=body, headers=company.headers())
    if pointer is None:
        assert answer.status_code == 201
    else:
        assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, pointer)
