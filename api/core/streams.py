"""Answers that are made while they are sent: few at once, none for ever, and none that ends early unseen."""

import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from logging import ERROR, WARNING

import structlog
from flask import request

from shared.core.errors import Invalid, Refusal, Unavailable, code

log = structlog.get_logger(__name__)

BUSY = code("streams.busy", "Too many such answers are being sent")
OLD_HTTP = code("streams.old_http", "HTTP/1.1 is needed")

MOST_AT_ONCE = 2
"""In one process. Each keeps a thread for as long as its reader takes."""
LONGEST_SECONDS = 600.0
"""A reader who takes longer is cut off. One who takes nothing for 15 s loses the connection before (gunicorn.conf)."""
RETRY_AFTER_SECONDS = 15
_GZIP = 31
"""The window, and gzip's header (zlib's manual, `deflateInit2`)."""
_LEVEL = 1

Chunks = Iterator[bytes]


class CutShortError(Exception):
    """The rest of an answer will not come. It must reach gunicorn, which then closes the connection without the last
    chunk: whoever reads sees that something is missing."""


class Place:
    """One of the places. Given back once, whoever tries."""

    def __init__(self, free: threading.BoundedSemaphore) -> None:
        self._free: threading.BoundedSemaphore | None = free

    def give_back(self) -> None:
        """Again is harmless."""
        free, self._free = self._free, None
        if free is not None:
            free.release()


class Places:
    """So many may stream at once, in one process."""

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self._free = threading.BoundedSemaphore(most)

    @contextmanager
    def take(self, otherwise: str) -> Iterator[Place]:
        """Take one, for the `Stream` that is made in the block; given back if that fails. Raises `Unavailable` when all
        are taken; `otherwise` says what to do instead of waiting."""
        if not self._free.acquire(blocking=False):
            raise Unavailable(BUSY, f"Others are being sent. {otherwise}", retry_after=RETRY_AFTER_SECONDS)
        place = Place(self._free)
        try:
            yield place
        except BaseException:
            place.give_back()
            raise


class Stream:
    """The body of an answer: what `chunks` yields. The first chunk is made at once, so that what is wrong until then is
    an ordinary refusal. Its place is given back at its end, or when it is closed before."""

    def __init__(self, place: Place, chunks: Chunks) -> None:
        self._place, self._rest = place, chunks
        self._first = next(chunks, b"")

    def __iter__(self) -> Chunks:
        ends_at = time.monotonic() + LONGEST_SECONDS
        try:
            yield self._first
            for chunk in self._rest:
                yield chunk
                _demand_time(ends_at)
        except Exception as error:
            is_ours = not isinstance(error, CutShortError | Refusal)
            log.log(ERROR if is_ours else WARNING, "stream.cut_short", reason=str(error), exc_info=is_ours)
            raise CutShortError("the answer is cut short") from error
        finally:
            self._place.give_back()

    def close(self) -> None:
        """The answer is sent, or will not be."""
        self._place.give_back()


def _demand_time(ends_at: float) -> None:
    if time.monotonic() >= ends_at:
        raise CutShortError("the reader is too slow")


def wants_gzip() -> bool:
    """Whether the answer may be compressed."""
    return request.accept_encodings["gzip"] > 0


def demand_chunks(*, compressed: bool) -> None:
    """Refuse HTTP/1.0, in which an answer that is cut short looks like a whole one, unless its content shows it."""
    if getattr(request, "protocol", "") == "HTTP/1.0" and not compressed:
        raise Invalid(OLD_HTTP, "Ask with HTTP/1.1, or for gzip (nginx: `proxy_http_version 1.1`).")


def compressed(chunks: Chunks) -> Chunks:
    """The same as one gzip member."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


def unpacked(chunks: Chunks) -> Chunks:
    """What is in a gzip member."""
    unpacker = zlib.decompressobj(_GZIP)
    for chunk in chunks:
        yield unpacker.decompress(chunk)
