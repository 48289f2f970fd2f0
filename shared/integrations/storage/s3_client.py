"""A boto3 client of one bucket, at Amazon or wherever S3 is spoken."""

import os
from dataclasses import dataclass
from typing import Any

from boto3.session import Session as Boto3Session
from botocore.config import Config
from botocore.loaders import create_loader
from botocore.session import Session as BotocoreSession
from pydantic import SecretStr

MOST_CONNECTIONS = 50

_DESCRIPTIONS = create_loader()
"""Of Amazon's services: large, slow to read, and the same for every client."""

_NOTHING_FROM_OUTSIDE = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
"""Variables of a botocore session, as (name in the file, name in the environment, default, conversion)."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is, and who we are there.

    `backend` is the storage's name, and the prefix of its settings. An empty `endpoint` is Amazon's. Without
    `access_key` boto3 looks for credentials, such as the machine's role.
    """

    backend: str
    name: str
    endpoint: str
    region: str
    access_key: str
    secret_key: SecretStr
    connect_timeout_seconds: float
    read_timeout_seconds: float
    max_attempts: int


def connect(bucket: Bucket) -> Any:
    """A client that threads may share. It has not called anybody yet.

    Checksums only where S3 demands them: R2 and others refuse the trailers that boto3 adds by itself
    (https://developers.cloudflare.com/r2/examples/aws/boto3/). Where a key is given, the environment has no say.
    """
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": _style(bucket), "us_east_1_regional_endpoint": "regional"},
        connect_timeout=bucket.connect_timeout_seconds,
        read_timeout=bucket.read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": bucket.max_attempts},
        max_pool_connections=MOST_CONNECTIONS,
        tcp_keepalive=True,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        **({"proxies": {}, "ignore_configured_endpoint_urls": True} if bucket.access_key else {}),
    )
    return _session(bucket).client("s3", region_name=bucket.region, endpoint_url=bucket.endpoint or None, config=config)


def _style(bucket: Bucket) -> str:
    """At Amazon the bucket is a part of the host's name, said outright: left to itself, boto3 signs links for the
    host of no region, which sends those to new buckets elsewhere, where the signature is wrong. Amazon's certificate
    does not fit a name with dots."""
    return "path" if bucket.endpoint or "." in bucket.name else "virtual"


def _session(bucket: Bucket) -> Any:
    variables = _NOTHING_FROM_OUTSIDE if bucket.access_key else None
    session = BotocoreSession(session_vars=variables)
    session.register_component("data_loader", _DESCRIPTIONS)
    return Boto3Session(
        aws_access_key_id=bucket.access_key or None,
        aws_secret_access_key=bucket.secret_key.get_secret_value() or None,
        botocore_session=session,
    )
