"""Runs migrations so that they cannot hurt a running system: one at a time, a transaction each, never waiting long for
a lock. Uses MIGRATION_DATABASE_URL (the schema owner), or DATABASE_URL.
"""

import sys
import time

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from shared import models
from shared.core.settings import load_settings

LOCK_TIMEOUT_MS = 3000
STATEMENT_TIMEOUT_MS = 60_000
ADVISORY_LOCK = 4_215_001
LOCK_NOT_AVAILABLE = "55P03"
TRIES = 10
TURN_SECONDS = 600
TURN_PAUSE_SECONDS = 0.2


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=models.metadata,
        transaction_per_migration=True,
        compare_server_default=False,
    )
    take_turn(connection)
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()


def take_turn(connection: Connection) -> None:
    """A session-level lock: two deploys at once take turns, and the second finds nothing left to do.

    Asked for again and again: a session that waits inside a statement holds a snapshot, and CREATE INDEX CONCURRENTLY
    of the one whose turn it is waits for every snapshot, which is a deadlock.
    """
    patience = time.monotonic() + TURN_SECONDS
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": ADVISORY_LOCK}):
        connection.rollback()
        if time.monotonic() > patience:
            sys.exit(f"migrations: another upgrade has been running for {TURN_SECONDS} seconds")
        time.sleep(TURN_PAUSE_SECONDS)
    connection.commit()


def online() -> None:
    settings = load_settings()
    url = settings.migration_database_url or settings.database_url
    # As connection options, because a SET inside a transaction that rolls back is undone.
    options = f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS}"
    engine = create_engine(url.get_secret_value(), poolclass=NullPool, connect_args={"options": options})
    for attempt in range(1, TRIES + 1):
        try:
            with engine.connect() as connection:
                run(connection)
            break
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) != LOCK_NOT_AVAILABLE or attempt == TRIES:
                raise
            print(f"migrations: a lock was not free, try {attempt + 1} of {TRIES}", file=sys.stderr)  # noqa: T201
            time.sleep(attempt)


def offline() -> None:
    """`alembic upgrade --sql`: what squawk reads."""
    context.configure(url="postgresql+psycopg2://", target_metadata=models.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    offline()
else:
    online()
