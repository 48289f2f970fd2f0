"""Files that are not what they say, or too much: refused with a code, and nothing is left behind."""

import io
import random
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from shared.core.errors import Invalid
from shared.order_photos.images import check_upload
from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of, image_bytes, photo_form
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.rows import footprint
from tests.variants import client_on, with_settings

ALLOWED = ("image/jpeg", "image/png", "image/webp")
ENOUGH = 10 * 1024 * 1024


def _png_header(width: int, height: int) -> bytes:
    """A picture that claims its size and has next to no data: what a decompression bomb starts with."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00" * 64))
        + chunk(b"IEND", b"")
    )


def _noise(kind: str, **options: Any) -> bytes:
    picture = Image.frombytes("RGB", (96, 96), random.Random(7).randbytes(96 * 96 * 3))
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


FAKES = {
    "nothing": (b"", "order_photos.not_an_image"),
    "text": (b"just words", "order_photos.not_an_image"),
    "html": (b"<html><script>alert(1)</script></html>", "order_photos.not_an_image"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "order_photos.not_an_image"),
    "pdf": (b"%PDF-1.7\n1 0 obj", "order_photos.not_an_image"),
    "a jpeg's first bytes": (b"\xff\xd8\xff\xe0" + b"x" * 200, "order_photos.not_an_image"),
    "a png's first bytes": (b"\x89PNG\r\n\x1a\n" + b"\x00" * 200, "order_photos.not_an_image"),
    "nul bytes": (b"\x00" * 5000, "order_photos.not_an_image"),
    "gif": (image_bytes("GIF"), "order_photos.not_an_image"),
    "bmp": (image_bytes("BMP"), "order_photos.not_an_image"),
    "tiff": (image_bytes("TIFF"), "order_photos.not_an_image"),
    "icon": (image_bytes("ICO"), "order_photos.not_an_image"),
    "half a png": (_noise("PNG")[:-5000], "order_photos.not_an_image"),
    "a png without its end": (_noise("PNG")[:-12], "order_photos.not_an_image"),
    "half a jpeg": (_noise("JPEG")[: len(_noise("JPEG")) // 2], "order_photos.not_an_image"),
    "half a webp": (_noise("WEBP")[: len(_noise("WEBP")) // 2], "order_photos.not_an_image"),
    "50,001 x 1,000": (_png_header(50_001, 1_000), "order_photos.too_many_pixels"),
    "65,500 x 65,500": (_png_header(65_500, 65_500), "order_photos.too_many_pixels"),
    "two billion wide": (_png_header(2**31 - 1, 2**31 - 1), "order_photos.too_many_pixels"),
}


@pytest.mark.parametrize(("content", "code"), FAKES.values(), ids=FAKES.keys())
def test_a_file_that_is_no_good_photo_is_refused_and_leaves_nothing(
    client: CheckedClient, company: Company, content: bytes, code: str
) -> None:
    order_id = make_order(company)
    company.headers()
    before = footprint(company.org_id)
    form = photo_form(content, name="photo.jpg")
    answer = client.post(f"/v1/orders/{order_id}/photos", data=form, headers=company.headers())
    assert answer.status_code == 422
    problem = answer.get_json()
    assert (
        problem["code"] in {code, "order_photos.type_refused"}
        if code.endswith("not_an_image")
        else problem["code"] == code
    )
    assert [error["pointer"] for error in problem["errors"]] == ["/file"]
    assert footprint(company.org_id) == before
    assert files_of(company) == []


def test_a_picture_of_exactly_the_limit_is_not_too_big() -> None:
    with pytest.raises(Invalid) as refused:
        check_upload(io.BytesIO(_png_header(50_000, 1_001)), ALLOWED, ENOUGH)
    assert refused.value.code == "order_photos.too_many_pixels"
    assert check_upload(io.BytesIO(_png_header(50_000, 1_000)), ALLOWED, ENOUGH).mime == "image/png"


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


def test_a_phones_jpeg_with_a_second_picture_inside_is_a_jpeg(client: CheckedClient, company: Company) -> None:
    """Many phones attach a preview or a gain map (CIPA DC-007), which makes Pillow call the file MPO."""
    pictures = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    target = io.BytesIO()
    pictures[0].save(target, "MPO", save_all=True, append_images=pictures[1:])
    form = photo_form(target.getvalue(), name="IMG_1.jpg")
    answer = client.post(f"/v1/orders/{make_order(company)}/photos", data=form, headers=company.headers())
    assert answer.status_code == 201
    assert answer.get_json()["mime"] == "image/jpeg"


def test_a_phones_moving_photo_is_a_jpeg(client: CheckedClient, company: Company) -> None:
    """Motion photos are a JPEG with a film of some megabytes behind it."""
    content = image_bytes("JPEG") + random.Random(3).randbytes(2_000_000).replace(b"\xff\xd9", b"")
    form = photo_form(content, name="PXL_1.MP.jpg")
    answer = client.post(f"/v1/orders/{make_order(company)}/photos", data=form, headers=company.headers())
    assert answer.status_code == 201


def test_a_jpeg_that_was_cut_behind_its_thumbnail_is_refused() -> None:
    """The thumbnail inside has an end of its own, which says nothing about the photo's."""
    thumbnail = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(thumbnail, "JPEG")
    inside = b"Exif\x00\x00" + b"II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00" + thumbnail.getvalue()
    whole = _noise("JPEG", exif=inside)
    assert check_upload(io.BytesIO(whole), ALLOWED, ENOUGH).mime == "image/jpeg"
    with pytest.raises(Invalid) as refused:
        check_upload(io.BytesIO(whole[: len(whole) * 2 // 3]), ALLOWED, ENOUGH)
    assert refused.value.code == "order_photos.not_an_image"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_no_damage_makes_the_check_crash(kind: str) -> None:
    """Two hundred real files with a few bytes changed or cut: each is accepted or refused, never an error of ours."""
    whole, dice = _noise(kind), random.Random(kind)
    outcomes = set()
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 8)):
            # Mostly near the start, where the structure is.
            damaged[min(int(dice.expovariate(1 / 60)), len(damaged) - 1)] = dice.randrange(256)
        if dice.random() < 0.3:
            del damaged[dice.randrange(1, len(damaged)) :]
        try:
            outcomes.add(check_upload(io.BytesIO(bytes(damaged)), ALLOWED, ENOUGH).mime)
        except Invalid as refused:
            outcomes.add(refused.code)
    assert "order_photos.not_an_image" in outcomes


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
