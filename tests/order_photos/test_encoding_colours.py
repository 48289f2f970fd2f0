"""Every kind of pixel and colour profile comes out plain: eight bits, sRGB, transparency where the type has it."""

import io
import zlib

import pytest
from PIL import Image, ImageCms

from tests.factories.heif import Heic
from tests.factories.image_parts import png
from tests.factories.images import CORNERS, GREEN, RED, corners, quarters, saved
from tests.order_photos.conftest import Encode

MIMES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


@pytest.mark.parametrize(
    ("mode", "kind", "kept"),
    [
        ("L", "JPEG", "L"),
        ("CMYK", "JPEG", "RGB"),
        ("1", "PNG", "1"),
        ("L", "PNG", "L"),
        ("LA", "PNG", "LA"),
        ("P", "PNG", "RGB"),
        ("I;16", "PNG", "L"),
        ("RGBA", "PNG", "RGBA"),
        ("RGB", "WEBP", "RGB"),
    ],
)
def test_each_kind_of_pixel_comes_out_plain(encoded: Encode, mode: str, kind: str, kept: str) -> None:
    """The left half is white and the right half black, whatever the mode."""
    made = Image.new("L", (80, 40), 255)
    made.paste(0, (40, 0, 80, 40))
    content = saved(
        made.point(lambda value: value * 257, "I").convert(mode) if mode == "I;16" else made.convert(mode), kind
    )
    if mode == "I;16":
        assert Image.open(io.BytesIO(content)).mode == mode
    photo = encoded(content, MIMES[kind])
    with Image.open(photo.picture.path) as picture, Image.open(photo.thumbnail.path) as small:
        assert picture.mode == kept
        for shown in (picture.convert("L"), small.convert("L")):
            assert shown.getpixel((5, 20)) > 250
            assert shown.getpixel((75, 20)) < 5


def test_sixteen_bits_become_the_eight_upper_ones(encoded: Encode) -> None:
    gray = Image.new("I;16", (40, 40), 0x80FF)
    photo = encoded(saved(gray, "PNG"), "image/png")
    assert Image.open(photo.picture.path).getpixel((5, 5)) == 0x80
    packed = zlib.compress((b"\x00" + b"\x80\xff\x20\xff\x40\xff" * 40) * 40)
    colour = encoded(png(40, 40, packed=packed, depth=16), "image/png")
    assert Image.open(colour.picture.path).getpixel((5, 5)) == (0x80, 0x20, 0x40)


def _half_clear(mode: str) -> Image.Image:
    picture = quarters().convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 48, 64))
    return picture.convert(mode) if mode != "P" else picture.quantize(16)


@pytest.mark.parametrize(("mode", "kind"), [("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGBA", "WEBP")])
def test_transparency_is_kept_and_white_in_the_thumbnail(encoded: Encode, mode: str, kind: str) -> None:
    photo = encoded(saved(_half_clear(mode), kind), MIMES[kind])
    with Image.open(photo.picture.path) as picture, Image.open(photo.thumbnail.path) as small:
        alpha = picture.getchannel("A")
        assert (alpha.getpixel((10, 30)), alpha.getpixel((80, 30))) == (0, 255)
        assert small.convert("RGB").getpixel((10, 30)) == (255, 255, 255)


@pytest.mark.parametrize(("mode", "clear"), [("1", 0), ("L", 0), ("RGB", (0, 0, 0)), ("P", 0)])
def test_a_colour_that_is_declared_transparent_is(encoded: Encode, mode: str, clear: object) -> None:
    content = saved(Image.new(mode, (40, 40)), "PNG", transparency=clear)
    picture = Image.open(encoded(content, "image/png").picture.path)
    assert picture.getchannel("A").getextrema() == (0, 0)


def _swapped() -> bytes:
    """An sRGB profile in which red and green have changed places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ") + 4, profile.index(b"gXYZ") + 4
    profile[red : red + 8], profile[green : green + 8] = profile[green : green + 8], profile[red : red + 8]
    return bytes(profile)


@pytest.mark.parametrize("kind", MIMES)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_colour_profile_is_applied(encoded: Encode, kind: str, mode: str) -> None:
    content = saved(quarters().convert("RGB" if kind == "JPEG" else mode), kind, icc_profile=_swapped())
    picture = Image.open(encoded(content, MIMES[kind]).picture.path)
    assert corners(picture)[:2] == (GREEN, RED)


def test_a_colour_profile_of_a_heic_is_applied(encoded: Encode) -> None:
    picture = Image.open(encoded(Heic(profile=_swapped()).file(), "image/heic").picture.path)
    assert corners(picture)[:2] == (GREEN, RED)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize(
    "profile", [b"noise", b"", bytes(200), _swapped()[:300]], ids=["noise", "none", "zeros", "cut"]
)
def test_a_broken_profile_leaves_the_colours_as_they_are(encoded: Encode, mode: str, profile: bytes) -> None:
    content = saved(quarters().convert(mode), "JPEG", icc_profile=profile)
    picture = Image.open(encoded(content, "image/jpeg").picture.path)
    assert mode == "L" or corners(picture) == CORNERS


def test_a_profile_for_other_colours_leaves_them_as_they_are(encoded: Encode) -> None:
    content = saved(quarters().convert("CMYK"), "JPEG", quality=95, icc_profile=_swapped())
    assert corners(Image.open(encoded(content, "image/jpeg").picture.path)) == CORNERS
