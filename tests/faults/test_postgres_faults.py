"""Postgres restarts under load: no crash, at most one 503 for each connection, and healed without help."""

import time
from collections import Counter
from functools import partial

import pytest
import requests

from tests.faults.load import load
from tests.faults.owner import Owner
from tests.faults.system import System
from tests.faults.waiting import eventually

API_PROCESSES = 2
CALLERS = 6


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_under_load_costs_at_most_one_503_for_each_connection(
    system: System, owner: Owner, mode: str
) -> None:
    placed = owner.place_order()

    def read(session: requests.Session) -> requests.Response:
        return session.get(f"{owner.base_url}/v1/orders/{placed.id}", timeout=20)

    with load(owner, read, CALLERS) as running:
        eventually(lambda: len(running.answers) > 50, "the callers are busy")
        system.postgres.restart(mode)
        back = time.monotonic()
        eventually(lambda: running.statuses(since=back).count(200) > 50, "requests are answered again")
    assert set(running.statuses()) <= {200, 503}
    refused = Counter(answer.caller for answer in running.answers if answer.sent_at >= back and answer.status == 503)
    assert all(count <= 1 for count in refused.values()), refused


@pytest.mark.parametrize("path", ["", "/confirm"], ids=["reading", "writing"])
def test_a_restart_while_idle_costs_each_process_one_503(system: System, owner: Owner, path: str) -> None:
    placed = owner.place_order()

    def ask() -> int:
        return owner.call("POST" if path else "GET", f"/v1/orders/{placed.id}{path}").status_code

    warm = [ask() for _ in range(20)]
    system.postgres.restart()
    statuses = [ask() for _ in range(30)]
    assert set(statuses) <= {warm[-1], 503}
    assert statuses.count(503) <= API_PROCESSES * (2 if path else 1)  # a writer also reads: who is it?


def test_what_was_answered_200_while_postgres_was_killed_is_there_afterwards(system: System, owner: Owner) -> None:
    orders = [owner.place_order() for _ in range(40)]
    todo = list(orders)
    done: list[str] = []

    def confirm(session: requests.Session) -> requests.Response:
        placed = todo.pop()
        answer = session.post(f"{owner.base_url}/v1/orders/{placed.id}/confirm", timeout=20)
        if answer.status_code == 200:
            done.append(placed.id)
        return answer

    def confirm_or_read(session: requests.Session) -> requests.Response:
        try:
            return confirm(session)
        except IndexError:
            return session.get(f"{owner.base_url}/v1/orders", timeout=20)

    with load(owner, confirm_or_read) as running:
        eventually(lambda: len(done) > 5, "some are confirmed")
        system.postgres.restart("immediate")
        eventually(lambda: not todo, "all have been tried")
    assert set(running.statuses()) <= {200, 503}
    rows = system.sql(
        "SELECT id::text FROM orders WHERE state = 'confirmed' AND id = ANY(%s::uuid[])", [o.id for o in orders]
    )
    assert set(done) <= {row[0] for row in rows}
    assert_all_confirmed_are_mailed_once(system, [placed.client_email for placed in orders if placed.id in done])


def test_worker_and_beat_heal_after_a_restart(system: System, owner: Owner) -> None:
    programs = [system.program(name).pid for name in ("api", "worker", "beat")]
    system.postgres.restart("immediate")
    runs = system.succeeded_runs()
    eventually(lambda: system.succeeded_runs() > runs, "the sweep runs again")
    system.settle()
    placed = owner.place_order()
    assert owner.confirm(placed).status_code == 200
    assert_all_confirmed_are_mailed_once(system, [placed.client_email])
    assert programs == [system.program(name).pid for name in ("api", "worker", "beat")]


def test_while_postgres_is_down_every_answer_is_503_at_once(system: System, owner: Owner) -> None:
    placed = owner.place_order()
    system.postgres.stop()
    for _ in range(6):
        started = time.monotonic()
        answer = owner.call("GET", f"/v1/orders/{placed.id}")
        assert time.monotonic() - started < 4.0
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert answer.json()["code"] == "database.unavailable"


def is_sent(system: System, address: str) -> bool:
    return [state for state, _ in system.mail_rows(address)] == ["sent"]


def assert_all_confirmed_are_mailed_once(system: System, addresses: list[str]) -> None:
    system.let_time_pass()
    for address in addresses:
        eventually(partial(is_sent, system, address), "the mail is sent")
    system.wait_idle()
    assert all(1 <= len(system.mails_to(address)) <= 2 for address in addresses)
