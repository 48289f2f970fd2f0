"""The parts of the list measurements that need no server."""

import json
from datetime import date

import pytest

from ops.bench.lists import next_monday
from ops.bench.measured import quotients
from ops.bench.statements import queries_in


@pytest.mark.parametrize("today", [date(2026, 11, 23), date(2026, 11, 26), date(2026, 11, 29)])
def test_the_next_monday_is_never_today(today: date) -> None:
    assert next_monday(today) == date(2026, 11, 30)


def test_a_quotient_is_that_of_the_medians_of_its_round() -> None:
    assert quotients([[2.0, 3.0, 100.0], [1.0]], [[2.0, 1.0, 9.0], [4.0]]) == [1.5, 0.25]


def test_a_round_is_missing_on_no_side() -> None:
    with pytest.raises(ValueError, match="shorter"):
        quotients([[1.0], [1.0]], [[1.0]])


def test_statements_are_those_of_the_log_line_of_the_request() -> None:
    lines = [
        "[INFO] Booting worker for bench-1",
        json.dumps({"event": "jobs.not_published", "request_id": "bench-1"}),
        json.dumps({"event": "request", "request_id": "bench-12", "queries": 7}),
        json.dumps({"event": "request", "request_id": "bench-1", "queries": 3}),
        '{"event":"request","request_id":"bench-2","que',
    ]
    log = "\n".join(lines)
    assert queries_in(log, "bench-1") == 3
    assert queries_in(log, "bench-2") is None, "half of the line is written"
    assert queries_in(log, "bench-3") is None
