"""Photos in a bucket of Amazon S3, Cloudflare R2 or anything else that speaks S3."""

import base64
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cached_property
from io import BufferedReader
from math import ceil
from pathlib import Path
from typing import Any, BinaryIO

from shared.core.errors import NotFound, Unavailable
from shared.core.settings import Settings
from shared.integrations.breakers import Breaker, CircuitOpenError
from shared.integrations.storage import CIRCUIT_OPEN, ListedObject, Slot, StoredObject
from shared.integrations.storage.s3_client import Bucket, connect
from shared.integrations.storage.s3_reading import Body
from shared.integrations.storage.s3_refusals import ERRORS, is_failure, refusal

CHUNK_BYTES = 256 * 1024
DELETES_AT_ONCE = 8
LONGEST_LINK_SECONDS = 7 * 24 * 3600
"""A longer life of a signed URL is refused (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html)."""


class S3Storage:
    """Objects in one bucket. After `failures` calls in a row that failed, tries included, it is left alone for
    `recovery_seconds`."""

    resizes = False
    is_exact = True
    most_bytes: int | None = None
    spool: Path | None = None

    def __init__(self, bucket: Bucket, *, failures: int, recovery_seconds: float) -> None:
        self.backend = bucket.backend
        self._bucket = bucket
        self._recovery_seconds = recovery_seconds
        self._breaker = Breaker(
            bucket.backend, failures=failures, recovery_seconds=recovery_seconds, is_failure=is_failure
        )
        self._deleting = ThreadPoolExecutor(DELETES_AT_ONCE, thread_name_prefix=f"{bucket.backend}-delete")

    @cached_property
    def _client(self) -> Any:
        """Made when it is needed: it takes a third of a second, and most processes never read a photo."""
        try:
            return connect(self._bucket)
        except ERRORS as error:
            raise refusal(error, self.backend, "connect") from error

    def allocate(self, path: str) -> Slot:
        """See `Storage.allocate`."""
        return Slot(path)

    def put(self, slot: Slot, source: BinaryIO, *, mime: str) -> None:
        """See `Storage.put`. One request, which S3 takes as a whole or not at all, with a digest that it checks."""
        digest, size = _measure(source)
        source.seek(0)
        self._call(
            "put",
            self._client.put_object,
            Bucket=self._bucket.name,
            Key=slot.key,
            Body=source,
            ContentLength=size,
            ContentMD5=base64.b64encode(digest).decode(),
            ContentType=mime,
            CacheControl="private",
            Metadata={"md5": digest.hex()},
        )

    def open(self, key: str) -> StoredObject:
        """See `Storage.open`. Reading raises `Unavailable` when the connection ends or the content was changed."""
        found = self._call("open", self._client.get_object, Bucket=self._bucket.name, Key=key)
        size = found["ContentLength"]
        body = Body(found["Body"], size, found["Metadata"].get("md5"))
        return StoredObject(size=size, source=BufferedReader(body, CHUNK_BYTES))

    def delete(self, keys: Iterable[str]) -> dict[str, Unavailable]:
        """See `Storage.delete`. One request for each: deleting many at once is not the same everywhere."""
        asked = list(dict.fromkeys(keys))
        each = self._deleting.map if len(asked) > 1 else map
        outcomes = each(self._delete_one, asked)
        return {key: failed for key, failed in zip(asked, outcomes, strict=True) if failed}

    def link(
        self,
        key: str,
        *,
        mime: str,
        filename: str,
        expires_at: datetime,
        thumbnail: bool = False,  # noqa: ARG002 - there is none
    ) -> str:
        """See `Storage.link`. Calls nobody, so it is there also while the storage is away."""
        life = int(expires_at.timestamp()) - int(time.time())
        asked = {
            "Bucket": self._bucket.name,
            "Key": key,
            "ResponseContentType": mime,
            "ResponseContentDisposition": f'inline; filename="{filename}"',
        }
        try:
            url = self._client.generate_presigned_url(
                "get_object", asked, ExpiresIn=min(max(life, 1), LONGEST_LINK_SECONDS)
            )
        except ERRORS as error:
            raise refusal(error, self.backend, "link") from error
        return str(url)

    def list_objects(self, prefix: str = "") -> Iterator[ListedObject]:
        """See `Storage.list_objects`. A page at a time, in the order of the bytes of their keys."""
        listing = self._client.get_paginator("list_objects_v2")
        pages = iter(listing.paginate(Bucket=self._bucket.name, Prefix=prefix))
        while page := self._call("list", next, pages, None):
            for found in page.get("Contents", ()):
                yield ListedObject(found["Key"], found["Key"], found["Size"], found["LastModified"])

    def _delete_one(self, key: str) -> Unavailable | None:
        try:
            self._call("delete", self._client.delete_object, Bucket=self._bucket.name, Key=key)
        except NotFound:
            return None
        except Unavailable as failed:
            return failed
        return None

    def _call(self, operation: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call boto3, unless the circuit is open. Raises `NotFound` and `Unavailable` only."""
        try:
            return self._breaker.call(function, *args, **kwargs)
        except CircuitOpenError as error:
            wait = ceil(self._recovery_seconds)
            raise Unavailable(
                CIRCUIT_OPEN, "The photo storage has failed. Try again later.", retry_after=wait
            ) from error
        except ERRORS as error:
            raise refusal(error, self.backend, operation) from error


def s3_storage(settings: Settings) -> S3Storage:
    """The `s3` backend, of the settings S3_…"""
    bucket = Bucket(
        backend="s3",
        name=settings.s3_bucket,
        endpoint=settings.s3_endpoint,
        region=settings.s3_region,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
        connect_timeout_seconds=settings.s3_connect_timeout_seconds,
        read_timeout_seconds=settings.s3_read_timeout_seconds,
        max_attempts=settings.s3_max_attempts,
    )
    return _storage(bucket, settings)


def r2_storage(settings: Settings) -> S3Storage:
    """The `r2` backend, of the settings R2_…. R2 has one region (https://developers.cloudflare.com/r2/api/s3/api/)."""
    bucket = Bucket(
        backend="r2",
        name=settings.r2_bucket,
        endpoint=settings.r2_endpoint,
        region="auto",
        access_key=settings.r2_access_key,
        secret_key=settings.r2_secret_key,
        connect_timeout_seconds=settings.r2_connect_timeout_seconds,
        read_timeout_seconds=settings.r2_read_timeout_seconds,
        max_attempts=settings.r2_max_attempts,
    )
    return _storage(bucket, settings)


def _storage(bucket: Bucket, settings: Settings) -> S3Storage:
    return S3Storage(
        bucket,
        failures=settings.storage_circuit_failure_threshold,
        recovery_seconds=settings.storage_circuit_recovery_seconds,
    )


def _measure(source: BinaryIO) -> tuple[bytes, int]:
    """The MD5 of `source` and its size, read piece by piece."""
    source.seek(0)
    digest, size = hashlib.md5(usedforsecurity=False), 0
    while piece := source.read(CHUNK_BYTES):
        digest.update(piece)
        size += len(piece)
    return digest.digest(), size
