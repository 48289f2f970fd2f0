"""How S3 and R2 are set up: what a mistake looks like, and what the environment may not change."""

import tempfile
import tracemalloc
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import requests
from pydantic import SecretStr
from structlog.testing import capture_logs

from ops.sandbox.s3.names import SECRET_KEY
from shared.integrations.storage import STORAGE_AWAY
from shared.integrations.storage.s3_storage import S3Storage, s3_storage
from shared.wiring import _storages
from tests.integrations.conftest import MakeS3, MakeSubject
from tests.integrations.s3_calls import CALLS, MIME, put, read, refused
from tests.integrations.storages import World
from tests.sandbox_s3 import SandboxS3

MEBIBYTE = 1024 * 1024


@pytest.fixture
def key() -> str:
    return f"orders/{uuid4()}/photo.jpg"


def test_a_storage_is_within_reach_when_its_bucket_or_account_is_named(world: World) -> None:
    assert set(_storages(world.settings)) == {"local"}
    named = {"s3": "s3_bucket", "r2": "r2_bucket", "cloudflare_images": "cf_images_account_id"}
    for backend, setting in named.items():
        assert set(_storages(world.changed(**{setting: ""}))) == {"local", *named} - {backend}


MISTAKES: dict[str, tuple[dict[str, Any], str, str]] = {
    "no such bucket": ({"bucket": "of-nobody"}, "NoSuchBucket", "{}_BUCKET"),
    "unknown key": ({"access_key": "SOMEBODY0ELSES0KEY00"}, "InvalidAccessKeyId", "{}_ACCESS_KEY"),
    "wrong secret": ({"secret_key": SecretStr("guessed")}, "SignatureDoesNotMatch", "{}_SECRET_KEY"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_of_the_operator_is_named_in_the_log(
    s3: SandboxS3, make_s3: MakeS3, backend: str, key: str, mistake: str
) -> None:
    changes, error, setting = MISTAKES[mistake]
    storage = make_s3(failures=1, **changes)
    for call in CALLS:
        before = len(s3.requests())
        with capture_logs() as logs:
            refusal = refused(storage, call, key)
        assert (refusal.code, len(s3.requests()) - before) == (STORAGE_AWAY, 1)
        _assert_told_to_the_operator_only(refusal.detail, logs, error, setting.format(backend.upper()))


def test_a_right_that_is_missing_is_named_in_the_log(s3: SandboxS3, make_s3: MakeS3, key: str) -> None:
    storage = make_s3(failures=1)
    s3.fault("forbidden")
    for call in CALLS:
        with capture_logs() as logs:
            refusal = refused(storage, call, key)
        _assert_told_to_the_operator_only(refusal.detail, logs, "AccessDenied", "s3:DeleteObject")


def test_a_region_that_is_none_is_a_mistake_as_well(world: World, key: str) -> None:
    storage = _storages(world.changed(s3_region="us east"))["s3"]
    with capture_logs() as logs:
        refusal = refused(storage, "put", key)  # type: ignore[arg-type]
    assert (refusal.code, logs[0]["log_level"]) == (STORAGE_AWAY, "error")


def _assert_told_to_the_operator_only(detail: str, logs: list[MutableMapping[str, Any]], error: str, hint: str) -> None:
    assert [(each["log_level"], each["event"], each["error"]) for each in logs] == [("error", "storage.refused", error)]
    assert hint in logs[0]["hint"]
    assert SECRET_KEY not in repr(logs)
    for secret in ("crewline-photos", "127.0.0.1", "http", error, "The "):
        assert secret not in detail.removeprefix("The photo").removeprefix("s")


def test_the_environment_has_no_say_where_a_key_is_given(
    make_s3: MakeS3, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = "http://127.0.0.1:9"
    outside = {
        "HTTP_PROXY": nowhere,
        "http_proxy": nowhere,
        "AWS_ENDPOINT_URL": nowhere,
        "AWS_ENDPOINT_URL_S3": nowhere,
        "AWS_PROFILE": "of-nobody",
        "AWS_ACCESS_KEY_ID": "SOMEBODY0ELSES0KEY00",
        "AWS_SECRET_ACCESS_KEY": "guessed",
        "AWS_SESSION_TOKEN": "token",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_supported",
    }
    for name, value in outside.items():
        monkeypatch.setenv(name, value)
    storage = make_s3()
    put(storage, key)
    assert read(storage, key) == b"content"
    assert [each.key for each in storage.list_objects(key)] == [key]


def test_without_an_endpoint_it_is_amazons_in_the_region(
    world: World, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for region in ("us-east-1", "eu-central-1"):
        amazon = world.changed(s3_endpoint="", s3_bucket="photos", s3_region=region)
        url = urlsplit(_link(s3_storage(amazon), key))
        assert (url.scheme, url.netloc) == ("https", f"photos.s3.{region}.amazonaws.com")
        assert url.path == f"/{key}"


def test_what_a_browser_is_told_of_an_object(s3: SandboxS3, make_s3: MakeS3, key: str) -> None:
    storage = make_s3()
    put(storage, key)
    assert [(each["size"], each["content_type"]) for each in s3.objects(key)] == [(len(b"content"), MIME)]
    opened = requests.get(_link(storage, key), timeout=10, proxies={"http": ""})
    told = [opened.headers[name] for name in ("Content-Type", "Content-Disposition", "Cache-Control")]
    assert told == ["image/webp", 'inline; filename="a-photo.webp"', "private"]


@pytest.mark.parametrize(("seconds", "life"), [(60, {"59", "60"}), (30 * 24 * 3600, {"604800"}), (-5, {"1"})])
def test_a_link_lives_as_long_as_it_should_and_may(make_s3: MakeS3, key: str, seconds: int, life: set[str]) -> None:
    url = _link(make_s3(), key, seconds=seconds)
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"][0] in life


def _link(storage: S3Storage, key: str, seconds: int = 60) -> str:
    expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
    return storage.link(key, mime="image/webp", filename="a-photo.webp", expires_at=expires_at)


def test_a_large_photo_is_never_held_wholly(make_subject: MakeSubject, backend: str, key: str) -> None:
    storage, size = make_subject(backend).storage, 10 * MEBIBYTE
    storage.put(storage.allocate(key), BytesIO(b"boto3 loads what it needs"), mime=MIME)
    with tempfile.TemporaryFile() as source:
        source.truncate(size)
        tracemalloc.start()
        try:
            storage.put(storage.allocate(key), cast(BinaryIO, source), mime=MIME)
            with storage.open(key) as stored:
                read_bytes = sum(len(piece) for piece in iter(lambda: stored.source.read(8192), b""))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert read_bytes == size
    assert peak < 3 * MEBIBYTE
