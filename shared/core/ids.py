"""Identifiers: UUID version 7 (RFC 9562), which sort by time and so keep indexes and keyset pages cheap."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION = 7 << 76
_VARIANT = 0b10 << 62


def new_id() -> UUID:
    """A new identifier, later than every one made before it on this machine."""
    return uuid7()


def lowest_id_at(moment: datetime) -> UUID:
    """The lowest identifier of the millisecond of `moment`: all that are made from then on sort at it or behind it.

    Before 1970 it is the lowest of all.
    """
    milliseconds = max(0, (moment - _EPOCH) // timedelta(milliseconds=1))
    return UUID(int=milliseconds << 80 | _VERSION | _VARIANT)
