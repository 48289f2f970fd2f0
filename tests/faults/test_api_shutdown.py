"""gunicorn is told to stop while it works: what it has in hand is finished, nothing is lost, nobody gets a 5xx."""

import os
import secrets
import signal
import threading
import time
from typing import Any

import psutil
import requests

from tests.faults.load import RESET, load
from tests.faults.owner import Owner, new_order
from tests.faults.system import System
from tests.faults.waiting import eventually

RUNS = ("api",)
CALLERS = 6


def test_sigterm_under_load_loses_no_order_and_answers_no_5xx(system: System, owner: Owner) -> None:
    client_id = owner.call("GET", "/v1/clients").json()["data"][0]["id"]
    asked: dict[str, dict[str, Any]] = {}  # by idempotency key, which is the order's title as well
    placed: dict[str, str] = {}

    def place(session: requests.Session) -> requests.Response:
        key = secrets.token_hex(8)
        asked[key] = new_order(client_id) | {"title": key}
        answer = send(session, asked[key])
        if answer.status_code == 201:
            placed[key] = answer.json()["id"]
        return answer

    def send(session: requests.Session, body: dict[str, Any]) -> requests.Response:
        headers = {"Idempotency-Key": body["title"]}
        return session.post(f"{owner.base_url}/v1/orders", json=body, headers=headers, timeout=20)

    with load(owner, place, CALLERS) as running:
        eventually(lambda: len(placed) > 30, "orders come in")
        system.program("api").terminate()
        assert system.program("api").wait() == 0
    assert set(running.statuses()) <= {201, RESET}
    assert set(placed.values()) <= {row[0] for row in system.sql("SELECT id::text FROM orders")}
    system.start("api")
    with owner.session() as session:
        assert all(send(session, asked[key]).status_code == 201 for key in asked.keys() - placed.keys())
    counts = dict(system.sql("SELECT title, count(*) FROM orders WHERE title = ANY(%s) GROUP BY title", list(asked)))
    assert counts == dict.fromkeys(asked, 1)


def test_sigterm_lets_the_request_in_hand_finish(system: System, owner: Owner) -> None:
    placed = owner.place_order()
    answers: list[requests.Response] = []
    with system.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM orders WHERE id = %s FOR UPDATE", (placed.id,))
        confirming = threading.Thread(target=lambda: answers.append(owner.confirm(placed)))
        confirming.start()
        eventually(system.waits_for_lock, "the request waits for the order")
        system.program("api").terminate()
        time.sleep(1.0)  # long enough for a process that drops its requests to do so
        assert system.program("api").runs
    confirming.join(30)
    assert [answer.status_code for answer in answers] == [200]
    assert system.program("api").wait() == 0
    assert system.sql("SELECT state FROM orders WHERE id = %s", placed.id) == [("confirmed",)]


def children(system: System) -> set[int]:
    return {child.pid for child in psutil.Process(system.program("api").pid).children()}


def test_an_api_process_that_is_killed_is_replaced_and_loses_nothing_it_answered(system: System, owner: Owner) -> None:
    placed = owner.place_order()
    before = children(system)
    os.kill(min(before), signal.SIGKILL)
    eventually(lambda: children(system) - before, "a new process is there")
    eventually(lambda: owner.confirm(placed).status_code in {200, 409}, "it serves")
    assert owner.order(placed)["state"] == "confirmed"
