"""The page of jobs has the table that the code has."""

from pathlib import Path

import pytest

from shared.core.settings import Settings
from shared.schedule import Scheduled, table

PAGE = Path(__file__).resolve().parents[2] / "ops/docs/jobs.md"


def _cadence(job: Scheduled) -> str:
    if job.every is None:
        return "-"
    if job.every == 86400:
        at = f" at {int(job.at) // 3600:02}:{int(job.at) % 3600 // 60:02} UTC" if job.at else ""
        return f"day{at}"
    return f"{job.every / 60:g} min"


def expected_rows(settings: Settings) -> list[str]:
    return [
        f"| `{job.name}` | {_cadence(job)} | {'yes' if job.by_hand else '-'} | {job.why} |" for job in table(settings)
    ]


@pytest.fixture
def default_settings() -> Settings:
    secret = "x" * 40
    return Settings(
        database_url="postgresql://nobody@127.0.0.1/nothing",  # type: ignore[arg-type]
        redis_url="redis://127.0.0.1",  # type: ignore[arg-type]
        auth_secret_key=secret,  # type: ignore[arg-type]
        order_photo_signing_secret=secret,  # type: ignore[arg-type]
        environment="test",
    )


def test_the_table_is_the_one_of_the_code(default_settings: Settings) -> None:
    lines = PAGE.read_text().splitlines()
    begin = lines.index("| --- | --- | --- | --- |") + 1
    end = lines.index("", begin)
    assert lines[begin:end] == expected_rows(default_settings)
