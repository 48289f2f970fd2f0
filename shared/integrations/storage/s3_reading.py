"""The body of an object while it is read."""

import hashlib
from io import RawIOBase
from typing import TYPE_CHECKING, Any

import structlog
from botocore.exceptions import BotoCoreError
from urllib3.exceptions import HTTPError

from shared.integrations.storage.s3_refusals import away

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

log = structlog.get_logger(__name__)


class Body(RawIOBase):
    """Reads `source`, boto3's streaming body, of `size` bytes. Raises `Unavailable` when it ends early, and in place of
    the last bytes when the whole has not the `md5` (hex) that it was written with, None where nobody has noted one.
    """

    def __init__(self, source: Any, size: int, md5: str | None) -> None:
        super().__init__()
        self._source, self._left, self._md5 = source, size, md5
        self._digest = hashlib.md5(usedforsecurity=False)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill `buffer`, or a part of it; 0 at the end."""
        try:
            count = int(self._source.readinto(buffer))
        except (BotoCoreError, HTTPError, OSError) as error:
            log.warning("storage.read_ended", error=type(error).__name__, left=self._left)
            raise away("open") from error
        self._left -= count
        self._digest.update(memoryview(buffer)[:count])
        if count and not self._left and self._md5 not in {None, self._digest.hexdigest()}:
            log.error("storage.corrupt")
            raise away("open")
        return count

    def close(self) -> None:
        """Ends the connection, when not everything was read."""
        if not self.closed:
            self._source.close()
        super().close()
