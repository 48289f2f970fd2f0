"""Photos written anew: upright, of the right colours and kinds, and never more than the machine can hold."""

import io
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from shared.core.errors import Invalid
from shared.order_photos.encoding import encode
from tests.factories.heif import Heic
from tests.factories.image_parts import empty_jpeg, png
from tests.factories.images import BLUE, CORNERS, GREEN, RED, YELLOW, corners, exif, quarters, saved
from tests.order_photos.conftest import Encode
from tests.order_photos.honest import HONEST, jpeg, jpeg_with_exif
from tests.order_photos.hostile import UNDECODABLE, one_colour_webp

MIMES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_photo_is_written_anew_with_a_thumbnail(encoded: Encode, name: str) -> None:
    make, mime, size = HONEST[name]
    photo = encoded(make(), mime)
    kept = "image/jpeg" if mime == "image/heic" else mime
    for written, expected in ((photo.picture, kept), (photo.thumbnail, "image/jpeg")):
        content = written.path.read_bytes()
        assert (written.size, written.sha256) == (len(content), sha256(content).hexdigest())
        with Image.open(written.path) as picture:
            assert (written.mime, picture.get_format_mimetype()) == (expected, expected)
            assert picture.size == (written.width, written.height)
    assert photo.picture.path.suffix == f".{photo.picture.extension}"
    assert sorted((photo.picture.width, photo.picture.height)) == sorted(size)
    assert max(photo.thumbnail.width, photo.thumbnail.height) == min(480, max(size))


@pytest.mark.parametrize("name", UNDECODABLE)
def test_what_cannot_be_decoded_is_refused(encoded: Encode, name: str) -> None:
    make, mime = UNDECODABLE[name]
    with pytest.raises(Invalid) as refused:
        encoded(make(), mime)
    assert refused.value.code == "order_photos.undecodable"
    assert [error["pointer"] for error in refused.value.errors] == ["/file"]


@pytest.mark.parametrize("mime", [*MIMES.values(), "image/heic"])
def test_only_the_decoder_of_the_found_type_sees_the_file(encoded: Encode, mime: str) -> None:
    for kind in ("GIF", "BMP", "TIFF", "AVIF", *(kind for kind, other in MIMES.items() if other != mime)):
        with pytest.raises(Invalid) as refused:
            encoded(saved(quarters(), kind), mime)
        assert refused.value.code == "order_photos.undecodable"


@pytest.mark.parametrize("kind", MIMES)
def test_more_pixels_than_the_limit_are_not_decoded(encoded: Encode, kind: str) -> None:
    """One above ours, and one above Pillow's own limit."""
    bombs = {
        "JPEG": [empty_jpeg(8_000, 7_000), empty_jpeg(60_000, 60_000)],
        "PNG": [png(8_000, 7_000), png(60_000, 60_000)],
        "WEBP": [one_colour_webp(8_000, 7_000), one_colour_webp(16_384, 16_384)],
    }
    for content in bombs[kind]:
        with pytest.raises(Invalid) as refused:
            encoded(content, MIMES[kind])
        assert refused.value.code == "order_photos.too_many_pixels"


def test_a_heic_of_too_many_pixels_is_not_decoded(encoded: Encode) -> None:
    with pytest.raises(Invalid) as refused:
        encoded(Heic(columns=2, grid=(60_000, 60_000)).file(), "image/heic")
    assert refused.value.code == "order_photos.too_many_pixels"


# Where the corners of an upright picture lie in a file that is to be turned by the orientation (Exif 3.0, 4.6.5.1.6).
TURNED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("kind", MIMES)
def test_a_photo_is_kept_upright(encoded: Encode, kind: str, orientation: int) -> None:
    method = TURNED[orientation]
    lying = quarters() if method is None else quarters().transpose(method)
    photo = encoded(saved(lying, kind, exif=exif(orientation)), MIMES[kind])
    for written in (photo.picture, photo.thumbnail):
        with Image.open(written.path) as picture:
            assert picture.size == (96, 64)
            assert corners(picture) == CORNERS


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
def test_an_orientation_that_is_none_turns_nothing(encoded: Encode, orientation: int) -> None:
    photo = encoded(saved(quarters(), "JPEG", exif=exif(orientation)), "image/jpeg")
    assert corners(Image.open(photo.picture.path)) == CORNERS


