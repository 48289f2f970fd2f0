"""Redis dies, hangs or forgets: requests are answered all the same, and what is owed is done once it is back."""

import signal
import time
from datetime import UTC, datetime

from shared.core.heartbeats import key
from shared.core.jobs import Queue
from tests.faults.owner import Owner, Placed
from tests.faults.system import System
from tests.faults.waiting import eventually

PUBLISH_BUDGET_SECONDS = 3.0  # promised: about one second


def confirmed_in(owner: Owner, placed: Placed) -> float:
    """Confirm, and return how many seconds that took."""
    started = time.monotonic()
    answer = owner.confirm(placed)
    took = time.monotonic() - started
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "confirmed"
    return took


def is_sent(system: System, placed: Placed) -> bool:
    """Whether the mail went out at the first try. A worker that ended when it lost Redis is started again."""
    system.supervise("worker", "beat")
    return system.mail_rows(placed.client_email) == [("sent", 1)]


def assert_mailed_once(system: System, placed: Placed) -> None:
    eventually(lambda: is_sent(system, placed), "the mail is sent at the first try")
    system.wait_idle()
    assert len(system.mails_to(placed.client_email)) == 1


def test_a_confirmation_is_mailed_once_while_all_is_well(system: System, owner: Owner) -> None:
    placed = owner.place_order()
    assert confirmed_in(owner, placed) < PUBLISH_BUDGET_SECONDS
    assert_mailed_once(system, placed)


def test_an_order_is_confirmed_while_redis_is_dead_and_mailed_once_after(system: System, owner: Owner) -> None:
    placed = [owner.place_order() for _ in range(3)]
    system.redis_server.stop(signal.SIGKILL)
    for each in placed:
        assert confirmed_in(owner, each) < PUBLISH_BUDGET_SECONDS
        assert system.mail_rows(each.client_email) == [("queued", 0)]
    system.let_time_pass()
    system.redis_server.start()
    for each in placed:
        assert_mailed_once(system, each)


def test_an_order_is_confirmed_while_redis_hangs_and_mailed_once_after(system: System, owner: Owner) -> None:
    placed = [owner.place_order() for _ in range(3)]
    confirmed_in(owner, owner.place_order())  # so that the API holds open connections when the freeze comes
    system.wait_idle()  # a worker that is still at that mail would find the next ones by itself
    system.freeze_redis()
    for each in placed:
        assert confirmed_in(owner, each) < PUBLISH_BUDGET_SECONDS
        assert system.mail_rows(each.client_email) == [("queued", 0)]
    system.let_time_pass()
    system.thaw_servers()
    for each in placed:
        assert_mailed_once(system, each)


def test_a_sweep_brings_back_what_a_flush_has_lost(system: System, owner: Owner) -> None:
    system.kill("beat", "worker")
    placed: list[Placed] = []

    def five_are_queued() -> bool:
        placed.append(owner.place_order())
        confirmed_in(owner, placed[-1])
        return system.queued("email") >= 5

    eventually(five_are_queued, "five messages are queued")
    system.redis.flushall()
    system.let_time_pass()
    system.start("worker", "beat")
    for each in placed:
        assert_mailed_once(system, each)


def test_a_worker_goes_on_consuming_after_a_flush(system: System, owner: Owner) -> None:
    system.wait_idle()
    system.redis.flushall()
    placed = owner.place_order()
    confirmed_in(owner, placed)
    assert_mailed_once(system, placed)


def test_heartbeats_resume_after_redis_was_restarted_under_worker_and_beat(system: System, owner: Owner) -> None:
    programs = [system.program(name).pid for name in ("api", "beat")]
    eventually(lambda: beating_since(system, 0), "every queue has a heartbeat")
    system.redis_server.stop(signal.SIGKILL)
    system.redis_server.start()
    restarted = datetime.now(UTC).timestamp()
    eventually(
        lambda: system.supervise("worker") and beating_since(system, restarted), "every queue has a new heartbeat"
    )
    placed = owner.place_order()
    confirmed_in(owner, placed)
    assert_mailed_once(system, placed)
    assert programs == [system.program(name).pid for name in ("api", "beat")]
    assert all(system.program(name).runs for name in ("api", "worker", "beat"))


def beating_since(system: System, moment: float) -> bool:
    """Whether every queue has had a heartbeat after `moment` (whole seconds, so a second later to be sure)."""
    values = system.redis.mget([key(queue) for queue in Queue])
    return all(value is not None and int(value) > moment for value in values)
