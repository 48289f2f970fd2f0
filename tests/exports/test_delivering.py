"""Events on their way to a receiver, as the worker delivers them."""

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from shared.core.transaction import transaction
from shared.exports import service as exports
from shared.exports.events import Event
from shared.exports.jobs import DELIVER
from shared.wiring import Services
from tests.exports.conftest import exporting
from tests.exports.receivers import Receiver, receiver, says
from tests.exports.steps import PAYLOAD, change, endpoint, export, make_event, make_events, pass_time, state, sweep
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe

OTHER_SECRET = "whsec_" + "YW5vdGhlci1zZWNyZXQtb2YtMzItYnl0ZXMhISEhISE="


def test_an_event_arrives_signed_and_is_delivered(company: Company, jobs: JobsProbe, target: Receiver) -> None:
    event_id = make_event(company)
    assert jobs.drain() == [DELIVER.name]
    (got,) = target.requests
    assert got.line == "POST /hooks?of=us HTTP/1.1"
    assert got.headers["host"] == f"127.0.0.1:{target.port}"
    assert got.headers["content-type"] == "application/json"
    told = got.verify()
    assert list(told) == ["type", "timestamp", "data", "organization", "id"]
    assert told["id"] == got.id == str(event_id)
    assert (told["type"], told["data"]) == ("order.created", PAYLOAD)
    assert told["organization"] == {"id": str(company.org_id), "slug": company.slug}
    found = export(event_id)
    assert told["timestamp"] == found["created_at"].astimezone(UTC).isoformat().replace("+00:00", "Z")
    assert (found["state"], found["attempts"], found["last_status"]) == ("delivered", 1, 204)
    assert found["delivered_at"] is not None
    assert found["next_attempt_at"] is None
    held = endpoint(company)
    assert held["busy_until"] is None
    assert (held["failures"], held["last_success_at"] is not None) == (0, True)


def test_a_signature_of_another_secret_is_refused_by_the_library(
    company: Company, jobs: JobsProbe, target: Receiver
) -> None:
    make_event(company)
    jobs.drain()
    with pytest.raises(WebhookVerificationError):
        target.requests[0].verify(OTHER_SECRET)


def test_a_change_that_is_rolled_back_sends_nothing(company: Company, jobs: JobsProbe, target: Receiver) -> None:
    with pytest.raises(RuntimeError), transaction(company.scope) as session:
        exports.record(session, company.owner, Event.ORDER_CREATED, company.org_id, {}, now=datetime.now(UTC))
        raise RuntimeError
    assert jobs.drain() == []
    assert target.requests == []


def test_events_of_one_transaction_are_one_message_and_one_connection(
    company: Company, jobs: JobsProbe, target: Receiver
) -> None:
    ids = make_events(company, 20)
    assert jobs.drain() == [DELIVER.name]
    assert target.ids == [str(each) for each in ids]
    assert target.connections == 1


def test_every_try_has_the_same_id_and_body(company: Company, jobs: JobsProbe, target: Receiver) -> None:
    target.behave = says(500, b"<p>not\x00 now</p>")
    event_id = make_event(company)
    jobs.drain()
    found = export(event_id)
    assert (found["state"], found["attempts"], found["last_status"]) == ("retrying", 1, 500)
    assert found["last_error"] == "The target answered 500: <p>not now</p>"
    wait = found["next_attempt_at"] - datetime.now(UTC)
    assert timedelta(seconds=3) < wait < timedelta(seconds=6)
    target.behave = says(200)
    pass_time(timedelta(seconds=6))
    sweep(jobs)
    jobs.drain()
    assert state(event_id) == ("delivered", 2)
    first, second = target.requests
    assert (first.id, first.body) == (second.id, second.body)
    assert first.verify()
    assert second.verify()


def test_waits_grow_up_to_a_day_and_then_the_event_is_dead(company: Company, jobs: JobsProbe, target: Receiver) -> None:
    target.behave = says(503)
    event_id = make_event(company)
    waits = []
    for _ in range(9):
        jobs.run(DELIVER.name, {"org_id": str(company.org_id)})
        due = export(event_id)["next_attempt_at"]
        if due is not None:
            waits.append((due - datetime.now(UTC)).total_seconds())
        pass_time(timedelta(days=2))
    expected = [5, 20, 80, 320, 1280, 5120, 20480, 81920]
    assert all(least - 2 <= wait <= least * 1.2 for wait, least in zip(waits, expected, strict=True))
    found = export(event_id)
    assert (found["state"], found["attempts"], found["last_status"]) == ("dead", 9, 503)
    assert found["dead_at"] is not None
    assert len(target.requests) == 9
    assert len({got.body for got in target.requests}) == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_success_is_2xx(company: Company, jobs: JobsProbe, target: Receiver, status: int) -> None:
    target.behave = says(status)
    event_id = make_event(company)
    jobs.drain()
    assert (export(event_id)["state"], export(event_id)["last_status"]) == ("delivered", status)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 429, 500, 502])
