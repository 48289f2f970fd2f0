"""A person is erased while others are at work on them: what those write is forgotten as well."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import idempotency
from shared.core.idempotency import IdempotentRequest
from shared.core.transaction import transaction
from shared.exports import service as exports
from shared.messages import service as messages
from shared.messages.model import MessageKind
from shared.privacy import erasing
from shared.privacy.erasing import ErasureReason
from shared.wiring import Services
from tests.concurrency.together import until_waiting
from tests.exports.conftest import exporting
from tests.exports.receivers import Connection, Got, receiver, says
from tests.exports.steps import endpoint
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.privacy.conftest import EMAIL, NAME, Known, make_known
from tests.rows import rows
from worker.tasks import exports as tasks

Write = Callable[[Session, Company, Known], None]


def _erase(company: Company, known: Known) -> None:
    with transaction(company.scope) as session:
        erasing.erase(session, company.owner, known.client_id, reason=ErasureReason.ASKED, now=datetime.now(UTC))


def _mail(session: Session, company: Company, known: Known) -> None:
    kind, now = MessageKind.ORDER_CONFIRMED, datetime.now(UTC)
    said = {"client_name": NAME}
    messages.queue(session, company.owner, kind, EMAIL, said, dedupe_key="late", resource_id=known.order_id, now=now)


def _event(session: Session, company: Company, known: Known) -> None:
    exports.record(session, company.owner, "order.changed", known.order_id, {"client": NAME}, now=datetime.now(UTC))


def _answer(session: Session, company: Company, known: Known) -> None:
    request, body = IdempotentRequest.of("late", b""), {"id": str(known.order_id), "title": NAME}
    idempotency.store_answer(session, company.owner, request, status=200, body=body, now=datetime.now(UTC))


WRITES: dict[str, tuple[Write, str]] = {
    "a mail": (_mail, "messages"),
    "an event": (_event, "exports"),
    "an answer under a key": (_answer, "idempotency_keys"),
}


@pytest.mark.parametrize("table", ["orders", "leads"])
@pytest.mark.parametrize("case", WRITES.values(), ids=WRITES)
def test_what_is_written_with_a_change_of_their_rows_is_forgotten(
    company: Company, case: tuple[Write, str], table: str
) -> None:
    """Whoever changes such a row holds it until what they write about it is there."""
    known = make_known(company)
    write, written = case
    row_id = known.order_id if table == "orders" else known.lead_id
    with ThreadPoolExecutor(1) as threads:
        with transaction(company.scope) as session:
            session.execute(text(f"UPDATE {table} SET updated_at = now() WHERE id = :id"), {"id": row_id})
            write(session, company, known)
            session.flush()
            erasure = threads.submit(_erase, company, known)
            until_waiting(1)
        erasure.result(30)
    found = rows(f"SELECT CAST(t AS text) AS said FROM {written} AS t WHERE org_id = :org", org=company.org_id)
    assert [each for each in found if "ylander" in each["said"]] == []


def test_what_a_receiver_answers_meanwhile_is_not_kept(company: Company, services: Services, jobs: JobsProbe) -> None:
    known = make_known(company)

    def erases(connection: Connection, got: Got) -> bool:
        _erase(company, known)
        return says(500, f'{{"refused": "{NAME}"}}'.encode())(connection, got)

    with receiver() as target:
        exporting(services, export_webhook_url=target.url)
        target.behave = erases
        tasks._turn(company.scope)
    found: dict[str, Any] = endpoint(company)
    assert "ylander" not in str(found["last_error"])
    assert found["busy_until"] is None
