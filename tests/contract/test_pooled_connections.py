"""Nothing of a transaction may be left on the connection that the next caller gets from the pool."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, InternalError, ProgrammingError

from shared.core.errors import Refusal
from shared.core.later import send_later
from shared.core.tenancy import PLATFORM, Scope, Tenant
from shared.core.transaction import Database, read_only, transaction
from shared.wiring import Services
from tests.variants import bound

ORG = UUID("0199a000-0000-7000-8000-000000000000")
SCOPES: list[Scope] = [Tenant(ORG), PLATFORM]
STATE = text(
    "SELECT current_user::text AS user, current_setting('role') AS role,"
    " coalesce(current_setting('app.org_id', true), '') AS org, current_setting('statement_timeout') AS statement,"
    " current_setting('lock_timeout') AS lock, current_setting('idle_in_transaction_session_timeout') AS idle,"
    " current_setting('transaction_read_only') AS read_only, pg_backend_pid() AS backend"
)


@pytest.fixture
def pools(process_services: Services) -> Iterator[Database]:
    """Pools of one connection each, which really commit."""
    with bound(process_services, database_pool_size=1, database_max_overflow=0) as found:
        yield found


def _bare(engine: Engine) -> dict[str, object]:
    with engine.connect() as connection:
        return dict(connection.execute(STATE).mappings().one())


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.role)
@pytest.mark.parametrize("opened", [transaction, read_only])
def test_a_scope_is_in_force_inside_the_block_and_gone_after_it(pools: Database, opened: object, scope: Scope) -> None:
    engine = pools.writer if opened is transaction else pools.reader
    before = _bare(engine)
    assert (before["user"], before["role"], before["org"]) == ("crewline_app", "none", "")
    with opened(scope) as session:  # type: ignore[operator]
        first = session.execute(STATE).mappings().one()
        second = session.execute(STATE).mappings().one()
    assert first == second
    assert (first["role"], first["user"]) == (scope.role, scope.role)
    assert first["org"] == (str(ORG) if isinstance(scope, Tenant) else "")
    assert (first["statement"], first["lock"], first["idle"]) == ("5s", "3s", "15s")
    assert first["read_only"] == ("on" if opened is read_only else "off")
    assert first["backend"] == before["backend"], "the pool has one connection"
    assert _bare(engine) == before


@pytest.mark.parametrize("opened", [transaction, read_only])
def test_nothing_is_left_after_a_failure(pools: Database, opened: object) -> None:
    engine = pools.writer if opened is transaction else pools.reader
    before = _bare(engine)
    with pytest.raises(ProgrammingError), opened(PLATFORM) as session:  # type: ignore[operator]
        session.execute(text("SELECT no_such_column FROM organizations"))
    assert _bare(engine) == before


def test_nothing_is_left_after_the_caller_raises(pools: Database) -> None:
    before = _bare(pools.writer)
    with pytest.raises(ZeroDivisionError), transaction(PLATFORM) as session:
        session.execute(text("SELECT 1"))
        raise ZeroDivisionError
    assert _bare(pools.writer) == before


def test_a_block_that_runs_nothing_leaves_nothing_for_the_next(pools: Database) -> None:
    before = _bare(pools.writer)
    with transaction(PLATFORM):
        pass
    with transaction(Tenant(ORG)) as session:
        assert session.execute(STATE).mappings().one()["role"] == "crewline_tenant"
    assert _bare(pools.writer) == before


def test_one_organization_after_another_on_one_connection(pools: Database) -> None:
    other = UUID("0199a000-0000-7000-8000-000000000001")
    for opened in (read_only, transaction, read_only):
        for org_id in (ORG, other, ORG):
            with opened(Tenant(org_id)) as session:
                found = session.execute(STATE).mappings().one()
            assert found["org"] == str(org_id)


def test_reads_refuse_to_write_also_in_a_later_statement(pools: Database) -> None:
    for earlier in (0, 1):
        with pytest.raises((DBAPIError, Refusal)) as refused, read_only(PLATFORM) as session:
            for _ in range(earlier):
                session.execute(text("SELECT 1"))
            session.execute(text("DELETE FROM job_runs"))
        assert "read-only" in str(refused.value.__cause__ or refused.value)


def test_a_savepoint_that_is_rolled_back_does_not_widen_the_scope(pools: Database) -> None:
    """A statement that lost its scope is refused; it never falls back to seeing more."""
    with pytest.raises((ProgrammingError, InternalError)), transaction(Tenant(ORG)) as session:
        nested = session.begin_nested()
        session.execute(text("SELECT 1"))
        nested.rollback()
        session.execute(text("SELECT 1 FROM organizations"))
        assert session.execute(STATE).mappings().one()["role"] == "crewline_tenant"
        raise ProgrammingError("still in its scope, which is as good", None, ValueError())


def test_a_literal_percent_sign_survives_the_opening(pools: Database) -> None:
    for opened in (transaction, read_only):
        with opened(PLATFORM) as session:
            assert session.execute(text("SELECT '100%' AS full, :given AS given"), {"given": "5 %s"}).one() == (
                "100%",
                "5 %s",
            )


def test_what_waits_takes_the_scope_with_it_into_a_savepoint(pools: Database) -> None:
    with transaction(Tenant(ORG)) as session:
        send_later(session, "SELECT set_config('app.seen', current_user::text, true)", {})
        with session.begin_nested():
            session.execute(text("SELECT 1"))
        assert session.scalar(text("SELECT current_setting('app.seen')")) == "crewline_tenant"


def test_a_value_that_cannot_be_sent_does_not_cost_the_scope(pools: Database) -> None:
    with transaction(Tenant(ORG)) as session:
        with pytest.raises(ValueError, match="NUL"):
            session.execute(text("SELECT :given"), {"given": "a\x00b"})
        assert session.execute(STATE).mappings().one()["role"] == "crewline_tenant"


HARD_TO_QUOTE = ["100% %s %(org_id)s %%", "a\\'; DROP TABLE orders; --", "E'\\''", "; COMMIT; \u2028 \U0001f600"]


@pytest.mark.parametrize("value", HARD_TO_QUOTE)
@pytest.mark.parametrize("values", [None, {"beside": "5 %s"}])
def test_what_travels_in_front_is_kept_to_the_letter(
    pools: Database, value: str, values: dict[str, str] | None
) -> None:
    with transaction(Tenant(ORG)) as session:
        send_later(session, "SELECT set_config('app.seen', %(value)s, true)", {"value": value})
        seen = text("SELECT current_setting('app.seen')" + (" || left(:beside, 0)" if values else ""))
        assert session.scalar(seen, values) == value
