"""What became of events: lists, one with what it says, and replays of one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.core.ids import lowest_id_at
from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.exports import LEAD, SECRET, make_dead_export, make_export
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.rows import footprint, row, rows

PATH = "/v1/admin/export-dead-letter"
NOW = datetime.now(UTC)
READERS = (Role.OWNER, Role.ADMIN, Role.FINANCE)


def _row(export_id: UUID) -> dict[str, Any]:
    return row("SELECT * FROM exports WHERE id = :id", id=export_id)


def _list(client: CheckedClient, company: Company, **query: Any) -> list[str]:
    answer = client.get(PATH, query_string=query, headers=company.headers())
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [each["id"] for each in answer.get_json()["data"]]


def test_those_that_were_given_up_are_listed_the_newest_first(client: CheckedClient, company: Company) -> None:
    waiting = make_export(company)
    dead = [str(make_dead_export(company)) for _ in range(3)]
    assert _list(client, company) == dead[::-1]
    assert _list(client, company, state="pending") == [str(waiting)]
    assert _list(client, company, state="pending,dead") == [*dead[::-1], str(waiting)]


def test_a_list_shows_how_it_went_and_not_what_it_says(client: CheckedClient, company: Company) -> None:
    make_dead_export(company, event="lead.created", payload=LEAD, error=f"https://a:b@h.test/x/{SECRET}?y said no")
    answer = client.get(PATH, headers=company.headers())
    (found,) = answer.get_json()["data"]
    assert (found["event"], found["attempts"], found["last_status"]) == ("lead.created", 9, 503)
    assert found["last_error"] == "https://h.test said no"
    assert "payload" not in found
    assert LEAD["name"] not in answer.get_data(as_text=True)


def test_each_filter_finds_what_it_says(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company)
    hour = timedelta(hours=1)
    old = lowest_id_at(NOW - 3 * hour)  # identifiers carry the time
    made: dict[str, Any] = {"id": old, "created_at": NOW - 3 * hour, "dead_at": NOW - 2 * hour}
    make_dead_export(company, event="order.created", **made)
    new = make_dead_export(company, about=order_id, error="Connection REFUSED", event="order.cancelled")
    both = {str(old), str(new)}
    expected: list[tuple[dict[str, Any], set[str]]] = [
        ({}, both),
        ({"event": "order.created"}, {str(old)}),
        ({"created_from": (NOW - hour).isoformat()}, {str(new)}),
        ({"created_to": (NOW - hour).isoformat()}, {str(old)}),
        ({"dead_from": (NOW - 2 * hour).isoformat()}, both),
        ({"dead_to": (NOW - 2 * hour).isoformat()}, set()),
        ({"dead_to": (NOW - hour).isoformat()}, {str(old)}),
        ({"error_contains": "connection refused"}, {str(new)}),
        ({"error_contains": "%"}, set()),
        ({"resource_id": str(order_id)}, {str(new)}),
        ({"resource_id": str(order_id), "state": "delivered"}, set()),
    ]
    for query, found in expected:
        assert set(_list(client, company, **query)) == found, query


def test_pages_hold_each_event_once(client: CheckedClient, company: Company) -> None:
    made = [str(make_dead_export(company)) for _ in range(5)]
    found: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        answer = client.get(PATH, query_string=query, headers=company.headers()).get_json()
        found += [each["id"] for each in answer["data"]]
        if answer["next_cursor"] is None:
            break
        query["cursor"] = answer["next_cursor"]
    assert found == made[::-1]
    assert client.get(PATH, query_string=query | {"event": "x"}, headers=company.headers()).status_code == 400


@pytest.mark.parametrize("role", Role)
def test_who_may_read_and_who_sees_people(client: CheckedClient, company: Company, role: Role) -> None:
    export_id = make_dead_export(company, event="lead.created", payload=LEAD)
    listed = client.get(PATH, headers=company.headers(role))
    answer = client.get(f"{PATH}/{export_id}", headers=company.headers(role))
    assert listed.status_code == answer.status_code == (200 if role in READERS else 403)
    if role in {Role.OWNER, Role.ADMIN}:
        assert answer.get_json()["payload"] == LEAD
    if role == Role.FINANCE:
        shown = answer.get_json()["payload"]
        plain = {"id", "state", "source", "created_at", "service_id"}
        assert {name: shown[name] for name in plain} == {name: LEAD[name] for name in plain}
        assert {shown[name] for name in shown.keys() - plain} == {"(personal)"}
        assert shown.keys() == LEAD.keys()


def test_what_the_target_quotes_of_people_is_for_owners_and_admins(client: CheckedClient, company: Company) -> None:
    said = "The target answered 400"
    export_id = make_dead_export(company, error=f"{said}: no such mailbox: anna@berg.test")
    for role, shown in ((Role.ADMIN, f"{said}: no such mailbox: anna@berg.test"), (Role.FINANCE, f"{said}.")):
        headers = company.headers(role)
        (listed,) = client.get(PATH, headers=headers).get_json()["data"]
        one = client.get(f"{PATH}/{export_id}", headers=headers).get_json()
        assert listed["last_error"] == one["last_error"] == shown
        found = [
            bool(client.get(PATH, query_string={"error_contains": part}, headers=headers).get_json()["data"])
            for part in ("answered 400", "anna@")
        ]
        assert found == [True, role == Role.ADMIN]


def test_money_and_times_of_an_order_are_shown_to_finance(client: CheckedClient, company: Company) -> None:
    said = {"number": 7, "total": {"amount": 100, "currency": "cad"}, "scheduled_start": NOW.isoformat(), "new": "Anna"}
    export_id = make_dead_export(company, payload=said)
    shown = client.get(f"{PATH}/{export_id}", headers=company.headers(Role.FINANCE)).get_json()["payload"]
    assert shown == said | {"new": "(personal)"}


def test_a_replay_begins_anew_under_the_same_name(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    export_id = make_dead_export(company, replays=1, auto_replays=2)
    answer = client.post(f"{PATH}/{export_id}/replay", headers=company.headers()).get_json()
    assert (answer["id"], answer["state"], answer["attempts"], answer["dead_at"]) == (
        str(export_id),
        "pending",
        0,
        None,
    )
    assert (answer["replays"], answer["auto_replays"]) == (2, 2)
    assert answer["last_error"] == "503 Service Unavailable"
    assert jobs.enqueued() == [("exports.deliver", {"org_id": str(company.org_id)})]
    (entry,) = rows(
        "SELECT after FROM audit_entries WHERE action = 'exports.replay' AND resource_id = :id", id=export_id
    )
    assert entry["after"] == {"event": "order.confirmed"}


@pytest.mark.parametrize("state", ["pending", "delivering", "retrying", "delivered"])
def test_only_what_is_dead_is_replayed(client: CheckedClient, company: Company, jobs: JobsProbe, state: str) -> None:
    export_id = make_export(company, state=state, attempts=2)
    before = _row(export_id)
    answer = client.post(f"{PATH}/{export_id}/replay", headers=company.headers())
    assert (answer.status_code, answer.get_json()["code"], answer.get_json()["state"]) == (
        409,
        "exports.not_dead",
        state,
    )
    assert _row(export_id) == before
    assert jobs.enqueued() == []


def test_what_a_person_who_was_erased_was_told_of_is_not_replayed(client: CheckedClient, company: Company) -> None:
    export_id = make_dead_export(company, payload={})
    answer = client.post(f"{PATH}/{export_id}/replay", headers=company.headers())
    assert (answer.status_code, answer.get_json()["code"]) == (409, "exports.forgotten")
    assert _row(export_id)["state"] == "dead"


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.OWNER, Role.ADMIN}])
def test_others_replay_nothing(client: CheckedClient, company: Company, role: Role) -> None:
    export_id = make_dead_export(company)
    for path in (f"{PATH}/{export_id}/replay", PATH):
        assert client.post(path, headers=company.headers(role)).status_code == 403
    assert _row(export_id)["state"] == "dead"
    assert rows("SELECT 1 FROM job_runs WHERE org_id = :org", org=company.org_id) == []


def test_a_company_neither_sees_nor_replays_another_ones(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    theirs = make_dead_export(neighbour, event="lead.created", payload=LEAD)
    before, headers = footprint(neighbour.org_id), company.headers()
    assert _list(client, company) == []
    for method, path in (("GET", f"{PATH}/{theirs}"), ("POST", f"{PATH}/{theirs}/replay")):
        answer = client.open(path, method=method, headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "exports.not_found")
    asked = client.post(PATH, json={"export_ids": [str(theirs)]}, headers=headers)
    assert (asked.status_code, asked.get_json()["code"]) == (404, "exports.not_found")
    assert rows("SELECT 1 FROM job_runs WHERE org_id = :org", org=company.org_id) == []
    assert footprint(neighbour.org_id) == before


def test_one_unknown_identifier_among_known_ones_asks_for_nothing(client: CheckedClient, company: Company) -> None:
    known = make_dead_export(company)
    asked = client.post(PATH, json={"export_ids": [str(known), str(uuid4())]}, headers=company.headers())
    assert asked.status_code == 404
    assert _row(known)["state"] == "dead"
    assert rows("SELECT 1 FROM job_runs WHERE org_id = :org", org=company.org_id) == []
