"""The S3 stand-in, failing on request."""

import http.client
import time
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from ops.sandbox.s3.names import BUCKET

from .s3_client import code, connect, md5


def test_who_sends_no_digest_is_not_told_of_damage(s3):
    place, sent = {"Bucket": BUCKET, "Key": "orders/damaged.jpg"}, b"something"
    trusting = connect(s3, s3={"addressing_style": "path", "payload_signing_enabled": False})
    s3.s3_fault("bad_digest", count=2)
    assert code(trusting.put_object, **place, Body=sent, ContentMD5=md5(sent)) == (400, "BadDigest")
    trusting.put_object(**place, Body=sent)
    assert trusting.get_object(**place)["Body"].read() != sent


REFUSALS = {"down": (503, "SlowDown"), "error": (500, "InternalError"), "forbidden": (403, "AccessDenied")}


@pytest.mark.parametrize("mode", sorted(REFUSALS))
def test_a_put_that_is_refused_stores_nothing(s3, mode):
    client, key = connect(s3), f"orders/{mode}.jpg"
    s3.s3_fault(mode, count=1)
    assert code(client.put_object, Bucket=BUCKET, Key=key, Body=b"x") == REFUSALS[mode]
    assert code(client.get_object, Bucket=BUCKET, Key=key) == (404, "NoSuchKey")


def test_a_connection_that_is_reset_stores_nothing(s3):
    client, key = connect(s3), "orders/reset.jpg"
    for size in (10, 5_000_000):
        s3.s3_fault("reset", count=1)
        with pytest.raises(BotoCoreError):
            client.put_object(Bucket=BUCKET, Key=key, Body=b"x" * size)
        assert code(client.get_object, Bucket=BUCKET, Key=key) == (404, "NoSuchKey")


def test_objects_can_be_read_wrongly(s3):
    client, place, content = connect(s3), {"Bucket": BUCKET, "Key": "orders/read.jpg"}, bytes(range(256)) * 40
    client.put_object(**place, Body=content)
    s3.s3_fault("corrupt", count=1)
    wrong = client.get_object(**place)["Body"].read()
    assert sum(a != b for a, b in zip(wrong, content, strict=True)) == 1
    s3.s3_fault("half", count=1)
    half = client.get_object(**place)
    assert half["ContentLength"] == len(content)
    with pytest.raises(BotoCoreError):
        half["Body"].read()
    s3.s3_fault("vanished", count=3)
    assert code(client.get_object, **place) == (404, "NoSuchKey")
    assert code(client.head_object, **place) == (404, "404")
    assert code(client.delete_object, **place) == (404, "NoSuchKey")
    assert client.get_object(**place)["Body"].read() == content


@pytest.mark.parametrize("mode", ["slow", "drip"])
def test_an_answer_can_take_its_time(s3, mode):
    client, place = connect(s3), {"Bucket": BUCKET, "Key": "orders/slow.jpg"}
    client.put_object(**place, Body=b"x" * 1000)
    s3.s3_fault(mode, seconds=0.3, count=1)
    began = time.monotonic()
    assert len(client.get_object(**place)["Body"].read()) == 1000
    assert 0.3 <= time.monotonic() - began < 3


def test_a_fault_waits_for_the_request_that_it_is_meant_for(s3):
    client = connect(s3)
    told = s3.s3_fault("error", count=1, operation="get", key="/one.")
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
    s3.s3_fault("down", operation=operation)
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
