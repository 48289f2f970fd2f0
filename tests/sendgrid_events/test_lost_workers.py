"""Mails whose worker could not write down that they were sent, and that are not sent twice for it."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.messages import sending
from shared.wiring import Services
from tests.factories.messages import make_message
from tests.factories.organizations import Company
from tests.factories.sendgrid_events import make_mail, told
from tests.jobs_probe import JobsProbe
from tests.sendgrid_events.conftest import Tell
from tests.sendgrid_events.kept import mail_of


@pytest.mark.parametrize("state", ["sending", "retrying", "queued"])
@pytest.mark.parametrize("event", ["delivered", "deferred", "bounce"])
def test_a_mail_whose_worker_died_is_sent_and_not_a_second_time(
    tell: Tell, company: Company, services: Services, jobs: JobsProbe, state: str, event: str
) -> None:
    message_id = make_mail(company, state=state, attempts=1, variables={"sealed_temp_password": "sealed"})
    given = told(company, message_id, event)
    tell(given)
    kept = mail_of(message_id)
    assert (kept["state"], kept["next_attempt_at"], kept["last_error"]) == ("sent", None, None)
    assert kept["sent_at"] == datetime.fromtimestamp(given["timestamp"], UTC)
    assert kept["provider_id"] == "sgid-1"
    assert "sealed_temp_password" not in kept["variables"]
    with transaction(PLATFORM) as session:
        later = datetime.now(UTC) + timedelta(days=1)
        assert sending.sweep(session, services.settings, now=later, limit=10) == {"requeued": 0, "dead": 0}


def test_a_worker_that_comes_back_late_does_not_undo_it(tell: Tell, company: Company, services: Services) -> None:
    message_id = make_message(company)
    now = datetime.now(UTC)
    with transaction(company.scope) as session:
        claimed = sending.claim(session, company.org_id, services.settings, now=now)
    assert claimed is not None
    tell(told(company, message_id, "delivered"))
    before = mail_of(message_id)
    with transaction(company.scope) as session:
        sending.record(session, claimed, sending.dead(claimed, "too late to say so"))
    assert mail_of(message_id) == before
    assert before["state"] == "sent"


def test_what_the_worker_wrote_down_stays(tell: Tell, company: Company) -> None:
    sent_at = datetime(2026, 1, 2, tzinfo=UTC)
    message_id = make_mail(company, sent_at=sent_at, provider_id="from-the-answer")
    tell(told(company, message_id))
    assert (mail_of(message_id)["sent_at"], mail_of(message_id)["provider_id"]) == (sent_at, "from-the-answer")
