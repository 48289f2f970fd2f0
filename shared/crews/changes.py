from datetime import datetime
from typing import Any

from shared.crews.model import Team, Worker


def apply(row: Team | Worker, changes: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """Set what differs from `row`. Returns the values before; empty when all of it is as it was."""
    before = {name: getattr(row, name) for name, value in changes.items() if getattr(row, name) != value}
    for name in before:
        setattr(row, name, changes[name])
    if before:
        row.updated_at = now
    return before
