"""The Cloudflare Images stand-in, held against what Cloudflare publishes about its API and signed links."""

import hashlib
import hmac
import io
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests
from PIL import Image

ACCOUNT = "5a4dbb0c0a9d4e6d8f1c2b3a4d5e6f70"
TOKEN = "sandbox-cloudflare-api-token-0123456789"
HASH = "S4ndb0xHash_Vi7wi5KSIt"
KEY = b"sandbox-cloudflare-images-signing-key"
IMAGES = f"/client/v4/accounts/{ACCOUNT}/images"
PNG_START = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def cloudflare(sandbox):
    """The sandbox with no fault in force at Cloudflare, and none left behind."""
    sandbox.call("PUT", "/api/cloudflare/fault", json={"mode": "ok"})
    yield sandbox
    sandbox.call("PUT", "/api/cloudflare/fault", json={"mode": "ok"})


def picture(width=640, height=400, kind="PNG"):
    made = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(made, kind)
    return made.getvalue()


def api(sandbox, method, path, **options):
    headers = {"Authorization": f"Bearer {TOKEN}"} | options.pop("headers", {})
    return sandbox.call(method, IMAGES + path, headers=headers, **options)


def draft(sandbox, **form):
    form = {"requireSignedURLs": "true", "metadata": json.dumps({"path": "a/b"})} | form
    answer = api(sandbox, "POST", "/v2/direct_upload", files={name: (None, text) for name, text in form.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def upload(url, content):
    return requests.post(url, files={"file": ("photo", content)}, timeout=30)


def stored(sandbox, content=None, **form):
    place = draft(sandbox, **form)
    assert upload(place["uploadURL"], content or picture()).status_code == 200
    return place["id"]


def link(image, variant="public", until=None, key=KEY):
    path = f"/imagedelivery/{HASH}/{image}/{variant}?exp={until or int(time.time()) + 60}"
    return f"{path}&sig={hmac.new(key, path.encode(), hashlib.sha256).hexdigest()}"


def test_an_upload_is_a_draft_first_and_an_image_once_its_file_has_come(cloudflare):
    place = draft(cloudflare)
    before = api(cloudflare, "GET", f"/v1/{place['id']}").json()
    assert before["success"] is True
    assert before["result"]["draft"] is True
    assert api(cloudflare, "GET", f"/v1/{place['id']}/blob").status_code == 404
    answer = upload(place["uploadURL"], picture())
    assert (answer.status_code, answer.json()["result"]["id"]) == (200, place["id"])
    after = api(cloudflare, "GET", f"/v1/{place['id']}").json()["result"]
    assert "draft" not in after
    assert (after["meta"], after["requireSignedURLs"], len(after["variants"])) == ({"path": "a/b"}, True, 2)
    blob = api(cloudflare, "GET", f"/v1/{place['id']}/blob")
    assert (blob.content, blob.headers["Content-Type"]) == (picture(), "image/png")


def test_an_address_takes_one_file(cloudflare):
    place = draft(cloudflare)
    assert upload(place["uploadURL"], picture()).status_code == 200
    second = upload(place["uploadURL"], picture(50, 50))
    assert (second.status_code, second.json()["success"]) == (404, False)
    assert api(cloudflare, "GET", f"/v1/{place['id']}/blob").content == picture()


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"<svg onload=alert(1)>", 415, 5455),
        (PNG_START + b"no more of it", 415, 5455),
        (b"", 415, 5455),
        (PNG_START.ljust(10_000_001), 413, 5413),
    ],
    ids=["text", "half an image", "nothing", "10 MB and a byte"],
)
def test_what_is_no_image_by_its_content_is_refused(cloudflare, content, status, code):
    answer = upload(draft(cloudflare)["uploadURL"], content)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)


def test_an_upload_must_be_a_form(cloudflare):
    answer = requests.post(draft(cloudflare)["uploadURL"], data=picture(), timeout=30)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (415, 5415)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_each_kind_of_image_is_told_by_its_content(cloudflare, kind):
    image = stored(cloudflare, picture(kind=kind))
    assert api(cloudflare, "GET", f"/v1/{image}/blob").headers["Content-Type"] == f"image/{kind.lower()}"


