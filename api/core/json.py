"""JSON in and out with orjson: fast, strict about nesting and numbers, times as `2026-01-31T09:00:00Z`."""

from typing import Any

import orjson
from flask import Response
from flask.json.provider import JSONProvider

_OPTIONS = orjson.OPT_UTC_Z


def dumps(value: Any) -> bytes:
    """Compact UTF-8."""
    return orjson.dumps(value, option=_OPTIONS)


def plain(value: Any) -> Any:
    """`value` as a client will read it: strings in place of identifiers and times."""
    return orjson.loads(dumps(value))


class OrjsonProvider(JSONProvider):
    """Flask's JSON, by orjson. `NaN`, duplicate nesting bombs and lone surrogates are refused as bad JSON."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return dumps(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Any:
        return Response(dumps(self._prepare_response_obj(args, kwargs)), mimetype="application/json")
