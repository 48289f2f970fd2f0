"""What an error of boto3 means: the provider is down, the operator has set something up wrongly, or there is no such
object. Codes are those of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.

Callers are told nothing of where the storage is or what it said; the log is.
"""

from http import HTTPStatus

import structlog
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from shared.core.errors import NotFound, Unavailable
from shared.integrations.storage import OBJECT_MISSING, STORAGE_AWAY

log = structlog.get_logger(__name__)

ERRORS = (BotoCoreError, ClientError, ResponseParserError)
"""Everything that a call raises on the way to the storage and back."""

_DETAILS = {
    "connect": "The photo storage is not set up rightly.",
    "put": "The photo could not be written.",
    "open": "The photo could not be read.",
    "delete": "The photo could not be deleted.",
    "list": "The photos could not be listed.",
    "link": "The photo has no link now.",
}

_ELSEWHERE = "{prefix}_BUCKET is in another region, or at another endpoint, than the settings say"
_HINTS = {
    "AccessDenied": "the key needs s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket for {prefix}_BUCKET",
    "AuthorizationHeaderMalformed": _ELSEWHERE,
    "BadDigest": "what has arrived is not what was sent; see that it happens once only",
    "InvalidAccessKeyId": "the storage does not know {prefix}_ACCESS_KEY",
    "NoCredentialsError": "set {prefix}_ACCESS_KEY and {prefix}_SECRET_KEY, or give this machine a role",
    "NoSuchBucket": "there is no bucket of the name in {prefix}_BUCKET",
    "PermanentRedirect": _ELSEWHERE,
    "RequestTimeTooSkewed": "the clock of this machine is wrong",
    "SignatureDoesNotMatch": "{prefix}_SECRET_KEY is not the secret of {prefix}_ACCESS_KEY",
}


def is_failure(error: Exception) -> bool:
    """Whether the provider is down or overloaded. What it would refuse again is not its failure."""
    if isinstance(error, ClientError):
        status, _ = _answer(error)
        return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
    return isinstance(error, HTTPClientError | NoConnectionError | ResponseParserError)


def refusal(error: Exception, backend: str, operation: str) -> NotFound | Unavailable:
    """What to raise in place of `error`; `operation` says where it came from.

    Only `NoSuchKey` is about the object. Any other 404 comes of a wrong bucket or endpoint, which must not pass for
    photos that are gone: their rows would be forgotten, and they would not.
    """
    status, code = _answer(error)
    if code == "NoSuchKey":
        return NotFound(OBJECT_MISSING, "The file is gone.")
    told = {"backend": backend, "operation": operation, "status": status, "error": code}
    if is_failure(error):
        log.warning("storage.away", **told)
    else:
        hint = _HINTS.get(code, "the settings {prefix}_… do not fit the storage")
        log.error("storage.refused", **told, hint=hint.format(prefix=backend.upper()))
    return away(operation)


def away(operation: str) -> Unavailable:
    """The refusal of an operation that has failed."""
    return Unavailable(STORAGE_AWAY, _DETAILS[operation])


def _answer(error: Exception) -> tuple[int, str]:
    """The status, 0 without an answer, and the provider's code for the error, or boto3's name of it."""
    if not isinstance(error, ClientError):
        return 0, type(error).__name__
    response = error.response
    return response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0), str(response.get("Error", {}).get("Code"))
