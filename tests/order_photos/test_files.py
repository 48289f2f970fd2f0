"""Files that are not what they say, or too much: refused with a code, and nothing is left behind."""

import io
from typing import Any

import pytest

from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of, image_bytes, photo_form
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.order_photos.honest import HONEST
from tests.order_photos.hostile import FAMILIES
from tests.rows import footprint
from tests.variants import client_on, with_settings


@pytest.mark.parametrize("family", FAMILIES)
def test_each_hostile_file_is_refused_and_leaves_nothing(client: CheckedClient, company: Company, family: str) -> None:
    path = f"/v1/orders/{make_order(company)}/photos"
    company.headers()
    before = footprint(company.org_id)
    for name, (make, code) in FAMILIES[family].items():
        answer = client.post(path, data=photo_form(make(), name="photo.jpg"), headers=company.headers())
        problem = answer.get_json()
        assert (answer.status_code, problem["code"]) == (422, code), name
        assert [error["pointer"] for error in problem["errors"]] == ["/file"], name
    assert footprint(company.org_id) == before
    assert files_of(company) == []


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("photo.exe", "application/x-msdownload"),
        ("photo.jpg", "image/jpeg"),
        ("", "image/png"),
        ("a.svg", "image/svg+xml"),
    ],
)
def test_name_and_type_of_the_sender_decide_nothing(
    client: CheckedClient, company: Company, name: str, content_type: str
) -> None:
    form: dict[str, Any] = {"phase": "after", "file": (io.BytesIO(image_bytes("PNG")), name or "x", content_type)}
    answer = client.post(f"/v1/orders/{make_order(company)}/photos", data=form, headers=company.headers())
    assert answer.status_code == 201
    assert answer.get_json()["mime"] == "image/png"


@pytest.mark.parametrize("name", ["jpeg of a separate preview", "google's moving photo", "samsung's moving photo"])
def test_what_phones_append_is_accepted(client: CheckedClient, company: Company, name: str) -> None:
    form = photo_form(HONEST[name][0](), name="IMG_1.jpg")
    answer = client.post(f"/v1/orders/{make_order(company)}/photos", data=form, headers=company.headers())
    assert answer.status_code == 201
    assert answer.get_json()["mime"] == "image/jpeg"


@pytest.fixture
def small(company: Company) -> CheckedClient:
    """An API that takes photos of up to 4,000 bytes."""
    return client_on(with_settings(company.services, order_photo_max_bytes=4000))


def _padded_png(size: int) -> bytes:
    content = image_bytes("PNG")
    return content + b"\x00" * (size - len(content))


def test_a_photo_over_the_limit_is_413(small: CheckedClient, company: Company) -> None:
    path = f"/v1/orders/{make_order(company)}/photos"
    too_large = small.post(path, data=photo_form(_padded_png(4_001)), headers=company.headers())
    assert too_large.status_code == 413
    assert files_of(company) == []
    fits = small.post(path, data=photo_form(_padded_png(4_000)), headers=company.headers())
    assert fits.status_code == 201


def test_a_body_far_over_the_limit_is_413(small: CheckedClient, company: Company) -> None:
    path = f"/v1/orders/{make_order(company)}/photos"
    answer = small.post(path, data=photo_form(_padded_png(400_000)), headers=company.headers())
    assert answer.status_code == 413
    assert answer.get_json()["code"] == "request.too_large"
    assert files_of(company) == []


class _Endless(io.RawIOBase):
    """A multipart body that says no length and never ends; counts what was read."""

    def __init__(self) -> None:
        self.taken = 0
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        self._head = io.BytesIO(head)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._head.read(len(buffer)) or b"x" * len(buffer)
        buffer[: len(piece)] = piece
        self.taken += len(piece)
        assert self.taken < 50_000_000, "the body is read without a limit"
        return len(piece)


def test_a_chunked_body_is_cut_off_while_it_is_read(small: CheckedClient, company: Company) -> None:
    body = _Endless()
    answer = small.post(
        f"/v1/orders/{make_order(company)}/photos",
        content_type="multipart/form-data; boundary=b",
        headers=company.headers() | {"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input": io.BufferedReader(body), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert answer.status_code == 413
    assert body.taken < 1_000_000
    assert files_of(company) == []


def test_thousands_of_form_fields_are_refused(client: CheckedClient, company: Company) -> None:
    form = photo_form() | {f"field{number}": "x" for number in range(2000)}
    answer = client.post(f"/v1/orders/{make_order(company)}/photos", data=form, headers=company.headers())
    assert answer.status_code == 413
    assert files_of(company) == []


def test_a_type_that_the_operator_has_switched_off_is_refused(company: Company) -> None:
    client = client_on(with_settings(company.services, order_photo_allowed_mimes=("image/jpeg",)))
    path = f"/v1/orders/{make_order(company)}/photos"
    refused = client.post(path, data=photo_form(image_bytes("PNG")), headers=company.headers())
    assert refused.get_json()["code"] == "order_photos.type_refused"
    assert client.post(path, data=photo_form(image_bytes("JPEG")), headers=company.headers()).status_code == 201
