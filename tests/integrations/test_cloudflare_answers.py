"""Answers that no Cloudflare gives are not believed."""

from io import BytesIO
from typing import Any

import pytest

from shared.integrations.storage import STORAGE_AWAY, Slot
from tests.integrations.cloudflare_steps import refused
from tests.integrations.conftest import MakeCloudflare
from tests.integrations.one_answer import OneAnswer
from tests.integrations.pictures import picture
from tests.sandbox_cloudflare import SandboxCloudflare


def test_an_endless_answer_is_refused(make_cloudflare: MakeCloudflare, cloudflare: SandboxCloudflare) -> None:
    storage = make_cloudflare()
    cloudflare.fault("endless", operation="allocate")
    assert refused(storage.allocate, "orders/1").code == STORAGE_AWAY
    cloudflare.fault("ok")
    slot = storage.allocate("orders/1")
    storage.put(slot, BytesIO(picture()), mime="image/png")
    cloudflare.fault("endless", operation="get")
    assert refused(storage.open, slot.key).code == STORAGE_AWAY


@pytest.mark.parametrize(
    "place",
    [
        {"id": "key", "uploadURL": "file:///etc/passwd"},
        {"id": "key", "uploadURL": "ftp://127.0.0.1/"},
        {"id": "key", "uploadURL": "http://"},
        {"id": "key", "uploadURL": "http://[half"},
        {"id": "key", "uploadURL": 5},
        {"id": "key"},
        {"id": "../other", "uploadURL": "https://upload.example/x"},
        {"id": None, "uploadURL": "https://upload.example/x"},
        [],
    ],
    ids=["file", "ftp", "no host", "half a host", "a number", "none", "a path", "no id", "a list"],
)
def test_a_place_that_is_none_is_refused(make_cloudflare: MakeCloudflare, place: Any) -> None:
    with OneAnswer(place).running() as server:
        refused(make_cloudflare(cf_images_api_base=server.url).allocate, "orders/1")


@pytest.mark.parametrize(
    "page",
    [
        {"images": [], "continuation_token": "again"},
        {"images": [], "continuation_token": 5},
        {"images": [{"id": "x", "meta": {"path": "orders/1"}, "uploaded": "soon"}]},
        {"images": [{"id": "x", "meta": {"path": "orders/1"}, "uploaded": "2026-01-01T00:00:00"}]},
        {"images": 5},
        {},
    ],
    ids=["itself", "a number", "no time", "no zone", "no list", "nothing"],
)
def test_a_list_that_makes_no_sense_is_refused(make_cloudflare: MakeCloudflare, page: Any) -> None:
    with OneAnswer(page).running() as server:
        storage = make_cloudflare(cf_images_api_base=server.url)
        refused(lambda: list(storage.list_objects()))


def test_an_answer_about_another_image_is_no_success(make_cloudflare: MakeCloudflare) -> None:
    with OneAnswer({"id": "another"}).running() as server:
        slot = Slot("mine", server.url)
        refused(make_cloudflare().put, slot, BytesIO(picture()), mime="image/png")
