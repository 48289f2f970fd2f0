"""What time it is. The doors (routes, tasks, commands) ask once and pass `now` in, so that tests can too."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)
