"""Tables of very many rows from a real server: what they cost it, and readers and workers that go away."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
import requests

from api.core.streams import MOST_AT_ONCE
from tests.faults.csv_orders import MANY, PATH, Reader, busy_backends, many_orders, memory
from tests.faults.owner import Owner
from tests.faults.system import System
from tests.faults.waiting import eventually

RUNS = ("api",)
MEGABYTE = 1_000_000
HALF_WAY = "2021-11-25T00:00:00Z"
PROCESSES = 2
MOST = MOST_AT_ONCE * PROCESSES
"""Tables that the API can send at once."""


@pytest.fixture(scope="module")
def full(installation: System) -> Iterator[System]:
    installation.heal(*RUNS)
    with many_orders(installation):
        yield installation


@pytest.fixture
def system(full: System) -> System:
    full.heal(*RUNS)
    return full


@contextmanager
def watched(system: System, peaks: list[int]) -> Iterator[None]:
    """Note by how much one of the processes has grown at most, in the block."""
    before, done = memory(system), threading.Event()

    def watch() -> None:
        peak = 0
        while not done.wait(0.02):
            peak = max([peak, *(now - before[pid] for pid, now in memory(system).items() if pid in before)])
        peaks.append(peak)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def read(owner: Owner, path: str = PATH) -> bytes:
    answer = owner.call("GET", path, timeout=60)
    assert answer.status_code == 200, answer.text[:500]
    return answer.content


def test_two_hundred_thousand_rows_take_no_memory(system: System, owner: Owner) -> None:
    filtered = f"{PATH}?scheduled_to=2020-01-02T00:00:00Z"
    for _ in range(2 * PROCESSES):
        read(owner, filtered)  # imports and time zones are not what is measured
    peaks: list[int] = []
    with watched(system, peaks):
        content = read(owner)
    lines = content.splitlines()
    assert len(content) > 50 * MEGABYTE
    assert len([line for line in lines if b",Made for a file," in line]) == MANY
    assert len({line[:36] for line in lines}) == len(lines)
    assert max(peaks) < 32 * MEGABYTE


def test_readers_that_go_away_leave_nothing_behind(system: System, owner: Owner) -> None:
    for _ in range(2 * MOST):
        with closing(Reader(owner)) as reader:
            assert reader.status == 200
        eventually(lambda: not busy_backends(system), "nothing is read for a reader that is gone")
        eventually(lambda: requests.head(owner.base_url + PATH, headers=owner.headers, timeout=5).ok, "the API answers")
    eventually(lambda: _is_served(owner), "the places are free again")


def test_slow_readers_hold_no_transaction_and_few_threads(system: System, owner: Owner) -> None:
    with ExitStack() as stack:
        readers = [stack.enter_context(closing(Reader(owner))) for _ in range(MOST + 2)]
        statuses = [reader.status for reader in readers]
        assert set(statuses) == {200, 503}
        assert statuses.count(200) <= MOST
        eventually(lambda: not busy_backends(system), "nothing is open while readers sleep")
        assert owner.call("GET", "/v1/orders").status_code == 200
    eventually(lambda: _is_served(owner), "the places are free again")


def test_a_table_that_breaks_off_is_seen_to(system: System, owner: Owner) -> None:
    with closing(Reader(owner)) as reader:
        assert reader.status == 200
        eventually(lambda: not busy_backends(system), "the server waits for the reader")
        system.sql("ALTER TABLE orders RENAME TO orders_away")
        try:
            taken = reader.take_rest()
        finally:
            system.sql("ALTER TABLE orders_away RENAME TO orders")
    assert b"Transfer-Encoding: chunked" in taken
    assert not taken.endswith(b"0\r\n\r\n")
    assert "stream.cut_short" in system.output("api")


def test_a_file_whose_worker_was_killed_is_written_to_its_end(system: System, owner: Owner) -> None:
    system.start("worker")
    asked = owner.call("POST", PATH, json={"scheduled_to": HALF_WAY})
    assert asked.status_code == 202, asked.text
    file = asked.headers["Location"]

    def state() -> tuple[str, int, int]:
        found = owner.call("GET", file).json()
        return found["state"], found["rows"], found["percent"]

    eventually(lambda: state()[1] > 0, "the first part is written")
    system.kill("worker")
    broken_off, rows, percent = state()
    assert (broken_off, 0 < rows < MANY, 0 < percent < 100) == ("writing", True, True)
    assert owner.call("GET", f"{file}/content").status_code == 409
    system.sql("UPDATE csv_files SET next_attempt_at = now() WHERE state = 'writing'")
    system.start("worker", "beat")
    eventually(lambda: state()[0] == "ready", "the file is written")
    content = read(owner, f"{file}/content")
    assert content == read(owner, f"{PATH}?scheduled_to={HALF_WAY}")
    assert state()[1] == len(content.splitlines()) - 1


def _is_served(owner: Owner) -> bool:
    return owner.call("GET", f"{PATH}?scheduled_to=2020-01-01T00:30:00Z").status_code == 200
