"""A form with one file in it, made while it is sent."""

import os
import secrets
from collections.abc import Iterator
from typing import BinaryIO

CHUNK_BYTES = 64 * 1024


class FileForm:
    """`multipart/form-data` (RFC 7578) whose field `file` is `source`, from its start. Iterating yields its bytes in
    chunks: memory does not grow with the file."""

    def __init__(self, source: BinaryIO, *, mime: str) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._source = source
        self._head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="photo"\r\n'
            f"Content-Type: {mime}\r\n\r\n"
        ).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()

    @property
    def headers(self) -> dict[str, str]:
        """What a request with this body has to say about it. The length is in bytes."""
        length = len(self._head) + self._source.seek(0, os.SEEK_END) + len(self._tail)
        return {"Content-Type": self.content_type, "Content-Length": str(length)}

    def __iter__(self) -> Iterator[bytes]:
        self._source.seek(0)
        yield self._head
        while chunk := self._source.read(CHUNK_BYTES):
            yield chunk
        yield self._tail
