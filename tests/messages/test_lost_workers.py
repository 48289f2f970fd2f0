"""Mails whose worker died, or comes back late: sent again when the lease is over, and overruled by nobody."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.messages import sending
from shared.messages.model import Message
from shared.wiring import Services
from tests.factories.messages import make_message
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.messages.conftest import Postbox
from tests.rows import row


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


def test_the_mail_of_a_dead_worker_is_sent_when_its_lease_is_over(
    company: Company, jobs: JobsProbe, postbox: Postbox, services: Services
) -> None:
    message_id = make_message(company)
    jobs.enqueued()
    with transaction(company.scope) as session:
        sending.claim(session, company.org_id, services.settings, now=datetime.now(UTC))
    assert _sweep(services, timedelta(seconds=60))["requeued"] == 0
    assert _sweep(services, timedelta(seconds=121))["requeued"] == 1
    jobs.drain()
    assert (_mail(message_id)["state"], _mail(message_id)["attempts"]) == ("sent", 2)
    assert len(postbox.mails(company.client_email)) == 1


def test_a_mail_that_kills_every_worker_is_dead_in_the_end(company: Company, services: Services) -> None:
    message_id = make_message(company)
    _change(company, message_id, state="sending", attempts=services.settings.email_max_retries + 1)
    assert _sweep(services, timedelta(minutes=10)) == {"requeued": 0, "dead": 1}
    assert _mail(message_id)["state"] == "dead"
    assert _mail(message_id)["last_error"]


@pytest.mark.parametrize("quick_is_done", [True, False])
def test_a_worker_that_comes_back_late_does_not_overrule_the_one_that_took_over(
    company: Company, services: Services, quick_is_done: bool
) -> None:
    message_id = make_message(company)
    claims = []
    for _ in range(2):
        with transaction(company.scope) as session:
            claims.append(sending.claim(session, company.org_id, services.settings, now=datetime.now(UTC)))
        if len(claims) == 1:
            _sweep(services, timedelta(minutes=10))
    slow, quick = claims
    assert slow is not None
    assert quick is not None
    if quick_is_done:
        with transaction(company.scope) as session:
            sending.record(session, quick, sending.sent(quick, "taken", now=datetime.now(UTC)))
    before = _mail(message_id)
    with transaction(company.scope) as session:
        sending.record(session, slow, sending.dead(slow, "too late to say so"))
    assert _mail(message_id) == before
    assert before["state"] == ("sent" if quick_is_done else "sending")
