"""Transactions: jobs leave after the commit and never without it; reads cannot write; losers of a race are told why."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from shared.core.errors import Conflict, Refusal, Unavailable
from shared.core.ids import new_id
from shared.core.jobs import Message, enqueue
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.integrations.broker import BROKER_AWAY
from shared.order_photos.jobs import PROCESS
from shared.organizations import service as organizations
from shared.wiring import Services
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.rows import rows
from tests.variants import bound

ARGUMENTS = {"org_id": "o", "photo_id": "m"}


class _Published:
    """Takes the place of the broker, and looks at each moment whether the row is committed: from another connection."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.seen: list[tuple[list[Message], bool]] = []
        self.refuses = False

    def publish(self, messages: list[Message]) -> None:
        with self._services.database.writer.connect() as other:
            other.execute(text("SET LOCAL ROLE crewline_platform"))
            found = other.scalar(text("SELECT count(*) FROM job_runs WHERE job = 'tests.commit'"))
        self.seen.append((messages, found == 1))
        if self.refuses:
            raise Unavailable(BROKER_AWAY, "not now")


@pytest.fixture
def published(process_services: Services) -> Iterator[_Published]:
    """The process really commits, and what it publishes is noted."""
    note = _Published(process_services)
    with bound(process_services, note.publish):
        yield note
        with transaction(PLATFORM) as session:
            session.execute(text("DELETE FROM job_runs WHERE job = 'tests.commit'"))


def _write(session: Any) -> None:
    session.execute(
        text(
            "INSERT INTO job_runs (id, job, slot_at, state, started_at, lease_until, counts)"
            " VALUES (:id, 'tests.commit', now(), 'failed', now(), now(), '{}')"
        ),
        {"id": new_id()},
    )


def test_jobs_are_published_once_the_commit_is_there(published: _Published) -> None:
    with transaction(PLATFORM) as session:
        _write(session)
        enqueue(session, PROCESS, **ARGUMENTS)
        assert published.seen == []
    ((messages, committed),) = published.seen
    assert committed, "published before the row could be seen"
    assert [(each.job, each.arguments) for each in messages] == [(PROCESS, ARGUMENTS)]


def test_nothing_is_published_when_the_block_raises(published: _Published) -> None:
    with pytest.raises(ZeroDivisionError), transaction(PLATFORM) as session:
        _write(session)
        enqueue(session, PROCESS, **ARGUMENTS)
        raise ZeroDivisionError
    assert published.seen == []
    assert rows("SELECT 1 FROM job_runs WHERE job = 'tests.commit'") == []


def test_nothing_is_published_when_the_commit_fails(published: _Published) -> None:
    with pytest.raises(IntegrityError), transaction(PLATFORM) as session:
        enqueue(session, PROCESS, **ARGUMENTS)
        session.add(
            organizations.Organization(
                slug="x", name="x", timezone="x", currency="not a currency", created_at=datetime.now(UTC)
            )
        )
    assert published.seen == []


def test_a_broker_that_is_away_is_not_the_callers_problem(published: _Published) -> None:
    published.refuses = True
    with transaction(PLATFORM) as session:
        _write(session)
        enqueue(session, PROCESS, **ARGUMENTS)
    assert len(published.seen) == 1
    assert len(rows("SELECT 1 FROM job_runs WHERE job = 'tests.commit'")) == 1


def test_the_same_job_asked_for_twice_is_sent_once(published: _Published) -> None:
    with transaction(PLATFORM) as session:
        for _ in range(3):
            enqueue(session, PROCESS, **ARGUMENTS)
        enqueue(session, PROCESS, org_id="o", photo_id="another")
    ((messages, _),) = published.seen
    assert [each.arguments["photo_id"] for each in messages] == ["m", "another"]


@pytest.mark.parametrize("arguments", [{}, {"org_id": "o"}, {"org_id": "o", "photo_id": "m", "extra": "x"}])
def test_a_wrong_argument_fails_where_it_is_written(published: _Published, arguments: dict[str, str]) -> None:
    with pytest.raises(TypeError, match=r"order_photos\.process"), transaction(PLATFORM) as session:
        enqueue(session, PROCESS, **arguments)
    assert published.seen == []


def test_what_is_published_really_reaches_its_queue(company: Company, jobs: JobsProbe) -> None:
    with transaction(company.scope) as session:
        from_here = {"org_id": company.org_id, "photo_id": new_id()}
        enqueue(session, PROCESS, **from_here)
    assert jobs.enqueued() == [("order_photos.process", {name: str(value) for name, value in from_here.items()})]


def test_reads_refuse_to_write(published: _Published) -> None:
    with pytest.raises((DBAPIError, Refusal)) as refused, read_only(PLATFORM) as session:
        _write(session)
    assert "read-only" in str(refused.value.__cause__ or refused.value)
    assert rows("SELECT 1 FROM job_runs WHERE job = 'tests.commit'") == []


def _make(slug: str) -> None:
    with transaction(PLATFORM) as session:
        organizations.create(session, slug=slug, name="x", timezone="UTC", currency="cad", now=datetime.now(UTC))


def test_a_constraint_that_a_feature_has_named_is_a_conflict(database: Connection) -> None:
    _make("taken")
    with pytest.raises(Conflict) as refused:
        _make("taken")
    assert refused.value.code == "organizations.slug_taken"


def test_any_other_constraint_is_a_crash(company: Company) -> None:
    order_id = make_order(company)
    with pytest.raises(IntegrityError), transaction(company.scope) as session:
        session.execute(text("UPDATE orders SET total_amount = -1 WHERE id = :id"), {"id": order_id})


def test_a_wrong_statement_is_a_crash(database: Connection) -> None:
    with pytest.raises(ProgrammingError), transaction(PLATFORM) as session:
        session.execute(text("SELECT nothing FROM nowhere"))


def test_a_statement_that_takes_too_long_is_unavailable(process_services: Services) -> None:
    with bound(process_services, database_statement_timeout_ms=50):
        for opened in (transaction, read_only):
            with pytest.raises(Unavailable) as refused, opened(PLATFORM) as session:
                session.execute(text("SELECT pg_sleep(5)"))
            assert refused.value.code == "database.busy"


def test_a_lost_connection_is_one_unavailable_and_then_healed(process_services: Services) -> None:
    with bound(process_services, database_pool_size=1, database_max_overflow=0):
        for opened in (transaction, read_only):
            with opened(PLATFORM) as session:
                backend = session.scalar(text("SELECT pg_backend_pid()"))
            with process_services.database.writer.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:backend, 1000)"), {"backend": backend})
            with pytest.raises(Unavailable) as refused, opened(PLATFORM) as session:
                session.execute(text("SELECT 1"))
            assert refused.value.code == "database.unavailable"
            with opened(PLATFORM) as session:
                assert session.scalar(text("SELECT 1")) == 1


def test_a_pool_that_is_used_up_is_unavailable(process_services: Services) -> None:
    few = {"database_pool_size": 1, "database_max_overflow": 0, "database_pool_timeout_seconds": 0.1}
    with (
        bound(process_services, **few) as pools,
        pools.writer.connect(),
        pytest.raises(Unavailable),
        transaction(PLATFORM) as session,
    ):
        session.execute(text("SELECT 1"))
