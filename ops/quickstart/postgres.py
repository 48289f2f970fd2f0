"""A PostgreSQL server of our own: one data directory, one loopback port, one private Unix socket."""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2

from ops.quickstart import account, binaries, ports
from ops.quickstart.errors import QuickstartError

# The superuser comes in through the socket only, whose directory is private to the one account (and root).
_HBA = """\
local all postgres           trust
local all all                scram-sha-256
host  all postgres 127.0.0.1/32 reject
host  all all      127.0.0.1/32 scram-sha-256
"""
# Not synchronous_commit=off: beside fsync=off it gains nothing, and a killed server would lose its last commits.
_FAST = {"fsync": "off", "full_page_writes": "off"}
_STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_STILL_HELD = "pre-existing shared memory block"


class Postgres:
    """A server on `data_dir`, made on first use. `fast` is for tests: a crash of the machine may destroy the data, a
    crash of the server does not.

    Either `start()` and `stop()` it here, or give `prepare`, `command()` and `is_ready` to a supervisor.
    """

    host = "127.0.0.1"

    def __init__(self, data_dir: Path, port: int | None = None, *, fast: bool = False) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port if port is not None else ports.free_port()
        self.log = self.data_dir.with_name(self.data_dir.name + ".log")
        # A socket's path may have 107 bytes, and the data directory (or TMPDIR) can be deeper than that.
        digest = hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:12]
        self.socket_dir = Path("/tmp", f"crewline-{digest}")  # noqa: S108 - made private, or refused
        self._fast = fast
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The server's process id, or None when none runs on this directory."""
        try:
            pid = int((self.data_dir / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            # A number left by a killed server may belong to somebody else by now.
            ours = process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(self.data_dir)
        except (OSError, ValueError, psutil.Error):
            return None
        return pid if ours else None

    def superuser_dsn(self, database: str = "postgres") -> str:
        """A URL for the superuser, through the private socket; it holds no password."""
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(self.socket_dir))}&port={self.port}"

    def command(self) -> list[str]:
        """The command that runs the server in the foreground. Stop it with SIGINT; SIGTERM waits for its clients."""
        options = {
            "port": str(self.port),
            "listen_addresses": self.host,
            "unix_socket_directories": str(self.socket_dir),
            "max_connections": "200",
            "shared_buffers": "256MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        } | (_FAST if self._fast else {})
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        server = [str(binaries.postgres_bin() / "postgres"), "-D", str(self.data_dir), *flags]
        return [*account.prefix(account.account_for(self.data_dir)), *server]

    def prepare(self) -> None:
        """Makes whatever is missing for `command()` to work. Raises QuickstartError when the server cannot start."""
        if self.pid is not None:
            raise QuickstartError(f"PostgreSQL (pid {self.pid}) already runs on {self.data_dir}: stop it first.")
        if not ports.is_free(self.port):
            raise QuickstartError(f"Port {self.port} on {self.host}, meant for PostgreSQL, is taken.")
        if not (self.data_dir / "PG_VERSION").exists():
            self._create()
        self._check_version()
        user = account.account_for(self.data_dir)
        hba = self.data_dir / "pg_hba.conf"
        hba.write_text(_HBA)
        account.hand_over(hba, user)
        # `pid` said that nobody serves this directory, so the note of a killed server is stale, whoever has its number.
        (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
        self._make_socket_dir()

    def is_ready(self) -> bool:
        """Whether the server answers a query now."""
        try:
            connection = psycopg2.connect(self.superuser_dsn(), connect_timeout=2)
        except psycopg2.OperationalError:
            return False
        connection.close()
        return True

    def start(self) -> None:
        """Starts the server and returns when it answers. Raises QuickstartError with the end of its log otherwise."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._comes_up():
            tail = self.log.read_text(errors="replace")[-2000:]
            self.stop("immediate")
            # Children of a killed server live on for a moment, and hold its shared memory.
            if _STILL_HELD not in tail or time.monotonic() > deadline:
                raise QuickstartError(f"PostgreSQL did not start. The end of {self.log}:\n{tail}")
            time.sleep(0.2)

    def _comes_up(self) -> bool:
        self.prepare()
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        return _wait(lambda: self.is_ready() or self._exited(), _START_SECONDS) and not self._exited()

    def stop(self, mode: str = "fast") -> None:
        """Stops the server: `smart` waits for clients, `fast` disconnects them, `immediate` recovers at next start."""
        pid = self.pid
        if pid is not None:
            os.kill(pid, _STOP_SIGNALS[mode])
            if not _wait(lambda: self._exited() and self.pid is None, _STOP_SECONDS):
                os.kill(pid, signal.SIGQUIT)
                _wait(lambda: self._exited() and self.pid is None, _STOP_SECONDS)
        elif self._child is not None and self._child.poll() is None:
            self._child.kill()
        if self._child is not None:
            self._child.wait()
            self._child = None
        self.remove_socket_dir()

    def restart(self, mode: str = "fast") -> None:
        """Stops and starts the server on the same port and directory; connections are lost, data is not."""
        self.stop(mode)
        self.start()

    def remove_socket_dir(self) -> None:
        """Removes the private socket directory; a supervisor calls it once the server is gone."""
        if self.pid is None:
            shutil.rmtree(self.socket_dir, ignore_errors=True)

    def _exited(self) -> bool:
        return self._child is None or self._child.poll() is not None

    def _create(self) -> None:
        """Runs initdb beside the directory and renames, so that an interrupted first start leaves nothing half made."""
        new = self.data_dir.with_name(self.data_dir.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True, mode=0o700)
        user = account.account_for(new)
        account.hand_over(new, user)
        locale = ["--locale=C.UTF-8"]
        if binaries.postgres_major() >= 17:  # the same order and case rules on every operating system
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command = [str(binaries.postgres_bin() / "initdb"), "-D", str(new), "--username=postgres"]
        command += ["--encoding=UTF8", *locale, "--auth=reject", "--no-instructions"]
        command += ["--no-sync"] if self._fast else []
        done = subprocess.run([*account.prefix(user), *command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(new, ignore_errors=True)
            raise QuickstartError(f"initdb failed:\n{done.stdout}{done.stderr}")
        new.rename(self.data_dir)

    def _check_version(self) -> None:
        data = (self.data_dir / "PG_VERSION").read_text().strip()
        if int(data) != binaries.postgres_major():
            raise QuickstartError(
                f"{self.data_dir} was made by PostgreSQL {data}, but {binaries.postgres_bin()} is version "
                f"{binaries.postgres_major()}: move the directory away, or use the old server."
            )

    def _make_socket_dir(self) -> None:
        user = account.account_for(self.data_dir)
        try:
            self.socket_dir.mkdir(mode=0o700)
            account.hand_over(self.socket_dir, user)
        except FileExistsError:
            found = self.socket_dir.lstat()
            # /tmp is shared: a directory that somebody else put there could catch our clients' passwords.
            if self.socket_dir.is_symlink() or found.st_uid != user.pw_uid or found.st_mode & 0o077:
                raise QuickstartError(f"{self.socket_dir} belongs to somebody else: remove it.") from None


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
