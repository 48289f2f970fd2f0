"""Small pure things: money, pages, backoff, redaction, refusals."""

import json
import subprocess
import sys
import time
from calendar import timegm
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.core import ids, outbox
from shared.core.jobs import Job, Queue
from shared.core.log import redact
from shared.core.money import MAX_AMOUNT, Money
from shared.core.pages import PageRequest
from tests.contract.source import ROOT


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(12900, "cad"), "129.00 CAD"),
        (Money(5, "usd"), "0.05 USD"),
        (Money(0, "eur"), "0.00 EUR"),
        (Money(-1250, "cad"), "-12.50 CAD"),
        (Money(1200, "jpy"), "1200 JPY"),
        (Money(1234, "kwd"), "1.234 KWD"),
        (Money(-7, "kwd"), "-0.007 KWD"),
        (Money(MAX_AMOUNT, "cad"), "10000000000.00 CAD"),
    ],
)
def test_money_reads_as_people_write_it(money: Money, text: str) -> None:
    assert str(money) == text


@pytest.mark.parametrize("amount", [MAX_AMOUNT + 1, -MAX_AMOUNT - 1, 2**63])
def test_money_out_of_range_cannot_be_made(amount: int) -> None:
    with pytest.raises(ValueError, match="range"):
        Money(amount, "cad")


@given(some.integers(min_value=1, max_value=60), some.floats(min_value=0.1, max_value=600))
def test_waits_double_up_to_an_hour_with_some_jitter(attempts: int, first: float) -> None:
    wait = outbox.backoff(attempts, first).total_seconds()
    plain = min(first * 2 ** (attempts - 1), 3600)
    assert plain - 0.001 <= wait <= plain * 1.2 + 0.001


def test_a_wait_is_never_negative_or_endless() -> None:
    assert outbox.backoff(0, 30.0) >= timedelta(seconds=30)
    assert outbox.backoff(500, 30.0) <= timedelta(hours=1.2)


def test_the_lowest_identifier_of_a_moment_divides_those_made_before_from_those_made_after() -> None:
    before = ids.new_id()
    time.sleep(0.002)
    lowest = ids.lowest_id_at(datetime.now(UTC))
    after = ids.new_id()
    assert before < lowest <= after
    assert (lowest.version, lowest.variant) == (7, after.variant)


@given(some.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9000, 12, 31), timezones=some.just(UTC)))  # noqa: DTZ001
def test_lowest_identifiers_sort_as_their_milliseconds(moment: datetime) -> None:
    lowest = ids.lowest_id_at(moment)
    assert lowest.int >> 80 == timegm(moment.utctimetuple()) * 1000 + moment.microsecond // 1000
    assert lowest < ids.lowest_id_at(moment + timedelta(milliseconds=1))


def test_before_1970_every_identifier_is_later() -> None:
    assert ids.lowest_id_at(datetime(1900, 1, 1, tzinfo=UTC)) == ids.lowest_id_at(datetime(1970, 1, 1, tzinfo=UTC))


def test_equal_filters_have_one_fingerprint_and_others_another() -> None:
    def of(**filters: str) -> str:
        return PageRequest(filters=tuple(sorted(filters.items()))).fingerprint

    assert of(a="1", b="2") == of(b="2", a="1")
    assert len({of(), of(a="1"), of(a="2"), of(b="1"), of(a="1", b=""), of(a="1b")}) == 6


def test_identifiers_sort_by_the_time_they_were_made() -> None:
    made = [ids.new_id() for _ in range(1000)]
    assert made == sorted(made)
    assert len(set(made)) == 1000
    assert {each.version for each in made} == {7}


@pytest.mark.parametrize("more", [{}, {"healed_by": "x.sweep", "lossy": "because"}])
def test_a_job_is_healed_or_lossy_and_not_both(more: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"tests\.job"):
        Job("tests.job", Queue.EMAIL, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "hidden"),
    [
        ({"password": "hunter2"}, "hunter2"),
        ({"new_password": "hunter2"}, "hunter2"),
        ({"Authorization": "Bearer abc"}, "abc"),
        ({"headers": {"Cookie": "sid=1234"}}, "1234"),
        ({"refresh_token": "o.abc"}, "abc"),
        ({"apiKey": "sk_live_1"}, "sk_live_1"),
        ({"stripe_signature": "t=1,v1=x"}, "v1=x"),
        ({"event": "mail to anna.berg+tag@client.test failed"}, "anna.berg"),
        ({"error": "call +14035550123 now"}, "4035550123"),
        ({"detail": "postgresql://crewline_app:hunter2@db/crewline"}, "hunter2"),
        ({"detail": "redis://:hunter2@redis:6379/0"}, "hunter2"),
        ({"nested": [{"deep": {"secret": "hunter2"}}]}, "hunter2"),
        ({"nested": ["anna@client.test"]}, "anna@"),
        ({"nested": ("anna@client.test",)}, "anna@"),
    ],
)
def test_secrets_and_addresses_are_masked(event: dict[str, Any], hidden: str) -> None:
    shown = json.dumps({name: redact(value, name) for name, value in event.items()})
    assert hidden not in shown
    assert "[redacted]" in shown


@pytest.mark.parametrize("value", ["plain words", 12900, None, True, "2026-01-01T00:00:00+00:00", "a@b", "1+1=2"])
def test_what_is_no_secret_stays(value: object) -> None:
    assert redact(value, "detail") == value


SCRIPT = """
import logging, structlog
from shared.core.log import configure_logging
configure_logging("info")
structlog.contextvars.bind_contextvars(request_id="req-1")
log = structlog.get_logger("api.request")
log.info("request", password="hunter2", detail="to anna@client.test", ms=1.5)
log.debug("not shown")
logging.getLogger("werkzeug").warning("GET with postgresql://u:hunter2@h/d by %s", "anna@client.test")
try:
    raise ValueError("hunter2 of anna@client.test and postgresql://u:hunter3@h/d")
except ValueError:
    log.exception("request.crashed", token="hunter2")
    logging.getLogger("celery").exception("crashed")
"""


def test_every_log_line_is_json_and_tells_no_secret() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines if "GET" not in line["event"]] == ["request", "request.crashed", "crashed"]
    assert len(lines) == 4
    for line in lines:
        assert line["request_id"] == "req-1"
        assert line["timestamp"].endswith("Z")
        assert line["level"] in {"info", "warning", "error"}
    assert "anna@" not in done.stdout
    assert "u:hunter" not in done.stdout
    assert lines[0]["password"] == lines[2]["token"] == "[redacted]"
    assert "ValueError" in lines[2]["exception"]
    assert lines[0]["ms"] == 1.5
