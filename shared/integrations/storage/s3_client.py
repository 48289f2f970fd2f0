"""A boto3 client of one bucket, at Amazon or wherever S3 is spoken."""

import os
from dataclasses import dataclass
from typing import Any

import boto3.session
import botocore.session
from botocore.config import Config
from botocore.loaders import create_loader
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
        s3={"addressing_style": "path" if bucket.endpoint else "auto"},
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


def _session(bucket: Bucket) -> Any:
    variables = _NOTHING_FROM_OUTSIDE if bucket.access_key else None
    session = botocore.session.Session(session_vars=variables)
    session.register_component("data_loader", _DESCRIPTIONS)
    return boto3.session.Session(
        aws_access_key_id=bucket.access_key or None,
        aws_secret_access_key=bucket.secret_key.get_secret_value() or None,
        botocore_session=session,
    )
