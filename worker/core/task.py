"""Binds a function to a `Job`: one decorator for every task.

Arguments arrive by keyword; one that this version does not know is dropped (API and workers are deployed at different
moments). What a raised error means is decided here, once: `Unavailable` leaves the row as it is for the sweep, the
other refusals are logged and dropped because they will not get better, anything else is a fault of ours and is logged
with its traceback. None is retried through the broker: what is still owed is in the row.
"""

import inspect
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import structlog
from celery import Task, shared_task

from shared.core import query_count
from shared.core.errors import Refusal, Unavailable
from shared.core.jobs import Job

log = structlog.get_logger("worker.task")

Function = Callable[..., dict[str, Any] | None]


def task(job: Job) -> Callable[[Function], Any]:
    """Run the decorated function for messages of `job`; its parameters must be the job's arguments."""

    def bind(function: Function) -> Any:
        if tuple(inspect.signature(function).parameters) != job.args:
            raise TypeError(f"{function.__qualname__} must take {job.args}, the arguments of {job.name}")

        def run(self: Task, **arguments: Any) -> dict[str, Any]:
            return _run(job, function, arguments, (self.request.headers or {}).get("request_id"))

        return shared_task(name=job.name, bind=True)(run)

    return bind


def _run(job: Job, function: Function, arguments: dict[str, Any], request_id: str | None) -> dict[str, Any]:
    started = time.perf_counter()
    known = {name: arguments[name] for name in job.args}
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(job=job.name, request_id=request_id or uuid4().hex, **known)
    query_count.start()
    outcome: dict[str, Any] = {"outcome": "done"}
    try:
        outcome |= function(**known) or {}
    except Unavailable as refusal:
        outcome = {"outcome": "later", "code": refusal.code, "detail": refusal.detail}
    except Refusal as refusal:
        outcome = {"outcome": "dropped", "code": refusal.code, "detail": refusal.detail}
    except Exception:
        log.exception("task.crashed")
        raise
    finally:
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        log.info("task", **outcome, ms=milliseconds, queries=query_count.current())
    return outcome
