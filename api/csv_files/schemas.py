from datetime import datetime
from enum import StrEnum
from typing import Any

from marshmallow import Schema, fields
from webargs.fields import DelimitedList

from api.core.schemas import InSchema, Instant, OutSchema
from shared.core.orm import columns_of
from shared.csv_files.model import CsvFileState, CsvKind
from shared.csv_files.tables import TABLES

_WHEN = {
    "from": "{what} at this moment or later",
    "to": "{what} before this moment",
    "since": "{what} at this moment or later",
}


class CsvFileSchema(OutSchema):
    id = fields.UUID(required=True)
    kind = fields.Enum(CsvKind, by_value=True, required=True)
    filters = fields.Dict(required=True)
    requested_by = fields.UUID(required=True, allow_none=True, metadata={"description": "The user, if it was one"})
    state = fields.Enum(CsvFileState, by_value=True, required=True)
    rows = fields.Integer(required=True, metadata={"description": "Written until now"})
    total_rows = fields.Integer(
        required=True, allow_none=True, metadata={"description": "About so many in the end; null when it is not known"}
    )
    percent = fields.Integer(required=True, allow_none=True, metadata={"description": "null when it is not known"})
    size = fields.Integer(required=True, metadata={"description": "Bytes written until now, compressed"})
    created_at = Instant(required=True)
    ready_at = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True)


def query_schema(kind: CsvKind) -> type[Schema]:
    """The query parameters of a table."""
    return _filters(kind, DelimitedList, f"{kind.title()}CsvArgumentsSchema")


def body_schema(kind: CsvKind) -> type[Schema]:
    """The same filters as a body."""
    return _filters(kind, fields.List, f"{kind.title()}CsvInSchema")


def _filters(kind: CsvKind, many: Any, name: str) -> type[Schema]:
    table = TABLES[kind]
    members = {each: _filter(each, many, table.states) for each in table.filters}
    return InSchema.from_dict(members, name=name)


def _filter(name: str, many: Any, states: type[StrEnum]) -> fields.Field[Any]:
    if name == "status":
        return fields_of_states(many, states)
    what, _, which = name.rpartition("_")
    return Instant(metadata={"description": _WHEN[which].format(what=what.capitalize())})


def fields_of_states(many: Any, states: type[StrEnum]) -> fields.Field[Any]:
    """Some of the states."""
    found: fields.Field[Any] = many(fields.Enum(states, by_value=True), metadata={"description": "Only these states"})
    return found


def present(file: Any, *, now: datetime) -> dict[str, Any]:
    """A file as `CsvFileSchema` says; one whose time is over has expired, whether the sweep has been there or not."""
    columns = columns_of(file)
    is_over = columns["state"] == CsvFileState.READY and columns["expires_at"] <= now
    return {
        "id": columns["id"],
        "kind": columns["kind"],
        "filters": columns["filters"],
        "requested_by": columns["requested_by"],
        "state": CsvFileState.EXPIRED if is_over else columns["state"],
        "rows": columns["rows"],
        "total_rows": columns["total_rows"],
        "percent": _percent(columns),
        "size": columns["bytes"],
        "created_at": columns["created_at"],
        "ready_at": columns["ready_at"],
        "expires_at": columns["expires_at"],
    }


def _percent(columns: Any) -> int | None:
    """100 when it is written and not before: rows can be made meanwhile, and then there are more than were counted."""
    if columns["state"] in {CsvFileState.READY, CsvFileState.EXPIRED}:
        return 100
    if columns["total_rows"] is None:
        return None
    return min(99, 100 * int(columns["rows"]) // max(1, int(columns["total_rows"])))
