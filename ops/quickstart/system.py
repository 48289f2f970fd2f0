"""The processes of Crewline on one machine, and what each is told."""

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from ops.quickstart import probes, settings
from ops.quickstart.database import REPOSITORY
from ops.quickstart.postgres import Postgres
from ops.quickstart.redis_server import RedisServer
from ops.quickstart.settings import LOOPBACK, Paths
from ops.quickstart.supervisor import Process

_APP_GRACE = 35.0  # gunicorn gives requests in hand 30 s; the worker's soft shutdown is shorter


def postgres_process(server: Postgres, paths: Paths) -> Process:
    """SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for clients that never leave."""
    return Process(
        "postgres",
        server.command(),
        settings.base_environment(),
        paths.log("postgres"),
        REPOSITORY,
        is_ready=server.is_ready,
        prepare=server.prepare,
        stop_signal=signal.SIGINT,
        grace=15.0,
    )


def redis_process(server: RedisServer, paths: Paths) -> Process:
    """Redis flushes its append-only file on SIGTERM."""
    return Process(
        "redis",
        server.command(),
        settings.base_environment(),
        paths.log("redis"),
        REPOSITORY,
        is_ready=server.is_ready,
        prepare=server.prepare,
    )


@dataclass(frozen=True)
class System:
    """Everything that runs our own code: sandbox, API, worker, beat and Flower."""

    paths: Paths
    port: Mapping[str, int]
    secret: Mapping[str, str]
    env: Mapping[str, str]

    def url(self, server: str) -> str:
        """The address of `api`, `flower`, `sandbox` or `s3`, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port[server]}"

    def processes(self) -> list[Process]:
        """In the order of starting; the database and Redis are up and migrated by then."""
        return [self._sandbox(), self._api(), self._worker(), self._beat(), self._flower()]

    def _sandbox(self) -> Process:
        listen = [
            "--host",
            LOOPBACK,
            "--smtp-port",
            str(self.port["smtp"]),
            "--http-port",
            str(self.port["sandbox"]),
            "--s3-port",
            str(self.port["s3"]),
        ]
        webhook = ["--webhook-secret", settings.stripe_secret(self.secret)]
        webhook += ["--webhook-url", f"{self.url('api')}/v1/stripe/webhook"]
        webhook += ["--sendgrid-webhook-url", f"{self.url('api')}/v1/sendgrid/events", "--sendgrid-tells"]
        webhook += ["--sendgrid-key-file", str(self.paths.sendgrid_key)]
        webhook += ["--receiver-secret", settings.export_secret(self.secret)]
        ready = ["--ready-file", str(self.paths.run / "sandbox.json")]
        ready += ["--mail-journal", str(self.paths.run / "mails.jsonl")]
        return self._python(
            "sandbox", ["ops.sandbox", *listen, *webhook, *ready], probe=self.url("sandbox") + "/healthz"
        )

    def _api(self) -> Process:
        command = ["gunicorn", "-c", "ops/gunicorn.conf.py", "api.wsgi:app"]
        return self._python("api", command, probe=self.url("api") + "/healthz", grace=_APP_GRACE)

    def _worker(self) -> Process:
        # With this, SIGTERM is the soft shutdown that hands unfinished tasks back to the queue.
        env = {"REMAP_SIGTERM": "SIGQUIT"}
        command = ["celery", "-A", "worker.app", "worker", "--without-mingle"]
        return self._python("worker", command, env=env, grace=_APP_GRACE)

    def _beat(self) -> Process:
        schedule = ["--schedule", str(self.paths.run / "beat-schedule"), "--pidfile="]
        return self._python("beat", ["celery", "-A", "worker.app", "beat", *schedule])

    def _flower(self) -> Process:
        env = {
            "FLOWER_ADDRESS": LOOPBACK,
            "FLOWER_PORT": str(self.port["flower"]),
            "FLOWER_BASIC_AUTH": f"{settings.FLOWER_USER}:{self.secret['flower_password']}",
        }
        command = ["celery", "-A", "worker.app", "flower"]
        return self._python("flower", command, env=env, probe=self.url("flower") + "/healthcheck")

    def _python(
        self,
        name: str,
        module: list[str],
        *,
        env: Mapping[str, str] | None = None,
        probe: str = "",
        grace: float = 10.0,
    ) -> Process:
        return Process(
            name,
            [sys.executable, "-m", *module],
            {**self.env, **(env or {})},
            self.paths.log(name),
            REPOSITORY,
            is_ready=(lambda: probes.answers(probe)) if probe else (lambda: True),
            grace=grace,
        )
