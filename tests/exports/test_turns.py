"""Organizations take turns, however many events one of them has, and however slow its target is."""

import threading
import time
from collections import Counter
from concurrent.futures import Future
from typing import Any
from uuid import UUID

import pytest

from shared.core import query_count
from shared.exports.jobs import DELIVER, GO_ON
from shared.wiring import Services
from tests.exports.conftest import exporting
from tests.exports.receivers import Connection, Got, Receiver, hangs_after, receiver
from tests.exports.steps import endpoint, make_event, make_events, state, sweep
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.turns import MANY, promised_at_the_last_moment
from worker.core import background
from worker.tasks import exports as tasks


def slugs(target: Receiver) -> list[str]:
    return [got.event["organization"]["slug"] for got in target.requests]


def test_an_organization_with_many_events_has_one_turn_before_the_next(
    company: Company, neighbour: Company, jobs: JobsProbe, target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "LONGEST_TURN_SECONDS", 0.0)
    for _ in range(MANY):
        make_event(company)
    make_event(neighbour)
    jobs.drain()
    assert slugs(target) == [company.slug, neighbour.slug, *[company.slug] * (MANY - 1)]


def test_sweeps_of_a_long_queue_do_not_make_others_wait(
    company: Company, neighbour: Company, jobs: JobsProbe, target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "LONGEST_TURN_SECONDS", 0.0)
    make_events(company, MANY)
    for _ in range(MANY):
        sweep(jobs)
    make_event(neighbour)
    jobs.drain()
    assert slugs(target).index(neighbour.slug) == 1
    assert Counter(slugs(target)) == {company.slug: MANY, neighbour.slug: 1}


def test_when_all_is_delivered_the_next_message_is_heard_at_once(
    company: Company, jobs: JobsProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "LONGEST_TURN_SECONDS", 0.0)
    make_events(company, MANY)
    jobs.drain()
    late = make_event(company)
    assert jobs.drain() == [DELIVER.name]
    assert state(late) == ("delivered", 1)


def test_an_event_whose_message_found_the_target_taken_is_delivered_with_the_turn(
    company: Company, jobs: JobsProbe, target: Receiver
) -> None:
    """The target was held when the message came; whoever held it looks again."""
    late: list[UUID] = []

    def promises(connection: Connection, got: Got) -> bool:
        if not late:
            late.append(make_event(company))
            jobs.drain()  # somebody else hears of it, and is in vain
        connection.say(b"HTTP/1.1 204 OK\r\n\r\n")
        return True

    target.behave = promises
    make_event(company)
    ((name, arguments),) = jobs.enqueued()
    jobs.run(name, arguments)
    jobs.drain()
    assert state(late[0]) == ("delivered", 1)


def test_an_event_whose_message_was_passed_over_at_the_last_moment_is_delivered(
    company: Company, jobs: JobsProbe
) -> None:
    late = promised_at_the_last_moment(jobs, company, tasks.EVENTS, GO_ON, make_event)
    assert state(late) == ("delivered", 1)


def test_one_statement_for_each_event(company: Company, jobs: JobsProbe, services: Services) -> None:
    make_events(company, 20)
    jobs.enqueued()
    query_count.start()
    tasks._turn(company.scope)
    first = query_count.current()
    make_events(company, 40)
    jobs.enqueued()
    query_count.start()
    tasks._turn(company.scope)
    assert query_count.current() - first in {19, 20}  # the first turn has made the row of the target


def test_a_target_that_fails_slowly_has_one_try_in_a_turn(
    company: Company, jobs: JobsProbe, services: Services, target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "SLOW_SECONDS", 0.2)
    exporting(services, export_webhook_url=target.url, export_webhook_timeout_seconds=0.3)
    target.behave = hangs_after(b"")
    ids = make_events(company, 3)
    ((name, arguments),) = jobs.enqueued()
    jobs.run(name, arguments)
    assert [state(each) for each in ids] == [("retrying", 1), ("pending", 0), ("pending", 0)]
    assert [asked for asked, _ in jobs.enqueued()] == [GO_ON.name]
    assert endpoint(company)["failures"] == 1


def test_work_that_takes_long_goes_on_without_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "PATIENCE_SECONDS", 0.05)
    over, done = threading.Event(), threading.Event()

    def work() -> dict[str, object]:
        over.wait(10)
        done.set()
        return {"delivered": 1}

    assert background.run(work) == {"outcome": "goes on in the background"}
    assert not done.is_set()
    over.set()
    assert done.wait(10)


def test_when_all_threads_wait_the_task_does_the_work_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "PATIENCE_SECONDS", 0.02)
    over = threading.Event()
    waiting = [lambda: {"waited": over.wait(10)}] * background.MOST_AT_ONCE
    try:
        assert {background.run(each)["outcome"] for each in waiting} == {"goes on in the background"}
        here = threading.get_ident()
        assert background.run(lambda: {"thread": threading.get_ident()}) == {"thread": here}
    finally:
        over.set()
    ends_at = time.monotonic() + 10
    while background._running and time.monotonic() < ends_at:
        time.sleep(0.01)
    assert background.run(lambda: {"thread": threading.get_ident()})["thread"] != here


def test_what_the_work_raises_is_raised(services: Services) -> None:
    def fails() -> dict[str, object]:
        raise TimeoutError("of the work itself")

    with pytest.raises(TimeoutError, match="of the work itself"):
        background.run(fails)


def test_a_target_that_hangs_does_not_hold_the_process(
    company: Company, jobs: JobsProbe, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task is over long before the target's time is."""
    monkeypatch.setattr(background, "PATIENCE_SECONDS", 0.1)
    with receiver(hangs_after(b"")) as found:
        exporting(services, export_webhook_url=found.url, export_webhook_timeout_seconds=2.0)
        event_id = make_event(company)
        jobs.drain()
        assert state(event_id) == ("delivering", 1)
        for thread in list(background._running):
            thread.join(10)
        assert state(event_id) == ("retrying", 1)
        assert endpoint(company)["busy_until"] is None


def test_work_that_ends_as_the_patience_does_has_not_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(Future[Any]):
        def result(self, timeout: float | None = None) -> Any:
            found = super().result(10)
            if timeout is not None:
                raise TimeoutError
            return found

    monkeypatch.setattr(background, "Future", Late)
    assert background.run(lambda: {"delivered": 1}) == {"delivered": 1}


def test_without_threads_the_task_does_the_work_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuses)
        for _ in range(background.MOST_AT_ONCE + 1):
            assert background.run(lambda: {"delivered": 1}) == {"delivered": 1}
        assert not background._running
    here = threading.get_ident()
    assert background.run(lambda: {"thread": threading.get_ident()})["thread"] != here