@pytest.mark.parametrize("block", [b"Exif\x00\x00", b"Exif\x00\x00II*\x00\xff\xff\xff\xff", b"Exif\x00\x00noise" * 9])
def test_a_photo_may_be_in_order_though_its_metadata_is_not(encoded: Encode, block: bytes) -> None:
    photo = encoded(jpeg_with_exif(block), "image/jpeg")
    assert corners(Image.open(photo.picture.path)) == CORNERS
    assert photo.taken_at is None


@pytest.mark.parametrize(
    ("made", "upright"),
    [
        (Heic(), CORNERS),
        (Heic(turns=1), (GREEN, YELLOW, RED, BLUE)),
        (Heic(turns=2), (YELLOW, BLUE, GREEN, RED)),
        (Heic(turns=3), (BLUE, RED, YELLOW, GREEN)),
        (Heic(mirrored=True), (GREEN, RED, YELLOW, BLUE)),
        (Heic(columns=3, turns=1), (GREEN, YELLOW, RED, BLUE)),
    ],
    ids=["as it is", "a quarter", "half", "three quarters", "mirrored", "tiles"],
)
@pytest.mark.parametrize("orientation", [None, 6])
def test_a_heic_is_turned_once(
    encoded: Encode, made: Heic, upright: tuple[object, ...], orientation: int | None
) -> None:
    """Phones say it twice: in the container, which counts, and in Exif, which does not (ISO/IEC 23008-12, A.2.3)."""
    block = exif(orientation).tobytes()[6:]
    photo = encoded(Heic(**vars(made) | {"exif": block}).file(), "image/heic")
    assert photo.picture.mime == "image/jpeg"
    with Image.open(photo.picture.path) as picture:
        assert corners(picture) == upright
        assert picture.size == ((64, 192) if made.columns > 1 else (64, 64))


@pytest.mark.parametrize("subsampling", [0, 2])
def test_a_jpeg_keeps_how_finely_its_colours_are_sampled(encoded: Encode, subsampling: int) -> None:
    content = saved(quarters(), "JPEG", subsampling=subsampling)
    with Image.open(encoded(content, "image/jpeg").picture.path) as picture:
        assert picture.layer[0][1] == (1 if subsampling == 0 else 2)  # type: ignore[attr-defined]


def test_a_very_long_picture_has_a_thumbnail_too(encoded: Encode) -> None:
    thumbnail = encoded(saved(Image.new("RGB", (20_000, 3)), "PNG"), "image/png").thumbnail
    assert (thumbnail.width, thumbnail.height) == (480, 1)


def test_a_full_disk_is_not_the_photos_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        encode(io.BytesIO(jpeg()), "image/jpeg", tmp_path / "missing")


MEASURE = """
import sys
import zlib
from pathlib import Path
from shared.order_photos.encoding import encode
with open(sys.argv[1], "rb") as source:
    photo = encode(source, "image/jpeg", Path(sys.argv[2]))
peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]  # of this program alone, in kilobytes
print(photo.picture.width, photo.picture.height, int(peak) // 1024)
"""


def test_the_largest_photo_fits_into_600_megabytes(tmp_path: Path) -> None:
    """Progressive, in full colour, lying on its side, with a profile: what costs most."""
    made = Image.linear_gradient("L").resize((8160, 6120)).convert("RGB")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    (tmp_path / "large.jpg").write_bytes(
        saved(made, "JPEG", progressive=True, subsampling=0, exif=exif(6), icc_profile=srgb)
    )
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "large.jpg"), str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    width, height, megabytes = map(int, answer.stdout.split())
    assert (width, height) == (6120, 8160)
    assert megabytes < 600
