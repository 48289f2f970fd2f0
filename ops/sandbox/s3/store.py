"""moto's S3 with the two buckets in it, one request at a time."""

import os
import threading
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, NamedTuple

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import create_backend_app
from moto.s3.models import s3_backends
from werkzeug.wrappers import Response

from ops.sandbox.s3.names import BUCKET, R2_BUCKET, REGION

PAGE_SIZE = 50
"""Objects in one answer to a listing, unless it asks for more. S3 gives up to a thousand, and may give fewer; with so
few, a client that does not ask for the next page is found."""


class Kept(NamedTuple):
    """One object, as it is listed."""

    bucket: str
    key: str
    size: int
    modified: datetime
    content_type: str


class Store:
    """What is kept. There is one in a process, for moto keeps everything in one place.

    moto reads and hashes an object through one file handle, and shows it before it knows its type; with a lock around
    each request nobody sees that.
    """

    def __init__(self) -> None:
        os.environ["MOTO_S3_DEFAULT_MAX_KEYS"] = str(PAGE_SIZE)
        self._lock = threading.Lock()
        self._app = create_backend_app("s3")
        self._backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        for name in (BUCKET, R2_BUCKET):
            if name not in self._backend.buckets:
                self._backend.create_bucket(name, REGION)

    def answer(self, environ: dict[str, Any], body: bytes) -> Response:
        """What S3 answers to a request whose body has been read."""
        environ = environ | {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        with self._lock:
            return Response.from_app(self._app, environ, buffered=True)

    def all(self) -> list[Kept]:
        """Every object, by bucket and key."""
        with self._lock:
            return sorted(
                Kept(bucket.name, key.name, key.size, key.last_modified.replace(tzinfo=UTC), _type_of(key))
                for bucket in self._backend.buckets.values()
                for key in bucket.keys.values()
            )

    def forget(self, bucket: str, key: str) -> bool:
        """Let an object disappear, as if it had never been there. False when it was not."""
        with self._lock:
            found = self._backend.buckets.get(bucket)
            if found is None or key not in found.keys:
                return False
            found.keys.pop(key)
            return True


def _type_of(key: Any) -> str:
    return str(key.metadata.get("content-type", ""))
