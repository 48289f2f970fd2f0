"""Whether a request is signed with the sandbox's key: AWS Signature Version 4, in the header or in the URL.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html. The signature is made once more, by
botocore's own signer, and compared.
"""

import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from werkzeug.wrappers import Request

from ops.sandbox.s3.errors import S3Error
from ops.sandbox.s3.names import ACCESS_KEY, BUCKET, R2_BUCKET, R2_REGION, REGION, SECRET_KEY

CREDENTIALS = Credentials(ACCESS_KEY, SECRET_KEY)
REGIONS = {BUCKET: {REGION}, R2_BUCKET: {R2_REGION, REGION}}
LONGEST_LIFE_SECONDS = 7 * 24 * 3600
SKEW = timedelta(minutes=15)

_HEADER = re.compile(r"AWS4-HMAC-SHA256 Credential=(\S+), ?SignedHeaders=(\S+), ?Signature=([0-9a-f]{64})")
_TIME = "%Y%m%dT%H%M%SZ"


class _Claim(NamedTuple):
    """What a request says about its signature."""

    signer: Any
    credential: str
    signed_headers: str
    signature: str
    timestamp: str
    life_seconds: int = 0
    """How long a URL is good; 0 for a header, which is good now or never."""


def check(request: Request, bucket: str, now: datetime) -> None:
    """Raises S3Error unless the request is signed, and in time."""
    claim = _in_url(request) if "X-Amz-Signature" in request.args else _in_header(request)
    key, date, region, *rest = (*claim.credential.split("/"), "", "")
    if key != ACCESS_KEY:
        raise S3Error(403, "InvalidAccessKeyId", "The access key is not the sandbox's.")
    if rest[:2] != ["s3", "aws4_request"] or not claim.timestamp.startswith(date):
        raise S3Error(400, "AuthorizationHeaderMalformed", "The scope of the credential is wrong.")
    if region not in REGIONS.get(bucket, {region}):
        raise S3Error(400, "AuthorizationHeaderMalformed", f"The region {region} is wrong.")
    if not hmac.compare_digest(_made_again(request, claim, region), claim.signature):
        raise S3Error(403, "SignatureDoesNotMatch", "The signature is not that of the request and the secret key.")
    _check_time(claim, now)


def _in_url(request: Request) -> _Claim:
    asked = request.args
    try:
        claim = _Claim(
            S3SigV4QueryAuth,
            asked["X-Amz-Credential"],
            asked["X-Amz-SignedHeaders"],
            asked["X-Amz-Signature"],
            asked["X-Amz-Date"],
            int(asked["X-Amz-Expires"]),
        )
    except (KeyError, ValueError):
        claim = None
    if claim is None or not 1 <= claim.life_seconds <= LONGEST_LIFE_SECONDS:
        raise S3Error(400, "AuthorizationQueryParametersError", "The query parameters of the signature are wrong.")
    return claim


def _in_header(request: Request) -> _Claim:
    found = _HEADER.fullmatch(request.headers.get("Authorization", ""))
    if not found:
        raise S3Error(403, "AccessDenied", "The request is not signed.")
    return _Claim(S3SigV4Auth, found[1], found[2], found[3], request.headers.get("X-Amz-Date", ""))


def _made_again(request: Request, claim: _Claim, region: str) -> str:
    path, _, query = request.environ["RAW_URI"].partition("?")
    pairs = [pair for pair in query.split("&") if pair and not pair.startswith("X-Amz-Signature=")]
    again = AWSRequest(
        method=request.method,
        url=f"{request.scheme}://{request.host}{path}?{'&'.join(pairs)}",
        headers={name: request.headers.get(name, "") for name in claim.signed_headers.split(";")},
    )
    again.context["timestamp"] = claim.timestamp
    signer = claim.signer(CREDENTIALS, "s3", region)
    return str(signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again))


def _check_time(claim: _Claim, now: datetime) -> None:
    made_at = datetime.strptime(claim.timestamp, _TIME).replace(tzinfo=UTC)
    if not claim.life_seconds:
        if abs(now - made_at) > SKEW:
            raise S3Error(403, "RequestTimeTooSkewed", "The request's clock is wrong.")
    elif now > made_at + timedelta(seconds=claim.life_seconds):
        raise S3Error(403, "AccessDenied", "Request has expired")
    elif now < made_at - SKEW:
        raise S3Error(403, "AccessDenied", "Request is not valid yet")
