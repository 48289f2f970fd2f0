"""The scan of mails by hand, for one's own organization."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text, update

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.messages.jobs import SEND
from shared.messages.model import Message
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.messages import make_message
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.orders.reminding import HOUR, copy_order, make_due, reminders_of
from tests.rows import footprint, rows
from tests.variants import client_on, with_settings

SCAN = "/v1/admin/email-scan"
GO_ON = "job_runs.go_on"


def _let_wait(company: Company, **values: Any) -> None:
    late = {"next_attempt_at": datetime.now(UTC) - timedelta(minutes=5)} | values
    with transaction(company.scope) as session:
        session.execute(update(Message).where(Message.org_id == company.org_id).values(**late))


def _asked(client: CheckedClient, company: Company, query: str = "") -> dict[str, Any]:
    """The run that answers, as it is asked for in another minute than the last one."""
    with transaction(PLATFORM) as session:
        session.execute(text("UPDATE job_runs SET slot_at = slot_at - interval '1 hour'"))
    answer = client.post(f"{SCAN}{query}", headers=company.headers())
    assert answer.status_code == 202
    found: dict[str, Any] = answer.get_json()
    return found


def _scanned(client: CheckedClient, company: Company, jobs: JobsProbe, query: str = "") -> dict[str, int]:
    """What a run has counted, once its worker is through."""
    jobs.enqueued()
    run_id = _asked(client, company, query)["id"]
    jobs.run(GO_ON, {"run_id": run_id})
    run = client.get(f"/v1/admin/jobs/{run_id}", headers=company.headers()).get_json()
    assert run["state"] == "succeeded"
    counts: dict[str, int] = run["counts"]
    return counts


def test_it_says_what_it_has_done(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    make_message(company)
    make_message(company)
    _let_wait(company, state="retrying")
    make_due(company)
    assert _scanned(client, company, jobs) == {"reminders": 1, "requeued": 2, "dead": 0}
    sent = [message for message in jobs.enqueued() if message[0] == SEND.name]
    assert sent == [(SEND.name, {"org_id": str(company.org_id)})] * 2, "one for each transaction"
    assert {mail["state"] for mail in rows("SELECT state FROM messages WHERE org_id = :o", o=company.org_id)} == {
        "queued"
    }


def test_again_there_is_nothing_to_do(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    make_due(company)
    make_message(company)
    _let_wait(company)
    assert [_scanned(client, company, jobs) for _ in range(2)] == [
        {"reminders": 1, "requeued": 1, "dead": 0},
        {"reminders": 0, "requeued": 0, "dead": 0},
    ]
    assert len(reminders_of(company)) == 1


def test_other_organizations_are_left_alone(
    client: CheckedClient, company: Company, neighbour: Company, jobs: JobsProbe
) -> None:
    make_due(neighbour)
    make_message(neighbour)
    _let_wait(neighbour, state="retrying")
    neighbour.headers()
    before = footprint(neighbour.org_id)
    assert _scanned(client, company, jobs) == {"reminders": 0, "requeued": 0, "dead": 0}
    assert footprint(neighbour.org_id) == before
    assert _scanned(client, neighbour, jobs) == {"reminders": 1, "requeued": 1, "dead": 0}


def test_one_run_reminds_of_all(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    copy_order(company, make_due(company, starts_in=HOUR), 1099)
    assert _scanned(client, company, jobs)["reminders"] == 1100


def test_a_dry_run_counts_what_the_run_that_follows_does(
    client: CheckedClient, company: Company, neighbour: Company, jobs: JobsProbe
) -> None:
    most = company.services.settings.email_max_retries
    for each in (company, neighbour):
        make_due(each)
        make_due(each)
        make_message(each)
        _let_wait(each, state="sending", attempts=most + 1)
        make_message(each)
        with transaction(each.scope) as session:
            late = {"next_attempt_at": datetime.now(UTC) - timedelta(minutes=5)}
            session.execute(update(Message).where(Message.state == "queued").values(**late))
    tables = ("messages", "orders", "order_history")
    before = {table: footprint(company.org_id)[table] for table in tables}
    counted = _scanned(client, company, jobs, "?dry_run=true")
    assert {table: footprint(company.org_id)[table] for table in tables} == before
    assert counted == {"reminders": 2, "requeued": 1, "dead": 1}
    assert _scanned(client, company, jobs) == counted


def test_while_mail_is_off_reminders_wait_and_nothing_is_queued_again(
    services: Services, company: Company, jobs: JobsProbe
) -> None:
    make_due(company)
    make_message(company)
    _let_wait(company, state="retrying")
    off = client_on(replace(with_settings(services, email_mode="off"), mailer=None))
    for query in ("?dry_run=true", ""):
        assert _scanned(off, company, jobs, query) == {"reminders": 1, "requeued": 0, "dead": 0}
