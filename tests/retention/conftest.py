"""Retention as these tests want it: leads and photos go, too, and full pages are followed by no rest."""

import pytest

from shared.wiring import Services
from tests.retention import steps
from tests.retention.aged import SETTINGS
from worker.core import forgetting


@pytest.fixture(autouse=True)
def installation(services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setattr(forgetting, "SHORTEST_REST", 0.0)
    monkeypatch.setattr(forgetting, "LONGEST_REST", 0.0)
    return steps.configure(services, **SETTINGS)
