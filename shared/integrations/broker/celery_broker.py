"""Publishing to Celery's workers: its message protocol, version 2, straight into Redis.

Source: https://docs.celeryq.dev/en/stable/internals/protocol.html, in the envelope of kombu's Redis transport. Celery's
own `send_task` costs ten times as much per message (measured), and takes several round trips of which each may wait;
here all messages of a transaction leave in one, so that "bounded to about a second" is one socket timeout.
"""

import base64
import time
from uuid import uuid4

import orjson
import structlog
from celery import Celery
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from shared.core.errors import Unavailable
from shared.core.jobs import Message
from shared.integrations.broker import BROKER_AWAY

PATIENCE_SECONDS = 1.0
COOL_DOWN_SECONDS = 2.0


class CeleryBroker:
    """Sends messages by task name: the producer imports no task. While Redis is away it gives up at once instead of
    once a request."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(
            redis_url,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 0),
            client_name="crewline-producer",
        )
        self._celery = Celery("crewline-producer", set_as_current=False)
        self._away_until = 0.0

    def publish(self, messages: list[Message]) -> None:
        """See `Broker.publish`. After a failure, nothing is tried for two seconds: the sweeps deliver what was due."""
        if time.monotonic() < self._away_until:
            raise Unavailable(BROKER_AWAY, "The job queue did not answer a moment ago.")
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for message in messages:
                    pipeline.lpush(str(message.job.queue), self._envelope(message, request_id))
                pipeline.execute()
        except RedisError as error:
            self._away_until = time.monotonic() + COOL_DOWN_SECONDS
            raise Unavailable(BROKER_AWAY, "The job queue does not answer.") from error

    def _envelope(self, message: Message, request_id: str | None) -> bytes:
        """What a worker takes off the list."""
        task_id, queue = str(uuid4()), str(message.job.queue)
        # Its own description of the arguments, for Flower and the log, would cost as much as all the rest.
        shown = str(message.arguments)
        task = self._celery.amqp.as_task_v2(
            task_id, message.job.name, kwargs=message.arguments, ignore_result=True, argsrepr="()", kwargsrepr=shown
        )
        return orjson.dumps(
            {
                "body": base64.b64encode(orjson.dumps(task.body)).decode(),
                "content-encoding": "utf-8",
                "content-type": "application/json",
                "headers": task.headers | {"request_id": request_id},
                "properties": {
                    "correlation_id": task_id,
                    "reply_to": "",
                    "delivery_mode": 2,
                    "delivery_info": {"exchange": "", "routing_key": queue},
                    "priority": 0,
                    "body_encoding": "base64",
                    "delivery_tag": str(uuid4()),
                },
            }
        )
