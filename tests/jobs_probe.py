"""What was enqueued, read from the real queue in Redis; and running it, with the real tasks."""

from typing import Any

from kombu import Connection
from kombu.simple import SimpleQueue

from shared.core.jobs import Queue
from shared.wiring import Services
from worker.app import app as celery_app


class JobsProbe:
    """Looks into the queues of this test process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        celery_app.loader.import_default_modules()  # a worker does this when it starts

    def enqueued(self) -> list[tuple[str, dict[str, Any]]]:
        """Take every waiting message off its queue: (job name, arguments)."""
        return [(message.headers["task"], message.payload[1]) for message in self._take()]

    def drain(self) -> list[str]:
        """Run what is enqueued, and what that enqueues, until the queues are empty. Returns the names in order."""
        ran: list[str] = []
        while batch := self._take():
            for message in batch:
                name, arguments = message.headers["task"], message.payload[1]
                self.run(name, arguments, headers={"request_id": message.headers.get("request_id")})
                ran.append(name)
        return ran

    def run(self, name: str, arguments: dict[str, Any] | None = None, headers: dict[str, Any] | None = None) -> None:
        """Run one task here and now, as its worker would. Raises what the task raises."""
        celery_app.tasks[name].apply(kwargs=arguments or {}, headers=headers or {}, throw=True)

    def _take(self) -> list[Any]:
        taken = []
        with Connection(self._services.settings.redis_url.get_secret_value()) as connection:
            for name in Queue:
                queue = SimpleQueue(connection, str(name), no_ack=True)
                try:
                    while True:
                        taken.append(queue.get(block=False))
                except queue.Empty:
                    queue.close()
        return taken
