"""gunicorn with the installation's own settings, for our application and for the bare one."""

import socket
import time
from collections.abc import Mapping
from pathlib import Path

from ops.bench import requests
from ops.bench.client import HOST, connect, drive
from ops.bench.errors import BenchError
from ops.bench.servers import Program

START_SECONDS = 30.0
POLL_SECONDS = 0.005
TRIES = 400


class Gunicorn(Program):
    """Ready when built. `cold_start` is the time in seconds from its start to the first 200 of /healthz.

    Workers never recycle here (`--max-requests 0`): a bare server would do that every few seconds at its rate.
    """

    def __init__(self, app: str, env: Mapping[str, str], port: int, folder: Path) -> None:
        self.port = port
        command = ["gunicorn", "-c", "ops/gunicorn.conf.py", "--max-requests", "0", "--max-requests-jitter", "0", app]
        super().__init__(command, {**env, "API_BIND": f"{HOST}:{port}"}, folder / f"{app.partition(':')[0]}.log")
        self._wait()
        self.cold_start = time.perf_counter() - self.started_at

    def connections(self, count: int) -> list[socket.socket]:
        """`count` kept-alive connections, as many to each worker.

        Left alone the kernel deals them out unevenly, which doubles or halves a throughput by luck.
        """
        share = count // len(self.workers)
        kept: dict[int, list[socket.socket]] = {worker.pid: [] for worker in self.workers}
        for _ in range(TRIES):
            if all(len(sockets) >= share for sockets in kept.values()):
                return [sock for sockets in kept.values() for sock in sockets]
            sock = connect(self.port)
            owner = self._owner(sock)
            if owner is not None and len(kept[owner]) < share:
                kept[owner].append(sock)
            else:
                sock.close()
        raise BenchError(f"{self.log.stem}: the connections cannot be spread over its workers")

    def _owner(self, sock: socket.socket) -> int | None:
        """The worker that has taken the connection; it answers one request first, so it has taken it."""
        drive([sock], iter([requests.get("/healthz")]), 1.0)
        local = sock.getsockname()[1]
        for worker in self.workers:
            if any(found.raddr and found.raddr.port == local for found in worker.net_connections("tcp4")):
                return worker.pid
        return None

    def _wait(self) -> None:
        deadline = time.perf_counter() + START_SECONDS
        while time.perf_counter() < deadline:
            self.check()
            try:
                with connect(self.port) as sock:
                    sock.sendall(requests.get("/healthz"))
                    if sock.recv(65536).startswith(b"HTTP/1.1 200"):
                        return
            except OSError:
                time.sleep(POLL_SECONDS)
        self.stop()
        raise BenchError(f"{self.log.stem} did not answer within {START_SECONDS} s")
