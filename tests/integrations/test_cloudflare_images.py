"""Photos in Cloudflare Images, over the wire: kept, read, listed, linked, deleted."""

import hashlib
import hmac
import re
import tempfile
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from io import BytesIO
from uuid import uuid4

import pytest
import requests
from PIL import Image
from pydantic import SecretStr

from shared.core.errors import NotFound, Unavailable
from shared.integrations.storage import OBJECT_MISSING, STORAGE_AWAY, Slot
from shared.integrations.storage import cloudflare_images as client
from shared.integrations.storage.cloudflare_images import CloudflareImagesStorage
from tests.integrations.conftest import MakeCloudflare
from tests.integrations.one_answer import OneAnswer
from tests.integrations.pictures import noise, picture
from tests.sandbox_cloudflare import SandboxCloudflare


@pytest.fixture
def storage(make_cloudflare: MakeCloudflare) -> CloudflareImagesStorage:
    return make_cloudflare()


@pytest.fixture
def place() -> str:
    """Where only this test keeps photos."""
    return f"orders/{uuid4()}"


def put(storage: CloudflareImagesStorage, path: str, content: bytes | None = None, mime: str = "image/png") -> str:
    slot = storage.allocate(path)
    storage.put(slot, BytesIO(content or picture()), mime=mime)
    return slot.key


def link(storage: CloudflareImagesStorage, key: str, seconds: float = 60, *, thumbnail: bool = False) -> str:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    return storage.link(key, mime="image/png", filename="x.png", expires_at=until, thumbnail=thumbnail)


def fetch(url: str) -> requests.Response:
    with requests.Session() as stranger:
        stranger.trust_env = False
        return stranger.get(url, timeout=10)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_an_image_comes_back_byte_by_byte(storage: CloudflareImagesStorage, place: str, kind: str) -> None:
    content = picture(kind)
    with storage.open(put(storage, f"{place}/1", content, f"image/{kind.lower()}")) as stored:
        assert stored.size == len(content)
        assert stored.source.read() == content
    assert stored.source.closed


def test_it_is_private_and_remembers_its_path(
    storage: CloudflareImagesStorage, cloudflare: SandboxCloudflare, place: str
) -> None:
    key = put(storage, f"{place}/1.png")
    (image,) = cloudflare.images(place)
    assert (image["id"], image["private"], image["metadata"]) == (key, True, {"path": f"{place}/1.png"})
    assert fetch(link(storage, key).partition("?")[0]).status_code == 403


def test_a_place_that_was_never_filled_is_no_object(storage: CloudflareImagesStorage, place: str) -> None:
    slot = storage.allocate(f"{place}/1.png")
    with pytest.raises(NotFound) as refused:
        storage.open(slot.key)
    assert refused.value.code == OBJECT_MISSING
    assert list(storage.list_objects(place)) == []
    assert storage.delete([slot.key]) == {}


def test_a_place_takes_one_object(storage: CloudflareImagesStorage, place: str) -> None:
    slot = storage.allocate(f"{place}/1.png")
    storage.put(slot, BytesIO(picture()), mime="image/png")
    with pytest.raises(Unavailable):
        storage.put(slot, BytesIO(picture(seed=7)), mime="image/png")
    with storage.open(slot.key) as stored:
        assert stored.source.read() == picture()


@pytest.mark.parametrize("content", [b"no image", picture()[:-100], b" " * 10_000_001], ids=["text", "half", "large"])
def test_what_cloudflare_does_not_take_is_refused_and_leaves_nothing(
    storage: CloudflareImagesStorage, cloudflare: SandboxCloudflare, place: str, content: bytes
) -> None:
    with pytest.raises(Unavailable) as refused:
        put(storage, f"{place}/1.png", content)
    assert refused.value.code == STORAGE_AWAY
    assert cloudflare.images(place) == []


def test_an_upload_is_a_form_without_our_token(storage: CloudflareImagesStorage) -> None:
    content = picture()
    with OneAnswer({"id": "the-key"}).running() as server:
        storage.put(Slot("the-key", server.url), BytesIO(content), mime="image/png")
    (headers,), (body,) = server.headers, server.bodies
    assert "Authorization" not in headers
    assert int(headers["Content-Length"]) == len(body)
    boundary = headers["Content-Type"].partition("boundary=")[2].encode()
    head, _, rest = body.partition(b"\r\n\r\n")
    assert b'name="file"; filename="photo"\r\nContent-Type: image/png' in head
    assert rest == content + b"\r\n--" + boundary + b"--\r\n"


