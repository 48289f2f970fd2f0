"""Proof that beat, the broker and a worker are alive together.

Beat sends one heartbeat through every queue; the worker that consumes the queue writes the time under
`heartbeat:<queue>` in Redis. Readiness reads them. See `GET /readyz`.
"""

from datetime import UTC, datetime

from redis import Redis

from shared.core.jobs import Job, Queue

HEARTBEATS: dict[Queue, Job] = {
    queue: Job(f"heartbeats.{queue}", queue, lossy="the next one follows within seconds") for queue in Queue
}


def key(queue: Queue) -> str:
    return f"heartbeat:{queue}"


def write(redis: Redis, queue: Queue, now: datetime) -> None:
    """Record that a worker of `queue` ran at `now`, in whole seconds since the epoch."""
    redis.set(key(queue), int(now.timestamp()))


def ages(redis: Redis, now: datetime) -> dict[Queue, float | None]:
    """Seconds since each queue's last heartbeat; None when there never was one."""
    values = redis.mget([key(queue) for queue in Queue])
    return {
        queue: None if value is None else (now - datetime.fromtimestamp(int(value), UTC)).total_seconds()
        for queue, value in zip(Queue, values, strict=True)
    }
