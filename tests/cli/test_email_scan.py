"""`worker.run email_scan`: reminders and late mails, of everybody, now."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.messages.model import Message
from tests.factories.messages import make_message
from tests.factories.organizations import Company
from tests.orders.reminding import make_due, reminders_of

from .conftest import Command


@pytest.fixture(autouse=True)
def first_run(services: Any) -> None:
    with transaction(PLATFORM) as session:
        session.execute(text("DELETE FROM job_runs"))
        session.execute(text("DELETE FROM messages"))


@pytest.mark.parametrize("name", ["email_scan", "email-scan"])
def test_it_does_now_what_is_due(worker_run: Command, company: Company, neighbour: Company, name: str) -> None:
    for each in (company, neighbour):
        make_due(each)
    make_message(company)
    with transaction(company.scope) as session:
        late = {"state": "retrying", "next_attempt_at": datetime.now(UTC) - timedelta(hours=1)}
        session.execute(update(Message).where(Message.kind == "order_confirmed").values(late))
    done = worker_run(name, EMAIL_MODE="smtp", SMTP_HOST="127.0.0.1", EMAIL_FROM="no-reply@crewline.test")
    assert done.returncode == 0, done.stderr
    *batches, end = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(part["job"], part["outcome"]) for part in batches} == {("email_scan", "running")}
    assert (end["job"], end["outcome"]) == ("email_scan", "done")
    assert end["counts"]["reminders"] >= 2
    assert end["counts"]["requeued"] == 1
    assert [len(reminders_of(each)) for each in (company, neighbour)] == [1, 1]
