"""Runs Crewline from its two images and tells what held. `check.sh` calls it: work folder, buildah's storage flags."""

import os
import secrets
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import requests

from ops.images import check_static
from ops.images.check_container import APP_UID, CheckError, Container, Process, wait_until
from ops.images.check_order import order_and_photo
from ops.quickstart import ports
from ops.quickstart.database import create_installation
from ops.quickstart.postgres import Postgres
from ops.quickstart.redis_server import RedisServer

ALEMBIC = ["python", "-m", "alembic", "-c", "setup.cfg"]
BEAT = ["celery", "-A", "worker.app", "beat", "--schedule", "/tmp/beat-schedule", "--pidfile="]  # noqa: S108
FLOWER = ["celery", "-A", "worker.app", "flower"]
BEAT_HEALTH = ("python", "ops/images/worker_health.py", "beat")
NOWHERE = "redis://127.0.0.1:1/0"


class Table:
    """Runs checks, prints a line for each, and remembers whether one failed."""

    def __init__(self) -> None:
        self.failed = 0

    def check(self, what: str, run: Callable[[], object]) -> bool:
        started = time.monotonic()
        try:
            found, mark = run(), "ok"
        except CheckError as error:
            found, mark = error, "FAILED"
        except Exception:  # noqa: BLE001 - a check that crashes is a check that failed; the others still say something.
            found, mark = traceback.format_exc(limit=-2), "FAILED"
        self.failed += mark != "ok"
        print(f"{mark:7} {what:36} {time.monotonic() - started:5.1f} s  {found}", flush=True)
        return mark == "ok"


