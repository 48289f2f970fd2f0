"""Several threads that do one thing at the same moment."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tests.rows import row

Result = TypeVar("Result")


def together(*actions: Callable[[], Result]) -> list[Result]:
    """Run all `actions` at once, each in a thread of its own; their results in order. Raises what one raises."""
    start = threading.Barrier(len(actions))

    def run(action: Callable[[], Result]) -> Result:
        start.wait(30)
        return action()

    with ThreadPoolExecutor(len(actions)) as threads:
        return [future.result(60) for future in [threads.submit(run, action) for action in actions]]


def until_waiting(number: int) -> None:
    """Until so many transactions wait for a lock."""
    waiting = "SELECT count(*) AS n FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = {}"
    end = time.monotonic() + 10
    while row(waiting.format("current_database()"))["n"] < number:
        assert time.monotonic() < end
        time.sleep(0.02)
