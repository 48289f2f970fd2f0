"""Time entries over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from shared.core.permissions import Role
from shared.orders.states import OrderState, allowed_from
from shared.time_entries.states import ARROWS, Move, TimeEntryState
from shared.time_entries.states import allowed_from as allowed_for
from tests.checked_client import CheckedClient
from tests.factories.crews import make_worker
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.time_entries import make_time_entry
from tests.rows import footprint, rows
from tests.time_entries.entries import Clock, confirmed_order

WAYS: dict[TimeEntryState, list[str]] = {
    TimeEntryState.RUNNING: [],
    TimeEntryState.PAUSED: ["pause"],
    TimeEntryState.FINISHED: ["finish"],
}
NEVER_LEFT: dict[str, Any] = {"finished_at": None, "overrun_reason": None}


@pytest.fixture
def clock(client: CheckedClient, company: Company) -> Clock:
    return Clock(client, company)


def test_an_entry_goes_from_start_over_a_pause_to_the_end(clock: Clock, company: Company) -> None:
    order_id, worker_id = confirmed_order(company), make_worker(company)
    answer = clock.start(order_id, worker_id)
    assert answer.status_code == 201
    started = answer.get_json()
    assert started.items() >= (NEVER_LEFT | {"state": "running", "worked_minutes": 0}).items()
    assert (started["order_id"], started["worker_id"]) == (str(order_id), str(worker_id))
    assert started["allowed"] == ["pause", "finish"]
    assert started["segments"] == [{"started_at": started["started_at"], "ended_at": None}]
    assert clock.entries(order_id) == [started]
    paused = clock.move(started["id"], "pause").get_json()
    assert (paused["state"], paused["allowed"]) == ("paused", ["resume", "finish"])
    assert paused["segments"][0]["ended_at"] > started["started_at"]
    resumed = clock.move(started["id"], "resume").get_json()
    assert [segment["ended_at"] is None for segment in resumed["segments"]] == [False, True]
    finished = clock.move(started["id"], "finish").get_json()
    assert (finished["state"], finished["allowed"]) == ("finished", [])
    assert finished["finished_at"] == finished["segments"][1]["ended_at"]
    assert clock.entries(order_id) == [finished]


def test_every_move_is_told_to_the_audit_log(clock: Clock, company: Company) -> None:
    order_id, worker_id = confirmed_order(company), make_worker(company)
    entry_id = clock.start(order_id, worker_id).get_json()["id"]
    for verb in ("pause", "resume", "finish"):
        clock.move(entry_id, verb)
    sql = "SELECT action, before, after FROM audit_entries WHERE resource_id = :id ORDER BY id"
    assert [(each["action"], each["before"], each["after"]) for each in rows(sql, id=entry_id)] == [
        ("time_entries.start", {}, {"order_id": str(order_id), "worker_id": str(worker_id)}),
        ("time_entries.pause", {"state": "running"}, {"state": "paused"}),
        ("time_entries.resume", {"state": "paused"}, {"state": "running"}),
        (
            "time_entries.finish",
            {"state": "running"},
            {"state": "finished", "worked_minutes": 0, "planned_minutes": 120},
        ),
    ]


@pytest.mark.parametrize("state", list(TimeEntryState))
@pytest.mark.parametrize("move", list(Move))
def test_the_table_of_moves_is_what_the_api_does(
    clock: Clock, company: Company, state: TimeEntryState, move: Move
) -> None:
    order_id = confirmed_order(company)
    entry_id = clock.start(order_id, make_worker(company)).get_json()["id"]
    for step in WAYS[state]:
        clock.move(entry_id, step)
    assert clock.entries(order_id)[0]["allowed"] == allowed_for(state)
    before = footprint(company.org_id)
    answer = clock.move(entry_id, move)
    if state in ARROWS[move]:
        assert (answer.status_code, answer.get_json()["state"]) == (200, ARROWS[move][state])
        return
    assert (answer.status_code, answer.get_json()["code"]) == (409, "time_entries.wrong_state")
    assert (answer.get_json()["state"], answer.get_json()["allowed"]) == (state, allowed_for(state))
    assert footprint(company.org_id) == before


@pytest.mark.parametrize("state", list(OrderState))
def test_time_runs_at_orders_that_are_confirmed_or_in_progress(
    clock: Clock, company: Company, state: OrderState
) -> None:
    order_id, worker_id = set_order_state(company, make_order(company), state), make_worker(company)
    company.headers()
    before = footprint(company.org_id)
    answer = clock.start(order_id, worker_id)
    if state in {OrderState.CONFIRMED, OrderState.IN_PROGRESS}:
        assert answer.status_code == 201
        return
    assert (answer.status_code, answer.get_json()["code"]) == (409, "orders.wrong_state")
    assert (answer.get_json()["state"], answer.get_json()["allowed"]) == (state, allowed_from(state))
    assert footprint(company.org_id) == before


def test_a_worker_is_at_one_place_at_a_time(clock: Clock, company: Company) -> None:
    here, there, worker_id = confirmed_order(company), confirmed_order(company), make_worker(company)
    running = clock.start(here, worker_id).get_json()
    before = footprint(company.org_id)
    for order_id in (here, there):
        refused = clock.start(order_id, worker_id)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "time_entries.already_running")
        where = refused.get_json()["order_id"], refused.get_json()["time_entry_id"]
        assert where == (str(here), running["id"])
    assert footprint(company.org_id) == before
    assert clock.start(there, make_worker(company)).status_code == 201
    clock.move(running["id"], "pause")
    assert clock.start(there, worker_id).status_code == 201


def test_a_paused_entry_is_resumed_and_not_started_again(clock: Clock, company: Company) -> None:
    order_id, worker_id = confirmed_order(company), make_worker(company)
    entry_id = str(make_time_entry(company, order_id, worker_id, paused=True))
    refused = clock.start(order_id, worker_id)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "time_entries.already_open")
    assert refused.get_json()["time_entry_id"] == entry_id
    clock.move(entry_id, "finish")
    assert clock.start(order_id, worker_id).status_code == 201
    assert [entry["state"] for entry in clock.entries(order_id)] == ["finished", "running"]


def test_nothing_is_resumed_while_the_worker_is_elsewhere(clock: Clock, company: Company) -> None:
    here, there, worker_id = confirmed_order(company), confirmed_order(company), make_worker(company)
    paused = make_time_entry(company, here, worker_id, paused=True)
    running = make_time_entry(company, there, worker_id)
    company.headers()
    before = footprint(company.org_id)
    refused = clock.move(paused, "resume")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "time_entries.already_running")
    where = refused.get_json()["order_id"], refused.get_json()["time_entry_id"]
    assert where == (str(there), str(running))
    assert footprint(company.org_id) == before
    clock.move(running, "finish")
    assert clock.move(paused, "resume").status_code == 200


def test_workers_who_are_not_here_do_not_start(clock: Clock, company: Company, neighbour: Company) -> None:
    order_id, theirs = confirmed_order(company), make_worker(neighbour)
    gone = make_worker(company, is_active=False)
    company.headers()
    before = footprint(company.org_id), footprint(neighbour.org_id)
    for worker_id in (theirs, uuid4(), gone):
        answer = clock.start(order_id, worker_id)
        assert (answer.status_code, answer.get_json()["code"]) == (422, "crews.unknown_worker")
        assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/worker_id"]
    assert (footprint(company.org_id), footprint(neighbour.org_id)) == before


def test_another_organizations_orders_and_entries_do_not_exist(
    clock: Clock, company: Company, neighbour: Company
) -> None:
    theirs, worker_id = confirmed_order(neighbour), make_worker(company)
    entry = make_time_entry(neighbour, theirs, make_worker(neighbour))
    company.headers()
    before = footprint(company.org_id), footprint(neighbour.org_id)
    for order_id in (theirs, uuid4()):
        answer = clock.start(order_id, worker_id)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "orders.not_found")
        listed = clock.client.get(f"/v1/orders/{order_id}/time-entries", headers=company.headers())
        assert (listed.status_code, listed.get_json()["code"]) == (404, "orders.not_found")
    for entry_id in (entry, uuid4()):
        for verb in Move:
            answer = clock.move(entry_id, verb)
            assert (answer.status_code, answer.get_json()["code"]) == (404, "time_entries.not_found")
    assert (footprint(company.org_id), footprint(neighbour.org_id)) == before


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({}, "/worker_id"), ({"worker_id": None}, "/worker_id"), ({"worker_id": "7"}, "/worker_id")],
)
def test_a_start_names_a_worker(clock: Clock, company: Company, body: dict[str, Any], pointer: str) -> None:
    url = f"/v1/orders/{confirmed_order(company)}/time-entries"
    answer = clock.client.post(url, json=body, headers=company.headers())
    assert (answer.status_code, answer.get_json()["code"]) == (422, "request.invalid")
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\x00b", 5])
def test_a_reason_that_says_nothing_is_refused(clock: Clock, company: Company, reason: Any) -> None:
    entry_id = make_time_entry(company, confirmed_order(company), make_worker(company))
    answer = clock.move(entry_id, "finish", overrun_reason=reason)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "request.invalid")
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/overrun_reason"]


def test_the_same_idempotency_key_starts_once(clock: Clock, company: Company) -> None:
    order_id, worker_id = confirmed_order(company), make_worker(company)
    key = {"Idempotency-Key": "start-1"}
    first, again = clock.start(order_id, worker_id, **key), clock.start(order_id, worker_id, **key)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.get_json() == first.get_json()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.WORKER])
def test_who_may_not_write_starts_and_ends_nothing(clock: Clock, company: Company, role: Role) -> None:
    order_id, worker_id = confirmed_order(company), make_worker(company)
    entry_id, headers = make_time_entry(company, order_id, make_worker(company)), company.headers(role)
    before = footprint(company.org_id)
    urls = [f"/v1/orders/{order_id}/time-entries", *(f"/v1/time-entries/{entry_id}/{verb}" for verb in Move)]
    for url in urls:
        answer = clock.client.post(url, json={"worker_id": str(worker_id)}, headers=headers)
        assert answer.status_code == 403
    assert footprint(company.org_id) == before
