"""Senders of webhooks with one thing changed, and what they come to."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shared.core.errors import Refusal
from shared.core.settings import Settings
from shared.integrations.export import Answer, Envelope, Signed
from shared.integrations.export.http_sender import HttpWebhookSender
from shared.integrations.export.resolving import Resolver, look_up
from shared.integrations.export.signing import sign
from tests.exports.receivers import SECRET

USUAL = {
    "export_webhook_timeout_seconds": 5.0,
    "export_webhook_block_private_ips": True,
    "export_webhook_allow_http": True,
    "export_webhook_allowed_hosts": (),
}


def make_sender(
    settings: Settings,
    *,
    ask: Callable[[str], list[str]] = look_up,
    tls: ssl.SSLContext | None = None,
    **changes: Any,
) -> HttpWebhookSender:
    """A sender that blocks private addresses and lets http through; `allowed_hosts` and the like are settings."""
    changed = USUAL | {f"export_webhook_{name}": value for name, value in changes.items()}
    return HttpWebhookSender(settings.model_copy(update=changed), resolver=Resolver(ask), tls=tls)


def to_here(settings: Settings, **changes: Any) -> HttpWebhookSender:
    """One that reaches the servers of this machine."""
    here: dict[str, Any] = {"block_private_ips": False, "allowed_hosts": ("127.0.0.1",)}
    return make_sender(settings, **here | changes)


def message(body: bytes = b'{"type": "order.created"}', event_id: str = "e1") -> Signed:
    return sign(Envelope(event_id, body, datetime.now(UTC)), [SECRET])


def sent(sender: HttpWebhookSender, url: str) -> Answer | str:
    """The answer, or the code of the refusal."""
    try:
        return sender.send(url, message())
    except Refusal as refusal:
        return refusal.code
