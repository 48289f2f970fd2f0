"""Downloads through our own door: whole and in parts (RFC 9110, sections 13 and 14), picture and thumbnail."""

from typing import Any

import psutil
import pytest
from werkzeug.test import TestResponse

from shared.order_photos.model import OrderPhoto
from tests.checked_client import CheckedClient
from tests.factories.order_photos import image_bytes, make_photo, path_of
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import shown, stored


@pytest.fixture
def photo(company: Company) -> OrderPhoto:
    return make_photo(company, make_order(company))


@pytest.fixture
def content(company: Company, photo: OrderPhoto) -> bytes:
    return path_of(company, photo).read_bytes()


@pytest.fixture
def url(client: CheckedClient, company: Company, photo: OrderPhoto) -> str:
    found: str = shown(client, company, photo.order_id, photo.id)["url"]
    return found


def _get(client: CheckedClient, url: str, **headers: str) -> TestResponse:
    return client.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("kind", "mime", "extension"),
    [("PNG", "image/png", "png"), ("JPEG", "image/jpeg", "jpg"), ("WEBP", "image/webp", "webp")],
)
def test_a_download_says_what_it_is(
    client: CheckedClient, company: Company, jobs: JobsProbe, kind: str, mime: str, extension: str
) -> None:
    photo = stored(client, company, jobs, make_order(company), image_bytes(kind))
    picture, small = client.get(photo["url"]), client.get(photo["thumbnail_url"])
    assert (picture.mimetype, small.mimetype) == (mime, "image/jpeg")
    assert picture.headers["Content-Disposition"] == f'inline; filename="{photo["id"]}.{extension}"'
    assert small.headers["Content-Disposition"] == f'inline; filename="{photo["id"]}-small.jpg"'
    for answer in (picture, small):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "private, max-age=60"
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert int(answer.headers["Content-Length"]) == len(answer.data) > 0
    assert picture.headers["ETag"] != small.headers["ETag"]


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=3-9", 3, 10),
        ("bytes=10-", 10, None),
        ("bytes=-5", -5, None),
        ("bytes=20-100000", 20, None),
    ],
)
def test_a_part_can_be_asked_for(
    client: CheckedClient, url: str, content: bytes, asked: str, begin: int, end: int | None
) -> None:
    answer = _get(client, url, Range=asked)
    wanted = content[begin:end]
    assert (answer.status_code, answer.data) == (206, wanted)
    first = begin % len(content)
    assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(wanted) - 1}/{len(content)}"
    assert int(answer.headers["Content-Length"]) == len(wanted)
    assert answer.headers["ETag"] == _get(client, url).headers["ETag"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("asked", ["bytes=100000-", "bytes=-0", "bytes=9-3", "bytes=0-,0-,0-"])
def test_a_part_that_is_not_there_is_416_and_says_how_long_the_file_is(
    client: CheckedClient, url: str, content: bytes, asked: str
) -> None:
    answer = _get(client, url, Range=asked)
    assert (answer.status_code, answer.get_json()["code"]) == (416, "request.range")
    assert answer.headers["Content-Range"] == f"bytes */{len(content)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "pixels=0-1"])
def test_several_parts_and_other_units_get_the_whole(
    client: CheckedClient, url: str, content: bytes, asked: str
) -> None:
    answer = _get(client, url, Range=asked)
    assert (answer.status_code, answer.data) == (200, content)
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_whoever_has_it_already_gets_no_body(client: CheckedClient, url: str, content: bytes) -> None:
    etag = _get(client, url).headers["ETag"]
    for matching in (etag, f'"other", {etag}', "*", f"W/{etag}"):
        answer = _get(client, url, If_None_Match=matching)
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", etag)
    answer = _get(client, url, If_None_Match='"other"')
    assert (answer.status_code, answer.data) == (200, content)


def test_a_part_of_another_version_is_the_whole(client: CheckedClient, url: str, content: bytes) -> None:
    etag = _get(client, url).headers["ETag"]
    assert _get(client, url, Range="bytes=0-3", If_Range=etag).data == content[:4]
    answer = _get(client, url, Range="bytes=0-3", If_Range='"other"')
    assert (answer.status_code, answer.data) == (200, content)


def test_the_etag_is_of_what_is_kept(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    first, second = (stored(client, company, jobs, make_order(company), image) for image in [image_bytes()] * 2)
    assert first["id"] != second["id"]
    assert _get(client, first["url"]).headers["ETag"] == _get(client, second["url"]).headers["ETag"]


def test_head_tells_the_size_without_the_file(client: CheckedClient, url: str, content: bytes) -> None:
    answer = client.head(url)
    assert (answer.status_code, answer.data, answer.headers["Content-Length"]) == (200, b"", str(len(content)))


@pytest.mark.parametrize(
    "headers", [{}, {"Range": "bytes=0-3"}, {"Range": "bytes=100000-"}, {"If-None-Match": "*"}], ids=str
)
def test_no_download_leaves_its_file_open(
    client: CheckedClient, company: Company, photo: OrderPhoto, url: str, headers: dict[str, Any]
) -> None:
    client.get(url, headers=headers).close()
    ours = psutil.Process().open_files()
    assert str(path_of(company, photo)) not in {file.path for file in ours}
