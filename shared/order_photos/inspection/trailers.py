"""What may follow the end of a picture."""

from shared.order_photos.inspection.content import Content, number, skip_padding
from shared.order_photos.rules import POLYGLOT, refused

_MOST_ENTRIES = 100


def check_trailer(content: Content, at: int) -> None:
    """Nothing, padding, or Samsung's trailer, from `at` to the end of the file. Raises `Invalid`."""
    if skip_padding(content, at) < samsung_start(content, at):
        raise refused(POLYGLOT, "Something else follows the image.")


def samsung_start(content: Content, at: int) -> int:
    """Where the trailer begins that Samsung's phones write, at `at` or later; the file's end if there is none.

    Blocks of data; then `SEFH`, a version, and for each block its type, its distance before `SEFH` and its length;
    then the directory's length and `SEFT`, at the very end (https://exiftool.org/TagNames/Samsung.html#Trailer).
    """
    end = len(content)
    if end - at < 8 or content[-4:] != b"SEFT":  # noqa: PLR2004 - the length and the mark
        return end
    length = number(content, end - 8, 4, "little")
    directory = end - 8 - length
    if directory < at or content[directory : directory + 4] != b"SEFH":
        raise refused(POLYGLOT, "Something else follows the image.")
    count = number(content, directory + 8, 4, "little")
    if count > _MOST_ENTRIES or 12 + 12 * count > length:
        raise refused(POLYGLOT, "Something else follows the image.")
    start = directory
    for entry in range(directory + 12, directory + 12 + 12 * count, 12):
        start = min(start, directory - number(content, entry + 4, 4, "little"))
    if start < at:
        raise refused(POLYGLOT, "Something else follows the image.")
    return start
