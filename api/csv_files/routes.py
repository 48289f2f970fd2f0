"""Tables for spreadsheets: streamed at once, or written to a file."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response

from api.core import json
from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.idempotency import Answer, create_once
from api.core.openapi import refuses
from api.core.pagination import page_answer, page_request, page_schema
from api.core.schemas import PageArguments
from api.csv_files.answering import answer_file, answer_table
from api.csv_files.schemas import CsvFileSchema, body_schema, present, query_schema
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.csv_files import service as csv_files
from shared.csv_files.model import CsvKind

blueprint = Blueprint("csv_files", __name__, url_prefix="/v1/exports", description=__doc__)

_CSV = {"type": "string"}

View = Callable[..., Any]


def _named(name: str, summary: str) -> Callable[[View], View]:
    """Give a view that is made for each kind of table its own name and first line."""

    def rename(view: View) -> View:
        view.__name__ = name
        view.__doc__ = f"{summary}\n\n{view.__doc__}"
        return view

    return rename


def _open_doors(kind: CsvKind) -> None:
    """The two ways to a table."""

    @blueprint.route(f"/{kind}.csv", methods=["GET"])
    @requires(Permission.CSV_FILES_READ)
    @blueprint.arguments(query_schema(kind), location="query")
    @blueprint.response(200, _CSV, content_type="text/csv")
    @refuses(426)
    @_named(f"stream_{kind}_csv", f"Download {kind} as CSV at once.")
    def stream(arguments: dict[str, Any]) -> Response:
        """In the order in which they were made; RFC 4180, UTF-8, with a header. Texts that spreadsheets would take for
        formulas have an apostrophe in front. Each row stands there as it was when it was read, and is there once. An
        answer that is cut short lacks its last chunk. Two can be sent at once by one process, for ten minutes: 503 with
        `Retry-After` otherwise. For more ask for a file with POST.
        """
        return answer_table(kind, json.plain(arguments))

    @blueprint.route(f"/{kind}.csv", methods=["POST"])
    @requires(Permission.CSV_FILES_READ)
    @blueprint.arguments(body_schema(kind))
    @blueprint.response(202, CsvFileSchema)
    @_named(f"write_{kind}_csv", f"Ask for {kind} as a CSV file.")
    def write(filters: dict[str, Any]) -> Answer:
        """It is written in the background: read the URL of `Location` until its state is `ready`, then its `/content`.
        It can be read for a day. 409 `csv_files.too_many` when three are not written yet.
        """
        file, status, headers = create_once(
            lambda session: present(
                csv_files.request_file(session, actor(), kind, json.plain(filters), now=now()), now=now()
            ),
            status=202,
        )
        return file, status, headers | {"Location": f"/v1/exports/files/{file['id']}"}


for _kind in CsvKind:
    _open_doors(_kind)


@blueprint.route("/files", methods=["GET"])
@requires(Permission.CSV_FILES_READ)
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, page_schema(CsvFileSchema))
def list_csv_files(arguments: dict[str, Any]) -> Answer:
    """List the organization's files, the last that was asked for first."""
    with read_only(tenant()) as session:
        page = csv_files.list_page(session, actor(), page_request(arguments))
    return page_answer(page, lambda file: present(file, now=now()))


@blueprint.route("/files/<uuid:csv_file_id>", methods=["GET"])
@requires(Permission.CSV_FILES_READ)
@blueprint.response(200, CsvFileSchema)
def get_csv_file(csv_file_id: UUID) -> dict[str, Any]:
    """Get one file's state, and how far it is."""
    with read_only(tenant()) as session:
        return present(csv_files.get(session, actor(), csv_file_id), now=now())


@blueprint.route("/files/<uuid:csv_file_id>/content", methods=["GET"])
@requires(Permission.CSV_FILES_READ)
@blueprint.response(200, _CSV, content_type="text/csv")
@blueprint.alt_response(304, description="The caller has it already", success=True)
@refuses(409, 410, 426)
def download_csv_file(csv_file_id: UUID) -> Response:
    """Download a file that is `ready`. 409 while it is not, 410 when it was kept for its day."""
    return answer_file(csv_file_id)


@blueprint.route("/files/<uuid:csv_file_id>", methods=["DELETE"])
@requires(Permission.CSV_FILES_READ)
@blueprint.response(204)
def delete_csv_file(csv_file_id: UUID) -> None:
    """Remove a file, whether it is written or not."""
    with transaction(tenant()) as session:
        csv_files.remove(session, actor(), csv_file_id, now=now())