def test_everything_else_is_tried_again(company: Company, jobs: JobsProbe, target: Receiver, status: int) -> None:
    with receiver() as elsewhere:
        target.behave = says(status, b"", f"Location: {elsewhere.url}")
        event_id = make_event(company)
        jobs.drain()
        assert (export(event_id)["state"], export(event_id)["last_status"]) == ("retrying", status)
        assert elsewhere.connections == 0


def test_410_disables_the_target_and_its_events_wait_as_they_are(
    company: Company, jobs: JobsProbe, target: Receiver
) -> None:
    target.behave = says(410)
    first, second = make_events(company, 2)
    jobs.drain()
    assert (state(first), state(second)) == (("pending", 0), ("pending", 0))
    held = endpoint(company)
    assert (held["state"], held["disabled_reason"]) == (
        "disabled",
        "The target answered 410 Gone: it wants no more events.",
    )
    assert held["disabled_at"] is not None
    target.behave = says(200)
    pass_time(timedelta(days=3))
    sweep(jobs)
    assert jobs.drain() == []
    change("webhook_endpoints", "state = 'active', disabled_reason = NULL, disabled_at = NULL")
    sweep(jobs)
    jobs.drain()
    assert (state(first), state(second)) == (("delivered", 1), ("delivered", 1))


@pytest.mark.parametrize(("asked", "seconds"), [("40", 40), ("999999999", 86400), ("nonsense", 5), ("-1", 5)])
def test_a_receiver_says_when_it_wants_more(
    company: Company, jobs: JobsProbe, target: Receiver, asked: str, seconds: int
) -> None:
    target.behave = says(429, b"", f"Retry-After: {asked}")
    first, second = make_events(company, 2)
    jobs.drain()
    wait = (export(first)["next_attempt_at"] - datetime.now(UTC)).total_seconds()
    assert seconds - 2 < wait < seconds * 1.2 + 1
    if seconds > 5:  # the whole target is left alone for as long
        rests = (endpoint(company)["rests_until"] - datetime.now(UTC)).total_seconds()
        assert seconds - 2 < rests <= seconds
        assert state(second) == ("pending", 0)


def test_after_three_failures_in_a_row_the_target_rests_and_others_keep_their_tries(
    company: Company, jobs: JobsProbe, target: Receiver
) -> None:
    target.behave = says(500)
    ids = make_events(company, 7)
    jobs.drain()
    assert [state(each) for each in ids] == [("retrying", 1)] * 3 + [("pending", 0)] * 4
    assert endpoint(company)["failures"] == 3
    sweep(jobs)
    assert jobs.drain() == []  # it rests
    for failures, longest in enumerate((6, 12, 24, 48), start=3):
        rests = (endpoint(company)["rests_until"] - datetime.now(UTC)).total_seconds()
        assert longest * 0.6 < rests <= longest, failures
        change("webhook_endpoints", "rests_until = now() - interval '1 s'")
        sweep(jobs)
        jobs.drain()  # one probe
        assert len(target.requests) == failures + 1
        assert endpoint(company)["failures"] == failures + 1
    target.behave = says(200)
    pass_time(timedelta(hours=1))
    sweep(jobs)
    jobs.drain()
    assert {state(each)[0] for each in ids} == {"delivered"}
    well = endpoint(company)
    assert (well["failures"], well["failing_since"], well["rests_until"]) == (0, None, None)


def test_a_rest_is_five_minutes_at_most(company: Company, jobs: JobsProbe, target: Receiver) -> None:
    target.behave = says(500)
    make_event(company)
    jobs.drain()
    change("webhook_endpoints", "failures = 500")
    pass_time(timedelta(hours=1))
    jobs.run(DELIVER.name, {"org_id": str(company.org_id)})
    rests = endpoint(company)["rests_until"] - datetime.now(UTC)
    assert timedelta(minutes=4) < rests <= timedelta(minutes=6)


def test_a_refused_target_makes_its_event_dead_with_a_reason(
    company: Company, jobs: JobsProbe, target: Receiver, services: Services
) -> None:
    exporting(
        services,
        export_webhook_url="https://10.0.0.1/hooks",
        export_webhook_block_private_ips=True,
        export_webhook_allowed_hosts=(),
    )
    event_id = make_event(company)
    jobs.drain()
    found = export(event_id)
    assert (found["state"], found["attempts"]) == ("dead", 1)
    assert found["last_error"] == "The target has an address in a private or special network."
    assert found["dead_at"] is not None