def test_memory_does_not_grow_with_the_photo(storage: CloudflareImagesStorage, place: str) -> None:
    content = noise(1750)
    assert 9_000_000 < len(content) < 10_000_000
    slot = storage.allocate(f"{place}/1.png")
    storage.open(put(storage, f"{place}/warm.png")).source.close()
    with tempfile.TemporaryFile() as source:
        source.write(content)
        tracemalloc.start()
        try:
            storage.put(slot, source, mime="image/png")
            stored = storage.open(slot.key)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 1_000_000
    with stored:
        assert stored.source.read() == content


@pytest.mark.parametrize("key", ["no-such-key", "../../other", "a/b", "?x=1", "ключ"])
def test_a_key_that_cloudflare_never_gave_is_not_found(storage: CloudflareImagesStorage, key: str) -> None:
    with pytest.raises(NotFound) as refused:
        storage.open(key)
    assert refused.value.code == OBJECT_MISSING
    assert storage.delete([key]) == {}


@pytest.mark.parametrize("key", ["", ".", ".."])
def test_a_key_that_would_be_another_path_is_nobodys(storage: CloudflareImagesStorage, key: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        storage.open(key)


def test_several_are_deleted_at_the_same_time(storage: CloudflareImagesStorage, cloudflare: SandboxCloudflare) -> None:
    cloudflare.fault("slow", operation="delete", seconds=0.5)
    began = time.monotonic()
    assert storage.delete(f"key-{number}" for number in range(client.MOST_DELETES_AT_ONCE)) == {}
    assert time.monotonic() - began < 1.5


def test_every_object_of_ours_is_listed_page_by_page(
    storage: CloudflareImagesStorage, cloudflare: SandboxCloudflare, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 2)
    began = datetime.now(UTC) - timedelta(seconds=1)
    keys = {f"{place}/{number}.png": put(storage, f"{place}/{number}.png") for number in range(5)}
    listed = list(storage.list_objects(f"{place}/"))
    assert {each.path: each.key for each in listed} == keys
    assert all(began <= each.modified_at <= datetime.now(UTC) for each in listed)
    assert [each.path for each in storage.list_objects(f"{place}/3")] == [f"{place}/3.png"]
    assert cloudflare.calls().count("list") > 2


@pytest.mark.parametrize("metadata", ["{}", '{"path": 5}', '{"logo": "spring"}'])
def test_images_of_somebody_else_are_not_listed(
    storage: CloudflareImagesStorage, cloudflare: SandboxCloudflare, metadata: str
) -> None:
    foreign = cloudflare.of_somebody_else(picture(), metadata)
    assert foreign not in {each.key for each in storage.list_objects()}
    cloudflare.forget(foreign)


def test_a_link_opens_the_photo_and_another_its_thumbnail(
    storage: CloudflareImagesStorage, cloudflare: SandboxCloudflare, place: str
) -> None:
    key = put(storage, f"{place}/1.png")
    called = cloudflare.calls()
    urls = link(storage, key), link(storage, key, thumbnail=True)
    assert cloudflare.calls() == called, "a link is made here"
    whole, small = (fetch(url) for url in urls)
    assert (whole.status_code, whole.content) == (200, picture())
    assert Image.open(BytesIO(small.content)).size == (480, 300)


def test_a_link_is_signed_as_cloudflare_says(make_cloudflare: MakeCloudflare) -> None:
    storage = make_cloudflare(
        cf_images_delivery_base="https://imagedelivery.net",
        cf_images_account_hash="cheeW4oKsx5ljh8e8BoL2A",
        cf_images_signing_key=SecretStr("k"),
        cf_images_default_variant="mobile",
    )
    url = storage.link("bc27a117", mime="", filename="", expires_at=datetime.fromtimestamp(1631289275.9, UTC))
    signed = "/cheeW4oKsx5ljh8e8BoL2A/bc27a117/mobile?exp=1631289275"
    signature = hmac.new(b"k", signed.encode(), hashlib.sha256).hexdigest()
    assert url == f"https://imagedelivery.net{signed}&sig={signature}"


@pytest.mark.parametrize("change", ["end", "longer life", "other variant", "other photo", "no signature"])
def test_a_link_that_was_changed_opens_nothing(storage: CloudflareImagesStorage, place: str, change: str) -> None:
    key, other = (put(storage, f"{place}/{number}.png") for number in range(2))
    url = link(storage, key)
    changed = {
        "end": url[:-1] + ("0" if url[-1] != "0" else "1"),
        "longer life": re.sub(r"exp=\d+", lambda found: f"{found[0]}0", url),
        "other variant": url.replace("/public?", "/thumbnail?"),
        "other photo": url.replace(key, other),
        "no signature": url.partition("&sig")[0],
    }[change]
    assert changed != url
    assert fetch(changed).status_code == 403
    assert fetch(url).status_code == 200
