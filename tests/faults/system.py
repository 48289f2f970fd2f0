"""A whole installation, and what can be seen of it from outside."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

import requests
from celery import Celery

from shared.core.jobs import Queue
from tests.faults.machinery import Machinery
from tests.faults.owner import Owner
from tests.faults.waiting import eventually

OWED_TABLES = ("exports", "messages", "order_photos", "storage_deletes", "stripe_events")
LONG_ENOUGH = 600.0
"""Seconds after which every grace, lease and first retry is over."""
SETTLED_CALLS, SETTLED_AT_ONCE = 32, 8
"""Requests on fresh connections, several at a time: one after the other might all reach the same process."""


@dataclass(frozen=True)
class Sent:
    """A mail that the sandbox has caught."""

    message_id: str
    subject: str
    to: str


class System(Machinery):
    """Servers and programs of its own, with questions to them and to the sandbox."""

    _settled: tuple[int | None, int] | None = None

    def heal(self, *names: str) -> None:
        """Back to normal before a test: both servers up and thawed, no fault, exactly the named programs run."""
        self.smtp_fault("ok")
        super().heal(*names)
        if "api" in names and self._settled != self._met():
            self.settle()

    @cached_property
    def owner(self) -> Owner:
        """The demo company's owner, signed in."""
        answer = Owner(self.url, "").call("POST", "/v1/auth/login", json=self.login)
        assert answer.status_code == 200, answer.text
        owner = Owner(self.url, answer.json()["access_token"])
        owner.org_id = owner.call("GET", "/v1/auth/me").json()["org_id"]
        return owner

    def settle(self) -> None:
        """Wait until every process of the API has noticed that Postgres was restarted, and reads and writes again."""
        with ThreadPoolExecutor(SETTLED_AT_ONCE) as callers:
            eventually(
                lambda: all(list(callers.map(lambda _: self._reads_and_writes(), range(SETTLED_CALLS)))),
                "the API is back",
            )
        self._settled = self._met()

    def freeze_postgres(self) -> None:
        super().freeze_postgres()
        self._settled = None  # the API may give up connections that do not answer

    def _met(self) -> tuple[int | None, int]:
        """The API and the Postgres that it has to do with: another one of either has to be met anew."""
        return self.postgres.pid, self.program("api").pid

    def _reads_and_writes(self) -> bool:
        """Reads, and locks for writing, an order that is not there: each has connections of its own."""
        order = f"/v1/orders/{uuid4()}"
        asked = [self.owner.call("GET", order), self.owner.call("POST", f"{order}/confirm")]
        return all(answer.status_code == 404 for answer in asked)

    def mails_to(self, address: str) -> list[Sent]:
        return self.all_mails(to=address)

    def all_mails(self, **filters: str) -> list[Sent]:
        """Every mail that was caught, oldest first."""
        found = self._sandbox("GET", "/api/mail", params=filters).json()["data"]
        return [Sent(mail["message_id"], mail["subject"], mail["envelope_to"][0]) for mail in found]

    def forget_mails(self) -> None:
        """The sandbox keeps 5,000."""
        self._sandbox("DELETE", "/api/mail")

    def mail_rows(self, address: str) -> list[tuple[str, int]]:
        """(state, attempts) of the mails to `address`."""
        rows = self.sql("SELECT state, attempts FROM messages WHERE recipient = %s", address)
        return [(row[0], row[1]) for row in rows]

    @property
    def smtp_port(self) -> int:
        return self.sandbox_ports["smtp_port"]

    def smtp_fault(self, mode: str, **fields: Any) -> None:
        self._sandbox("PUT", "/api/smtp/fault", json={"mode": mode, **fields})

    def smtp_faults_left(self) -> int:
        """How many more deliveries the fault in force is for; 0 when there is none, or no end to it."""
        return int(self._sandbox("GET", "/api/smtp/fault").json()["count"] or 0)

    def stripe_sends(self, **event: Any) -> list[dict[str, Any]]:
        """Let the sandbox send a Stripe event to our webhook; what came of each delivery."""
        body = {"url": f"{self.url}/v1/stripe/webhook"} | event
        deliveries: list[dict[str, Any]] = self._sandbox("POST", "/api/stripe/events", json=body).json()["deliveries"]
        return deliveries

    def queued(self, queue: str) -> int:
        """How many messages wait in the queue."""
        return int(self.redis.llen(queue))

    def is_idle(self) -> bool:
        """Whether no message is waiting, or with a worker that lives."""
        return not any(map(self.queued, Queue)) and not self._unacked() - self._stranded

    def wait_idle(self) -> None:
        """Wait until all is done."""
        eventually(self.is_idle, "all is done")

    def publish_again(self, job: str, queue: str, *, times: int, **arguments: str) -> None:
        """Put a job's message into its queue `times` more, as a broker that delivers it again."""
        app = Celery(broker=self.redis_server.url(), set_as_current=False)
        for _ in range(times):
            app.send_task(job, kwargs=arguments, queue=queue)
        app.close()

    def output(self, *names: str) -> str:
        """What the named programs have written since they were started last."""
        return "".join(self.programs[name].output for name in names)

    def waits_for_lock(self) -> bool:
        """Whether somebody waits for a row or table that another transaction holds."""
        return bool(self.sql("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))

    def let_time_pass(self, seconds: float = LONG_ENOUGH) -> None:
        """As if everything that is owed, and every run that is still open, were older. Clocks are left alone."""
        for table in OWED_TABLES:
            self.sql(f"UPDATE {table} SET next_attempt_at = next_attempt_at - %s * interval '1 s'", seconds)
        held = "busy_until = busy_until - %s * interval '1 s', rests_until = rests_until - %s * interval '1 s'"
        self.sql(f"UPDATE webhook_endpoints SET {held}", seconds, seconds)
        self.sql("UPDATE job_runs SET lease_until = lease_until - %s * interval '1 s' WHERE state = 'running'", seconds)

    def succeeded_runs(self, jobs: tuple[str, ...] = ("messages.sweep",)) -> int:
        rows = self.sql("SELECT count(*) FROM job_runs WHERE job = ANY(%s) AND state = 'succeeded'", list(jobs))
        return int(rows[0][0])

    def _sandbox(self, method: str, path: str, **options: Any) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            url = f"http://127.0.0.1:{self.sandbox_ports['http_port']}{path}"
            answer = session.request(method, url, timeout=90, **options)
        assert answer.status_code == 200, answer.text
        return answer
