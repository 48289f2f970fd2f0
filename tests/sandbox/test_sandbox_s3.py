"""The S3 stand-in, asked with boto3 and with bare requests."""

import base64
import hashlib
import http.client
import time
from urllib.parse import urlsplit

import boto3
import pytest
import requests
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from ops.sandbox.s3.names import ACCESS_KEY, BUCKET, R2_BUCKET, R2_REGION, REGION, SECRET_KEY

BUCKETS = pytest.mark.parametrize(("bucket", "region"), [(BUCKET, REGION), (R2_BUCKET, R2_REGION)])


@pytest.fixture
def s3(sandbox):
    """The sandbox, with S3 in good order before and after."""
    fault(sandbox, "ok")
    yield sandbox
    fault(sandbox, "ok")


def fault(sandbox, mode, **more):
    answer = sandbox.call("PUT", "/api/s3/fault", json={"mode": mode, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


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


def md5(content):
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def test_a_digest_is_really_compared(s3):
    client, place = connect(s3), {"Bucket": BUCKET, "Key": "orders/digest.jpg"}
    client.put_object(**place, Body=b"first", ContentMD5=md5(b"first"))
    assert code(client.put_object, **place, Body=b"second", ContentMD5=md5(b"first")) == (400, "BadDigest")
    assert client.get_object(**place)["Body"].read() == b"first"


def test_who_sends_no_digest_is_not_told_of_damage(s3):
    place, sent = {"Bucket": BUCKET, "Key": "orders/damaged.jpg"}, b"something"
    trusting = connect(s3, s3={"addressing_style": "path", "payload_signing_enabled": False})
    fault(s3, "bad_digest", count=2)
    assert code(trusting.put_object, **place, Body=sent, ContentMD5=md5(sent)) == (400, "BadDigest")
    trusting.put_object(**place, Body=sent)
    assert trusting.get_object(**place)["Body"].read() != sent


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


REFUSALS = {"down": (503, "SlowDown"), "error": (500, "InternalError"), "forbidden": (403, "AccessDenied")}


@pytest.mark.parametrize("mode", sorted(REFUSALS))
def test_a_put_that_is_refused_stores_nothing(s3, mode):
    client, key = connect(s3), f"orders/{mode}.jpg"
    fault(s3, mode, count=1)
    assert code(client.put_object, Bucket=BUCKET, Key=key, Body=b"x") == REFUSALS[mode]
    assert code(client.get_object, Bucket=BUCKET, Key=key) == (404, "NoSuchKey")


def test_a_connection_that_is_reset_stores_nothing(s3):
    client, key = connect(s3), "orders/reset.jpg"
    for size in (10, 5_000_000):
        fault(s3, "reset", count=1)
        with pytest.raises(BotoCoreError):
            client.put_object(Bucket=BUCKET, Key=key, Body=b"x" * size)
        assert code(client.get_object, Bucket=BUCKET, Key=key) == (404, "NoSuchKey")


def test_objects_can_be_read_wrongly(s3):
    client, place, content = connect(s3), {"Bucket": BUCKET, "Key": "orders/read.jpg"}, bytes(range(256)) * 40
    client.put_object(**place, Body=content)
    fault(s3, "corrupt", count=1)
    wrong = client.get_object(**place)["Body"].read()
    assert sum(a != b for a, b in zip(wrong, content, strict=True)) == 1
    fault(s3, "half", count=1)
    half = client.get_object(**place)
    assert half["ContentLength"] == len(content)
    with pytest.raises(BotoCoreError):
        half["Body"].read()
    fault(s3, "vanished", count=3)
    assert code(client.get_object, **place) == (404, "NoSuchKey")
    assert code(client.head_object, **place) == (404, "404")
    assert code(client.delete_object, **place) == (404, "NoSuchKey")
    assert client.get_object(**place)["Body"].read() == content


@pytest.mark.parametrize("mode", ["slow", "drip"])
def test_an_answer_can_take_its_time(s3, mode):
    client, place = connect(s3), {"Bucket": BUCKET, "Key": "orders/slow.jpg"}
    client.put_object(**place, Body=b"x" * 1000)
    fault(s3, mode, seconds=0.3, count=1)
    began = time.monotonic()
    assert len(client.get_object(**place)["Body"].read()) == 1000
    assert 0.3 <= time.monotonic() - began < 3


def test_a_fault_waits_for_the_request_that_it_is_meant_for(s3):
    client = connect(s3)
    told = fault(s3, "error", count=1, operation="get", key="/one.")
    assert told == {"mode": "error", "count": 1, "seconds": 0.0, "operation": "get", "key": "/one."}
    for key in ("orders/one.jpg", "orders/two.jpg"):
        client.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    client.list_objects_v2(Bucket=BUCKET)
    client.get_object(Bucket=BUCKET, Key="orders/two.jpg")
    client.delete_object(Bucket=BUCKET, Key="orders/one.jpg")
    assert s3.call("GET", "/api/s3/fault").json() == told
    assert code(client.get_object, Bucket=BUCKET, Key="orders/one.jpg") == (500, "InternalError")
    assert s3.call("GET", "/api/s3/fault").json()["mode"] == "ok"
    asked = s3.call("GET", "/api/s3/requests").json()["data"][-1]
    assert {name: asked[name] for name in ("operation", "bucket", "key", "mode", "status")} == {
        "operation": "get",
        "bucket": BUCKET,
        "key": "orders/one.jpg",
        "mode": "error",
        "status": 500,
    }


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("list", lambda client: client.list_objects_v2(Bucket=BUCKET)),
        ("delete", lambda client: client.delete_object(Bucket=BUCKET, Key="x")),
        ("delete", lambda client: client.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "x"}]})),
        ("get", lambda client: client.head_object(Bucket=BUCKET, Key="x")),
    ],
    ids=["list", "delete", "delete many", "head"],
)
def test_every_operation_can_fail(s3, operation, call):
    client = connect(s3)
    fault(s3, "down", operation=operation)
    with pytest.raises(ClientError) as refused:
        call(client)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"mode": "sad"},
        {"mode": "slow"},
        {"mode": "down", "operation": "look"},
        {"mode": "corrupt", "operation": "put"},
        {"mode": "bad_digest", "operation": "get"},
        {"mode": "down", "count": 0},
        {"mode": "down", "colour": 1},
    ],
    ids=lambda wrong: "-".join(str(value) for value in wrong.values()) or "empty",
)
def test_a_fault_that_makes_no_sense_is_refused(s3, wrong):
    assert s3.call("PUT", "/api/s3/fault", json=wrong).status_code == 400
    assert s3.call("GET", "/api/s3/fault").json()["mode"] == "ok"


def test_a_client_that_leaves_in_the_middle_stores_nothing(s3):
    client, sent = connect(s3), []
    client.meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(request))
    client.put_object(Bucket=BUCKET, Key="orders/left.jpg", Body=b"0123456789")
    client.delete_object(Bucket=BUCKET, Key="orders/left.jpg")
    _send_half(sent[0])
    assert code(client.get_object, Bucket=BUCKET, Key="orders/left.jpg") == (404, "NoSuchKey")


def _send_half(request):
    """The same request again, without the end of its body."""
    where = urlsplit(request.url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
    connection.putrequest("PUT", where.path)
    for name, value in request.headers.items():
        if name.lower() != "expect":
            connection.putheader(name, value)
    connection.endheaders(b"01234")
    connection.sock.shutdown(1)
    assert connection.sock.recv(100) == b""
    connection.close()
