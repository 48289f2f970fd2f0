"""The S3 stand-in, asked with boto3 and with bare requests."""

import time

import pytest
import requests
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from ops.sandbox.s3.names import ACCESS_KEY, BUCKET, R2_BUCKET, R2_REGION, REGION, SECRET_KEY

from .s3_client import code, connect, md5

BUCKETS = pytest.mark.parametrize(("bucket", "region"), [(BUCKET, REGION), (R2_BUCKET, R2_REGION)])


def presigned(sandbox, path, *, age_seconds=0, life_seconds=60):
    """A URL that was signed some time ago, made with botocore's signer."""
    url = f"http://127.0.0.1:{sandbox.ready['s3_port']}{path}"
    signer = S3SigV4QueryAuth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION, expires=life_seconds)
    request = AWSRequest("GET", url)
    request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - age_seconds))
    signer._modify_request_before_signing(request)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return f"{request.url}&X-Amz-Signature={signature}"


def fetch(sandbox, url):
    return sandbox.session.get(url, timeout=10)


@BUCKETS
def test_an_object_lives_as_at_amazon(s3, bucket, region):
    client, key = connect(s3, region), "orders/a b+ü/1.jpg"
    client.put_object(Bucket=bucket, Key=key, Body=b"one", ContentType="image/png")
    client.put_object(Bucket=bucket, Key=key, Body=b"three", ContentType="image/jpeg", CacheControl="private")
    got = client.get_object(Bucket=bucket, Key=key)
    assert (got["Body"].read(), got["ContentLength"], got["ContentType"]) == (b"three", 5, "image/jpeg")
    assert [each["Key"] for each in client.list_objects_v2(Bucket=bucket, Prefix="orders/a ")["Contents"]] == [key]
    told = [each for each in s3.call("GET", "/api/s3/objects").json()["data"] if each["bucket"] == bucket]
    assert [(each["key"], each["size"], each["content_type"]) for each in told] == [(key, 5, "image/jpeg")]
    assert key in s3.call("GET", "/s3").text
    for _ in range(2):
        client.delete_object(Bucket=bucket, Key=key)
    assert code(client.get_object, Bucket=bucket, Key=key) == (404, "NoSuchKey")


def test_an_object_can_be_made_to_disappear(s3):
    client, place = connect(s3), {"bucket": BUCKET, "key": "orders/gone.jpg"}
    client.put_object(Bucket=BUCKET, Key=place["key"], Body=b"x")
    assert s3.call("POST", "/api/s3/forget", json=place).json() == place
    assert s3.call("POST", "/api/s3/forget", json=place).status_code == 404
    assert code(client.get_object, Bucket=BUCKET, Key=place["key"]) == (404, "NoSuchKey")


def test_a_long_listing_comes_in_pages(s3):
    client = connect(s3)
    for number in range(51):
        client.put_object(Bucket=BUCKET, Key=f"pages/{number:02}", Body=b"x")
    first = client.list_objects_v2(Bucket=BUCKET, Prefix="pages/")
    assert (first["KeyCount"], first["IsTruncated"]) == (50, True)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="pages/")
    assert [each["Key"] for page in pages for each in page["Contents"]][-2:] == ["pages/49", "pages/50"]


def test_a_bucket_that_is_not_there_is_told_apart_from_a_key(s3):
    assert code(connect(s3).get_object, Bucket="somebody-elses", Key="x") == (404, "NoSuchBucket")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"secret": "guessed"}, (403, "SignatureDoesNotMatch")),
        ({"key": "SOMEBODY0ELSES0KEY00"}, (403, "InvalidAccessKeyId")),
        ({"region": "eu-central-1"}, (400, "AuthorizationHeaderMalformed")),
        ({"region": R2_REGION}, (400, "AuthorizationHeaderMalformed")),
    ],
    ids=["secret", "key", "region", "region of R2"],
)
def test_a_request_that_is_signed_wrongly_is_refused(s3, changes, refusal):
    assert code(connect(s3, **changes).list_objects_v2, Bucket=BUCKET) == refusal


def test_a_request_that_is_not_signed_is_refused(s3):
    answer = fetch(s3, f"http://127.0.0.1:{s3.ready['s3_port']}/{BUCKET}/x")
    assert (answer.status_code, "AccessDenied" in answer.text) == (403, True)


def test_a_signed_url_opens_one_object_until_it_expires(s3):
    client = connect(s3)
    for key in ("orders/1.jpg", "orders/2.jpg"):
        client.put_object(Bucket=BUCKET, Key=key, Body=key.encode(), ContentType="image/jpeg")
    more = {"ResponseContentType": "image/webp", "ResponseContentDisposition": 'inline; filename="a b.webp"'}
    url = client.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "orders/1.jpg", **more}, 60)
    opened = fetch(s3, url)
    assert (opened.content, opened.headers["Content-Type"]) == (b"orders/1.jpg", "image/webp")
    assert opened.headers["Content-Disposition"] == 'inline; filename="a b.webp"'
    wrong = [
        url.replace("orders/1.jpg", "orders/2.jpg"),
        url.replace("webp", "html"),
        url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url + "&versionId=1",
    ]
    for each in wrong:
        refused = fetch(s3, each)
        assert (refused.status_code, "SignatureDoesNotMatch" in refused.text) == (403, True), each


def test_a_signed_url_ends_in_time(s3):
    connect(s3).put_object(Bucket=BUCKET, Key="orders/1.jpg", Body=b"x")
    path = f"/{BUCKET}/orders/1.jpg"
    assert fetch(s3, presigned(s3, path, age_seconds=50)).content == b"x"
    late = fetch(s3, presigned(s3, path, age_seconds=62))
    assert (late.status_code, "Request has expired" in late.text) == (403, True)
    early = fetch(s3, presigned(s3, path, age_seconds=-3600))
    assert (early.status_code, "not valid yet" in early.text) == (403, True)
    for life in (0, 8 * 24 * 3600):
        odd = fetch(s3, presigned(s3, path, life_seconds=life))
        assert (odd.status_code, "AuthorizationQueryParametersError" in odd.text) == (400, True)


def test_a_digest_is_really_compared(s3):
    client, place = connect(s3), {"Bucket": BUCKET, "Key": "orders/digest.jpg"}
    client.put_object(**place, Body=b"first", ContentMD5=md5(b"first"))
    assert code(client.put_object, **place, Body=b"second", ContentMD5=md5(b"first")) == (400, "BadDigest")
    assert client.get_object(**place)["Body"].read() == b"first"


def test_a_body_that_is_not_the_signed_one_is_refused(s3):
    client, sent = connect(s3), []
    client.meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(request))
    client.put_object(Bucket=BUCKET, Key="orders/signed.jpg", Body=b"first")
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in sent[0].headers.items()}
    again = requests.put(sent[0].url, data=b"other", headers=headers, timeout=10, proxies={"http": ""})
    assert (again.status_code, "XAmzContentSHA256Mismatch" in again.text) == (400, True)


def test_r2_does_not_know_the_checksums_that_boto3_adds_by_itself(s3):
    put = {"Key": "orders/checksum.jpg", "Body": b"x"}
    ours = connect(s3, R2_REGION, request_checksum_calculation="when_supported")
    assert code(ours.put_object, Bucket=R2_BUCKET, **put) == (501, "NotImplemented")
    amazons = connect(s3, request_checksum_calculation="when_supported")
    assert amazons.put_object(Bucket=BUCKET, **put)["ETag"]
