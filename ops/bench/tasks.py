"""Tasks per second by one worker of two processes: ours that finds nothing to do, and a bare no-op.

The messages are made once and put into Redis in one go, so no producer takes part. Ours is `messages.send` for an
organization all of whose mails are sent: it opens a transaction, tries to claim one and finds none. Both workers run
with the settings of `worker/app.py` (late acknowledgement, prefetch of one, no results, a new child every 10,000
tasks).
"""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from celery import Celery
from redis import Redis

from ops.bench.errors import BenchError
from ops.bench.installation import Installation
from ops.bench.measured import Rate
from ops.bench.servers import Program
from shared.messages.jobs import SEND

PROCESSES = 2
WARM_UP = 200
DISTINCT = 200
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.005
_SPARE_DB = 9


class Consumer:
    """A Celery worker, and the messages that it is given again and again."""

    def __init__(self, app: str, env: Mapping[str, str], folder: Path, redis: Redis, messages: list[Any]) -> None:
        command = ["celery", "-A", app, "worker", "--concurrency", str(PROCESSES)]
        self.program = Program(command, env, folder / f"{app}.log")
        self._redis = redis
        self._messages = messages

    def consume(self, count: int) -> float:
        """Seconds until `count` messages are consumed and acknowledged. Raises `BenchError` when they are not."""
        batch = [self._messages[number % len(self._messages)] for number in range(count)]
        started = time.perf_counter()
        self._redis.rpush(SEND.queue, *batch)
        empty_since = 0.0
        while True:
            now = time.perf_counter()
            if now - started > PATIENCE_SECONDS:
                raise BenchError(f"{self.program.log.stem}: {count} tasks took over {PATIENCE_SECONDS} s")
            empty_since = (empty_since or now) if self._is_idle() else 0.0
            # A message is in neither place for an instant while the worker takes it.
            if empty_since and now - empty_since > 10 * POLL_SECONDS:
                return empty_since - started
            time.sleep(POLL_SECONDS)

    def _is_idle(self) -> bool:
        self.program.check()
        pipe = self._redis.pipeline()
        pipe.llen(SEND.queue)
        pipe.hlen("unacked")
        return not any(pipe.execute())


def measure(made: Installation, rounds: int, count: int, say: Callable[[str], None]) -> dict[str, Rate]:
    """Rates of `noop_task` and `task_roundtrip`, `count` tasks a round."""
    ours_url, bare_url = made.redis.url(0), made.redis.url(1)
    org_id = made.seed.reading.org_id
    messages = {
        "noop_task": _messages(made, "limits.noop", {}),
        "task_roundtrip": _messages(made, SEND.name, {"org_id": org_id}),
    }
    rates = {name: Rate() for name in messages}
    with ExitStack() as stack:
        bare = Consumer(
            "ops.bench.limits.queue",
            {**made.env, "REDIS_URL": bare_url},
            made.folder,
            Redis.from_url(bare_url),
            messages["noop_task"],
        )
        stack.enter_context(bare.program)
        ours = Consumer("worker.app", made.env, made.folder, Redis.from_url(ours_url), messages["task_roundtrip"])
        stack.enter_context(ours.program)
        both = {"noop_task": bare, "task_roundtrip": ours}
        for consumer in both.values():
            consumer.consume(WARM_UP)
        for number in range(1, rounds + 1):
            for name, consumer in both.items():
                rates[name].rounds.append(count / consumer.consume(count))
            latest = "  ".join(f"{name} {rate.rounds[-1]:.0f}" for name, rate in rates.items())
            say(f"round {number}/{rounds}, tasks per second: {latest}")
    _check_outcomes(ours.program.log, WARM_UP + rounds * count)
    return rates


def _messages(made: Installation, task: str, arguments: dict[str, str]) -> list[Any]:
    """What Celery would send `DISTINCT` times, read back from a Redis database that nobody consumes."""
    url = made.redis.url(_SPARE_DB)
    app = Celery(broker=url, set_as_current=False)
    for _ in range(DISTINCT):
        app.send_task(task, kwargs=arguments, queue=str(SEND.queue), headers={"request_id": "bench"})
    app.close()
    redis = Redis.from_url(url)
    published: list[Any] = redis.lrange(SEND.queue, 0, -1)
    redis.flushdb()
    redis.close()
    return published


def _check_outcomes(log: Path, expected: int) -> None:
    idle = log.read_text(errors="replace").count('"outcome":"nothing to do"')
    if idle != expected:
        raise BenchError(f"{idle} of {expected} tasks found nothing to do; see {log}")
