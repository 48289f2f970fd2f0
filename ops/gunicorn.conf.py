"""gunicorn for the API: `gunicorn -c ops/gunicorn.conf.py api.wsgi:app`.

TERM drains: no new connection, requests in hand get `graceful_timeout` to finish, then the process ends. Nothing is
preloaded: a fork must not share Postgres or Redis connections, so every worker builds its own application.
"""
# ruff: noqa: N999 - gunicorn's own default name for this file.

import ctypes
import gc
import socket
import struct
import sys
from pathlib import Path
from typing import Any

from shared.core.settings import load_settings

_settings = load_settings()  # Exits 78 with every fault listed, before a port is opened.

bind = _settings.api_bind
workers = _settings.api_workers
threads = _settings.api_threads
worker_class = "gthread"  # Requests wait for Postgres most of the time; idle keep-alive connections hold no thread.
preload_app = False  # See above: fork safety is worth more than the shared memory.
reuse_port = False  # Measured: a listener per worker resets its queue when that worker recycles, and spreads no better.
backlog = 1024  # A burst waits here instead of being refused.

timeout = 30  # With gthread this watches the worker's main loop only; requests are bounded by statement_timeout.
graceful_timeout = 30  # More than the slowest allowed request; the supervisor's grace must be longer (compose: 40 s).
keepalive = 75  # Longer than a proxy's idle time (60 s), so the proxy never sends into a connection we just closed.
worker_connections = 500  # Open connections per worker: an idle flood stays a bounded number of file handles.
max_requests = 20_000  # A slow leak in a C extension never grows for weeks.
max_requests_jitter = 2_000  # Workers do not restart together.

_MEMORY = "/dev/shm"  # noqa: S108 - where the system has it, a folder in memory
worker_tmp_dir = _MEMORY if Path(_MEMORY).is_dir() else None  # On a busy disk the liveness file can block a worker.
control_socket_disable = True  # gunicorn would open a control socket in $HOME; TERM and HUP are all we use.
forwarded_allow_ips = ""  # No header of a peer is believed here: links are made from API_BASE_URL.

limit_request_line = 4094  # Signed photo links and cursors are far shorter.
limit_request_fields = 64  # Browsers and proxies send about 30.
limit_request_field_size = 8190  # Room for a bearer token, not for a memory attack.

accesslog = None  # The application writes one JSON line per request itself.
errorlog = "-"  # Stderr: the container's log.
loglevel = _settings.log_level


SILENCE_SECONDS = 15
"""A peer that sends or takes nothing for this long, in the middle of a request or an answer, loses its connection."""


def when_ready(server: Any) -> None:
    """Bound every wait for a client: gthread has no time-out for half a request, and a few would hold all threads.

    Accepted sockets inherit the option (socket(7)). A peer that sends one byte now and then still holds a thread: put a
    proxy that buffers requests in front, as ops/docs/operating.md says.
    """
    limit = struct.pack("ll", SILENCE_SECONDS, 0)
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8


def post_fork(_server: Any, _worker: Any) -> None:
    """Give what was large back to the system when it is freed: glibc would raise its threshold with the first upload
    and keep megabytes in each of many arenas. Measured with 32 uploads of 10 MB at once: 35 MB of growth instead of 55.
    See mallopt(3); another C library has no such knobs and needs none.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 128 * 1024)
        mallopt(_M_ARENA_MAX, 2)


def post_worker_init(_worker: Any) -> None:
    """Two things about the interpreter, both measured.

    What was loaded moves out of the collector's sight: full collections pause a worker by about 100 ms. And threads
    hand over after 0.5 ms instead of 5: one whose answer from Postgres is there may hold a lock that others wait for.
    """
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(0.0005)
