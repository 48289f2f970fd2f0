"""The environment of a process, for tests of its settings."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.core.settings import Settings, faults_of

GOOD = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://crewline_app:db-pass-77@db.internal:5432/crewline",
    "REDIS_URL": "redis://:redis-pass-77@redis.internal:6379/0",
    "AUTH_SECRET_KEY": "k1" + "Zq7" * 12,
    "ORDER_PHOTO_SIGNING_SECRET": "k2" + "Zq7" * 12,
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the whole environment of the process to `GOOD` and these changes; None removes one."""

    def become(**changes: str | None) -> None:
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in (GOOD | changes).items():
            if value is not None:
                monkeypatch.setenv(name, value)

    become()
    return become


def settings_faults() -> list[str]:
    """What is wrong with the environment as it is."""
    with pytest.raises(ValidationError) as refused:
        Settings()
    return faults_of(refused.value)
