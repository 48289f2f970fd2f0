"""A file as one sequence of bytes, read with bounds."""

import io
import mmap
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Literal

from shared.order_photos.rules import NOT_AN_IMAGE, TRUNCATED, refused

Content = bytes | mmap.mmap

_NOT_PADDING = re.compile(rb"[^\x00\t\n\r \xff\xd9]")
"""Zeros; the line ends of scripts and mail gateways; a JPEG's fill bytes, and its end once more (0xFF 0xD9)."""


@contextmanager
def content_of(source: BinaryIO) -> Iterator[Content]:
    """The whole file. One on disk is mapped and not read; one without a descriptor is in memory as it is."""
    try:
        descriptor = source.fileno()
    except io.UnsupportedOperation:
        source.seek(0)
        content = source.read()
    else:
        source.flush()
        content = b""  # nothing cannot be mapped
        if os.fstat(descriptor).st_size:
            with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as mapped:
                yield mapped
            return
    yield content


def number(content: Content, at: int, length: int, order: Literal["little", "big"] = "big") -> int:
    """The unsigned number of `length` bytes at `at`, which must be within the file."""
    part = content[at : at + length]
    if len(part) < length:
        raise refused(TRUNCATED, "The file ends in the middle of the image.")
    return int.from_bytes(part, order)


def skip_padding(content: Content, at: int) -> int:
    """Where the next byte is that means something; the file's end if there is none. A marker of JPEG begins with what
    else is a fill byte."""
    found = _NOT_PADDING.search(content, at)
    if found is None:
        return len(content)
    start = found.start()
    return start - 1 if start > at and content[start - 1 : start + 1] == b"\xff\xd8" else start


class Parts:
    """Counts the parts of a file. Decoders keep what they read: ten megabytes of empty parts cost them seconds and
    hundreds of megabytes, and a photo has far fewer."""

    def __init__(self, most: int) -> None:
        self._left = most

    def count(self, parts: int = 1) -> None:
        self._left -= parts
        if self._left < 0:
            raise refused(NOT_AN_IMAGE, "This file is built like no photo.")
