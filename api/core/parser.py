"""Reads arguments strictly: another content type is 415, broken JSON or an unknown query parameter 400, an unknown body
field 422. webargs alone takes a body of the wrong type for an empty one, accepts `NaN`, and ignores unknown parameters.
"""

from typing import Any

import orjson
from flask import Request
from marshmallow import RAISE, Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest

from api.core.problems import media_type_refused


class StrictParser(FlaskParser):
    """The parser of every blueprint."""

    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | dict.fromkeys(
        ("query", "json", "form", "files"), RAISE
    )

    def load_json(self, req: Request, schema: Schema) -> Any:  # noqa: ARG002 - the base class's signature
        """JSON as RFC 8259 has it: no NaN, no lone surrogates, no bombs of nesting."""
        if not req.is_json:
            raise media_type_refused("application/json", req.mimetype)
        try:
            return orjson.loads(req.get_data())
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"The body is not JSON: {error}.") from error

    def load_files(self, req: Request, schema: Schema) -> Any:
        """The files of a multipart form."""
        if req.mimetype != "multipart/form-data":
            raise media_type_refused("multipart/form-data", req.mimetype)
        return super().load_files(req, schema)
