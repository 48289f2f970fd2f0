"""Time entries under people who start, pause, resume and finish at the same moment."""

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from shared.core.transaction import read_only, transaction
from shared.time_entries import service as time_entries
from shared.time_entries.model import TimeEntry, TimeSegment
from tests.concurrency.together import together
from tests.factories.crews import make_worker
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.time_entries import make_time_entry


def confirmed(company: Company) -> UUID:
    return set_order_state(company, make_order(company), "confirmed")


def start(app: Flask, company: Company, order_id: UUID, worker_id: UUID) -> TestResponse:
    url, body = f"/v1/orders/{order_id}/time-entries", {"worker_id": str(worker_id)}
    return app.test_client().post(url, json=body, headers=company.headers())


def move(app: Flask, company: Company, entry_id: UUID, verb: str) -> TestResponse:
    sent: dict[str, Any] = {"json": {}} if verb == "finish" else {}
    return app.test_client().post(f"/v1/time-entries/{entry_id}/{verb}", headers=company.headers(), **sent)


def finish_all(company: Company, order_id: UUID) -> int:
    with transaction(company.scope) as session:
        return time_entries.finish_all(session, company.owner, order_id, now=datetime.now(UTC))


def states(company: Company) -> Counter[str]:
    with read_only(company.scope) as session:
        return Counter(session.scalars(select(TimeEntry.state)))


def running_segments(company: Company) -> int:
    with read_only(company.scope) as session:
        return session.scalar(select(func.count()).where(TimeSegment.ended_at.is_(None))) or 0


def test_of_twenty_starts_of_one_worker_one_runs(app: Flask, company: Company) -> None:
    company.headers()
    worker_id, orders = make_worker(company), [confirmed(company) for _ in range(4)]
    answers = together(*[partial(start, app, company, order_id, worker_id) for order_id in orders * 5])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    (won,) = [answer.get_json() for answer in answers if answer.status_code == 201]
    for refused in (answer.get_json() for answer in answers if answer.status_code == 409):
        told = refused["code"], refused["order_id"], refused["time_entry_id"]
        assert told == ("time_entries.already_running", won["order_id"], won["id"])
    assert (states(company), running_segments(company)) == ({"running": 1}, 1)


def test_ten_workers_start_at_one_order_at_once(app: Flask, company: Company) -> None:
    company.headers()
    order_id, workers = confirmed(company), [make_worker(company) for _ in range(10)]
    answers = together(*[partial(start, app, company, order_id, worker_id) for worker_id in workers])
    assert [answer.status_code for answer in answers] == [201] * 10
    assert (states(company), running_segments(company)) == ({"running": 10}, 10)


@pytest.mark.parametrize("round_", range(5))
def test_whoever_comes_first_a_finished_entry_stays_finished(app: Flask, company: Company, round_: int) -> None:
    company.headers()
    entry_id = make_time_entry(company, confirmed(company), make_worker(company))
    paused, finished = together(
        partial(move, app, company, entry_id, "pause"), partial(move, app, company, entry_id, "finish")
    )
    assert finished.status_code == 200
    assert paused.status_code in {200, 409}
    if paused.status_code == 409:
        assert (paused.get_json()["code"], paused.get_json()["state"]) == ("time_entries.wrong_state", "finished")
    assert (states(company), running_segments(company)) == ({"finished": 1}, 0)


@pytest.mark.parametrize("verb", ["pause", "finish"])
def test_a_move_that_ten_people_make_is_made_once(app: Flask, company: Company, verb: str) -> None:
    company.headers()
    entry_id = make_time_entry(company, confirmed(company), make_worker(company))
    answers = together(*[partial(move, app, company, entry_id, verb)] * 10)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 9}
    assert running_segments(company) == 0


@pytest.mark.parametrize("round_", range(5))
def test_of_resuming_here_and_starting_there_one_runs(app: Flask, company: Company, round_: int) -> None:
    company.headers()
    worker_id, there = make_worker(company), confirmed(company)
    paused = make_time_entry(company, confirmed(company), worker_id, paused=True)
    answers = together(partial(move, app, company, paused, "resume"), partial(start, app, company, there, worker_id))
    assert sorted(answer.status_code // 100 for answer in answers) == [2, 4]
    (refused,) = [answer.get_json() for answer in answers if answer.status_code == 409]
    assert refused["code"] == "time_entries.already_running"
    assert {"order_id", "time_entry_id"} <= set(refused), "who loses is told where the time runs"
    assert states(company)["running"] == running_segments(company) == 1


@pytest.mark.parametrize("round_", range(5))
def test_nothing_runs_on_at_an_order_that_is_finished(app: Flask, company: Company, round_: int) -> None:
    company.headers()
    order_id = confirmed(company)
    entries = [make_time_entry(company, order_id, make_worker(company), paused=True) for _ in range(3)]
    resumed = [partial(move, app, company, entry_id, "resume") for entry_id in entries]
    *answers, ended = together(*resumed, partial(finish_all, company, order_id))
    assert ended == 3
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert (states(company), running_segments(company)) == ({"finished": 3}, 0)
