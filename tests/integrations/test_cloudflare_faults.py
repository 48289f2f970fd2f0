"""What becomes of photos while Cloudflare, or the way to it, is not well."""

import socket
import time
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from ops.sandbox.cloudflare import account
from shared.core.errors import NotFound, Refusal
from shared.integrations.storage import CIRCUIT_OPEN, STORAGE_AWAY, cloudflare_api
from shared.integrations.storage.cloudflare_images import CloudflareImagesStorage
from tests.integrations.cloudflare_steps import read, refused
from tests.integrations.conftest import MakeCloudflare
from tests.integrations.pictures import picture
from tests.sandbox_cloudflare import SandboxCloudflare

IMPATIENT = {"cf_images_read_timeout_seconds": 0.3}
NOT_WELL = ["down", "error", "wrong", "empty", "reset", "half", "redirect"]


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudflare_api, "RETRY_WAITS", (0.01, 0.02))


@pytest.fixture
def storage(make_cloudflare: MakeCloudflare) -> CloudflareImagesStorage:
    return make_cloudflare()


@pytest.fixture
def key(storage: CloudflareImagesStorage, cloudflare: SandboxCloudflare) -> str:
    """A photo that is there; nothing was called since."""
    slot = storage.allocate(f"orders/{uuid4()}/1.png")
    storage.put(slot, BytesIO(picture()), mime="image/png")
    cloudflare.reset()
    return slot.key


@pytest.mark.parametrize("mode", NOT_WELL)
def test_a_read_that_fails_is_tried_three_times(
    storage: CloudflareImagesStorage, cloudflare: SandboxCloudflare, key: str, mode: str
) -> None:
    cloudflare.fault(mode, operation="get", count=2)
    assert read(storage, key) == picture()
    assert cloudflare.calls() == ["get"] * 3
    cloudflare.reset()
    cloudflare.fault(mode, operation="get")
    assert refused(storage.open, key).code == STORAGE_AWAY
    assert cloudflare.calls() == ["get"] * 3


@pytest.mark.parametrize("mode", ["down", "error", "wrong", "reset", "half", "redirect"])
def test_a_place_a_list_and_a_delete_are_tried_again_as_well(
    storage: CloudflareImagesStorage, cloudflare: SandboxCloudflare, key: str, mode: str
) -> None:
    cloudflare.fault(mode, operation="allocate", count=2)
    assert storage.allocate("orders/1").upload_url
    cloudflare.fault(mode, operation="list", count=2)
    assert key in {each.key for each in storage.list_objects("orders/")}
    cloudflare.fault(mode, operation="delete", count=2)
    assert storage.delete([key]) == {}
    assert key not in {each["id"] for each in cloudflare.images()}


@pytest.mark.parametrize("mode", NOT_WELL)
def test_an_upload_is_not_tried_again(
    storage: CloudflareImagesStorage, cloudflare: SandboxCloudflare, mode: str
) -> None:
    slot = storage.allocate(f"orders/{uuid4()}/1.png")
    cloudflare.reset()
    cloudflare.fault(mode, operation="upload", count=1)
    assert refused(storage.put, slot, BytesIO(picture()), mime="image/png").code == STORAGE_AWAY
    assert cloudflare.calls() == ["upload"]


def test_an_upload_whose_answer_was_lost_can_be_deleted(
    storage: CloudflareImagesStorage, cloudflare: SandboxCloudflare
) -> None:
    slot = storage.allocate(f"orders/{uuid4()}/1.png")
    cloudflare.fault("half", operation="upload")
    refused(storage.put, slot, BytesIO(picture()), mime="image/png")
    assert read(storage, slot.key) == picture(), "it is there all the same"
    assert storage.delete([slot.key]) == {}


@pytest.mark.parametrize("call", ["allocate", "open", "delete", "list_objects"])
def test_a_refusal_is_told_to_the_operator_and_is_no_failure(
    make_cloudflare: MakeCloudflare, cloudflare: SandboxCloudflare, call: str
) -> None:
    storage = make_cloudflare(storage_circuit_failure_threshold=1)
    cloudflare.fault("forbidden")
    with capture_logs() as logs:
        for _ in range(2):
            if call == "delete":
                refusal = storage.delete(["x"])["x"]
            elif call == "list_objects":
                refusal = refused(lambda: list(storage.list_objects()))
            else:
                refusal = refused(getattr(storage, call), "x")
            assert refusal.code == STORAGE_AWAY
    assert len(cloudflare.calls()) == 2, "asked once each time"
    assert {(each["event"], each["status"], *each["codes"]) for each in logs} == {("storage.refused", 403, 10000)}
    assert "CF_IMAGES_API_TOKEN" in logs[0]["advice"]
    assert account.API_TOKEN not in str(logs)


@pytest.mark.parametrize(
    ("wrong", "setting"),
    [
        ({"cf_images_account_id": "another"}, "CF_IMAGES_ACCOUNT_ID"),
        ({"cf_images_api_token": SecretStr("another")}, "CF_IMAGES_API_TOKEN"),
    ],
    ids=["account", "token"],
)
def test_a_wrong_setting_deletes_nothing_and_does_not_say_so(
    make_cloudflare: MakeCloudflare, storage: CloudflareImagesStorage, key: str, wrong: dict[str, Any], setting: str
) -> None:
    mistaken = make_cloudflare(**wrong)
    with capture_logs() as logs:
        assert refused(mistaken.open, key).code == STORAGE_AWAY
        assert mistaken.delete([key])[key].code == STORAGE_AWAY
    assert all(setting in each["advice"] for each in logs)
    assert read(storage, key) == picture()


