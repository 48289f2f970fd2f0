"""Where the events of an organization go, and what signs them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.core.sealing import unseal
from shared.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Target:
    """A receiver. It gets a signature with each of `secrets`; the first is the current one."""

    url: str
    secrets: tuple[str, ...] = field(repr=False)


def target_of(endpoint: Any, settings: Settings, *, now: datetime) -> Target | None:
    """The target of an organization by its row of `webhook_endpoints` (None: it has none): its own, or else the
    installation's; None without either.

    Raises ValueError when its secret is missing, or was sealed with a key that is gone.
    """
    if endpoint is not None and endpoint.url is not None:
        return Target(endpoint.url, _own_secrets(endpoint, settings, now))
    if settings.export_webhook_url:
        return Target(settings.export_webhook_url, settings.export_webhook_secrets)
    return None


def _own_secrets(endpoint: Any, settings: Settings, now: datetime) -> tuple[str, ...]:
    if endpoint.sealed_secret is None:
        raise ValueError("there is no secret to sign with")
    sealed = [endpoint.sealed_secret]
    until = endpoint.previous_secret_until
    if endpoint.sealed_previous_secret is not None and until is not None and until > now:
        sealed.append(endpoint.sealed_previous_secret)
    return tuple(unseal(settings, each) for each in sealed)
