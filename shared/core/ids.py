"""Identifiers: UUID version 7 (RFC 9562), which sort by time and so keep indexes and keyset pages cheap."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new identifier, later than every one made before it on this machine."""
    return uuid7()
