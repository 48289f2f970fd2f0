"""Uploads of 10 MB: does memory grow with them, and how fast are they against a bare handler that writes the stream?"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psutil
from redis import Redis

from ops.bench.gunicorn import Gunicorn
from ops.bench.http_rounds import BARE, OURS
from ops.bench.installation import Installation
from ops.bench.measured import Rate
from ops.bench.photos import send_bare, upload
from ops.quickstart import ports

UPLOADS = 32
AT_ONCE = 4
IN_A_ROUND = 24
MEGABYTE = 1_000_000
SAMPLE_SECONDS = 0.01

Send = Callable[[int, Installation], None]


class Memory(threading.Thread):
    """Watches the resident memory of all workers together, in bytes; `peak` is the most that was seen."""

    def __init__(self, workers: list[psutil.Process]) -> None:
        super().__init__(daemon=True)
        self._workers = workers
        self._done = threading.Event()
        self.peak = 0

    def now(self) -> int:
        return sum(int(worker.memory_info().rss) for worker in self._workers)

    def run(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, self.now())

    def stop(self) -> None:
        self._done.set()
        self.join()


def growth(made: Installation, rounds: int) -> list[float]:
    """Growth in MB (10^6 bytes) in each round of 32 uploads at once, over a server that has taken some one after the
    other."""
    with Gunicorn(OURS, made.env, ports.free_port(), made.folder) as server:
        for _ in range(4 * len(server.workers)):  # imports, caches and connection pools are not what is measured
            upload(server.port, made)
        before = Memory(server.workers).now()
        found = []
        for _ in range(rounds):
            memory = Memory(server.workers)
            memory.start()
            try:
                _send(upload, server.port, made, UPLOADS, at_once=UPLOADS)
            finally:
                memory.stop()
            found.append(round((memory.peak - before) / MEGABYTE, 1))
        return found


def rates(made: Installation, rounds: int, say: Callable[[str], None]) -> dict[str, Rate]:
    """Uploads per second, of ours and of a bare server that writes the same bytes to the same disk, in turns.

    Both make sure (fsync) that the file is on the disk before they answer.
    """
    sends: dict[str, tuple[str, Send]] = {"bare_stream": (BARE, send_bare), "upload": (OURS, upload)}
    found = {name: Rate() for name in sends}
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(Gunicorn(app, made.env, ports.free_port(), made.folder))
            for name, (app, _) in sends.items()
        }
        queue = stack.enter_context(Redis.from_url(made.redis.url()))
        for number in range(rounds + 1):
            for name, (_, send) in sends.items():
                started = time.perf_counter()
                _send(send, servers[name].port, made, IN_A_ROUND, at_once=AT_ONCE)
                if number:  # the first is for warming up
                    found[name].rounds.append(IN_A_ROUND / (time.perf_counter() - started))
            queue.flushdb()  # no worker runs
        say("uploads per second: " + "  ".join(f"{name} {rate.per_second:.1f}" for name, rate in found.items()))
    return found


def _send(send: Send, port: int, made: Installation, count: int, *, at_once: int) -> None:
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda _: send(port, made), range(count)))
