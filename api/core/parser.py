"""Reads arguments strictly: another content type is 415, broken JSON or an unknown query parameter 400, an unknown body
field 422. webargs alone takes a body of the wrong type for an empty one, accepts `NaN`, and ignores unknown parameters.
"""

from typing import Any

import orjson
from flask import Request
from marshmallow import RAISE, Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest

from api.core import context
from api.core.problems import BAD_INPUT, media_type_refused
from shared.core import clock
from shared.core.errors import Invalid

MOST_VALUES = 5_000
"""In one body, at any depth. Each that is wrong costs time and a line of the answer: a megabyte of them took 13 seconds
and was answered with 64 megabytes."""


class StrictParser(FlaskParser):
    """The parser of every blueprint."""

    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | dict.fromkeys(
        ("query", "json", "form", "files"), RAISE
    )

    def load_json(self, req: Request, schema: Schema) -> Any:
        """JSON as RFC 8259 has it: no NaN, no lone surrogates, no bombs of nesting. No body at all is an empty one for
        a schema that says so (`may_be_absent`)."""
        if getattr(schema, "may_be_absent", False) and not req.mimetype and not req.get_data():
            return {}
        if not req.is_json:
            raise media_type_refused("application/json", req.mimetype)
        raw = req.get_data()
        context.current().now = clock.utc_now()  # a body that comes slowly must not carry a code past its time
        try:
            found = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"The body is not JSON: {error}.") from error
        if len(raw) > 2 * MOST_VALUES and _holds_more_than(MOST_VALUES, found):
            raise Invalid(BAD_INPUT, f"The body holds more than {MOST_VALUES} values.")
        return found

    def load_files(self, req: Request, schema: Schema) -> Any:
        """The files of a multipart form."""
        if req.mimetype != "multipart/form-data":
            raise media_type_refused("multipart/form-data", req.mimetype)
        return super().load_files(req, schema)


def _holds_more_than(most: int, found: Any) -> bool:
    """Whether objects and lists in `found` have more members than that, all together."""
    count, waiting = 0, [found]
    while waiting:
        each = waiting.pop()
        members = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        count += len(members)
        if count > most:
            return True
        waiting.extend(members)
    return False