@pytest.mark.parametrize(
    "form",
    [
        {"metadata": "no json"},
        {"metadata": "[1]"},
        {"metadata": json.dumps({"path": "x" * 1024})},
        {"expiry": "soon"},
        {"expiry": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()},
        {"expiry": (datetime.now(UTC) + timedelta(hours=7)).isoformat()},
    ],
    ids=["no json", "a list", "too long", "no time", "too soon", "too late"],
)
def test_a_place_that_makes_no_sense_is_refused(cloudflare, form):
    answer = api(cloudflare, "POST", "/v2/direct_upload", files={name: (None, text) for name, text in form.items()})
    assert (answer.status_code, answer.json()["success"]) == (400, False)


def test_only_the_accounts_token_opens_the_api(cloudflare):
    for headers in ({"Authorization": "Bearer another"}, {"Authorization": ""}):
        answer = api(cloudflare, "GET", "/v2", headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, 10000)
    elsewhere = cloudflare.call(
        "GET", "/client/v4/accounts/another/images/v2", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert (elsewhere.status_code, elsewhere.json()["errors"][0]["code"]) == (404, 7003)


def test_deleting_forgets_the_image_and_then_it_is_unknown(cloudflare):
    image = stored(cloudflare)
    assert api(cloudflare, "DELETE", f"/v1/{image}").json()["success"] is True
    for method, path in (("DELETE", ""), ("GET", ""), ("GET", "/blob")):
        answer = api(cloudflare, method, f"/v1/{image}{path}")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, 5404)


def test_the_list_has_pages_and_no_drafts(cloudflare):
    images = [stored(cloudflare) for _ in range(3)]
    waiting = draft(cloudflare)["id"]
    listed, token = [], None
    while not listed or token:
        page = api(cloudflare, "GET", "/v2", params={"per_page": 2} | ({"continuation_token": token} if token else {}))
        result = page.json()["result"]
        assert len(result["images"]) <= 2
        listed += [each["id"] for each in result["images"]]
        token = result["continuation_token"]
    assert listed[:3] == images[::-1]
    assert waiting not in listed
    assert api(cloudflare, "GET", "/v2", params={"per_page": 10_001}).status_code == 400


def test_a_signed_link_shows_the_image_and_a_thumbnail_of_480_px(cloudflare):
    image = stored(cloudflare)
    whole = cloudflare.call("GET", link(image))
    assert (whole.status_code, whole.content) == (200, picture())
    small = cloudflare.call("GET", link(image, "thumbnail"))
    assert small.headers["Content-Type"] == "image/jpeg"
    assert Image.open(io.BytesIO(small.content)).size == (480, 300)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda image: link(image).split("?")[0],
        lambda image: link(image).split("&sig=")[0],
        lambda image: link(image) + "0",
        lambda image: link(image, key=b"another"),
        lambda image: link(image, until=int(time.time()) - 1),
        lambda image: link(image).replace("exp=", "exp=9"),
        lambda image: link(image).replace("/public", "/thumbnail"),
        lambda image: link(image) + "&width=9",
        lambda image: link("another").replace("another", image),
    ],
    ids=["nothing", "no sig", "long sig", "key", "over", "exp", "variant", "more", "id"],
)
def test_any_other_link_is_refused(cloudflare, spoil):
    assert cloudflare.call("GET", spoil(stored(cloudflare))).status_code == 403


def test_an_image_that_is_not_private_needs_no_signature(cloudflare):
    image = stored(cloudflare, requireSignedURLs="false")
    assert cloudflare.call("GET", f"/imagedelivery/{HASH}/{image}/public").status_code == 200
    assert cloudflare.call("GET", f"/imagedelivery/{HASH}/{image}/huge").status_code == 404


