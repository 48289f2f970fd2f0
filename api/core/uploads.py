"""Multipart uploads: limited while they are read, written to a temporary file as they come, never wholly in memory."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import IO, Any, BinaryIO, cast

from flask import Request, request
from werkzeug.datastructures import FileStorage

from api.core.access import confirm_session
from api.core.context import services
from shared.core.errors import Unavailable
from shared.integrations.storage import STORAGE_AWAY

MULTIPART_OVERHEAD_BYTES = 64 * 1024
"""What the boundaries, headers and text fields around a file may take."""

View = Callable[..., Any]


class Spool:
    """A temporary file without a name, which counts and hashes (SHA-256) what is written into it. It lies where the
    storage can take it over, and is gone with the process, however that ends. Raises `Unavailable` when the disk does
    not take it."""

    def __init__(self) -> None:
        with _on_disk():
            self.file: BinaryIO = cast(BinaryIO, tempfile.TemporaryFile(dir=services().storage.spool))  # noqa: SIM115 - closed with the request
        self.size = 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self.size += len(data)
        with _on_disk():
            return self.file.write(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go somewhere, with everything written: that is when a full disk refuses the last bytes."""
        with _on_disk():
            return self.file.seek(offset, whence)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(STORAGE_AWAY, f"The file cannot be taken now: {error.strerror}.") from error


class _ChunkedBody:
    """A body that comes in chunks. gunicorn raises errors of its own for one that is none; for Werkzeug an `OSError`
    means that the rest of the body will not come, which is a 400."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def read(self, size: int = -1) -> bytes:
        try:
            return self._source.read(size)
        except OSError:
            raise
        except Exception as error:
            raise OSError("the body is not in chunks") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


class UploadRequest(Request):
    """A request whose files go into spools, once a view has asked for that."""

    spools_files = False

    def __init__(self, wsgi: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        if "HTTP_TRANSFER_ENCODING" in wsgi:
            wsgi["wsgi.input"] = _ChunkedBody(wsgi["wsgi.input"])
        self.protocol = wsgi.get("SERVER_PROTOCOL", "")
        super().__init__(wsgi, *args, **kwargs)

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if not self.spools_files:
            return super()._get_file_stream(total_content_length, content_type, filename, content_length)
        return cast(IO[bytes], Spool())


def limit_upload(view: View) -> View:
    """Refuse a longer body with 413 while it is being read, also one that is chunked and declares no length.

    A caller whose session is over is refused before that, or could have us read megabytes for nothing.
    """

    @wraps(view)
    def limited(*args: Any, **kwargs: Any) -> Any:
        confirm_session()
        upload = cast(UploadRequest, request)
        upload.max_content_length = services().settings.order_photo_max_bytes + MULTIPART_OVERHEAD_BYTES
        # The parser holds a chunk of 64 KiB and a rest that might be a boundary; less would refuse honest files.
        upload.max_form_memory_size = 2 * MULTIPART_OVERHEAD_BYTES
        upload.max_form_parts = 20
        upload.spools_files = True
        return view(*args, **kwargs)

    return limited


def spool_of(file: FileStorage) -> Spool:
    """The file's content, counted and hashed, at its start."""
    spool = cast(Spool, file.stream)
    spool.seek(0)
    return spool
