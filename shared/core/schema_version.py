"""Which migration the database is at, and which one the code was written for."""

from functools import cache
from pathlib import Path

from sqlalchemy import text

from shared.core.orm import Reader

_HEAD = Path(__file__).resolve().parents[2] / "migrations" / "HEAD"


@cache
def in_code() -> str:
    """The newest migration that was shipped with this code (`migrations/HEAD`)."""
    return _HEAD.read_text().strip()


def in_database(session: Reader) -> str | None:
    """The migration that the database is at; None before the first."""
    found: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
    return found