def test_people_and_tests_see_what_is_there_and_can_lose_it(cloudflare):
    image = stored(cloudflare, metadata=json.dumps({"path": "orders/<b>/1.png"}))
    (told,) = [each for each in cloudflare.call("GET", "/api/cloudflare/images").json()["data"] if each["id"] == image]
    assert (told["size"], told["mime"], told["private"]) == (len(picture()), "image/png", True)
    page = cloudflare.call("GET", "/cloudflare").text
    assert "orders/&lt;b&gt;/1.png" in page
    assert image in page
    assert "<script" not in page
    assert "/cloudflare" in cloudflare.call("GET", "/").text
    assert cloudflare.call("POST", "/api/cloudflare/forget", json={"id": image}).status_code == 204
    assert cloudflare.call("POST", "/api/cloudflare/forget", json={"id": image}).status_code == 404
    assert api(cloudflare, "GET", f"/v1/{image}").status_code == 404


def test_a_fault_lasts_for_its_count_in_its_operation_and_calls_are_told(cloudflare):
    image = stored(cloudflare)
    fault = {"mode": "down", "operation": "get", "count": 1}
    assert cloudflare.call("PUT", "/api/cloudflare/fault", json=fault).json() == fault | {"seconds": 0.0}
    assert api(cloudflare, "GET", "/v2").status_code == 200
    assert api(cloudflare, "GET", f"/v1/{image}").status_code == 503
    assert api(cloudflare, "GET", f"/v1/{image}").status_code == 200
    calls = [each for each in cloudflare.call("GET", "/api/cloudflare/calls").json()["data"] if image in each["path"]]
    assert [(each["operation"], each["mode"]) for each in calls[-2:]] == [("get", "down"), ("get", "ok")]
    assert cloudflare.call("DELETE", "/api/cloudflare/calls").status_code == 204
    assert cloudflare.call("GET", "/api/cloudflare/calls").json()["data"] == []


@pytest.mark.parametrize(
    ("mode", "status", "code"),
    [("error", 500, 10013), ("forbidden", 403, 10000), ("vanished", 404, 5404)],
)
def test_refusals_on_purpose_come_in_the_envelope(cloudflare, mode, status, code):
    cloudflare.call("PUT", "/api/cloudflare/fault", json={"mode": mode})
    answer = api(cloudflare, "GET", "/v2")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    assert answer.json()["success"] is False


@pytest.mark.parametrize("mode", ["reset", "half"])
def test_a_connection_may_end_too_early(cloudflare, mode):
    cloudflare.call("PUT", "/api/cloudflare/fault", json={"mode": mode, "count": 1})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        api(cloudflare, "GET", "/v2")
    assert api(cloudflare, "GET", "/v2").status_code == 200


def test_a_corrupt_blob_differs_in_one_byte(cloudflare):
    image = stored(cloudflare)
    cloudflare.call("PUT", "/api/cloudflare/fault", json={"mode": "corrupt", "operation": "get"})
    content = api(cloudflare, "GET", f"/v1/{image}/blob").content
    assert sum(one != other for one, other in zip(content, picture(), strict=True)) == 1


@pytest.mark.parametrize("mode", ["slow", "drip"])
def test_a_slow_answer_is_right_in_the_end(cloudflare, mode):
    image = stored(cloudflare)
    cloudflare.call("PUT", "/api/cloudflare/fault", json={"mode": mode, "seconds": 0.3, "operation": "get"})
    began = time.monotonic()
    assert api(cloudflare, "GET", f"/v1/{image}/blob").content == picture()
    assert time.monotonic() - began > 0.25


def test_whoever_asks_too_often_is_told_how_long_to_wait(cloudflare):
    cloudflare.call("PUT", "/api/cloudflare/fault", json={"mode": "rate_limited", "seconds": 7})
    answer = api(cloudflare, "GET", "/v2")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"mode": "sad"},
        {"mode": "slow"},
        {"mode": "rate_limited"},
        {"mode": "down", "operation": "sing"},
        {"mode": "ok", "colour": 1},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(cloudflare, fault):
    assert cloudflare.call("PUT", "/api/cloudflare/fault", json=fault).status_code == 400
    assert cloudflare.call("GET", "/api/cloudflare/fault").json()["mode"] == "ok"
