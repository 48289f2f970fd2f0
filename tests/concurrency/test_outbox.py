"""Owed work under workers and sweeps that come at the same moment: each row is taken once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import requests
from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from shared.core.outbox import PUBLISH_GRACE
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.job_runs.model import JobRun
from shared.messages import jobs as message_jobs
from shared.messages import sending
from shared.messages.model import Message
from shared.orders import moving
from shared.wiring import Services
from tests.concurrency.together import together, until_waiting
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe

SEND = message_jobs.SEND.name


def owed_mails(company: Company, count: int) -> list[UUID]:
    """`count` queued mails of the company whose messages were lost long ago."""
    now = datetime.now(UTC)
    for _ in range(count):
        order_id = make_order(company)
        with transaction(company.scope) as session:
            moving.confirm(session, company.owner, order_id, now=now)
    company.services.redis.flushdb()
    with transaction(company.scope) as session:
        session.execute(update(Message).values(next_attempt_at=now - timedelta(minutes=1)))
        return list(session.scalars(select(Message.id)))


def state_of(company: Company, message_id: UUID) -> tuple[str, int]:
    with read_only(company.scope) as session:
        row = session.execute(select(Message.state, Message.attempts).where(Message.id == message_id)).one()
    return row.state, row.attempts


def sent_by(jobs: JobsProbe) -> list[str]:
    """The organizations whose mails messages in the queue ask to send."""
    return sorted(arguments["org_id"] for name, arguments in jobs.enqueued() if name == SEND)


def test_of_eight_claims_of_one_mail_one_gets_it(services: Services, company: Company) -> None:
    (message_id,) = owed_mails(company, 1)

    def claim() -> Message | None:
        with transaction(company.scope) as session:
            return sending.claim(session, company.org_id, services.settings, now=datetime.now(UTC))

    claimed = together(*[claim] * 8)
    assert Counter(found is not None for found in claimed) == {False: 7, True: 1}
    assert state_of(company, message_id) == ("sending", 1)


def test_the_same_message_at_four_workers_sends_one_mail(
    company: Company, jobs: JobsProbe, sandbox_ports: dict[str, int]
) -> None:
    (message_id,) = owed_mails(company, 1)
    arguments = {"org_id": str(company.org_id)}
    together(*[partial(jobs.run, SEND, arguments)] * 4)
    assert state_of(company, message_id) == ("sent", 1)
    assert len(mails_to(company.client_email, sandbox_ports)) == 1


def test_sweeps_at_once_take_each_row_once(services: Services, company: Company, jobs: JobsProbe) -> None:
    owed = owed_mails(company, 60)

    def sweep() -> int:
        with transaction(PLATFORM) as session:
            return sending.sweep(session, services.settings, now=datetime.now(UTC), limit=500)["requeued"]

    assert sum(together(*[sweep] * 3)) >= len(owed)  # other tests' mails may be due as well
    assert str(company.org_id) in sent_by(jobs)
    with read_only(company.scope) as session:
        earliest = session.scalars(select(func.min(Message.next_attempt_at))).one()
    assert earliest is not None
    assert earliest > datetime.now(UTC) + PUBLISH_GRACE / 2


def test_a_sweep_that_two_workers_start_at_once_runs_once(company: Company, jobs: JobsProbe) -> None:
    with transaction(PLATFORM) as session:
        before = set(session.scalars(select(JobRun.id)))
    owed_mails(company, 10)
    together(*[partial(jobs.run, message_jobs.SWEEP.name)] * 4)
    with read_only(PLATFORM) as session:
        runs = [run for run in session.execute(select(JobRun)) if run.id not in before]
    slots = Counter((run.job, run.slot_at) for run in runs)
    assert 1 <= len(runs) <= 2  # two when the clock moved on to the next slot in between
    assert set(slots.values()) == {1}
    assert {run.state for run in runs} == {"succeeded"}
    assert str(company.org_id) in sent_by(jobs)


def mails_to(address: str, sandbox_ports: dict[str, int]) -> list[dict[str, Any]]:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(
            f"http://127.0.0.1:{sandbox_ports['http_port']}/api/mail", params={"to": address}, timeout=10
        )
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def test_who_waits_to_record_one_mail_holds_no_other(services: Services, company: Company) -> None:
    """An erasure takes both mails, one after the other: neither side may have what the other one waits for."""
    first, second = owed_mails(company, 2)
    with transaction(company.scope) as session:
        claimed = sending.claim(session, company.org_id, services.settings, now=datetime.now(UTC))
    assert claimed is not None
    first, second = (first, second) if claimed.id == first else (second, first)

    def record() -> Row[Any] | None:
        outcome = sending.sent(claimed, None, now=datetime.now(UTC))
        with transaction(company.scope) as session:
            return sending.record_and_claim(session, claimed, outcome, services.settings, now=datetime.now(UTC))

    def lock(session: Session, message_id: UUID) -> None:
        session.execute(select(Message.id).where(Message.id == message_id).with_for_update(nowait=True))

    with ThreadPoolExecutor(1) as threads:
        with transaction(company.scope) as session:
            lock(session, first)
            recording = threads.submit(record)
            until_waiting(1)
            lock(session, second)
        recording.result(10)
    assert state_of(company, first) == ("sent", 1)
    assert state_of(company, second)[0] in {"queued", "sending"}
