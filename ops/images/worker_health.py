"""Container health of a Celery process: `worker_health.py worker|beat`, exit 0 when it is alive, else 1.

`celery inspect ping` would import the whole application for seconds of CPU. This looks at what is there anyway:

worker  its process exists, and none of its queues is stuck: a queue is stuck when its heartbeat is stale *and* the
        message next in line has not moved for as long. A stale heartbeat alone is beat's failure; a long queue that
        moves is only load; a broker that is away is nobody's reason to restart a worker. All of those are readiness.
beat    its process exists, and it saved its schedule lately (it does so every three minutes).
"""

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

QUEUES = ("email", "exports", "storage", "stripe", "maintenance")  # check.sh compares them with shared.core.jobs.Queue.
STATE = Path("/tmp")  # noqa: S108 - the only folder a read-only container can write.
SCHEDULE_SAVED_SECONDS = 600


def processes(role: str) -> Iterator[list[str]]:
    """Arguments of every `celery … role` process of this user."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if folder.stat().st_uid == os.getuid() and role in arguments and arguments[1].endswith("celery"):
                yield arguments
        except (OSError, IndexError):  # The process ended while we looked.
            continue


def queues_of(arguments: list[str]) -> list[str]:
    """Queues named by `-Q a,b` or `--queues=a,b`; without either, all of them."""
    for position, argument in enumerate(arguments):
        if argument in {"-Q", "--queues"}:
            return arguments[position + 1].split(",")
        if argument.startswith("--queues="):
            return argument.partition("=")[2].split(",")
    return list(QUEUES)


def is_stuck(redis: Redis, queue: str, patience: float) -> bool:
    now = time.time()
    heartbeat = redis.get(f"heartbeat:{queue}")
    if heartbeat is not None and now - float(heartbeat) <= patience:
        return False
    next_in_line = redis.lindex(queue, -1)
    if not isinstance(next_in_line, bytes):
        return False
    seen = STATE / f"worker-health-{queue}"
    digest = hashlib.sha256(next_in_line).hexdigest()
    if not seen.exists() or seen.read_text() != digest:
        seen.write_text(digest)
        return False
    return now - seen.stat().st_mtime > patience


def worker_fault() -> str | None:
    running = list(processes("worker"))
    if not running:
        return "no worker process"
    patience = float(os.environ.get("JOB_HEARTBEAT_TTL_SECONDS") or 300)
    broker = Redis.from_url(
        os.environ["REDIS_URL"], socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
    )
    try:
        stuck = [queue for queue in queues_of(running[0]) if is_stuck(broker, queue, patience)]
    except RedisError as error:
        print(f"broker away: {type(error).__name__}")
        return None
    return f"stuck: {', '.join(stuck)}" if stuck else None


def beat_fault() -> str | None:
    if not any(processes("beat")):
        return "no beat process"
    saved = max((file.stat().st_mtime for file in STATE.glob("beat-schedule*")), default=0.0)
    silent = time.time() - saved
    return f"schedule not saved for {silent:.0f} s" if silent > SCHEDULE_SAVED_SECONDS else None


def main() -> int:
    fault = {"worker": worker_fault, "beat": beat_fault}[sys.argv[1]]()
    print(fault or "alive")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
