"""Services and applications that differ from the usual ones in one thing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from flask import Flask

from api.app import create_app
from shared.core import transaction
from shared.wiring import Services
from tests.checked_client import CheckedClient
from worker.core import boot


def with_settings(services: Services, **changes: Any) -> Services:
    """`services` with other settings; validated ones, so pass what the settings class would hold."""
    settings = services.settings.model_copy(update=changes)
    for name in vars(settings).keys() - type(settings).model_fields.keys():
        del vars(settings)[name]  # a copy keeps what was worked out from the values before
    return replace(services, settings=settings)


def client_on(services: Services) -> CheckedClient:
    """A client of an application on `services`; tasks of this process use them too, until the test ends."""
    boot.use(services)
    app: Flask = create_app(services.settings, services)
    app.test_client_class = CheckedClient
    client: CheckedClient = app.test_client()
    return client


@contextmanager
def bound(
    services: Services, publish: transaction.Publish | None = None, **changes: Any
) -> Iterator[transaction.Database]:
    """The process on pools of its own, with other settings; here it really commits. As before at the end."""
    settings = with_settings(services, **changes).settings
    pools = transaction.connect(settings)
    transaction.bind(pools.writer, pools.reader.connect, settings, publish or services.broker.publish)
    try:
        yield pools
    finally:
        usual = services.database
        transaction.bind(usual.writer, usual.reader.connect, services.settings, services.broker.publish)
        pools.writer.dispose()
        pools.reader.dispose()
