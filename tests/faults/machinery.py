"""The servers and programs of an installation that tests break: started, armed, frozen, killed, and all ended after."""

import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import psutil
import psycopg2
import requests
from redis import Redis

from ops.quickstart import ports
from ops.quickstart.database import create_installation, migrate
from ops.quickstart.postgres import Postgres
from ops.quickstart.redis_server import RedisServer
from ops.sandbox.s3 import names as s3
from tests import forking
from tests.faults.program import Program
from tests.faults.waiting import eventually
from tests.servers import ROOT, Addresses, environment

DATABASE = "crewline"
WEBHOOK_SECRET = "whsec_test_run"
WORKED_ON_SECONDS = 8.0
SHORT_STOP = "worker.soft_shutdown_timeout=4"
"""In place of 12 s, which a busy worker takes to stop."""
SHORT_TIMES = {
    "API_THREADS": "4",
    "AUTH_ACCESS_TOKEN_TTL_MINUTES": "600",
    "EMAIL_CIRCUIT_RECOVERY_SECONDS": "1",
    "EMAIL_LEASE_SECONDS": "5",
    "EMAIL_RETRY_BACKOFF_SECONDS": "1",
    "STORAGE_DELETE_RETRY_INTERVAL_SECONDS": "1",
    "SWEEP_INTERVAL_SECONDS": "2",
    "JOB_HEARTBEAT_INTERVAL_SECONDS": "2",
    "JOB_HEARTBEAT_TTL_SECONDS": "6",
    "JOB_HEARTBEAT_REQUIRED": "true",
    "REMAP_SIGTERM": "SIGQUIT",
}


