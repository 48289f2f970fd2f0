"""Single visits of a series: skipped, moved, called off."""

from datetime import datetime, time, timedelta
from uuid import UUID

import pytest

from tests.checked_client import CheckedClient
from tests.factories.crews import make_team
from tests.factories.order_states import set_order_state
from tests.factories.organizations import Company
from tests.factories.recurrences import make_recurrence, place_ahead
from tests.orders.steps import let_it_begin
from tests.recurrences.steps import EDMONTON, FIRST, create_series, occurrences_of, post_to
from tests.rows import footprint, row, rows


def test_a_visit_that_is_skipped_before_it_is_placed_is_never_placed(client: CheckedClient, company: Company) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST)
    skipped = (FIRST + timedelta(weeks=1)).isoformat()
    for _ in range(2):
        assert post_to(client, company, recurrence_id, "skip", on_date=skipped).get_json()["state"] == "skipped"
    place_ahead(company, recurrence_id)
    found = {each["on_date"]: each for each in occurrences_of(client, company, recurrence_id)}
    assert (found[skipped]["state"], found[skipped]["order_id"]) == ("skipped", None)
    assert {each["state"] for day, each in found.items() if day != skipped} == {"placed"}
    entries = rows("SELECT * FROM audit_entries WHERE action = 'recurrences.skip'")
    assert len(entries) == 1


def test_a_visit_that_is_placed_is_called_off_without_a_fee_when_it_is_skipped(
    client: CheckedClient, company: Company
) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST)
    place_ahead(company, recurrence_id)
    first = occurrences_of(client, company, recurrence_id)[0]
    assert post_to(client, company, recurrence_id, "skip", on_date=first["on_date"]).status_code == 200
    order = row("SELECT state, cancellation_fee_amount FROM orders WHERE id = :id", id=first["order_id"])
    assert (order["state"], order["cancellation_fee_amount"]) == ("cancelled", 0)
    assert [each["kind"] for each in rows("SELECT kind FROM messages")] == ["order_cancelled"]


def test_a_visit_that_is_moved_leaves_the_others(client: CheckedClient, company: Company) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST, team_id=make_team(company))
    place_ahead(company, recurrence_id)
    first, second = occurrences_of(client, company, recurrence_id)[:2]
    to = datetime.combine(FIRST + timedelta(days=1), time(14), EDMONTON)
    moved = post_to(client, company, recurrence_id, "move", on_date=first["on_date"], scheduled_start=to.isoformat())
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
    first, second = occurrences_of(client, company, recurrence_id)[:2]
    there = row("SELECT scheduled_start FROM orders WHERE id = :id", id=second["order_id"])["scheduled_start"]
    company.headers()
    before = footprint(company.org_id)
    refused = post_to(
        client, company, recurrence_id, "move", on_date=first["on_date"], scheduled_start=there.isoformat()
    )
    assert (refused.status_code, refused.get_json()["code"]) == (409, "orders.slot_taken")
    assert footprint(company.org_id) == before


@pytest.mark.parametrize("verb", ["skip", "move"])
def test_a_date_that_the_rule_does_not_have_is_refused(client: CheckedClient, company: Company, verb: str) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST)
    body = {"on_date": (FIRST + timedelta(days=1)).isoformat()}
    if verb == "move":
        body["scheduled_start"] = "2126-01-01T09:00:00Z"
    answer = post_to(client, company, recurrence_id, verb, **body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "recurrences.no_such_date")
    assert answer.get_json()["errors"][0]["pointer"] == "/on_date"


@pytest.mark.parametrize("state", ["in_progress", "completed", "no_show"])
def test_a_visit_that_has_begun_is_not_skipped(client: CheckedClient, company: Company, state: str) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST)
    place_ahead(company, recurrence_id)
    first = occurrences_of(client, company, recurrence_id)[0]
    set_order_state(company, UUID(first["order_id"]), state)
    refused = post_to(client, company, recurrence_id, "skip", on_date=first["on_date"])
    assert (refused.status_code, refused.get_json()["code"]) == (409, "orders.wrong_state")
    set_order_state(company, UUID(first["order_id"]), "confirmed")
    let_it_begin(company, first["order_id"])
    late = post_to(client, company, recurrence_id, "skip", on_date=first["on_date"])
    assert (late.status_code, late.get_json()["code"]) == (409, "recurrences.begun")
    assert row("SELECT state FROM orders WHERE id = :id", id=first["order_id"])["state"] == "confirmed"


@pytest.mark.parametrize(
    ("day", "listed"), [("8999-12-31", 200), ("9999-12-31", 400), ("0001-01-01", 400), ("2026-02-30", 400)]
)
def test_a_date_far_away_is_refused_at_once(client: CheckedClient, company: Company, day: str, listed: int) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST)
    assert post_to(client, company, recurrence_id, "skip", on_date=day).status_code == 422
    assert create_series(client, company, starts_on=day).status_code == 422
    assert client.get(f"/v1/orders?date={day}", headers=company.headers()).status_code == listed


def test_a_visit_that_staff_have_called_off_can_be_skipped(client: CheckedClient, company: Company) -> None:
    recurrence_id = make_recurrence(company, starts_on=FIRST)
    place_ahead(company, recurrence_id)
    first = occurrences_of(client, company, recurrence_id)[0]
    client.post(f"/v1/orders/{first['order_id']}/cancel", json={"reason": "rain"}, headers=company.headers())
    skipped = post_to(client, company, recurrence_id, "skip", on_date=first["on_date"])
    assert (skipped.status_code, skipped.get_json()["state"]) == (200, "skipped")
