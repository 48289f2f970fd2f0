"""Every line of the crash table of delivering (`shared/exports`), with workers that really die there.

Three events are promised. One at most is in a worker's hands, so one at most has lost a try and may arrive twice.
"""

from collections.abc import Iterator

import pytest

from shared.wiring import Services
from tests.exports.receivers import Receiver, receiver
from tests.faults.crash_points import POISONED
from tests.faults.events import Exporting, export_settings, exporting
from tests.faults.system import System
from tests.faults.waiting import eventually

RUNS = ("beat",)
TRIES = 3


@pytest.fixture(scope="module")
def target(installation: System) -> Iterator[Receiver]:
    """Where the events of this module go."""
    with (
        receiver() as found,
        installation.with_settings(export_settings(found.url), "worker", "worker_2", "beat"),
    ):
        yield found


@pytest.fixture
def events(target: Receiver, system: System, process_services: Services) -> Iterator[Exporting]:
    with exporting(system, process_services, companies=1) as found:
        yield found


def go_on_with_a_worker_that_lives(system: System) -> None:
    system.kill("worker")
    system.usual("worker")
    system.let_time_pass()
    system.start("worker")


@pytest.mark.parametrize(
    ("crash_point", "left", "copies_then", "tries", "copies"),
    [
        # Nobody has the events.
        ("before claim", ["pending 0", "pending 0", "pending 0"], [0, 0, 0], [1, 1, 1], [1, 1, 1]),
        # The first is claimed; its lease and that of the target end.
        ("before send", ["delivering 1", "pending 0", "pending 0"], [0, 0, 0], [2, 1, 1], [1, 1, 1]),
        # The receiver has it, which nobody knows.
        ("after send", ["delivering 1", "pending 0", "pending 0"], [1, 0, 0], [2, 1, 1], [2, 1, 1]),
        ("before record", ["delivering 1", "pending 0", "pending 0"], [1, 0, 0], [2, 1, 1], [2, 1, 1]),
        # The next is claimed with the record, and was not offered yet.
        ("after record", ["delivered 1", "delivering 1", "pending 0"], [1, 0, 0], [1, 2, 1], [1, 1, 1]),
    ],
)
def test_a_worker_that_dies_on_an_events_way(
    system: System,
    events: Exporting,
    target: Receiver,
    crash_point: str,
    left: list[str],
    copies_then: list[int],
    tries: list[int],
    copies: list[int],
) -> None:
    crashing = system.arm("worker", crash_point)
    events.promise(events.companies[0], 3)
    crashing.wait_killed()
    assert [f"{state} {attempts}" for state, attempts in events.rows()] == left
    assert events.copies(target) == copies_then
    go_on_with_a_worker_that_lives(system)
    eventually(events.all_delivered, "all are delivered")
    system.wait_idle()
    assert events.rows() == [("delivered", attempts) for attempts in tries]
    assert events.copies(target) == copies
    bodies = {(got.id, got.body) for got in target.requests if got.id in events.ids}
    assert len(bodies) == 3  # whatever comes again is the same
    assert system.sql(f"SELECT busy_until FROM webhook_endpoints WHERE {events.OURS}", events.orgs) == [(None,)]


def test_a_worker_that_dies_before_it_confirms_the_message_delivers_nothing_again(
    system: System, events: Exporting, target: Receiver
) -> None:
    crashing = system.arm("worker", "after record")
    events.promise(events.companies[0], 1)
    crashing.wait_killed()
    assert events.rows() == [("delivered", 1)]
    system.publish_again("exports.deliver", "exports", times=2, org_id=events.orgs[0])  # as the broker does later
    go_on_with_a_worker_that_lives(system)
    system.wait_idle()
    assert events.rows() == [("delivered", 1)]
    assert events.copies(target) == [1]


@pytest.mark.parametrize("crash_point", ["poison", "deadly poison"])
def test_an_event_that_kills_its_worker_takes_no_other_along(
    system: System, events: Exporting, target: Receiver, crash_point: str
) -> None:
    """With a supervisor, as every installation has one. `poison` kills the pool's process, `deadly poison` all."""
    company = events.companies[0]
    events.promise(company, 2)
    events.promise(company, 1, note=POISONED)
    events.promise(company, 2)
    system.arm("worker", crash_point, EXPORT_WEBHOOK_MAX_RETRIES=str(TRIES - 1))
    for tries in range(1, TRIES + 1):
        eventually(lambda: system.supervise("worker") and events.rows()[2][1] == tries, f"try {tries}")  # noqa: B023
        system.let_time_pass()
    eventually(
        lambda: system.supervise("worker") and events.states() == {"delivered": 4, "dead": 1},
        "all are delivered, but for that one",
    )
    assert events.rows()[2] == ("dead", TRIES + 1)
    assert [state for state, _ in events.rows()] == ["delivered"] * 2 + ["dead"] + ["delivered"] * 2
    ((reason,),) = system.sql(f"SELECT last_error FROM exports WHERE state = 'dead' AND {events.OURS}", events.orgs)
    assert reason == "The worker died while delivering, every time."
    assert events.copies(target) == [1, 1, 0, 1, 1]


def test_what_redis_has_forgotten_is_delivered(system: System, events: Exporting, target: Receiver) -> None:
    events.promise(events.companies[0], 5)
    system.redis.flushall()
    system.start("worker")
    eventually(events.all_delivered, "all are delivered")
    assert events.copies(target) == [1] * 5


def test_two_workers_and_a_storm_of_messages_deliver_each_event_once(
    system: System, events: Exporting, target: Receiver
) -> None:
    system.start("worker", "worker_2")
    for _ in range(20):
        events.promise(events.companies[0], 10)
        system.publish_again("exports.deliver", "exports", times=3, org_id=events.orgs[0])
    eventually(events.all_delivered, "all are delivered")
    system.wait_idle()
    assert events.copies(target) == [1] * 200
    assert {attempts for _, attempts in events.rows()} == {1}


def test_workers_that_are_killed_again_and_again_lose_nothing(
    system: System, events: Exporting, target: Receiver
) -> None:
    kills = 5
    for _ in range(kills):
        system.supervise("worker")
        system.wait_ready("worker")
        had = len(target.requests)
        events.promise(events.companies[0], 100)
        eventually(lambda: len(target.requests) > had, "some arrive")  # noqa: B023
        system.kill("worker")
        system.let_time_pass()
    system.start("worker")
    eventually(events.all_delivered, "all are delivered")
    copies = events.copies(target)
    assert min(copies) == 1
    assert sum(copies) - len(copies) <= kills  # one in the hands of each
