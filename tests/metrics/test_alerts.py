"""What alerts and dashboards ask for is exported, and every alert says what to do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checked_client import CheckedClient
from tests.metrics.test_metrics import TOKEN

ROOT = Path(__file__).resolve().parents[2]
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "ops/prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARDS = sorted((ROOT / "ops/grafana").glob("*.json"))


def _names(expression: str) -> set[str]:
    return set(re.findall(r"\bcrewline_\w+", expression))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_is_exported_and_has_a_runbook(client: CheckedClient, rule: dict[str, Any]) -> None:
    exported = client.get("/v1/metrics", headers=TOKEN).get_data(as_text=True)
    names = _names(rule["expr"])
    assert names
    assert all(f"# TYPE {name} gauge" in exported for name in names)
    assert (ROOT / rule["annotations"]["runbook_url"]).is_file()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_asks_for_what_is_exported(client: CheckedClient, path: Path) -> None:
    exported = client.get("/v1/metrics", headers=TOKEN).get_data(as_text=True)
    panels = json.loads(path.read_text())["panels"]
    names = set().union(*(_names(target["expr"]) for panel in panels for target in panel["targets"]))
    assert names
    assert all(f"# TYPE {name} gauge" in exported for name in names)
