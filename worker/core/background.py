"""Work that may have to wait long for somebody else's server, and must not keep a worker process from other work.

It runs in a thread. The task waits for it a little; work that takes longer goes on by itself, and the process takes the
next message. There are few such threads: when all of them wait, the work is done in the task, as any other.
"""

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import structlog
from celery.signals import worker_process_shutdown

log = structlog.get_logger("worker.background")

MOST_AT_ONCE = 16
"""Threads of one process. Each uses a connection of the database now and then, none while it waits."""
PATIENCE_SECONDS = 1.5
LONGEST_FAREWELL_SECONDS = 10.0

Outcome = dict[str, Any]
_slots = threading.BoundedSemaphore(MOST_AT_ONCE)
_running: set[threading.Thread] = set()


def run(work: Callable[[], Outcome]) -> Outcome:
    """Do `work`. Returns and raises as it does, when it does so soon."""
    if not _slots.acquire(blocking=False):
        return work()
    future: Future[Outcome] = Future()
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(_run, work, future), name="background", daemon=True)
    _running.add(thread)
    try:
        thread.start()
    except RuntimeError:  # the system gives no more threads
        _running.discard(thread)
        _slots.release()
        return work()
    try:
        return future.result(PATIENCE_SECONDS)
    except TimeoutError:
        if future.done():  # it was the work that raised it, or it has come to its end just now
            return future.result()
        future.add_done_callback(_tell)
        return {"outcome": "goes on in the background"}


def _run(work: Callable[[], Outcome], future: Future[Outcome]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised, or told, where the work was asked for
        future.set_exception(error)
    finally:
        _running.discard(threading.current_thread())
        _slots.release()


def _tell(future: Future[Outcome]) -> None:
    """Nobody waits any more."""
    error = future.exception()
    if error is None:
        log.info("background.ended", **future.result())
    else:
        log.error("background.crashed", exc_info=error)


@worker_process_shutdown.connect
def _wait(**_: Any) -> None:
    """Let what still runs come to its end: cut off, it would be done again when its lease is over."""
    ends_at = time.monotonic() + LONGEST_FAREWELL_SECONDS
    for thread in list(_running):
        thread.join(max(0.0, ends_at - time.monotonic()))
