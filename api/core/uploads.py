"""Multipart uploads: limited while they are read, kept on disk and not in memory."""

from collections.abc import Callable
from functools import wraps
from typing import Any, BinaryIO, cast

from flask import request
from werkzeug.datastructures import FileStorage

from api.core.access import confirm_session
from api.core.context import services

MULTIPART_OVERHEAD_BYTES = 64 * 1024
"""What the boundaries, headers and text fields around a file may take."""

View = Callable[..., Any]


def limit_upload(view: View) -> View:
    """Refuse a longer body with 413 while it is being read, also one that is chunked and declares no length.

    A caller whose session is over is refused before that, or could have us read megabytes for nothing.
    """

    @wraps(view)
    def limited(*args: Any, **kwargs: Any) -> Any:
        confirm_session()
        request.max_content_length = services().settings.order_photo_max_bytes + MULTIPART_OVERHEAD_BYTES
        # The parser holds a chunk of 64 KiB and a rest that might be a boundary; less would refuse honest files.
        request.max_form_memory_size = 2 * MULTIPART_OVERHEAD_BYTES
        request.max_form_parts = 20
        return view(*args, **kwargs)

    return limited


def stream_of(file: FileStorage) -> BinaryIO:
    """The file's content, at its start."""
    file.stream.seek(0)
    return cast(BinaryIO, file.stream)
