"""Celery's entry point: `celery -A worker.app worker`, `… beat`, `… flower`.

Settings are read when Celery is first used, not when this module is imported. The numbers and their reasons are in
`ops/docs/queues.md`.
"""

from typing import Any

from celery import Celery
from kombu.entity import Queue as BrokerQueue

from shared.core.jobs import Queue
from shared.core.settings import load_settings
from worker.core import boot  # noqa: F401 - connects the signals that start a worker process
from worker.schedule import schedule

TIME_LIMIT_SECONDS = 120
VISIBILITY_TIMEOUT_SECONDS = 600
SOFT_SHUTDOWN_SECONDS = 12
"""A little more than the longest wait in a task (SMTP_TIMEOUT_SECONDS): a busy worker takes this long to stop."""


def configuration() -> dict[str, Any]:
    """Celery's settings, from ours."""
    settings = load_settings()
    return {
        "broker_url": settings.redis_url.get_secret_value(),
        "task_queues": [BrokerQueue(queue, routing_key=queue) for queue in Queue],
        "task_default_queue": Queue.MAINTENANCE,
        "task_create_missing_queues": False,
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_serializer": "json",
        "accept_content": ["json"],
        # The message goes when the work is done, and again if the worker dies; every task can run twice.
        "task_acks_late": True,
        # Would loop for ever on a task that kills its process; the row's lease brings lost work back instead.
        "task_reject_on_worker_lost": False,
        "worker_prefetch_multiplier": 1,
        "task_time_limit": TIME_LIMIT_SECONDS,
        "task_soft_time_limit": TIME_LIMIT_SECONDS - 30,
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        # With REMAP_SIGTERM=SIGQUIT: running tasks get this long, then go back to the queue at once.
        "worker_soft_shutdown_timeout": SOFT_SHUTDOWN_SECONDS,
        "worker_max_tasks_per_child": 10_000,
        "worker_max_memory_per_child": 300_000,
        "worker_send_task_events": True,
        "worker_hijack_root_logger": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_pool_acquire_timeout": 2,
        "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": 1,
            "socket_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 25,
            "client_name": "crewline-worker",
        },
        "beat_schedule": schedule(settings),
        "timezone": "UTC",
    }


app = Celery(
    "crewline",
    include=[
        "worker.tasks.heartbeats",
        "worker.tasks.csv_files",
        "worker.tasks.exports",
        "worker.tasks.export_dead_letters",
        "worker.tasks.webhook_drill",
        "worker.tasks.job_runs",
        "worker.tasks.retention",
        "worker.tasks.messages",
        "worker.tasks.order_photos",
        "worker.tasks.orders",
        "worker.tasks.recurrences",
        "worker.tasks.privacy",
        "worker.tasks.storage_deletes",
        "worker.tasks.stripe_events",
    ],
)
app.add_defaults(configuration)
