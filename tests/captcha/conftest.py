"""The sandbox's Turnstile, and the product's client of it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.core.settings import Settings
from shared.integrations.captcha.turnstile import TurnstileCaptcha
from tests.sandbox_turnstile import SandboxTurnstile, captcha_settings

MakeCaptcha = Callable[..., TurnstileCaptcha]


@pytest.fixture
def turnstile(sandbox_ports: dict[str, int]) -> Iterator[SandboxTurnstile]:
    """Cloudflare's side, with no fault in force at the start and at the end."""
    found = SandboxTurnstile(sandbox_ports["http_port"])
    found.fault("ok")
    yield found
    found.fault("ok")


@pytest.fixture
def captcha(settings: Settings, turnstile: SandboxTurnstile) -> MakeCaptcha:
    """Makes our side, with these settings changed."""

    def make(**changes: Any) -> TurnstileCaptcha:
        return TurnstileCaptcha(settings.model_copy(update=captcha_settings(turnstile) | changes))

    return make
