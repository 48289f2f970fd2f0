"""The page for receivers says what the code does: its events, its waits, and how to verify."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.settings_docs import ROOT
from shared.core import webhook_secrets
from shared.core.outbox import without_jitter
from shared.core.settings import Settings
from shared.exports.events import Event
from shared.exports.outcomes import BACKOFF_FACTOR, LONGEST_BACKOFF, LONGEST_REST, MOST_FAILURES
from shared.integrations.export import Envelope
from shared.integrations.export.signing import sign

PAGE = (ROOT / "ops/docs/webhooks.md").read_text()


def test_every_event_is_described_and_no_other() -> None:
    table = PAGE.split("## Events")[1]
    described = re.findall(r"^\| `([a-z_.]+)` \|", table, re.MULTILINE)
    assert sorted(described) == sorted(Event)


def test_the_waits_are_those_of_the_code() -> None:
    fields = Settings.model_fields
    tries = range(1, fields["export_webhook_max_retries"].default + 1)
    first = fields["export_webhook_backoff_seconds"].default
    waits = [without_jitter(each, first, factor=BACKOFF_FACTOR, longest=LONGEST_BACKOFF) for each in tries]
    shown = re.findall(r"^\| (\d+) \| (\d+) s \|$", PAGE, re.MULTILINE)
    assert shown == [
        (str(number + 1), f"{wait.total_seconds():.0f}") for number, wait in zip(tries, waits, strict=True)
    ]
    assert (3, timedelta(minutes=5)) == (MOST_FAILURES, LONGEST_REST)


@pytest.fixture
def verify() -> Any:
    """The function that the page shows."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["verify"]


def test_the_function_of_the_page_verifies(verify: Any) -> None:
    new, old = webhook_secrets.make(), webhook_secrets.make()
    signed = sign(Envelope("e1", '{"note": "Zoë"}'.encode(), datetime.now(UTC)), [new, old])
    assert verify(new, signed.headers, signed.body)
    assert verify(old, signed.headers, signed.body)
    assert not verify(webhook_secrets.make(), signed.headers, signed.body)
    assert not verify(new, signed.headers, signed.body + b" ")
    assert not verify(new, signed.headers | {"webhook-id": "e2"}, signed.body)
    stale = sign(Envelope("e1", b"{}", datetime.now(UTC) - timedelta(minutes=6)), [new])
    assert not verify(new, stale.headers, stale.body)
