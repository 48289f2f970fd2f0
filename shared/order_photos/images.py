"""What a file really is, judged by its content: the name and the header of an upload are the sender's claims.

The API imports this, so nothing here may lead to a decoder; those are in `encoding.py`, for the worker.
"""

import hashlib
import os
from dataclasses import dataclass
from typing import BinaryIO

from shared.order_photos.inspection import inspect
from shared.order_photos.rules import (
    ANIMATED,
    MAX_PIXELS,
    NOT_AN_IMAGE,
    POLYGLOT,
    THUMBNAIL_PX,
    TOO_LARGE,
    TOO_MANY_PIXELS,
    TRUNCATED,
    TYPE_REFUSED,
    UNDECODABLE,
    refused,
)

__all__ = [
    "ANIMATED",
    "EXTENSIONS",
    "MAX_PIXELS",
    "NOT_AN_IMAGE",
    "POLYGLOT",
    "THUMBNAIL_PX",
    "TOO_LARGE",
    "TOO_MANY_PIXELS",
    "TRUNCATED",
    "TYPE_REFUSED",
    "UNDECODABLE",
    "Upload",
    "check_upload",
]

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/heic": "heic"}
_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A checked file, at its start, ready to be stored. `size` in bytes, `width` and `height` as declared."""

    source: BinaryIO
    mime: str
    size: int
    sha256: str
    width: int
    height: int

    @property
    def extension(self) -> str:
        return EXTENSIONS[self.mime]


def check_upload(source: BinaryIO, allowed_mimes: tuple[str, ...], max_bytes: int) -> Upload:
    """Make sure that `source` is one of the allowed images, and nothing else besides. Raises `Invalid`."""
    size = source.seek(0, os.SEEK_END)
    if size > max_bytes:
        raise refused(TOO_LARGE, f"At most {max_bytes:,} bytes.")
    found = inspect(source)
    if found.mime not in allowed_mimes:
        raise refused(TYPE_REFUSED, f"{found.mime} is not accepted; {', '.join(allowed_mimes)} are.")
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK_BYTES):
        digest.update(chunk)
    source.seek(0)
    return Upload(source, found.mime, size, digest.hexdigest(), found.width, found.height)
