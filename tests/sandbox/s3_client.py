"""boto3 clients of the sandbox's S3, and what they are refused."""

import base64
import hashlib

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from ops.sandbox.s3.names import ACCESS_KEY, REGION, SECRET_KEY


def connect(sandbox, region=REGION, key=ACCESS_KEY, secret=SECRET_KEY, **config):
    settings = {
        "signature_version": "s3v4",
        "s3": {"addressing_style": "path"},
        "proxies": {},
        "retries": {"total_max_attempts": 1},
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    session = boto3.session.Session(aws_access_key_id=key, aws_secret_access_key=secret)
    url = f"http://127.0.0.1:{sandbox.ready['s3_port']}"
    return session.client("s3", region_name=region, endpoint_url=url, config=Config(**settings | config))


def code(call, *arguments, **named):
    """The status and the code of a refusal."""
    with pytest.raises(ClientError) as refused:
        call(*arguments, **named)
    return refused.value.response["ResponseMetadata"]["HTTPStatusCode"], refused.value.response["Error"]["Code"]


def md5(content):
    return base64.b64encode(hashlib.md5(content).digest()).decode()
