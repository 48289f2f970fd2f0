"""The only way to the database, and the only commit.

    with transaction(Tenant(org_id)) as session:
        order = moving.confirm(session, actor, order_id, now=now)

The block commits once at its end, then publishes the jobs that were enqueued inside it. `read_only` is for reads: it
gives rows and no mapped objects, which costs half, and Postgres refuses writes in it. Only routes, tasks and commands
call these; a domain function is handed the session, so it can neither open nor commit one.

How a scope is taken: an opening (`set_config(…, true)`: role, organization, timeouts) travels in front of a statement,
in the same message (`shared.core.scoped_connection`). In `transaction` that is the first statement; in `read_only` it
is each one, and each is a transaction of its own, which spares BEGIN and COMMIT (at READ COMMITTED, statements see
different snapshots anyway). Nothing outlives the commit, so this is also safe under PgBouncer's transaction pooling.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from logging import ERROR, WARNING
from typing import Any, cast

import orjson
import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

from shared.core import jobs
from shared.core.database_errors import DATABASE_AWAY, refusal_for, refusal_for_conflict
from shared.core.errors import Unavailable
from shared.core.scoped_connection import ScopedConnection, WritingConnection, to_json
from shared.core.settings import Settings
from shared.core.tenancy import Scope, SignedIn, Tenant

log = structlog.get_logger(__name__)

Publish = Callable[[list[jobs.Message]], None]
Connect = Callable[[], AbstractContextManager[Connection]]

_OPENING = "opening"
_UNBOUND = "this process has no database yet: shared.wiring.build_services() binds it"


@dataclass(frozen=True, slots=True)
class Database:
    """The process's two connection pools: `writer` for `transaction`, `reader` (autocommit) for `read_only`."""

    writer: Engine
    reader: Engine


def connect(settings: Settings) -> Database:
    """Make the pools; they connect when they are first used."""
    return Database(
        writer=_create_engine(settings, WritingConnection),
        reader=_create_engine(settings, ScopedConnection, isolation_level="AUTOCOMMIT"),
    )


def _create_engine(settings: Settings, factory: type[ScopedConnection], **options: Any) -> Engine:
    """A pool without a ping before use: a lost connection costs one 503, then the pool is fresh."""
    return create_engine(
        settings.database_url.get_secret_value(),
        **options,
        json_serializer=to_json,
        json_deserializer=orjson.loads,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_max_overflow,
        pool_timeout=settings.database_pool_timeout_seconds,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={
            "connect_timeout": 3,
            "keepalives_idle": 30,
            "tcp_user_timeout": 10_000,
            "application_name": "crewline",
            "connection_factory": factory,
        },
    )


class _Binding:
    """What this process reads and writes: set once by `shared.wiring`, never at import."""

    sessions: sessionmaker[Session] | None = None
    connect: Connect | None = None
    settings: Settings | None = None
    timeouts: tuple[tuple[str, str], ...] = ()
    publish: Publish | None = None


def bind(writer: Engine | Connection, connect_reader: Connect, settings: Settings, publish: Publish) -> None:
    """Connect this process to its database and its broker. Tests bind one connection as both, whose transaction they
    roll back: there both kinds of block are savepoints."""
    sessions = sessionmaker(writer, expire_on_commit=False, join_transaction_mode="create_savepoint")
    event.listen(sessions, "after_begin", _hand_opening_to_connection)
    _Binding.sessions, _Binding.connect = sessions, connect_reader
    _Binding.settings, _Binding.publish = settings, publish
    _Binding.timeouts = (
        ("statement_timeout", str(settings.database_statement_timeout_ms)),
        ("lock_timeout", str(settings.database_lock_timeout_ms)),
        ("idle_in_transaction_session_timeout", str(settings.database_idle_in_transaction_timeout_ms)),
    )


@contextmanager
def transaction(scope: Scope) -> Iterator[Session]:
    """A read-write transaction in `scope`; committed at the end of the block, rolled back if it raises.

    Raises `Conflict` for a constraint that a feature has named, `Unavailable` when Postgres is away or gives up.
    """
    if _Binding.sessions is None or _Binding.settings is None:
        raise RuntimeError(_UNBOUND)
    opening = _opening(scope, _Binding.timeouts, read_only=False)
    with _refusals(), _Binding.sessions(info={_OPENING: opening}) as session:
        yield session
        session.commit()
        owed = jobs.take_pending(session, _Binding.settings)
    if owed:
        _publish(owed)


@contextmanager
def read_only(scope: Scope) -> Iterator[Connection]:
    """Reads in `scope`: rows, each statement a transaction of its own; a write is an error of ours.

    Raises `Unavailable` when Postgres is away or gives up.
    """
    if _Binding.connect is None:
        raise RuntimeError(_UNBOUND)
    with _refusals(), _Binding.connect() as connection:
        scoped = _scoped(connection)
        scoped.take_opening(_opening(scope, _Binding.timeouts, read_only=True), each_statement=True)
        try:
            yield connection
        finally:
            scoped.take_opening(None)


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the database raises into refusals, where it means one."""
    try:
        yield
    except IntegrityError as error:
        raise refusal_for_conflict(error) or error from error
    except DBAPIError as error:
        raise refusal_for(error) or error from error
    except PoolTimeout as error:
        raise Unavailable(DATABASE_AWAY, "The database is busy. Try again in a moment.") from error


def _hand_opening_to_connection(session: Session, _: SessionTransaction, connection: Connection) -> None:
    _scoped(connection).take_opening(session.info[_OPENING])


def _scoped(connection: Connection) -> ScopedConnection:
    return cast(ScopedConnection, connection.connection.dbapi_connection)


@lru_cache(maxsize=4096)
def _opening(scope: Scope, timeouts: tuple[tuple[str, str], ...], *, read_only: bool) -> str:
    """One statement that takes role, organization and timeouts, and looks at the session of a person, in this order;
    every part is a constant, a UUID or a number."""
    org_id = str(scope.org_id) if isinstance(scope, Tenant) else ""
    local = [("role", scope.role), ("app.org_id", org_id), *timeouts]
    if read_only:
        local.append(("transaction_read_only", "on"))
    parts = [f"set_config('{name}', '{value}', true)" for name, value in local]
    if isinstance(scope, SignedIn):
        asked = (scope.session_id, scope.user_id, scope.user_role, scope.may_owe)
        parts.append("public.check_session({})".format(", ".join(f"'{value}'" for value in asked)))
    return f"SELECT {', '.join(parts)}; "


def _publish(owed: list[jobs.Message]) -> None:
    """The change is committed, so a broker that is away is not the caller's problem: the sweeps own it from here."""
    assert _Binding.publish is not None
    try:
        _Binding.publish(owed)
    except Exception as error:  # whatever it is, the caller's change stands
        names = [message.job.name for message in owed]
        log.log(WARNING if isinstance(error, Unavailable) else ERROR, "jobs.not_published", jobs=names, exc_info=True)