class Machinery:
    """Postgres, Redis, the sandbox, and any of `api`, `worker`, `worker_2`, `beat`, `beat_2`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = Postgres(folder / "postgres", fast=True)
        self.redis_server = RedisServer(folder / "redis", password=secrets.token_hex(8))
        self.url = f"http://127.0.0.1:{ports.free_port()}"
        self.uploads = folder / "uploads"
        self.programs: dict[str, Program] = {}
        self.login: dict[str, str] = {}
        self.sandbox_ports: dict[str, int] = {}
        self._cleanup = ExitStack()
        self._stranded: set[bytes] = set()

    def install(self) -> None:
        """Servers, schema, the demo company. No process of ours runs yet."""
        self._cleanup.callback(self.postgres.stop, "immediate")
        self.postgres.start()
        self._cleanup.callback(self.redis_server.stop, signal.SIGKILL)
        self.redis_server.start()
        self._start_sandbox()
        app_url, owner_url = create_installation(
            self.postgres, database=DATABASE, owner_password=secrets.token_hex(8), app_password=secrets.token_hex(8)
        )
        addresses = Addresses(self.postgres.superuser_dsn(), app_url, owner_url, self.redis_server.url())
        self.env = environment(addresses, **self._application_settings())
        migrate(self.env)
        seeded = forking.run("ops.cli", ["demo", "seed", "--json"], self.env)
        assert seeded.returncode == 0, seeded.stderr
        login = next(login for login in json.loads(seeded.stdout) if login["role"] == "owner")
        self.login = {key: login[key] for key in ("org", "email", "password")}

    def start(self, *names: str) -> None:
        """Start those of the named programs that do not run, and wait until they serve."""
        fresh = [name for name in names if not self.program(name).runs]
        for name in fresh:
            self.program(name).start()
        for name in fresh:
            self.wait_ready(name)

    def program(self, name: str) -> Program:
        if name not in self.programs:
            self.use(name, self._command(name))
        return self.programs[name]

    def use(self, name: str, command: list[str], **settings: str) -> Program:
        """Make `name` another program from now on; it is ended with the system like the others."""
        if name in self.programs:
            self.programs[name].end()
        program = Program(command, {**self.env, **settings}, self.folder / f"{name}.log")
        self.programs[name] = program
        self._cleanup.callback(program.end)
        return program

    def arm(self, name: str, crash_point: str, **settings: str) -> Program:
        """Start `api` or `worker` so that it kills itself at `crash_point` (see `crash_points`)."""
        command = self._command(name)
        real, dying = ("api.wsgi:app", "crashing_api:app") if name == "api" else ("worker.app", "crashing_worker")
        armed = [part.replace(real, f"tests.faults.{dying}") for part in command]
        program = self.use(name, armed, CRASH_POINT=crash_point, **settings)
        self.start(name)
        return program

    def usual(self, name: str) -> Program:
        """Make `name` the real program again, after `use`."""
        return self.use(name, self._command(name))

    @contextmanager
    def with_settings(self, settings: dict[str, str], *names: str) -> Iterator[None]:
        """The named programs begin with more settings until the end of the block."""
        usual = dict(self.env)
        self.env.update(settings)
        for name in names:
            self.usual(name)
        yield
        self.env.clear()
        self.env.update(usual)
        for name in names:
            self.usual(name)

    def wait_ready(self, name: str) -> None:
        program = self.programs[name]
        if name.startswith("api"):
            serves = lambda: self._probe() == 200  # noqa: E731 - two readings of one word
        else:
            word = " ready." if name.startswith("worker") else "beat: Starting"
            serves = lambda: word in program.output  # noqa: E731
        eventually(lambda: serves() or not program.runs, f"{name} serves")
        assert program.runs, f"{name} ended: {program.output[-3000:]}"

    def kill(self, *names: str) -> None:
        """SIGKILL for the named programs. The lease of a sweep's run that this cuts off ends at once."""
        for name in names:
            self.program(name).kill()
        self.sql("UPDATE job_runs SET lease_until = now() WHERE state = 'running'")
        self._stranded |= self._unacked()

    def supervise(self, *names: str) -> bool:
        """Start those of the named programs again that have ended by themselves, as a supervisor does. Always True."""
        for name in names:
            if not self.program(name).runs:
                self.program(name).kill()
                self.program(name).start()
        return True

    def end(self) -> None:
        """End everything, the last started first, whatever has been done to it."""
        self.thaw_servers()
        self._cleanup.close()

    def heal(self, *names: str) -> None:
        """Back to normal before a test: both servers up and thawed, no fault, exactly the named programs run."""
        self.thaw_servers()
        if self.redis_server.pid is None:
            self.redis_server.start()
        if self.postgres.pid is None:
            self.postgres.start()
        self.kill(*(name for name in self.programs if name not in names))
        for key in self.redis.scan_iter("turns:*"):  # what asked for the next turn may have died with the last test
            self.redis.delete(key)
        for name in names:
            if self.program(name).command != self._command(name):
                self.usual(name)
            self.program(name).thaw()
        self.start(*names)

    # What happens to the servers.

    def freeze_redis(self) -> None:
        assert self.redis_server.pid is not None
        os.kill(self.redis_server.pid, signal.SIGSTOP)

    def freeze_postgres(self) -> None:
        """The server and all its backends: nothing answers, everything still accepts."""
        self._signal_postgres(signal.SIGSTOP)

    def thaw_servers(self) -> None:
        if self.redis_server.pid is not None:
            os.kill(self.redis_server.pid, signal.SIGCONT)
        self._signal_postgres(signal.SIGCONT)

    @property
    def redis(self) -> Redis:
        return Redis.from_url(self.redis_server.url(), socket_timeout=5)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement as superuser, who sees every organization; rows if it gives any."""
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """A superuser's transaction, committed at the end of the block."""
        connection = psycopg2.connect(self.postgres.superuser_dsn(DATABASE))
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def _unacked(self) -> set[bytes]:
        """Messages a worker has been given lately and not confirmed. One that is older was lost with its worker, or
        with its worker's connection: it comes back after the visibility timeout, and nobody waits for that."""
        since = time.time() - WORKED_ON_SECONDS
        return set(cast(list[bytes], self.redis.zrangebyscore("unacked_index", since, "+inf")))

    def _application_settings(self) -> dict[str, str]:
        return {
            **SHORT_TIMES,
            "API_BIND": self.url.removeprefix("http://"),
            "API_BASE_URL": self.url,
            "EMAIL_MODE": "smtp",
            "EMAIL_FROM": "no-reply@crewline.test",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.sandbox_ports["smtp_port"]),
            "SMTP_USE_TLS": "false",
            "ORDER_UPLOAD_ROOT": str(self.uploads),
            "S3_ENDPOINT": f"http://127.0.0.1:{self.sandbox_ports['s3_port']}",
            "S3_BUCKET": s3.BUCKET,
            "S3_ACCESS_KEY": s3.ACCESS_KEY,
            "S3_SECRET_KEY": s3.SECRET_KEY,
        }

    def _start_sandbox(self) -> None:
        ready = self.folder / "sandbox.json"
        command = [sys.executable, "-m", "ops.sandbox", "--webhook-secret", WEBHOOK_SECRET, "--ready-file", str(ready)]
        sandbox = Program(command, {**os.environ, "PYTHONPATH": str(ROOT)}, self.folder / "sandbox.log")
        self._cleanup.callback(sandbox.end)
        sandbox.start()
        eventually(ready.exists, "the sandbox is ready")
        self.sandbox_ports = json.loads(ready.read_text())

    def _command(self, name: str) -> list[str]:
        celery = [sys.executable, "-m", "celery", "-A", "worker.app"]
        worker = [*celery, "worker", "--without-mingle", "--concurrency", "2"]
        schedule = ["--schedule", str(self.folder / f"{name}-schedule"), "--pidfile="]
        return {
            "api": [sys.executable, "-m", "gunicorn", "-c", "ops/gunicorn.conf.py", "api.wsgi:app"],
            "worker": [*worker, "-n", "one@%h", "--", SHORT_STOP],
            "worker_2": [*worker, "-n", "two@%h", "--", SHORT_STOP],
            "beat": [*celery, "beat", *schedule],
            "beat_2": [*celery, "beat", *schedule],
        }[name]

    def _probe(self) -> int:
        try:
            with requests.Session() as session:
                session.trust_env = False
                return session.get(self.url + "/healthz", timeout=2).status_code
        except requests.RequestException:
            return 0

    def _signal_postgres(self, sig: signal.Signals) -> None:
        pid = self.postgres.pid
        if pid is None:
            return
        postmaster = psutil.Process(pid)
        for process in (postmaster, *postmaster.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # a backend whose client has left just now
                process.send_signal(sig)
