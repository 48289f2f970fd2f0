"""Pages over HTTP: `{"data": [...], "next_cursor": ...}` and `Link: <...>; rel="next"` (RFC 8288)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import request
from marshmallow import Schema, fields

from api.core.schemas import OutSchema
from shared.core.pages import Page, PageRequest

Answer = tuple[dict[str, Any], int, dict[str, str]]


def page_schema(item: type[Schema]) -> type[Schema]:
    """The envelope of a page of `item`."""
    name = f"{item.__name__.removesuffix('Schema')}PageSchema"
    members: dict[str, fields.Field[Any]] = {
        "data": fields.List(fields.Nested(item), required=True),
        "next_cursor": fields.String(required=True, allow_none=True),
    }
    return OutSchema.from_dict(members, name=name)


def page_request(arguments: dict[str, Any]) -> PageRequest:
    """What the query string asked for; everything but limit and cursor is a filter, bound into the cursor."""
    filters = tuple(sorted((name, str(value)) for name, value in arguments.items() if name not in {"limit", "cursor"}))
    return PageRequest(limit=arguments["limit"], cursor=arguments.get("cursor"), filters=filters)


def page_answer(page: Page, present: Callable[[Any], dict[str, Any]]) -> Answer:
    """The page with each row as `present` shows it."""
    body = {"data": [present(row) for row in page.rows], "next_cursor": page.next_cursor}
    if page.next_cursor is None:
        return body, 200, {}
    query = urlencode(request.args.to_dict() | {"cursor": page.next_cursor})
    return body, 200, {"Link": f'<{request.path}?{query}>; rel="next"'}
