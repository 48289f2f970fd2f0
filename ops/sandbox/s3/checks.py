"""What S3 says about the content of a request: whether all of it has come, and whether R2 knows what it asks for."""

import base64
import hashlib

from werkzeug.wrappers import Request

from ops.sandbox.s3.errors import S3Error
from ops.sandbox.s3.names import R2_BUCKET

UNSIGNED = "UNSIGNED-PAYLOAD"
UNKNOWN_TO_R2 = ("x-amz-sdk-checksum-algorithm", "x-amz-trailer")


def check(request: Request, bucket: str, body: bytes) -> None:
    """Raises S3Error when ``body`` is not what the headers promise, or when ``bucket`` is R2's and cannot do it."""
    if bucket == R2_BUCKET:
        for name in UNKNOWN_TO_R2:
            if name in request.headers:
                raise S3Error(501, "NotImplemented", f"Header '{name}' is not implemented")
    if request.content_md5 is not None and request.content_md5 != _md5(body):
        raise S3Error(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
    promised = request.headers.get("X-Amz-Content-SHA256", UNSIGNED)
    if promised != UNSIGNED and promised != hashlib.sha256(body).hexdigest():
        raise S3Error(400, "XAmzContentSHA256Mismatch", "The body is not the one that was signed.")


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
