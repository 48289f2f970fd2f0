"""Reminders and readers under many who do the same at the same moment."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.messages import unsubscribe_links
from shared.messages.jobs import SEND
from shared.messages.model import Message
from shared.orders import moving, reminders
from shared.privacy import erasing
from shared.privacy.erasing import ErasureReason
from tests.concurrency.together import together, until_waiting
from tests.factories.messages import make_message
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.orders.reminding import copy_order, make_due, reminders_of, scan
from tests.rows import rows

SCAN = "/v1/admin/email-scan"


def _by_hand(app: Flask, jobs: JobsProbe, headers: dict[str, str]) -> str:
    """Press the button, and work as a worker would on what that asks for. Returns the run."""
    answer = app.test_client().post(SCAN, headers=headers)
    assert answer.status_code in {200, 202}
    run_id: str = answer.get_json()["id"]
    jobs.run("job_runs.go_on", {"run_id": run_id})
    return run_id


def test_many_scans_at_once_remind_once_of_each_order(
    app: Flask, company: Company, neighbour: Company, jobs: JobsProbe
) -> None:
    for each in (company, neighbour):
        copy_order(each, make_due(each), 149)
    headers = company.headers()
    by_hand, beat = partial(_by_hand, app, jobs, headers), partial(jobs.run, "orders.remind")
    actions: list[Callable[[], Any]] = [*[by_hand] * 4, scan, scan, partial(scan, company), beat, beat]
    together(*actions)
    while scan() or scan(company):
        pass  # what somebody held at that moment is left to the next scan
    for each in (company, neighbour):
        times = Counter(mail["resource_id"] for mail in reminders_of(each))
        assert (len(times), set(times.values())) == (150, {1})


def test_a_double_click_promises_one_mail(app: Flask, company: Company, jobs: JobsProbe) -> None:
    make_due(company)
    with transaction(PLATFORM) as session:
        session.execute(text("DELETE FROM job_runs"))  # a run of all in this very minute would be answered
    headers = company.headers()
    jobs.enqueued()
    pressed = together(*[partial(_by_hand, app, jobs, headers)] * 6)
    assert len(set(pressed)) <= 2  # two when the next minute began meanwhile
    assert len(reminders_of(company)) == 1
    assert (SEND.name, {"org_id": str(company.org_id)}) in jobs.enqueued()


def test_an_order_that_is_cancelled_while_a_scan_looks_at_it_is_not_reminded_of(company: Company) -> None:
    """The scan is first: whoever cancels waits for it, and finds its mail."""
    order_id = make_due(company)

    def cancel() -> None:
        with transaction(company.scope) as session:
            moving.cancel(session, company.owner, order_id, reason="Ill", now=datetime.now(UTC))

    cancelling = Thread(target=cancel)
    with transaction(company.scope) as session:
        found = reminders.remind_due(session, now=datetime.now(UTC), limit=500)
        cancelling.start()
        until_waiting(1)
    cancelling.join(30)
    assert found == {"reminders": 1}
    assert [mail["state"] for mail in reminders_of(company)] == ["suppressed"]


def test_a_scan_passes_over_an_order_that_somebody_is_cancelling(company: Company) -> None:
    order_id, other = make_due(company), make_due(company)
    with transaction(company.scope) as session:
        moving.cancel(session, company.owner, order_id, reason="Ill", now=datetime.now(UTC))
        session.flush()
        with read_only(company.scope):
            assert scan(company) == 1
    assert scan(company) == 0
    assert [mail["resource_id"] for mail in reminders_of(company)] == [other]


def _link(company: Company) -> tuple[str, Any]:
    message_id = make_message(company, kind="order_reminder")
    with read_only(company.scope) as session:
        message = session.execute(Message.__table__.select().where(Message.id == message_id)).one()
    base = company.services.settings.api_base_url
    return unsubscribe_links.url(company.services.settings, message).removeprefix(base), message_id


def _suppressions(company: Company) -> list[dict[str, Any]]:
    return rows("SELECT * FROM mail_suppressions WHERE org_id = :org", org=company.org_id)


def test_many_clicks_at_once_are_one_decision(app: Flask, company: Company) -> None:
    link, _ = _link(company)
    answers = together(*[lambda: app.test_client().post(link).status_code] * 8)
    assert answers == [200] * 8
    assert len(_suppressions(company)) == 1
    told = rows("SELECT 1 FROM audit_entries WHERE org_id = :o AND action = 'mail_suppressions.add'", o=company.org_id)
    assert len(told) == 1
    assert together(*[lambda: app.test_client().post(f"{link}/undo").status_code] * 8) == [200] * 8
    assert _suppressions(company) == []


@pytest.mark.parametrize("end", ["", "/undo"])
def test_who_clicks_while_they_are_forgotten_is_not_written_down(app: Flask, company: Company, end: str) -> None:
    link, _ = _link(company)
    seen: list[str] = []
    clicking = Thread(target=lambda: seen.append(app.test_client().post(link + end).get_data(as_text=True)))
    with transaction(company.scope) as session:
        erasing.erase(session, company.owner, company.client_id, reason=ErasureReason.ASKED, now=datetime.now(UTC))
        session.flush()
        clicking.start()
        until_waiting(1)
    clicking.join(30)
    assert "There is nothing to unsubscribe from" in seen[0]
    assert _suppressions(company) == []
