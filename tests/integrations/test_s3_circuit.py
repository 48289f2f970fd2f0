"""A storage that fails is left alone, and comes back."""

import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.core.errors import NotFound
from shared.integrations.storage import CIRCUIT_OPEN, STORAGE_AWAY
from tests.integrations.conftest import MakeS3
from tests.integrations.s3_calls import CALLS, MIME, put, read, refused
from tests.sandbox_s3 import SandboxS3


@pytest.fixture
def key() -> str:
    return f"orders/{uuid4()}/photo.jpg"


def test_after_failures_in_a_row_nobody_asks_any_more(s3: SandboxS3, make_s3: MakeS3, key: str) -> None:
    storage = make_s3(failures=3)
    put(storage, key)
    s3.fault("error")
    assert [refused(storage, call, key).code for call in ("put", "get", "delete")] == [STORAGE_AWAY] * 3
    before, began = len(s3.requests()), time.monotonic()
    for call in CALLS:
        refusal = refused(storage, call, key)
        assert (refusal.code, refusal.fields["retry_after"]) == (CIRCUIT_OPEN, 60)
    many = storage.delete([key, f"{key}.2", f"{key}.3"])
    assert [refusal.code for refusal in many.values()] == [CIRCUIT_OPEN] * 3
    assert len(s3.requests()) == before
    assert time.monotonic() - began < 1


def test_links_need_nobody(s3: SandboxS3, make_s3: MakeS3, key: str) -> None:
    storage = make_s3(failures=1)
    s3.fault("error")
    refused(storage, "get", key)
    before = len(s3.requests())
    assert storage.link(key, mime=MIME, filename="photo.jpg", expires_at=datetime.now(UTC) + timedelta(seconds=60))
    assert len(s3.requests()) == before


def test_a_while_later_one_asks_for_all(s3: SandboxS3, make_s3: MakeS3, key: str) -> None:
    storage = make_s3(failures=1, recovery_seconds=0.1)
    put(storage, key)
    s3.fault("error")
    refused(storage, "get", key)
    time.sleep(0.12)
    before = len(s3.requests())
    assert refused(storage, "get", key).code == STORAGE_AWAY
    assert refused(storage, "get", key).code == CIRCUIT_OPEN
    assert len(s3.requests()) == before + 1
    s3.fault("ok")
    time.sleep(0.12)
    assert [read(storage, key) for _ in range(2)] == [b"content"] * 2


def test_a_success_between_failures_begins_the_count_anew(s3: SandboxS3, make_s3: MakeS3, key: str) -> None:
    storage = make_s3(failures=2)
    for _ in range(3):
        s3.fault("error", count=1)
        assert refused(storage, "put", key).code == STORAGE_AWAY
        put(storage, key)


def test_what_would_be_refused_again_is_no_failure(s3: SandboxS3, make_s3: MakeS3, key: str) -> None:
    storage = make_s3(failures=1)
    for mode in ("forbidden", "bad_digest"):
        s3.fault(mode)
        for _ in range(3):
            assert refused(storage, "put", key).code == STORAGE_AWAY
    s3.fault("ok")
    for _ in range(3):
        with pytest.raises(NotFound):
            storage.open(key)
    put(storage, key)


@pytest.mark.parametrize("mode", ["slow", "reset", "down"])
def test_silence_and_hanging_up_are_failures(s3: SandboxS3, make_s3: MakeS3, key: str, mode: str) -> None:
    storage = make_s3(failures=1, read_timeout_seconds=0.1)
    s3.fault(mode, count=1, seconds=1)
    assert refused(storage, "put", key).code == STORAGE_AWAY
    assert refused(storage, "put", key).code == CIRCUIT_OPEN


def test_nobody_there_is_a_failure(make_s3: MakeS3, key: str) -> None:
    storage = make_s3(endpoint="http://127.0.0.1:9", failures=2)
    assert [refused(storage, call, key).code for call in ("put", "get")] == [STORAGE_AWAY] * 2
    assert refused(storage, "delete", key).code == CIRCUIT_OPEN
