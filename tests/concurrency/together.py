"""Several threads that do one thing at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def together(*actions: Callable[[], Result]) -> list[Result]:
    """Run all `actions` at once, each in a thread of its own; their results in order. Raises what one raises."""
    start = threading.Barrier(len(actions))

    def run(action: Callable[[], Result]) -> Result:
        start.wait(30)
        return action()

    with ThreadPoolExecutor(len(actions)) as threads:
        return [future.result(60) for future in [threads.submit(run, action) for action in actions]]
