"""Mail, from the row to the server: claimed once, tried again, dead in the end, the same Message-ID on every try."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.messages import sending
from shared.messages import service as messages
from shared.messages.model import Message, MessageKind
from shared.wiring import Services, build_mailer
from tests.checked_client import CheckedClient
from tests.factories.messages import VARIABLES, make_message
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.messages.conftest import Postbox
from tests.plans import join_row_by_row
from tests.rows import row, rows
from tests.variants import with_settings
from worker.core import boot


def _mail(message_id: UUID) -> dict[str, Any]:
    return row("SELECT * FROM messages WHERE id = :id", id=message_id)


def _change(company: Company, message_id: UUID, **values: Any) -> None:
    with transaction(company.scope) as session:
        found = session.get_one(Message, (company.org_id, message_id))
        for name, value in values.items():
            setattr(found, name, value)


def _sweep(services: Services, after: timedelta = timedelta(0)) -> dict[str, int]:
    with transaction(PLATFORM) as session:
        return sending.sweep(session, services.settings, now=datetime.now(UTC) + after, limit=500)


def _smtp(services: Services, **changes: Any) -> Services:
    changed = with_settings(services, **changes)
    return replace(changed, mailer=build_mailer(changed.settings))


def test_a_confirmed_order_reaches_the_client(
    client: CheckedClient, company: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    order_id = make_order(company, title="Spring cleaning")
    headers = company.headers() | {"X-Request-Id": "confirm-and-mail"}
    client.post(f"/v1/orders/{order_id}/confirm", headers=headers)
    assert jobs.drain() == ["messages.send"]
    (mail,) = postbox.mails(company.client_email)
    kept = row("SELECT * FROM messages WHERE org_id = :org", org=company.org_id)
    assert (kept["state"], kept["attempts"], kept["next_attempt_at"], kept["last_error"]) == ("sent", 1, None, None)
    assert kept["sent_at"] is not None
    assert mail["message_id"] == f"<{kept['id']}@crewline.test>"
    assert mail["subject"].startswith("Confirmed: Spring cleaning, ")
    assert mail["envelope_to"] == [company.client_email]
    assert mail["envelope_from"] == "no-reply@crewline.test"
    headers_of_mail = dict(mail["headers"])
    assert headers_of_mail["X-Request-Id"] == "confirm-and-mail"
    assert "Date" in headers_of_mail
    for part in (mail["text"], mail["html"]):
        assert "Spring cleaning" in part
        assert "12 Elm Street, Calgary" in part
        assert "CA$129.00" in part


def test_a_message_delivered_twice_sends_once(company: Company, jobs: JobsProbe, postbox: Postbox) -> None:
    message_id = make_message(company)
    ((name, arguments),) = jobs.enqueued()
    for _ in range(3):
        jobs.run(name, arguments)
    assert len(postbox.mails(company.client_email)) == 1
    assert _mail(message_id)["attempts"] == 1


@pytest.mark.parametrize("state", ["sending", "retrying", "sent", "dead"])
def test_only_a_queued_mail_is_taken(company: Company, jobs: JobsProbe, postbox: Postbox, state: str) -> None:
    message_id = make_message(company)
    _change(company, message_id, state=state)
    jobs.drain()
    assert postbox.mails(company.client_email) == []
    assert _mail(message_id)["state"] == state


def test_a_mail_is_claimed_once(company: Company, services: Services) -> None:
    message_id = make_message(company)
    now = datetime.now(UTC)
    claims = []
    for _ in range(2):
        with transaction(company.scope) as session:
            claims.append(sending.claim(session, company.org_id, services.settings, now=now))
    assert [claim is not None for claim in claims] == [True, False]
    assert _mail(message_id)["next_attempt_at"] == now + timedelta(seconds=services.settings.email_lease_seconds)


def test_the_same_key_promises_one_mail(company: Company, jobs: JobsProbe, neighbour: Company) -> None:
    for each in (company, company, neighbour):
        with transaction(each.scope) as session:
            messages.queue(
                session,
                each.owner,
                MessageKind.ORDER_CONFIRMED,
                "a@client.test",
                VARIABLES,
                dedupe_key="k",
                now=datetime.now(UTC),
            )
    assert len(rows("SELECT 1 FROM messages WHERE org_id = :org", org=company.org_id)) == 1
    assert len(jobs.enqueued()) == 2


def test_a_passing_failure_is_tried_again_later_with_the_same_identity(
    company: Company, jobs: JobsProbe, postbox: Postbox, services: Services
) -> None:
    message_id = make_message(company)
    postbox.fault("reject_4xx", count=1)
    started = datetime.now(UTC)
    jobs.drain()
    failed = _mail(message_id)
    assert (failed["state"], failed["attempts"]) == ("retrying", 1)
    assert "451" in failed["last_error"]
    wait = (failed["next_attempt_at"] - started).total_seconds()
    assert 60 <= wait < 90
    assert _sweep(services, timedelta(seconds=wait / 2)) == {"requeued": 0, "dead": 0}
    assert _sweep(services, timedelta(seconds=wait + 1)) == {"requeued": 1, "dead": 0}
    jobs.drain()
    (mail,) = postbox.mails(company.client_email)
    assert mail["message_id"] == f"<{message_id}@crewline.test>"
    assert (_mail(message_id)["state"], _mail(message_id)["last_error"]) == ("sent", None)


def test_a_mail_that_never_goes_out_is_dead_after_its_tries(
    company: Company, jobs: JobsProbe, postbox: Postbox, services: Services
) -> None:
    boot.use(_smtp(services, email_circuit_failure_threshold=100))  # hours pass here, and the breaker does not know
    message_id = make_message(company)
    postbox.fault("reject_4xx")
    waits = []
    for attempt in range(1, services.settings.email_max_retries + 2):
        assert jobs.drain() == ["messages.send"]
        found = _mail(message_id)
        assert found["attempts"] == attempt
        if found["state"] == "dead":
            break
        assert found["state"] == "retrying"
        waits.append((found["next_attempt_at"] - datetime.now(UTC)).total_seconds())
        assert _sweep(services, timedelta(hours=2))["requeued"] == 1
    assert _mail(message_id)["state"] == "dead"
    assert "451" in _mail(message_id)["last_error"]
    assert len(waits) >= services.settings.email_max_retries - 1
    assert waits == sorted(waits)
    assert _sweep(services, timedelta(days=30)) == {"requeued": 0, "dead": 0}
    assert postbox.all() == []


@pytest.mark.parametrize("mode", ["reject_5xx", "refuse_recipient"])
def test_a_final_refusal_is_dead_at_once(
    company: Company, jobs: JobsProbe, postbox: Postbox, services: Services, mode: str
) -> None:
    message_id = make_message(company)
    postbox.fault(mode, count=1)
    jobs.drain()
    found = _mail(message_id)
    assert (found["state"], found["attempts"], found["next_attempt_at"]) == ("dead", 1, None)
    assert "550" in found["last_error"]
    assert _sweep(services, timedelta(days=1)) == {"requeued": 0, "dead": 0}


def test_a_connection_that_drops_after_the_mail_sends_it_again_under_the_same_id(
    company: Company, jobs: JobsProbe, postbox: Postbox, services: Services
) -> None:
    message_id = make_message(company)
    postbox.fault("drop_after_data", count=1)
    jobs.drain()
    assert _mail(message_id)["state"] == "retrying"
    _sweep(services, timedelta(hours=2))
    jobs.drain()
    assert [mail["message_id"] for mail in postbox.mails(company.client_email)] == [f"<{message_id}@crewline.test>"] * 2


def test_a_server_that_stalls_is_given_up_in_time(
    company: Company, jobs: JobsProbe, postbox: Postbox, services: Services
) -> None:
    boot.use(_smtp(services, smtp_timeout_seconds=0.3))
    message_id = make_message(company)
    postbox.fault("stall", count=1, seconds=5)
    started = datetime.now(UTC)
    jobs.drain()
    assert datetime.now(UTC) - started < timedelta(seconds=4)
    assert _mail(message_id)["state"] == "retrying"


def test_a_server_that_is_away_costs_no_try(company: Company, jobs: JobsProbe, services: Services) -> None:
    boot.use(_smtp(services, smtp_port=1))
    message_id = make_message(company)
    jobs.drain()
    assert (_mail(message_id)["state"], _mail(message_id)["attempts"]) == ("retrying", 0)
    assert "Connection refused" in _mail(message_id)["last_error"]


def test_a_server_without_tls_gets_no_mail_when_tls_is_asked_for(
    company: Company, jobs: JobsProbe, postbox: Postbox, services: Services
) -> None:
    boot.use(_smtp(services, smtp_use_tls=True))
    message_id = make_message(company)
    jobs.drain()
    assert _mail(message_id)["state"] == "retrying"
    assert postbox.mails(company.client_email) == []


def test_a_login_is_used_when_there_is_one(
    company: Company, jobs: JobsProbe, postbox: Postbox, services: Services
) -> None:
    boot.use(_smtp(services, smtp_username="crewline", smtp_password=SecretStr("pass")))
    make_message(company)
    jobs.drain()
    assert len(postbox.mails(company.client_email)) == 1


def test_while_mail_is_off_it_waits(company: Company, jobs: JobsProbe, postbox: Postbox, services: Services) -> None:
    boot.use(replace(with_settings(services, email_mode="off"), mailer=None))
    message_id = make_message(company)
    jobs.drain()
    assert (_mail(message_id)["state"], _mail(message_id)["attempts"]) == ("queued", 0)
    boot.use(services)
    assert _sweep(services, timedelta(minutes=1))["requeued"] == 1
    jobs.drain()
    assert len(postbox.mails(company.client_email)) == 1


def test_the_scheduled_sweep_runs_the_same(
    company: Company, jobs: JobsProbe, postbox: Postbox, services: Services
) -> None:
    message_id = make_message(company)
    jobs.enqueued()  # lost
    _change(company, message_id, next_attempt_at=datetime.now(UTC))
    jobs.run("messages.sweep")
    assert jobs.drain() == ["messages.send"]
    assert len(postbox.mails(company.client_email)) == 1


def test_another_organizations_message_is_not_sent(
    company: Company, neighbour: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    message_id = make_message(company)
    jobs.enqueued()
    jobs.run("messages.send", {"org_id": str(neighbour.org_id)})
    assert _mail(message_id)["state"] == "queued"
    assert postbox.all() == []


def test_a_sweep_takes_no_more_than_it_may(company: Company, services: Services) -> None:
    for _ in range(5):
        make_message(company)
    later = datetime.now(UTC) + timedelta(days=1)
    with transaction(PLATFORM) as session:
        join_row_by_row(session)
        swept = [sending.sweep(session, services.settings, now=later, limit=2)["requeued"] for _ in range(3)]
    assert swept == [2, 2, 1]


def test_a_worker_that_comes_back_late_writes_nothing_over_the_next_ones_try(
    company: Company, services: Services
) -> None:
    """Its lease is over, and another worker has the mail."""
    message_id, settings, now = make_message(company), services.settings, datetime.now(UTC)
    with transaction(company.scope) as session:
        late = sending.claim(session, company.org_id, settings, now=now)
    assert late is not None
    assert _sweep(services, after=timedelta(seconds=settings.email_lease_seconds + 1))["requeued"] == 1
    with transaction(company.scope) as session:
        other = sending.claim(session, company.org_id, settings, now=now)
        assert other is not None
        sending.record(session, late, sending.dead(late, "too late to say so"))
    assert (_mail(message_id)["state"], _mail(message_id)["attempts"]) == ("sending", 2)
    with transaction(company.scope) as session:
        sending.record(session, other, sending.sent(other, None, now=now))
    assert _mail(message_id)["state"] == "sent"
