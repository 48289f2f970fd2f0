"""Receivers of the test's own, and the worker's sender set up to reach them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.core import transaction
from shared.integrations.export.http_sender import HttpWebhookSender
from shared.wiring import Services
from tests.exports.receivers import SECRET, Receiver, receiver
from tests.variants import with_settings
from worker.core import boot

LOCAL = {
    "export_mode": "webhook",
    "export_webhook_secret": SECRET,
    "export_webhook_allow_http": True,
    "export_webhook_block_private_ips": False,
    "export_webhook_allowed_hosts": ("127.0.0.1",),
    "export_webhook_timeout_seconds": 0.8,
}
"""Settings under which events go to servers of this machine. A try is over before the worker leaves it to itself."""


@pytest.fixture
def target() -> Iterator[Receiver]:
    """The installation's target: takes everything, until it is told otherwise."""
    with receiver() as found:
        yield found


@pytest.fixture
def services(services: Services, target: Receiver) -> Services:
    return exporting(services, export_webhook_url=target.url)


def exporting(services: Services, **changes: object) -> Services:
    """This process promises and delivers events, as with the settings `changes`, until another test begins."""
    secret = type(services.settings.auth_secret_key)(SECRET)
    changed = with_settings(services, **LOCAL | {"export_webhook_secret": secret} | changes)
    changed = replace(changed, webhook_sender=HttpWebhookSender(changed.settings))
    transaction._Binding.settings = changed.settings
    boot.use(changed)
    return changed
