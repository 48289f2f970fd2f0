"""Hands messages to the queue. Features never see this: they call `jobs.enqueue`."""

from typing import Protocol

from shared.core.errors import code
from shared.core.jobs import Message

BROKER_AWAY = code("broker.unavailable", "The job queue is not available")


class Broker(Protocol):
    """A queue that workers consume."""

    def publish(self, messages: list[Message]) -> None:
        """Send `messages`, bounded to about a second in all. Raises `Unavailable` when the queue does not answer."""
