"""Files as phones and attackers make them."""

import io
import secrets
import struct
import zipfile
import zlib

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.TiffImagePlugin import IFDRational

TAKEN_AT = "2026:05:04 13:14:15"
OFFSET = "-06:00"


def from_a_phone() -> bytes:
    """A photo lying on its side, with the place, the moment and the device it was taken with."""
    picture = Image.frombytes("RGB", (90, 60), secrets.token_bytes(90 * 60 * 3)).resize((1200, 800))
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    exif[Base.Make], exif[Base.Model] = "Fernsprecher", "Taschenmodell 9"
    exif.get_ifd(IFD.Exif).update({Base.DateTimeOriginal: TAKEN_AT, Base.OffsetTimeOriginal: OFFSET})
    degrees = (IFDRational(51), IFDRational(2), IFDRational(42))
    exif.get_ifd(IFD.GPSInfo).update({GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: degrees})
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85, exif=exif)
    return file.getvalue()


def small() -> bytes:
    """A photo that nobody has uploaded before."""
    file = io.BytesIO()
    Image.frombytes("RGB", (48, 32), secrets.token_bytes(48 * 32 * 3)).save(file, "PNG")
    return file.getvalue()


def with_an_archive() -> bytes:
    """A photo that is also a ZIP file."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("payload.js", "alert(1)")
    return from_a_phone() + archive.getvalue()


def bomb() -> bytes:
    """A few bytes that claim to be 60,000 by 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
