"""Does memory grow with uploads? 32 photos of 10 MB at once, while the resident memory of the workers is watched."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO

import psutil
from PIL import Image

from ops.bench.client import connect
from ops.bench.errors import BenchError
from ops.bench.gunicorn import Gunicorn
from ops.bench.http_rounds import OURS
from ops.bench.installation import Installation
from ops.quickstart import ports

UPLOADS = 32
PHOTO_BYTES = 10_000_000
MEGABYTE = 1_000_000
SAMPLE_SECONDS = 0.01
_BOUNDARY = "bench-boundary"
_FORM = (
    f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="phase"\r\n\r\nbefore\r\n'
    f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n'
    "Content-Type: image/jpeg\r\n\r\n"
).encode()
_END = f"\r\n--{_BOUNDARY}--\r\n".encode()


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


def measure(made: Installation, rounds: int) -> list[float]:
    """Growth in MB (10^6 bytes) in each round, over a server that has taken one small photo on every worker before."""
    with Gunicorn(OURS, made.env, ports.free_port(), made.folder) as server:
        bulk = os.urandom(PHOTO_BYTES)
        for _ in range(4 * len(server.workers)):  # imports, caches and connection pools are not what is measured
            _upload(server.port, made, os.urandom(1000))
        memory = Memory(server.workers)
        before = memory.now()
        growth = []
        for _ in range(rounds):
            memory = Memory(server.workers)
            memory.start()
            try:
                with ThreadPoolExecutor(UPLOADS) as pool:
                    list(pool.map(lambda _: _upload(server.port, made, bulk), range(UPLOADS)))
            finally:
                memory.stop()
            growth.append(round((memory.peak - before) / MEGABYTE, 1))
        return growth


def _upload(port: int, made: Installation, bulk: bytes) -> None:
    """Attach a JPEG of its own to an order: a small image, then `bulk`, then something that makes it distinct."""
    small, mark = BytesIO(), os.urandom(16)
    Image.new("RGB", (64, 64), (mark[0], mark[1], mark[2])).save(small, "JPEG")
    image = small.getvalue()
    parts: list[bytes | memoryview] = [
        _FORM,
        image,
        memoryview(bulk)[: max(0, PHOTO_BYTES - len(image) - len(mark))],
        mark,
        _END,
    ]
    head = (
        f"POST /v1/orders/{made.seed.order_ids[0]}/photos HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {made.seed.reading.token}\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\n"
        f"Content-Length: {sum(map(len, parts))}\r\nConnection: close\r\n\r\n"
    ).encode()
    with connect(port) as sock:
        with suppress(OSError):  # a refusal can come, and the connection go, before everything is sent
            for part in [head, *parts]:
                sock.sendall(part)
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    if not answer.startswith(b"HTTP/1.1 201"):
        raise BenchError(f"an upload was not accepted: {answer[:600]!r}")
