"""Tables and files as answers, piece by piece: nothing of the database is held between two pieces."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from flask import Response, request

from api.core.context import actor, now, tenant
from api.core.streams import CutShortError, Places, Stream, compressed, demand_chunks, unpacked, wants_gzip
from shared.core.actor import Actor
from shared.core.tenancy import Tenant
from shared.core.transaction import read_only, transaction
from shared.csv_files import service as csv_files
from shared.csv_files.model import CsvKind
from shared.csv_files.reading import MOST_ROWS, Wanted, read_piece

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Row

MIME = "text/csv; charset=utf-8; header=present"
FIRST_ROWS = 1_000
"""So that the first bytes come soon."""
_TABLES, _FILES = Places(), Places()
_FILE_WAY = "Ask for a file: POST to the same URL."


def answer_table(kind: CsvKind, filters: dict[str, Any]) -> Response:
    """The rows as they are now."""
    packed = wants_gzip()
    demand_chunks(compressed=packed)
    if request.method == "HEAD":
        with read_only(tenant()) as session:
            _, name = csv_files.look_up(session, actor(), kind, filters, now=now())
        return _answer((), name, packed=packed)
    with _TABLES.take(_FILE_WAY) as place:
        with transaction(tenant()) as session:
            wanted, name = csv_files.look_up(session, actor(), kind, filters, now=now())
            csv_files.note_stream(session, actor(), wanted, now=now())
        rows = _rows(tenant(), wanted)
        return _answer(Stream(place, compressed(rows) if packed else rows), name, packed=packed)


def answer_file(csv_file_id: "UUID") -> Response:
    """The file as it was written."""
    packed = wants_gzip()
    demand_chunks(compressed=packed)
    with read_only(tenant()) as session:
        file, name = csv_files.open_file(session, actor(), csv_file_id, now=now())
    found = _answer((), name, packed=packed)
    found.content_length = file.bytes if packed else file.plain_bytes
    found.set_etag(f"{file.id}{'-gzip' if packed else ''}")
    found.make_conditional(request)
    if request.method == "HEAD" or found.status_code != 200:  # noqa: PLR2004 - the caller has it
        return found
    with _FILES.take("Try again in a moment.") as place:
        with transaction(tenant()) as session:
            csv_files.note_download(session, actor(), file, now=now())
        parts = _parts(tenant(), actor(), file)
        found.response = Stream(place, parts if packed else unpacked(parts))
    return found


def _answer(body: Iterable[bytes], name: str, *, packed: bool) -> Response:
    found = Response(body, content_type=MIME, direct_passthrough=True)
    found.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    found.headers["Vary"] = "Accept-Encoding"
    if packed:
        found.headers["Content-Encoding"] = "gzip"
    return found


def _rows(scope: Tenant, wanted: Wanted) -> Iterator[bytes]:
    """Header and rows. The scope is looked at anew for each piece: when the caller's session ends, so does this."""
    after, rows = None, FIRST_ROWS
    while True:
        with read_only(scope) as session:
            piece = read_piece(session, wanted, after, rows=rows)
        if after is None:
            yield wanted.header  # not before: what is wrong with the first piece is an ordinary refusal
        yield from piece.chunks()
        if piece.last_id is None:
            return
        after, rows = piece.last_id, min(MOST_ROWS, piece.rows * 4)


def _parts(scope: Tenant, reader: Actor, file: "Row[Any]") -> Iterator[bytes]:
    """The parts of a file, all of them."""
    number, size = -1, 0
    while size < file.bytes:
        with read_only(scope) as session:
            part = csv_files.read_part(session, reader, file.id, number)
        if part is None:
            raise CutShortError("the file was forgotten meanwhile")
        number, content = part
        size += len(content)
        yield content
