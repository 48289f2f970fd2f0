"""Pictures whose corners tell how they stand, and the parts that image files are made of."""

import io
from typing import Any

from PIL import ExifTags, Image

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 200, 30), (30, 30, 220), (230, 220, 40)
CORNERS = (RED, GREEN, BLUE, YELLOW)
"""Of an upright picture: top left, top right, bottom left, bottom right."""

SECRET = b"51.0447N 114.0719W"
"""What every piece of metadata made here contains, and no picture that we keep may."""


def quarters(size: tuple[int, int] = (96, 64)) -> Image.Image:
    """A picture of four quarters, each in the colour of its corner."""
    width, height = size
    picture = Image.new("RGB", size)
    for index, colour in enumerate(CORNERS):
        left, top = index % 2 * width // 2, index // 2 * height // 2
        picture.paste(colour, (left, top, left + width // 2, top + height // 2))
    return picture


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def corners(picture: Image.Image) -> tuple[tuple[int, ...], ...]:
    """The nearest of the four colours in each corner."""
    shown, (right, bottom) = picture.convert("RGB"), (picture.width - 3, picture.height - 3)
    return tuple(_nearest(shown.getpixel(place)) for place in ((2, 2), (right, 2), (2, bottom), (right, bottom)))


def _nearest(pixel: Any) -> tuple[int, ...]:
    return min(CORNERS, key=lambda colour: sum(abs(a - b) for a, b in zip(colour, pixel, strict=True)))


def exif(orientation: int | None = None, **details: str) -> Image.Exif:
    """Metadata with a position in it, in several places; `details` are tags of the Exif directory."""
    made = Image.Exif()
    made[ExifTags.Base.Make] = SECRET.decode()
    if orientation is not None:
        made[ExifTags.Base.Orientation] = orientation
    position = made.get_ifd(ExifTags.IFD.GPSInfo)
    position[ExifTags.GPS.GPSLatitudeRef] = "N"
    position[ExifTags.GPS.GPSLatitude] = (51.0, 2.0, 41.0)
    position[ExifTags.GPS.GPSProcessingMethod] = SECRET
    directory = made.get_ifd(ExifTags.IFD.Exif)
    for name, value in details.items():
        directory[ExifTags.Base[name]] = value
    return made


def xmp(text: str = SECRET.decode()) -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'exif:GPSLatitude="{text}"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()
