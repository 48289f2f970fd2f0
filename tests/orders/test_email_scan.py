"""The scan of mails by hand, for one's own organization."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.messages.jobs import SEND
from shared.messages.model import Message
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.messages import make_message
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.orders.reminding import HOUR, copy_order, make_due, reminders_of
from tests.rows import footprint, row, rows
from tests.variants import client_on, with_settings

SCAN = "/v1/admin/email-scan"


def _ask(client: CheckedClient, company: Company, role: Role = Role.OWNER) -> Any:
    return client.post(SCAN, headers=company.headers(role))


def _let_wait(company: Company, **values: Any) -> None:
    late = {"next_attempt_at": datetime.now(UTC) - timedelta(minutes=5)} | values
    with transaction(company.scope) as session:
        session.execute(update(Message).where(Message.org_id == company.org_id).values(**late))


def test_it_says_what_it_has_done(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    make_message(company)
    make_message(company)
    _let_wait(company, state="retrying")
    make_due(company)
    jobs.enqueued()
    answer = _ask(client, company)
    assert (answer.status_code, answer.get_json()) == (200, {"reminders": 1, "requeued": 2})
    assert jobs.enqueued() == [(SEND.name, {"org_id": str(company.org_id)})] * 2, "one for each transaction"
    assert {mail["state"] for mail in rows("SELECT state FROM messages WHERE org_id = :o", o=company.org_id)} == {
        "queued"
    }


def test_again_there_is_nothing_to_do(client: CheckedClient, company: Company) -> None:
    make_due(company)
    make_message(company)
    _let_wait(company)
    assert [_ask(client, company).get_json() for _ in range(2)] == [
        {"reminders": 1, "requeued": 1},
        {"reminders": 0, "requeued": 0},
    ]
    assert len(reminders_of(company)) == 1


def test_other_organizations_are_left_alone(client: CheckedClient, company: Company, neighbour: Company) -> None:
    make_due(neighbour)
    make_message(neighbour)
    _let_wait(neighbour, state="retrying")
    neighbour.headers()
    before = footprint(neighbour.org_id)
    assert _ask(client, company).get_json() == {"reminders": 0, "requeued": 0}
    assert footprint(neighbour.org_id) == before
    assert _ask(client, neighbour).get_json() == {"reminders": 1, "requeued": 1}


def test_a_request_ends_after_a_few_batches(client: CheckedClient, company: Company) -> None:
    copy_order(company, make_due(company, starts_in=HOUR), 2099)
    assert [_ask(client, company).get_json()["reminders"] for _ in range(2)] == [2000, 100]


def test_while_mail_is_off_reminders_wait_and_nothing_is_queued_again(services: Services, company: Company) -> None:
    make_due(company)
    make_message(company)
    _let_wait(company, state="retrying")
    off = client_on(replace(with_settings(services, email_mode="off"), mailer=None))
    assert _ask(off, company).get_json() == {"reminders": 1, "requeued": 0}


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_who_asked_is_in_the_audit_log(client: CheckedClient, company: Company, role: Role) -> None:
    make_due(company)
    assert _ask(client, company, role).status_code == 200
    entry = row("SELECT * FROM audit_entries WHERE action = 'messages.scan'")
    assert (entry["org_id"], entry["resource_id"]) == (company.org_id, company.org_id)
    assert entry["actor_id"] is not None
    assert entry["after"] == {"reminders": 1, "requeued": 0}


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.FINANCE, Role.VIEWER, Role.WORKER])
def test_others_may_not(client: CheckedClient, company: Company, role: Role) -> None:
    make_due(company)
    company.headers(role)
    before = footprint(company.org_id)
    assert _ask(client, company, role).status_code == 403
    assert footprint(company.org_id) == before


def test_a_stray_parameter_is_refused(client: CheckedClient, company: Company) -> None:
    make_due(company)
    answer = client.post(f"{SCAN}?org_id={company.org_id}", headers=company.headers())
    assert (answer.status_code, answer.get_json()["code"]) == (400, "request.bad_query")
    assert reminders_of(company) == []