def test_a_404_page_is_no_missing_image(
    make_cloudflare: MakeCloudflare, cloudflare: SandboxCloudflare, key: str
) -> None:
    elsewhere = make_cloudflare(cf_images_api_base=f"{cloudflare.url}/nowhere")
    refused(elsewhere.open, key)
    assert set(elsewhere.delete([key])) == {key}


def test_an_image_that_has_vanished_is_missing_and_deleted(
    storage: CloudflareImagesStorage, cloudflare: SandboxCloudflare, key: str
) -> None:
    cloudflare.fault("vanished")
    with pytest.raises(NotFound):
        storage.open(key)
    assert storage.delete([key]) == {}
    refused(storage.allocate, "orders/1")


def test_who_asks_too_often_leaves_cloudflare_alone_as_long_as_it_says(
    make_cloudflare: MakeCloudflare, cloudflare: SandboxCloudflare, key: str
) -> None:
    storage = make_cloudflare(storage_circuit_failure_threshold=1)
    cloudflare.fault("rate_limited", seconds=1, count=1)
    first = refused(storage.open, key)
    assert (first.code, first.fields["retry_after"]) == (STORAGE_AWAY, 1)
    second = refused(storage.allocate, "orders/1")
    assert (second.code, second.fields["retry_after"]) == (CIRCUIT_OPEN, 1)
    assert storage.delete([key])[key].code == CIRCUIT_OPEN
    assert cloudflare.calls() == ["get"]
    time.sleep(1)
    assert read(storage, key) == picture()


def test_a_wait_of_hours_is_five_minutes(storage: CloudflareImagesStorage, cloudflare: SandboxCloudflare) -> None:
    cloudflare.fault("rate_limited", seconds=3600)
    assert refused(storage.allocate, "orders/1").fields["retry_after"] == 300


def test_one_byte_that_is_another_is_handed_on(
    storage: CloudflareImagesStorage, cloudflare: SandboxCloudflare, key: str
) -> None:
    """Cloudflare sends no digest: who has one must compare."""
    cloudflare.fault("corrupt", operation="get")
    assert sum(one != other for one, other in zip(read(storage, key), picture(), strict=True)) == 1


@pytest.mark.parametrize(("mode", "most_seconds"), [("slow", 2.0), ("drip", 4.0)])
def test_a_slow_cloudflare_is_given_up(
    make_cloudflare: MakeCloudflare, cloudflare: SandboxCloudflare, key: str, mode: str, most_seconds: float
) -> None:
    storage = make_cloudflare(**IMPATIENT)
    cloudflare.fault(mode, seconds=5, count=1)
    began = time.monotonic()
    assert refused(storage.open, key).code == STORAGE_AWAY
    assert time.monotonic() - began < most_seconds
    assert cloudflare.calls() == ["get"], "waiting again would not help"


def test_a_server_that_takes_nothing_is_given_up(make_cloudflare: MakeCloudflare) -> None:
    storage = make_cloudflare(cf_images_connect_timeout_seconds=0.3, **IMPATIENT)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slot = storage.allocate("orders/1")
        stuck = type(slot)(slot.key, f"http://127.0.0.1:{silent.getsockname()[1]}/")
        began = time.monotonic()
        assert refused(storage.put, stuck, BytesIO(b" " * 9_000_000), mime="image/png").code == STORAGE_AWAY
        assert time.monotonic() - began < 2


def test_nobody_listening_and_no_such_host_is_unavailable(make_cloudflare: MakeCloudflare) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    for base in (f"http://127.0.0.1:{port}", "http://cloudflare.invalid"):
        assert refused(make_cloudflare(cf_images_api_base=base).allocate, "x").code == STORAGE_AWAY


def test_a_proxy_of_the_shell_is_not_used(
    storage: CloudflareImagesStorage, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert read(storage, key) == picture()


def test_after_failures_in_a_row_it_is_left_alone_then_asked_once(
    make_cloudflare: MakeCloudflare, cloudflare: SandboxCloudflare, key: str
) -> None:
    storage = make_cloudflare(storage_circuit_failure_threshold=2, storage_circuit_recovery_seconds=0.5)
    cloudflare.fault("down")
    assert [refused(storage.open, key).code for _ in range(3)] == [STORAGE_AWAY, STORAGE_AWAY, CIRCUIT_OPEN]
    called = len(cloudflare.calls())
    assert called == 6, "three tries of each call that was made"
    assert {refusal.code for refusal in storage.delete([key, "x"]).values()} == {CIRCUIT_OPEN}
    assert len(cloudflare.calls()) == called
    time.sleep(0.5)
    assert refused(storage.open, key).code == STORAGE_AWAY, "asked, in vain"
    assert refused(storage.open, key).code == CIRCUIT_OPEN
    cloudflare.fault("ok")
    time.sleep(0.5)
    assert read(storage, key) == picture()
    assert storage.delete([key]) == {}


@pytest.mark.parametrize("mode", ["vanished", "forbidden"])
def test_a_refusal_between_failures_ends_their_row(
    make_cloudflare: MakeCloudflare, cloudflare: SandboxCloudflare, key: str, mode: str
) -> None:
    storage = make_cloudflare(storage_circuit_failure_threshold=2)
    for each in ("down", mode, "down"):
        cloudflare.fault(each)
        with pytest.raises(Refusal):
            storage.open(key)
    cloudflare.fault("ok")
    assert read(storage, key) == picture()
