"""The HTTP paths in turns: bare, ours, bare, ours, round after round, so that a slow minute hits both alike."""

import socket
from collections.abc import Callable
from contextlib import ExitStack

import psutil
from redis import Redis

from ops.bench.client import drive
from ops.bench.gunicorn import Gunicorn
from ops.bench.installation import Installation
from ops.bench.measured import Rate
from ops.bench.paths import Path, http_paths
from ops.quickstart import ports

CONNECTIONS = 16
"""As many as the two workers have threads: every thread has work, no request waits for a thread."""

WARM_UP_SECONDS = 1.0
OURS = "api.wsgi:app"
BARE = "ops.bench.limits.web:app"


def measure(
    made: Installation, wanted: Callable[[str], bool], rounds: int, seconds: float, say: Callable[[str], None]
) -> dict[str, Rate]:
    """Rates by path name, for the paths that are `wanted`."""
    paths = [path for path in http_paths(made) if wanted(path.name)]
    rates = {path.name: Rate() for path in paths}
    if not paths:
        return rates
    redis = Redis.from_url(made.redis.url())
    with ExitStack() as stack:
        ours = stack.enter_context(Gunicorn(OURS, made.env, ports.free_port(), made.folder))
        bare = stack.enter_context(Gunicorn(BARE, made.env, ports.free_port(), made.folder))
        lanes = {server: _open(server, stack) for server in (ours, bare)}
        for path in paths:
            server = ours if path.of_ours else bare
            drive(lanes[server], path.stream(WARM_UP_SECONDS), WARM_UP_SECONDS)
        for number in range(1, rounds + 1):
            for path in paths:
                server = ours if path.of_ours else bare
                _round(made, path, server, lanes[server], seconds, rates[path.name])
            # No worker runs: what the webhooks have put into the queue is thrown away here.
            redis.flushdb()
            latest = "  ".join(f"{path.name} {rates[path.name].rounds[-1]:.0f}" for path in paths)
            say(f"round {number}/{rounds}, per second: {latest}")
    redis.close()
    return rates


def _open(server: Gunicorn, stack: ExitStack) -> list[socket.socket]:
    return [stack.enter_context(sock) for sock in server.connections(CONNECTIONS)]


def _round(
    made: Installation, path: Path, server: Gunicorn, lanes: list[socket.socket], seconds: float, rate: Rate
) -> None:
    stream = path.stream(seconds)
    before = cpu_of(made, server)
    load = drive(lanes, stream, seconds)
    rate.add_cpu(before, cpu_of(made, server))
    rate.rounds.append(load.per_second)
    rate.latencies += load.latencies
    rate.client_cpu.append(load.client_cpu)
    rate.count += len(load.latencies)


def cpu_of(made: Installation, server: Gunicorn) -> dict[str, float]:
    """CPU seconds that the server's workers and Postgres have used so far."""
    assert made.postgres.pid is not None
    backends = psutil.Process(made.postgres.pid).children()
    return {"workers": sum(map(_seconds, server.workers)), "postgres": sum(map(_seconds, backends))}


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # an autovacuum worker that ended between the two looks
        return 0.0
    return times.user + times.system
