"""Files in parts that are small enough for tests."""

import pytest

from shared.csv_files import writing


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of ten rows."""
    monkeypatch.setattr(writing, "ROWS_OF_PART", 10)
