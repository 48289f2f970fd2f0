"""S3 and R2 that fail: what our side makes of it, over the wire."""

import time
from io import BytesIO
from uuid import uuid4

import psutil
import pytest
from structlog.testing import capture_logs

from shared.core.errors import NotFound, Unavailable
from shared.integrations.storage import OBJECT_MISSING, STORAGE_AWAY, Slot
from tests.integrations.conftest import MakeS3, MakeSubject
from tests.integrations.s3_calls import CALLS, MIME, put, read, refused
from tests.sandbox_s3 import SandboxS3

LARGE = bytes(range(256)) * 8192  # 2 MiB


@pytest.fixture
def key(make_subject: MakeSubject, backend: str, s3: SandboxS3) -> str:
    """The key of an object that is there."""
    key = f"orders/{uuid4()}/photo.jpg"
    make_subject(backend).storage.put(Slot(key), BytesIO(b"content"), mime=MIME)
    return key


def test_silence_is_waited_for_no_longer_than_the_timeout(s3: SandboxS3, make_s3: MakeS3, key: str) -> None:
    storage = make_s3(read_timeout_seconds=0.2)
    s3.fault("slow", seconds=3)
    for call in CALLS:
        began = time.monotonic()
        assert refused(storage, call, key).code == STORAGE_AWAY
        assert time.monotonic() - began < 2


def test_silence_in_the_middle_of_an_object_is_no_different(s3: SandboxS3, make_s3: MakeS3, key: str) -> None:
    storage = make_s3(read_timeout_seconds=0.2)
    put(storage, key, LARGE)
    s3.fault("drip", seconds=20)
    with pytest.raises(Unavailable) as refusal:
        read(storage, key)
    assert refusal.value.code == STORAGE_AWAY


@pytest.mark.parametrize("mode", ["error", "reset"])
def test_a_failure_that_passes_is_not_noticed(s3: SandboxS3, make_s3: MakeS3, key: str, mode: str) -> None:
    storage = make_s3(max_attempts=3, failures=1)
    for call in CALLS:
        s3.fault(mode, count=2)
        before = len(s3.requests())
        CALLS[call](storage, key)
        assert [each["mode"] for each in s3.requests()[before:]] == [mode, mode, "ok"]


@pytest.mark.parametrize("mode", ["error", "reset"])
def test_a_failure_that_stays_is_told_after_the_last_try(s3: SandboxS3, make_s3: MakeS3, key: str, mode: str) -> None:
    storage = make_s3(max_attempts=2)
    s3.fault(mode)
    for call in CALLS:
        before = len(s3.requests())
        assert refused(storage, call, key).code == STORAGE_AWAY
        assert len(s3.requests()) - before == 2


def test_one_that_is_overloaded_is_asked_again(s3: SandboxS3, make_s3: MakeS3, key: str) -> None:
    s3.fault("down", count=1)
    put(make_s3(max_attempts=2), key)
    s3.fault("down")
    assert refused(make_s3(), "put", key).code == STORAGE_AWAY


def test_a_large_upload_that_is_cut_off_is_sent_again_from_its_start(s3: SandboxS3, make_s3: MakeS3, key: str) -> None:
    storage = make_s3(max_attempts=2)
    s3.fault("reset", count=1)
    put(storage, key, LARGE)
    assert read(storage, key) == LARGE


def test_what_has_vanished_is_not_found_and_need_not_be_deleted(s3: SandboxS3, make_s3: MakeS3, key: str) -> None:
    storage = make_s3()
    s3.fault("vanished")
    with pytest.raises(NotFound) as refusal:
        storage.open(key)
    assert refusal.value.code == OBJECT_MISSING
    assert storage.delete([key, f"{key}.other"]) == {}


@pytest.mark.parametrize("mode", ["corrupt", "half"])
@pytest.mark.parametrize("content", [b"x", LARGE], ids=["small", "large"])
def test_a_body_that_is_not_the_object_is_never_read_to_its_end(
    s3: SandboxS3, make_s3: MakeS3, key: str, mode: str, content: bytes
) -> None:
    storage, given = make_s3(), b""
    put(storage, key, content)
    s3.fault(mode, count=1)
    with storage.open(key) as stored, pytest.raises(Unavailable) as refusal:
        while piece := stored.source.read(8192):
            given += piece
    assert refusal.value.code == STORAGE_AWAY
    assert len(given) < len(content)
    assert read(storage, key) == content


def test_an_object_that_is_left_in_the_middle_leaves_no_connection(
    s3: SandboxS3, make_s3: MakeS3, key: str, sandbox_ports: dict[str, int]
) -> None:
    def connections() -> int:
        found = psutil.Process().net_connections()
        return sum(bool(each.raddr) and each.raddr.port == sandbox_ports["s3_port"] for each in found)

    storage = make_s3()
    put(storage, key, LARGE * 8)
    before = connections()
    with storage.open(key) as stored:
        assert stored.source.read(8192) == LARGE[:8192]
        assert connections() == before + 1
    assert connections() == before


def test_an_upload_that_was_damaged_on_the_way_is_refused_and_leaves_nothing(s3: SandboxS3, make_s3: MakeS3) -> None:
    storage, key = make_s3(failures=1), f"orders/{uuid4()}/photo.jpg"
    s3.fault("bad_digest", count=1)
    with capture_logs() as logs:
        assert refused(storage, "put", key).code == STORAGE_AWAY
    assert [each["error"] for each in logs] == ["BadDigest"]
    assert s3.objects(key) == []
    put(storage, key)
    assert read(storage, key) == b"content"


def test_a_source_that_ends_in_the_middle_of_an_upload_leaves_the_former_object(make_s3: MakeS3, key: str) -> None:
    class Ending(BytesIO):
        readings = 0

        def seek(self, offset: int, whence: int = 0, /) -> int:
            self.readings += not offset and not whence
            return super().seek(offset, whence)

        def read(self, size: int | None = -1, /) -> bytes:
            if self.readings > 2 and self.tell() > len(LARGE) // 2:
                raise OSError("the disk is gone")
            return super().read(size)

    storage, source = make_s3(), Ending(LARGE)
    with pytest.raises((Unavailable, OSError)):
        storage.put(Slot(key), source, mime=MIME)
    assert source.readings > 2
    assert read(storage, key) == b"content"


def test_of_many_deletes_those_that_fail_are_told(s3: SandboxS3, make_s3: MakeS3, key: str) -> None:
    storage, folder = make_s3(), key.removesuffix("photo.jpg")
    keys = [f"{folder}{number}.jpg" for number in range(12)]
    for each in keys:
        put(storage, each)
    s3.fault("error", operation="delete", key=f"{folder}1")
    failed = storage.delete(keys)
    assert sorted(failed) == sorted(f"{folder}{number}.jpg" for number in (1, 10, 11))
    assert {refusal.code for refusal in failed.values()} == {STORAGE_AWAY}
    assert {each["key"] for each in s3.objects(folder)} == {*failed, key}


def test_a_listing_that_ends_in_the_middle_does_not_pass_for_a_short_one(
    s3: SandboxS3, make_s3: MakeS3, key: str
) -> None:
    storage, folder = make_s3(), key.removesuffix("photo.jpg")
    for number in range(60):
        put(storage, f"{folder}{number:02}.jpg", b"")
    assert len(list(storage.list_objects(folder))) == 61
    listing = storage.list_objects(folder)
    first = next(listing)
    s3.fault("error", operation="list")
    with pytest.raises(Unavailable):
        list(listing)
    assert first.key == f"{folder}00.jpg"
