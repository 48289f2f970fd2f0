"""What a worker process starts with. Built after the fork, because connections must not be shared with the parent."""

from typing import Any

from celery.signals import setup_logging, worker_process_init

from shared.core.log import configure_logging
from shared.core.settings import load_settings
from shared.wiring import Services, build_services

_services: list[Services] = []


def services() -> Services:
    """The services of this process."""
    if not _services:
        use(build_services(load_settings()))
    return _services[0]


def use(given: Services) -> None:
    """Make `given` this process's services; tests bring their own."""
    _services[:] = [given]


@worker_process_init.connect
def _start_child(**_: Any) -> None:
    use(build_services(load_settings()))


@setup_logging.connect
def _log_as_the_api_does(**_: Any) -> None:
    """Celery would set up its own format; ours is one JSON line per event in every process."""
    configure_logging(load_settings().log_level)
