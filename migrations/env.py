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


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=models.metadata,
        transaction_per_migration=True,
        compare_server_default=False,
    )
    # A session-level lock: two deploys at once take turns, and the second finds nothing left to do.
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
    connection.commit()
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
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