class System:
    """The servers and the two containers, and what happens with them, in order."""

    def __init__(self, work: Path, storage: list[str], stack: ExitStack) -> None:
        self.work = work
        (work / "uploads").mkdir()
        os.chown(work / "uploads", APP_UID, APP_UID)
        postgres = Postgres(work / "postgres", fast=True)
        redis = RedisServer(work / "redis", password=secrets.token_hex(16))
        stack.callback(postgres.stop)
        postgres.start()
        stack.callback(redis.stop)
        redis.start()
        app_url, self.owner_url = create_installation(
            postgres, database="crewline", owner_password=secrets.token_hex(16), app_password=secrets.token_hex(16)
        )
        self.api_port, self.flower_port = ports.free_port(), ports.free_port()
        self.api_url = f"http://127.0.0.1:{self.api_port}"
        env = {
            "ENVIRONMENT": "production",
            "DATABASE_URL": app_url,
            "REDIS_URL": redis.url(),
            "AUTH_SECRET_KEY": secrets.token_hex(32),
            "ORDER_PHOTO_SIGNING_SECRET": secrets.token_hex(32),
            "API_BIND": f"127.0.0.1:{self.api_port}",
            "API_BASE_URL": self.api_url,
            "JOB_HEARTBEAT_REQUIRED": "true",
            "JOB_HEARTBEAT_INTERVAL_SECONDS": "2",
        }
        self.api_box, self.worker_box = (
            Container(f"localhost/crewline-{name}", storage, work, env) for name in ("api", "worker")
        )
        stack.callback(self.worker_box.remove)
        stack.callback(self.api_box.remove)
        self.started_at = time.time()
        self.api: Process
        self.worker: Process
        self.beat: Process

    def migrate(self) -> str:
        env = {"MIGRATION_DATABASE_URL": self.owner_url}
        self.api_box.must(*ALEMBIC, "upgrade", "head", env=env)
        self.api_box.must(*ALEMBIC, "upgrade", "head", env=env)
        return self.api_box.must(*ALEMBIC, "current", env=env).splitlines()[-1]

    def start_api(self) -> str:
        self._unhealthy(self.api_box.health(), "before it started")
        self.api = self.api_box.start("api", self.api_box.config["Cmd"])
        try:
            took = wait_until(lambda: self._status(f"{self.api_url}/healthz") == 200, 30, "/healthz 200")
        except CheckError as error:
            raise CheckError(f"{error}\n{self.api.tail()}") from None
        self._healthy(self.api_box.health(), "serving")
        self._unhealthy(self.api_box.health(API_BIND="127.0.0.1:1"), "on a closed port")
        return f"/healthz 200 after {took:.1f} s; health check 1 before, 0 now, 1 on a closed port"

    def says_little(self) -> str:
        server = requests.get(f"{self.api_url}/healthz", timeout=10).headers.get("Server", "")
        if any(character.isdigit() for character in server):
            raise CheckError(f"Server: {server}")
        return f"Server: {server or '(none)'}"

    def is_not_ready_alone(self) -> str:
        status = self._status(f"{self.api_url}/readyz")
        if status != 503:
            raise CheckError(f"/readyz answered {status} without a worker, heartbeats required")
        return "/readyz 503 without heartbeats"

    def start_worker_and_beat(self) -> str:
        self._unhealthy(self.worker_box.health(), "before it started")
        self._unhealthy(self.worker_box.run(*BEAT_HEALTH)[0], "beat, before it started")
        self.worker = self.worker_box.start("worker", [*self.worker_box.config["Cmd"], "--concurrency=2"])
        self.beat = self.worker_box.start("beat", BEAT)
        try:
            took = wait_until(lambda: self._status(f"{self.api_url}/readyz") == 200, 60, "/readyz 200")
        except CheckError as error:
            raise CheckError(f"{error}\n{self.worker.tail()}\n{self.beat.tail()}") from None
        return f"/readyz 200 after {took:.1f} s: fresh heartbeats through every queue"

    def watches_the_queues_there_are(self) -> str:
        imports = "from ops.images.worker_health import QUEUES; from shared.core.jobs import Queue"
        script = f"{imports}; print(set(QUEUES) ^ set(Queue))"
        difference = self.worker_box.must("python", "-c", script)
        if difference != "set()":
            raise CheckError(f"worker_health.QUEUES and shared.core.jobs.Queue differ: {difference}")
        return "worker_health.QUEUES is shared.core.jobs.Queue"

    def worker_health(self) -> str:
        """Alive: 0. Broker away: 0. Frozen while messages wait: 1. Thawed: 0 again."""
        patience = {"JOB_HEARTBEAT_TTL_SECONDS": "4"}
        self._healthy(self.worker_box.health(), "worker at work")
        self._healthy(self.worker_box.run(*BEAT_HEALTH)[0], "beat at work")
        self._healthy(self.worker_box.health(REDIS_URL=NOWHERE), "worker without a broker")
        frozen = self.worker.tree()
        for process in frozen:
            process.suspend()
        try:
            took = wait_until(lambda: self.worker_box.health(**patience) == 1, 40, "exit 1 of a frozen worker")
        finally:
            for process in frozen:
                process.resume()
        wait_until(lambda: self.worker_box.health(**patience) == 0, 20, "exit 0 after the thaw")
        return f"0 at work, 0 without a broker, 1 when frozen ({took:.0f} s), 0 again"

    def flower_is_closed(self) -> str:
        login, url = ("operator", secrets.token_hex(8)), f"http://127.0.0.1:{self.flower_port}"
        env = {
            "FLOWER_BASIC_AUTH": ":".join(login),
            "FLOWER_ADDRESS": "127.0.0.1",
            "FLOWER_PORT": str(self.flower_port),
            "FLOWER_READ_ONLY": "true",
        }
        flower = self.worker_box.start("flower", FLOWER, env)
        health = ("python", "ops/images/http_health.py", f"{url}/healthcheck")
        wait_until(lambda: self.worker_box.run(*health)[0] == 0, 30, "Flower's health check")
        answers = {
            "page without login": self._status(f"{url}/tasks"),
            "page with login": self._status(f"{url}/tasks", auth=login),
            "command with login": self._status(f"{url}/api/worker/shutdown/any", "POST", auth=login),
        }
        status, took = flower.terminate(10)
        told = ", ".join(f"{what} {answer}" for what, answer in answers.items())
        if [*answers.values()] != [401, 200, 403]:
            raise CheckError(told)
        return f"{told}; TERM: exit {status} in {took:.1f} s"

    def drain(self) -> str:
        """TERM ends every process by itself, within the grace that docker-compose.yml gives it."""
        idle = requests.Session()  # Its connection is kept alive; it must not hold up the end.
        idle.get(f"{self.api_url}/healthz", timeout=5)
        grace = (("beat", self.beat, 10), ("worker", self.worker, 30), ("api", self.api, 40))
        ended = {name: process.terminate(seconds) for name, process, seconds in grace}
        idle.close()
        told = ", ".join(f"{name} exit {status} in {took:.1f} s" for name, (status, took) in ended.items())
        if any(status != 0 for status, _ in ended.values()):
            raise CheckError(told)
        return told

    def wrote_nothing_elsewhere(self) -> str:
        """Proof that `read_only: true` will do: whatever the app's user wrote lies in the scratch folders."""
        allowed = (*check_static.SCRATCH, "/proc", "/sys", "/dev")
        for box in (self.api_box, self.worker_box):
            age = f"-{int((time.time() - self.started_at) / 60) + 1}"
            found = box.must(
                "find", "/", "-xdev", "-type", "f", "-user", str(APP_UID), "-mmin", age, user="0"
            ).splitlines()
            wrong = [path for path in found if not path.startswith(allowed)]
            if wrong:
                raise CheckError(f"{box.name} wrote {wrong[:5]}")
        return "only /tmp and the upload volume were written"

    def order(self) -> str:
        return order_and_photo(self.api_box, self.api_url, self.work / "uploads")

    def _healthy(self, status: int, what: str) -> None:
        if status != 0:
            raise CheckError(f"health check of {what}: {status}, not 0")

    def _unhealthy(self, status: int, what: str) -> None:
        if status != 1:
            raise CheckError(f"health check {what}: {status}, not 1")

    def _status(self, url: str, method: str = "GET", auth: tuple[str, str] | None = None) -> int:
        """0 when nobody answers."""
        try:
            return requests.request(method, url, auth=auth, timeout=10).status_code
        except requests.RequestException:
            return 0


def main(work: Path, storage: list[str]) -> int:
    table = Table()
    with ExitStack() as stack:
        system = System(work, storage, stack)
        for box in (system.api_box, system.worker_box):
            for static in check_static.CHECKS:
                table.check(f"{box.name}: {static.__name__.replace('_', ' ')}", partial(static, box))
        table.check("worker: watches the queues there are", system.watches_the_queues_there_are)
        if not table.check("migrations, twice", system.migrate) or not table.check("api starts", system.start_api):
            return 1
        table.check("api says little about itself", system.says_little)
        table.check("api alone is not ready", system.is_not_ready_alone)
        if table.check("worker and beat", system.start_worker_and_beat):
            table.check("an order and a photo", system.order)
            table.check("health of worker and beat", system.worker_health)
            table.check("Flower", system.flower_is_closed)
            table.check("TERM drains", system.drain)
        table.check("fit for a read-only container", system.wrote_nothing_elsewhere)
    print(f"{table.failed} failed" if table.failed else "all checks passed")
    return 1 if table.failed else 0


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))  # So that the ExitStack ends what was started.
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
