"""Brings the system up in the right order and keeps it up until told to stop: what `run` starts in the background."""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from ops.quickstart import database, description, probes, records, settings
from ops.quickstart.errors import QuickstartError
from ops.quickstart.postgres import Postgres
from ops.quickstart.records import Record
from ops.quickstart.redis_server import RedisServer
from ops.quickstart.settings import Paths
from ops.quickstart.supervisor import Supervisor
from ops.quickstart.system import System, postgres_process, redis_process

SUPERVISOR = "supervisor"
_READY_SECONDS = 60.0
_STOP_SECONDS = 150.0  # more than the graces of all processes together


def serve(paths: Paths, *, attached: bool) -> int:
    """Runs the system until SIGTERM or SIGINT; `attached` also ends it when the process that started it is gone.

    Returns the exit status: 0 after a stop that was asked for, 1 when the system did not come up.
    """
    parent = os.getppid()
    try:
        _on_signals(signal.default_int_handler)  # KeyboardInterrupt, wherever we are
        with _only_one(paths):
            run = _Run(paths)
            try:
                run.start()
                while not (attached and os.getppid() != parent):
                    run.supervisor.tick()
                    time.sleep(0.1)
            finally:
                _on_signals(signal.SIG_IGN)  # half a stop would leave processes behind
                run.stop()
    except KeyboardInterrupt:
        return 0
    except (QuickstartError, OSError) as error:
        _say(f"error: {error}")
        return 1
    return 0


class _Run:
    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._began = time.monotonic()
        self._state: dict[str, Any] | None = None
        self._servers: list[Postgres] = []
        self._me = Record(
            name=SUPERVISOR,
            pid=os.getpid(),
            started_at=records.own_start_time(),
            log=str(paths.log("quickstart")),
            mark=str(paths.var),
            grace=_STOP_SECONDS,
        )
        self.supervisor = Supervisor(str(paths.var), changed=self._remember, say=_say, sole_parent=True)

    def start(self) -> None:
        """Returns when `/readyz` passes and the state file is written."""
        end_leftovers(self._paths)
        self._remember([])
        port, secret = settings.chosen_ports(self._paths), settings.kept_secrets(self._paths)
        env = settings.application_environment(self._paths, port, secret, self._stores(port, secret))
        database.migrate(env)
        self._report("database is migrated")
        system = System(self._paths, port, secret, env)
        for process in system.processes():
            self.supervisor.start(process)
        logins = description.seed(env)  # while the others load their code
        self._report("demo company is there")
        self.supervisor.wait_ready()
        self._wait_pass(system.url("api") + "/readyz")
        self._state = description.describe(system, logins)
        self._remember(self.supervisor.records)
        self._report("ready")

    def stop(self) -> None:
        """Ends everything and forgets it; the data stays."""
        if self.supervisor.records:
            _say("stopping")
        self._paths.state.unlink(missing_ok=True)
        self.supervisor.stop()
        for server in self._servers:
            server.remove_socket_dir()
        self._paths.processes.unlink(missing_ok=True)
        _say("stopped; nothing is left running")

    def _stores(self, port: dict[str, int], secret: dict[str, str]) -> dict[str, str]:
        """Starts PostgreSQL and Redis unless the caller has them, and returns their URLs by setting name."""
        outside = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)}
        redis_server = RedisServer(self._paths.var / "redis", port["redis"], password=secret["redis_password"])
        postgres = Postgres(self._paths.var / "postgres", port["postgres"])
        if "DATABASE_URL" not in outside:
            postgres.prepare()  # the command depends on who owns the data directory
            self._servers.append(postgres)
            self.supervisor.start(postgres_process(postgres, self._paths))
        if "REDIS_URL" not in outside:
            self.supervisor.start(redis_process(redis_server, self._paths))
        self.supervisor.wait_ready()
        if "REDIS_URL" not in outside:
            _forget_heartbeats(redis_server.url())
        self._report("PostgreSQL and Redis are up")
        return {
            "REDIS_URL": outside.get("REDIS_URL") or redis_server.url(),
            **_database_urls(outside, postgres, secret),
        }

    def _wait_pass(self, url: str) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while (answer := probes.json_answer(url)).get("status") != "pass":
            if time.monotonic() > deadline:
                raise QuickstartError(f"{url} does not pass: {json.dumps(answer)}")
            self.supervisor.tick()
            time.sleep(0.1)

    def _remember(self, running: list[Record]) -> None:
        records.save(self._paths.processes, [self._me, *running])
        if self._state is not None:
            self._state["processes"] = {
                record.name: {"pid": record.pid, "log": record.log, "started_at": record.started_at}
                for record in running
            }
            records.write_private_json(self._paths.state, self._state)

    def _report(self, what: str) -> None:
        _say(f"{time.monotonic() - self._began:4.1f} s  {what}")


def end_leftovers(paths: Paths) -> list[Record]:
    """Ends the processes of a supervisor that is gone, the newest first. Returns those that were still there."""
    paths.state.unlink(missing_ok=True)
    left = [record for record in reversed(records.load(paths.processes)) if record.name != SUPERVISOR]
    alive = [record for record in left if record.is_alive()]
    for record in left:
        record.end()
    return alive


def _database_urls(outside: dict[str, str], postgres: Postgres, secret: dict[str, str]) -> dict[str, str]:
    if "DATABASE_URL" in outside:
        app = outside["DATABASE_URL"]
        owner = os.environ.get("MIGRATION_DATABASE_URL") or app
    else:
        app, owner = database.create_installation(
            postgres,
            database="crewline",
            owner_password=secret["postgres_owner_password"],
            app_password=secret["postgres_app_password"],
        )
    return {"DATABASE_URL": app, "MIGRATION_DATABASE_URL": owner}


def _forget_heartbeats(url: str) -> None:
    """Those of the last run would make `/readyz` pass before the worker is there."""
    client = redis.Redis.from_url(url)
    for key in client.scan_iter("heartbeat:*"):
        client.delete(key)
    client.close()


@contextmanager
def _only_one(paths: Paths) -> Iterator[None]:
    paths.run.mkdir(parents=True, exist_ok=True)
    with paths.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise QuickstartError("Crewline is already running from this directory: `make stop` ends it.") from None
        yield


def _on_signals(handler: Any) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, handler)


def _say(text: str) -> None:
    print(text, flush=True)
