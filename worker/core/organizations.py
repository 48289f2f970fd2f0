"""All organizations, one after the other, for works that do one at a time."""

from collections.abc import Iterator
from uuid import UUID

from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only
from shared.organizations import service as organizations

AT_ONCE = 500
"""Read at once."""


def ids_after(last: UUID | None) -> Iterator[UUID]:
    """Those behind `last`; all, without one."""
    while True:
        with read_only(PLATFORM) as connection:
            found = organizations.list_ids(connection, after=last, limit=AT_ONCE)
        yield from found
        if len(found) < AT_ONCE:
            return
        last = found[-1]
