"""What a file really is, judged by its content: the name and the header of an upload are the sender's claims.

The API imports this, so nothing here may lead to a decoder; those are in `encoding.py`, for the worker.
"""

import os
from typing import BinaryIO

from shared.order_photos.inspection import Inspected, inspect
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
    "THUMBNAIL_MIME",
    "THUMBNAIL_PX",
    "TOO_LARGE",
    "TOO_MANY_PIXELS",
    "TRUNCATED",
    "TYPE_REFUSED",
    "UNDECODABLE",
    "check_upload",
]

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/heic": "heic"}
THUMBNAIL_MIME = "image/jpeg"


def check_upload(source: BinaryIO, allowed_mimes: tuple[str, ...], max_bytes: int) -> Inspected:
    """Make sure that `source` is one of the allowed images, and nothing else besides. Raises `Invalid`."""
    if source.seek(0, os.SEEK_END) > max_bytes:
        raise refused(TOO_LARGE, f"At most {max_bytes:,} bytes.")
    found = inspect(source)
    if found.mime not in allowed_mimes:
        raise refused(TYPE_REFUSED, f"{found.mime} is not accepted; {', '.join(allowed_mimes)} are.")
    return found
