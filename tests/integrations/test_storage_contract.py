"""What every storage must do, the same for each."""

import random
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, BinaryIO, cast

import pytest
import requests

from shared.core.errors import NotFound, Unavailable
from shared.integrations.storage import OBJECT_MISSING, Storage
from tests.integrations.storages import Subject

MIME = "image/jpeg"
MEBIBYTE = 1024 * 1024
SIZES = [0, 1, 16 * 1024, 64 * 1024 + 1, MEBIBYTE, 10 * MEBIBYTE]


def content(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def put(subject: Subject, name: str, data: bytes) -> str:
    """The key of a new object."""
    slot = subject.storage.allocate(f"{subject.prefix}/{name}")
    subject.storage.put(slot, BytesIO(subject.photo(data)), mime=MIME)
    return slot.key


def read(storage: Storage, key: str) -> bytes:
    with storage.open(key) as stored:
        found = stored.source.read()
        assert stored.size == len(found)
        return found


def is_there(storage: Storage, key: str) -> bool:
    try:
        storage.open(key).source.close()
    except NotFound:
        return False
    return True


def paths(subject: Subject, prefix: str = "") -> list[str]:
    """The names that are listed below the subject's own place."""
    listed = subject.storage.list_objects(prefix or f"{subject.prefix}/")
    found = [each.path.removeprefix(f"{subject.prefix}/") for each in listed]
    return found if subject.kind.lists_in_order else sorted(found)


class Watched(BytesIO):
    """A source that looks around, or fails, before each piece that it gives."""

    def __init__(self, data: bytes, look: Callable[[], None]) -> None:
        super().__init__(data)
        self._look = look

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() < len(self.getbuffer()):
            self._look()
        return super().read(size)


def link(subject: Subject, key: str, seconds: float = 60) -> Any:
    expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
    return subject.storage.link(key, mime=MIME, filename="photo.jpg", expires_at=expires_at)


def fetch(url: str) -> requests.Response:
    """Open a link as a browser of a stranger does."""
    with requests.Session() as stranger:
        stranger.trust_env = False
        return stranger.get(url, timeout=10)


class TestStorageContract:
    def test_it_is_what_it_says(self, subject: Subject) -> None:
        assert subject.storage.backend == subject.name
        assert subject.storage.resizes is subject.kind.resizes

    @pytest.mark.parametrize("size", SIZES)
    def test_what_was_put_is_read(self, subject: Subject, size: int) -> None:
        data = content(size)
        assert read(subject.storage, put(subject, "photo.jpg", data)) == subject.photo(data)

    def test_it_is_read_from_the_start_wherever_the_source_stands(self, subject: Subject) -> None:
        slot, data = subject.storage.allocate(f"{subject.prefix}/photo.jpg"), subject.photo(b"0123456789")
        source = BytesIO(data)
        source.seek(7)
        subject.storage.put(slot, source, mime=MIME)
        assert read(subject.storage, slot.key) == data

    def test_it_is_read_piece_by_piece_and_may_be_left_in_the_middle(self, subject: Subject) -> None:
        key, data = put(subject, "photo.jpg", content(MEBIBYTE)), subject.photo(content(MEBIBYTE))
        with subject.storage.open(key) as stored:
            pieces = [stored.source.read(10_000) for _ in range(3)]
        assert b"".join(pieces) == data[:30_000]
        assert stored.source.closed
        with subject.storage.open(key) as stored:
            assert b"".join(iter(lambda: stored.source.read(8192), b"")) == data

    def test_what_is_put_over_another_takes_its_place(self, overwriting: Subject) -> None:
        for data in (content(70_000), b"short", content(300_000, seed=2)):
            assert read(overwriting.storage, put(overwriting, "photo.jpg", data)) == data
        assert paths(overwriting) == ["photo.jpg"]

    def test_a_temporary_file_of_the_spool_is_taken(self, subject: Subject) -> None:
        slot, data = subject.storage.allocate(f"{subject.prefix}/photo.jpg"), subject.photo(content(MEBIBYTE))
        with tempfile.TemporaryFile(dir=subject.storage.spool) as source:
            source.write(data)
            subject.storage.put(slot, cast(BinaryIO, source), mime=MIME)
        assert read(subject.storage, slot.key) == data
        assert paths(subject) == ["photo.jpg"]

    def test_what_is_not_there_is_not_found(self, subject: Subject) -> None:
        key = put(subject, "photo.jpg", b"x")
        subject.storage.delete([key])
        with pytest.raises(NotFound) as refused:
            subject.storage.open(key)
        assert refused.value.code == OBJECT_MISSING

    def test_deleting_twice_is_harmless(self, subject: Subject) -> None:
        key, other = put(subject, "1.jpg", b"1"), put(subject, "2.jpg", b"2")
        assert subject.storage.delete([key]) == {}
        assert subject.storage.delete([key]) == {}
        assert not is_there(subject.storage, key)
        assert read(subject.storage, other) == subject.photo(b"2")

    def test_many_are_deleted_at_once_whether_they_are_there_or_not(self, subject: Subject) -> None:
        keys = [put(subject, f"{number}.jpg", b"x") for number in range(20)]
        subject.storage.delete(keys[::5])
        assert subject.storage.delete(iter([*keys, keys[0]])) == {}
        assert paths(subject) == []
        assert subject.storage.delete([]) == {}

    def test_what_is_there_is_listed_below_its_prefix(self, subject: Subject) -> None:
        began = datetime.now(UTC) - timedelta(seconds=2)
        for name in ("b/2.jpg", "a/1.jpg", "b/10.jpg", "bb/3.jpg"):
            put(subject, name, name.encode())
        assert paths(subject) == ["a/1.jpg", "b/10.jpg", "b/2.jpg", "bb/3.jpg"]
        assert paths(subject, f"{subject.prefix}/b/") == ["b/10.jpg", "b/2.jpg"]
        assert paths(subject, f"{subject.prefix}/b") == ["b/10.jpg", "b/2.jpg", "bb/3.jpg"]
        assert paths(subject, f"{subject.prefix}/c") == []
        for each in subject.storage.list_objects(f"{subject.prefix}/"):
            data = subject.photo(each.path.removeprefix(f"{subject.prefix}/").encode())
            assert read(subject.storage, each.key) == data
            assert each.size == (len(data) if subject.kind.tells_sizes else 0)
            assert began <= each.modified_at <= datetime.now(UTC) + timedelta(seconds=2)

    def test_what_is_deleted_is_no_longer_listed(self, subject: Subject) -> None:
        keys = [put(subject, f"{number}.jpg", b"x") for number in range(3)]
        subject.storage.delete([keys[1]])
        assert paths(subject) == ["0.jpg", "2.jpg"]

    def test_nothing_is_seen_while_it_is_written(self, subject: Subject) -> None:
        slot, seen = subject.storage.allocate(f"{subject.prefix}/photo.jpg"), []
        source = Watched(subject.photo(content(MEBIBYTE)), lambda: seen.append(is_there(subject.storage, slot.key)))
        subject.storage.put(slot, source, mime=MIME)
        assert seen
        assert not any(seen)
        assert is_there(subject.storage, slot.key)

    def test_the_former_is_seen_while_another_is_written_over_it(self, overwriting: Subject) -> None:
        storage, key, seen = overwriting.storage, put(overwriting, "photo.jpg", b"former"), set[bytes]()
        source = Watched(content(MEBIBYTE), lambda: seen.add(read(storage, key)))
        storage.put(storage.allocate(key), source, mime=MIME)
        assert seen == {b"former"}

    def test_a_source_that_fails_leaves_nothing(self, subject: Subject) -> None:
        slot, reads = subject.storage.allocate(f"{subject.prefix}/photo.jpg"), []

        def fail() -> None:
            reads.append(1)
            if len(reads) > 1:
                raise OSError("the disk is gone")

        with suppress(OSError, Unavailable):
            subject.storage.put(slot, Watched(subject.photo(content(MEBIBYTE)), fail), mime=MIME)
        written = is_there(subject.storage, slot.key)
        assert written is (len(reads) == 1), "written only if it was read at once and wholly"
        assert paths(subject) == (["photo.jpg"] if written else [])

    def test_there_is_a_link_or_downloads_go_through_our_api(self, subject: Subject) -> None:
        assert (link(subject, put(subject, "photo.jpg", b"x")) is not None) is subject.kind.has_links

    def test_a_link_opens_the_object(self, linking: Subject) -> None:
        data = content(100_000)
        opened = fetch(link(linking, put(linking, "photo.jpg", data)))
        assert (opened.status_code, opened.headers["Content-Type"]) == (200, MIME)
        assert opened.content == linking.photo(data)

    def test_a_link_that_was_changed_opens_nothing(self, linking: Subject) -> None:
        good, other = (link(linking, put(linking, name, name.encode())) for name in ("1.jpg", "2.jpg"))
        assert fetch(good).content == linking.photo(b"1.jpg")
        (address, _, query), (others, _, _) = good.partition("?"), other.partition("?")
        for wrong in (address, f"{others}?{query}", good[:-1] + ("0" if good[-1] != "0" else "1")):
            assert fetch(wrong).status_code in {401, 403}, wrong

    def test_a_link_that_has_expired_opens_nothing(self, linking: Subject) -> None:
        url, deadline = link(linking, put(linking, "photo.jpg", b"x"), seconds=2), time.monotonic() + 5
        assert fetch(url).content == linking.photo(b"x")
        while fetch(url).status_code not in {401, 403}:
            assert time.monotonic() < deadline
            time.sleep(0.1)
