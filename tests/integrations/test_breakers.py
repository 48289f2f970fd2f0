"""The circuit breaker, called from many threads."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, tzinfo

import pybreaker
import pytest

from shared.integrations.breakers import Breaker, CircuitOpenError

THREADS = 8


class Down(Exception):
    pass


class Refused(Exception):
    pass


class AnHourAgo(datetime):
    """The clock on the wall, set back."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) - timedelta(hours=1)


def breaker(failures: int = 3, recovery_seconds: float = 60.0) -> Breaker:
    return Breaker(
        "test",
        failures=failures,
        recovery_seconds=recovery_seconds,
        is_failure=lambda error: isinstance(error, Down),
    )


def failing(error: type[Exception]) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def fail(circuit: Breaker, error: type[Exception] = Down, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(error):
            circuit.call(failing(error))


def test_calls_of_several_threads_run_at_the_same_time() -> None:
    circuit, together = breaker(), threading.Barrier(THREADS, timeout=10)
    with ThreadPoolExecutor(THREADS) as threads:
        results = [threads.submit(circuit.call, together.wait) for _ in range(THREADS)]
    assert sorted(result.result() for result in results) == list(range(THREADS))


def test_it_opens_after_failures_in_a_row_and_then_calls_nothing() -> None:
    circuit = breaker(failures=3)
    fail(circuit, times=2)
    assert circuit.call(int) == 0
    fail(circuit, times=2)
    assert not circuit.is_resting
    fail(circuit)
    assert circuit.is_resting
    called: list[int] = []
    with pytest.raises(CircuitOpenError):
        circuit.call(called.append, 1)
    assert called == []


def test_a_refusal_is_no_failure() -> None:
    circuit = breaker(failures=2)
    fail(circuit)
    fail(circuit, Refused, times=5)
    fail(circuit)
    assert not circuit.is_resting


def test_failures_that_come_at_the_same_time_count_each() -> None:
    circuit, together = breaker(failures=THREADS), threading.Barrier(THREADS, timeout=10)

    def fail_together() -> None:
        together.wait()
        raise Down

    with ThreadPoolExecutor(THREADS) as threads:
        results = [threads.submit(circuit.call, fail_together) for _ in range(THREADS)]
    assert [type(result.exception()) for result in results] == [Down] * THREADS
    assert circuit.is_resting


def test_when_it_is_time_one_asks_and_nobody_waits_for_the_answer() -> None:
    circuit = breaker(failures=1, recovery_seconds=0.05)
    fail(circuit)
    time.sleep(0.06)
    asked, may_end = threading.Event(), threading.Event()

    def ask() -> str:
        asked.set()
        assert may_end.wait(10)
        return "back"

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(circuit.call, ask)
        assert asked.wait(10)
        with pytest.raises(CircuitOpenError):
            circuit.call(int)
        may_end.set()
        assert first.result(10) == "back"
    assert circuit.call(int) == 0


def test_one_that_asks_in_vain_opens_it_again() -> None:
    circuit = breaker(failures=3, recovery_seconds=0.05)
    fail(circuit, times=3)
    time.sleep(0.06)
    fail(circuit)
    with pytest.raises(CircuitOpenError):
        circuit.call(int)


def test_a_late_failure_keeps_its_own_error() -> None:
    """A call that was let through before the circuit opened tells its caller what really happened."""
    circuit, begun, may_end = breaker(failures=1), threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        assert may_end.wait(10)
        raise Refused

    with ThreadPoolExecutor(1) as threads:
        late = threads.submit(circuit.call, slow)
        assert begun.wait(10)
        fail(circuit)
        may_end.set()
        assert isinstance(late.exception(10), Refused)
    assert circuit.is_resting


def test_it_rests_until_it_is_time_to_ask_again_and_after_each_answer_that_is_none() -> None:
    circuit = breaker(failures=1, recovery_seconds=0.2)
    fail(circuit)
    assert circuit.is_resting
    time.sleep(0.25)
    assert not circuit.is_resting
    fail(circuit)  # the one that asks
    assert circuit.is_resting
    time.sleep(0.25)
    assert circuit.call(int) == 0
    assert not circuit.is_resting


def test_a_clock_that_is_set_back_makes_nobody_rest_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """`is_resting` and `call` have to agree, or callers begin, and begin again, what is refused each time."""
    circuit = breaker(failures=1, recovery_seconds=0.05)
    fail(circuit)
    assert circuit.is_resting
    monkeypatch.setattr(pybreaker, "datetime", AnHourAgo)
    time.sleep(0.06)
    assert not circuit.is_resting
    assert circuit.call(int) == 0


def test_whoever_asks_too_early_does_not_put_it_off() -> None:
    circuit = breaker(failures=1, recovery_seconds=0.4)
    fail(circuit)
    time.sleep(0.2)
    with pytest.raises(CircuitOpenError):
        circuit.call(int)
    time.sleep(0.21)
    assert circuit.call(int) == 0
