"""The receiver drill: a good receiver gets full marks, and each mistake costs exactly the cases that show it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.core.ids import new_id
from shared.exports.drill import CASES
from tests.checked_client import CheckedClient
from tests.exports import drill_receivers as judges
from tests.exports.conftest import exporting
from tests.exports.drill_receivers import Judge, judging
from tests.exports.looking_after import drill
from tests.exports.receivers import Behaviour, Got, hangs_after, receiver
from tests.factories.exports import OLD_SECRET, SECRET, make_endpoint
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.rows import row, rows
from tests.variants import client_on
from worker.core import background, boot

TEST = "/v1/webhook-endpoints/test"
ALL = {case.name for case in CASES}
UNREFUSED = {"late", "early", "tampered", "unsigned", "outdated_secret"}


def _drill(company: Company, behave: Behaviour, jobs: JobsProbe, **values: Any) -> tuple[dict[str, Any], list[Got]]:
    """The scorecard of a receiver that behaves so, and what it has got."""
    with receiver(behave) as found:
        client = client_on(boot.services())
        make_endpoint(company, url=found.url, **values)
        asked = client.post(TEST, headers=company.headers())
        assert asked.status_code == 202
        jobs.drain()
        _wait()
        run = client.get(asked.headers["Location"], headers=company.headers()).get_json()
    assert (run["state"], run["counts"]) == ("succeeded", {"sent": 9, "passed": run["details"]["passed"]})
    return run["details"], found.requests


def _wait() -> None:
    for thread in list(background._running):
        thread.join(10)


def _failed(card: dict[str, Any]) -> set[str]:
    return {line["case"] for line in card["cases"] if not line["passed"]}


def test_a_good_receiver_gets_full_marks(company: Company, jobs: JobsProbe) -> None:
    card, seen = _drill(company, judging(judges.verifying(SECRET)), jobs)
    assert (card["passed"], card["total"]) == (9, 9)
    assert [line["case"] for line in card["cases"]] == [case.name for case in CASES]
    assert all(line["advice"] is None and line["error"] is None and line["ms"] >= 0 for line in card["cases"])
    assert {got.event["type"] for got in seen} == {"endpoint.test"}
    assert len(seen) == 9


MISTAKES: dict[str, tuple[Judge, set[str]]] = {
    "accepts everything": (judges.answering(200), UNREFUSED),
    "ignores the timestamp": (judges.ignoring_the_time(SECRET), {"late", "early"}),
    "ignores the signature": (judges.ignoring_the_signature(), {"tampered", "outdated_secret"}),
    "knows the first signature only": (judges.knowing_the_first_signature_only(SECRET), {"rotation"}),
    "answers 409 to a duplicate": (judges.choking_on_duplicates(SECRET, 409), {"duplicate"}),
    "answers 500 to a duplicate": (judges.choking_on_duplicates(SECRET, 500), {"duplicate"}),
    "answers 500 to everything": (judges.answering(500), ALL - {"no_redirect"}),
    "redirects": (judges.answering(307), ALL),
    "answers 429 after a while": (judges.busy_after(SECRET, 2), ALL - {"good", "duplicate", "no_redirect"}),
    "refuses everything": (judges.answering(401), {"good", "duplicate", "rotation"}),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_costs_the_cases_that_show_it(company: Company, jobs: JobsProbe, mistake: str) -> None:
    judge, failed = MISTAKES[mistake]
    card, _ = _drill(company, judging(judge), jobs)
    assert _failed(card) == failed
    assert (card["passed"], card["total"]) == (9 - len(failed), 9)
    assert all(line["advice"] for line in card["cases"] if line["case"] in failed)


def test_a_receiver_that_is_too_slow_passes_nothing(company: Company, jobs: JobsProbe) -> None:
    exporting(company.services, export_webhook_timeout_seconds=0.2)
    card, _ = _drill(company, hangs_after(b""), jobs)
    assert _failed(card) == ALL
    assert {(line["status"], line["error"]) for line in card["cases"]} == {(None, "webhooks.timed_out")}


def test_a_receiver_that_still_knows_the_secret_before_is_found_out_when_its_time_is_over(
    company: Company, jobs: JobsProbe
) -> None:
    over = {"previous_secret": OLD_SECRET, "previous_secret_until": datetime.now(UTC) - timedelta(minutes=1)}
    card, _ = _drill(company, judging(judges.verifying(SECRET, OLD_SECRET)), jobs, **over)
    assert _failed(card) == {"outdated_secret"}


def test_until_then_it_may_know_it(company: Company, jobs: JobsProbe) -> None:
    valid = {"previous_secret": OLD_SECRET, "previous_secret_until": datetime.now(UTC) + timedelta(minutes=1)}
    card, _ = _drill(company, judging(judges.verifying(SECRET, OLD_SECRET)), jobs, **valid)
    assert _failed(card) == set()


def test_a_target_that_may_not_be_sent_to_is_not(company: Company, jobs: JobsProbe) -> None:
    with receiver() as found:
        client = client_on(exporting(company.services, export_webhook_allowed_hosts=("hooks.example.com",)))
        make_endpoint(company, url=found.url)
        client.post(TEST, headers=company.headers())
        jobs.drain()
    card = row("SELECT details FROM job_runs WHERE org_id = :org", org=company.org_id)["details"]
    assert found.requests == []
    assert (card["passed"], {line["error"] for line in card["cases"]}) == (0, {"webhooks.forbidden_target"})


def test_the_card_holds_no_secret_and_the_endpoint_is_as_before(company: Company, jobs: JobsProbe) -> None:
    make_endpoint(company)
    before = row("SELECT failures, state, version FROM webhook_endpoints WHERE org_id = :org", org=company.org_id)
    card, _ = _drill(company, judging(judges.answering(500)), jobs)
    assert "whsec_" not in str(card)
    assert "of=us" not in str(card)
    after = row("SELECT failures, state, version FROM webhook_endpoints WHERE org_id = :org", org=company.org_id)
    assert after == before


def test_the_duplicate_has_the_same_id_and_no_other_case_has(company: Company, jobs: JobsProbe) -> None:
    _, seen = _drill(company, judging(judges.verifying(SECRET)), jobs)
    ids = [got.id for got in seen if "webhook-id" in got.headers]
    assert len(ids) == 8
    assert ids[0] == ids[1]
    assert len(set(ids)) == 7


def test_the_next_turn_goes_on_where_the_last_one_stopped(company: Company, jobs: JobsProbe) -> None:
    """A slow receiver takes longer than a turn."""
    with receiver(judging(judges.verifying(SECRET))) as found:
        make_endpoint(company, url=found.url)
        details, run_id = dict[str, Any](), new_id()
        drill(company.scope, most=4, id=run_id, details=details)
        assert (len(found.requests), details["passed"], details["total"]) == (4, 4, 9)
        drill(company.scope, id=run_id, details=details)
    assert (len(found.requests), details["passed"]) == (9, 9)
    assert jobs.enqueued() == []


def test_asked_for_twice_within_a_minute_it_runs_once(company: Company, jobs: JobsProbe) -> None:
    with receiver(judging(judges.verifying(SECRET))) as found:
        client = client_on(boot.services())
        make_endpoint(company, url=found.url)
        first = client.post(TEST, headers=company.headers())
        jobs.drain()
        second = client.post(TEST, headers=company.headers())
        jobs.drain()
        if first.headers["Location"] == second.headers["Location"]:  # or a minute has begun between them
            assert len(found.requests) == 9


def test_without_a_url_of_its_own_there_is_nothing_to_test(client: CheckedClient, company: Company) -> None:
    answer = client.post(TEST, headers=company.headers())
    assert (answer.status_code, answer.get_json()["code"]) == (409, "webhook_endpoints.none")
    assert rows("SELECT 1 FROM job_runs WHERE org_id = :org", org=company.org_id) == []


def test_while_nothing_is_delivered_nothing_is_sent(company: Company, jobs: JobsProbe) -> None:
    client = client_on(exporting(company.services, export_mode="off"))
    make_endpoint(company)
    assert client.post(TEST, headers=company.headers()).status_code == 202
    jobs.drain()
    run = row("SELECT state, counts, details FROM job_runs WHERE org_id = :org", org=company.org_id)
    assert run == {"state": "succeeded", "counts": {}, "details": {"problem": "EXPORT_MODE is off."}}


def test_a_receiver_that_hangs_does_not_hold_the_process(
    company: Company, jobs: JobsProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "PATIENCE_SECONDS", 0.1)
    client = client_on(exporting(company.services, export_webhook_timeout_seconds=0.4))
    with receiver(hangs_after(b"")) as found:
        make_endpoint(company, url=found.url)
        client.post(TEST, headers=company.headers())
        started = time.monotonic()
        jobs.drain()
        assert time.monotonic() - started < 2.0  # nine cases take 3.6
        _wait()
    run = row("SELECT state, counts FROM job_runs WHERE org_id = :org", org=company.org_id)
    assert run == {"state": "succeeded", "counts": {"sent": 9, "passed": 0}}
