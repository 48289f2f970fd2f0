"""The page for operators says what the code does."""

import re

from shared.core.settings import Settings
from shared.retention.categories import CATEGORIES, OF_INSTALLATION
from shared.retention.forgetting import PAGE
from tests.contract.source import ROOT

TEXT = (ROOT / "ops" / "docs" / "retention.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| `")]


def test_every_category_is_described_in_the_order_of_the_code() -> None:
    found = [(row[0].strip("`"), row[1]) for row in ROWS]
    assert [name for name, _ in found] == [category.name for category in (*CATEGORIES, *OF_INSTALLATION)]
    for (name, what), category in zip(found, (*CATEGORIES, *OF_INSTALLATION), strict=True):
        assert what.startswith(category.what.partition(";")[0]), name


def test_every_limit_is_the_setting_that_is_in_force() -> None:
    for row, category in zip(ROWS, (*CATEGORIES, *OF_INSTALLATION), strict=True):
        assert f"`RETENTION_{category.limit.upper()}`" in row[3], category.name


def test_every_setting_exists() -> None:
    for name in set(re.findall(r"`(RETENTION_[A-Z_]+)`", TEXT)):
        assert name.lower() in Settings.model_fields, name


def test_the_size_of_a_page_is_told() -> None:
    assert f"Pages of {PAGE} rows" in TEXT
