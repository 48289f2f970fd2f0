"""A Redis server of our own: one directory, one loopback port, a password, an append-only file."""

import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops.quickstart import binaries, ports
from ops.quickstart.errors import QuickstartError

# Plain commands in the append-only file (no RDB preamble): an older or newer server can read what this one wrote.
_CONFIG = """\
bind {host}
port {port}
requirepass {password}
dir {directory}
daemonize no
loglevel notice
save ""
appendonly yes
appendfsync everysec
aof-use-rdb-preamble no
maxmemory-policy noeviction
"""
_START_SECONDS = 15.0
_STOP_SECONDS = 10.0


class RedisServer:
    """A server on `data_dir`, made on first use.

    Either `start()` and `stop()` it here, or give `prepare`, `command()` and `is_ready` to a supervisor.
    """

    host = "127.0.0.1"

    def __init__(self, data_dir: Path, port: int | None = None, *, password: str) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port if port is not None else ports.free_port()
        self.log = self.data_dir.with_name(self.data_dir.name + ".log")
        self._password = password
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the server that `start()` started, or None when it does not run."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def url(self, db: int = 0) -> str:
        """A `redis://` URL with the password for the numbered database."""
        return f"redis://:{quote(self._password, safe='')}@{self.host}:{self.port}/{db}"

    def command(self) -> list[str]:
        """The command that runs the server in the foreground. SIGTERM flushes the append-only file and stops it."""
        return [str(binaries.redis_server()), str(self._config)]

    def prepare(self) -> None:
        """Writes the configuration: in a private file, because a command line is public. Raises QuickstartError."""
        if not ports.is_free(self.port):
            raise QuickstartError(f"Port {self.port} on {self.host}, meant for Redis, is taken.")
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = _CONFIG.format(
            host=self.host,
            port=self.port,
            password=_quoted(self._password),
            directory=_quoted(str(self.data_dir)),
        )
        self._config.touch(mode=0o600)
        self._config.write_text(text)

    def is_ready(self) -> bool:
        """Whether the server answers PING now; it does not while it still loads its file."""
        once = Retry(NoBackoff(), 0)  # the default is three tries with seconds in between
        client = redis.Redis.from_url(self.url(), socket_timeout=2, socket_connect_timeout=2, retry=once)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def start(self) -> None:
        """Starts the server and returns when it answers. Raises QuickstartError with the end of its log otherwise."""
        self.prepare()
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_ready():
            if self.pid is None or time.monotonic() > deadline:
                tail = self.log.read_text(errors="replace")[-2000:]
                self.stop()
                raise QuickstartError(f"Redis did not start. The end of {self.log}:\n{tail}")
            time.sleep(0.02)

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> None:
        """Stops the server; with SIGKILL as a crash of it would."""
        if self._child is None:
            return
        self._child.send_signal(sig)
        self._child.send_signal(signal.SIGCONT)  # a server that a test froze would not see the other one
        try:
            self._child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child = None

    def restart(self) -> None:
        """Stops and starts the server on the same port; what was in the append-only file is there again."""
        self.stop()
        self.start()

    @property
    def _config(self) -> Path:
        return self.data_dir / "redis.conf"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
