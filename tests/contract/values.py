"""Values that fit a JSON schema, for `requests_from_openapi.py`."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from typing import Any

from tests.factories.order_photos import image_bytes

_numbers = count(1)
_ENDS = {"end", "ends", "to", "until", "before", "expires"}
"""Words in the name of a time that comes after another one."""
_MADE_ANEW = {"email", "date-time", "date", "binary"}
"""Formats for which no example is good twice: addresses are unique, and times lie in the future."""


def known_values(schema: dict[str, Any]) -> list[Any]:
    """Values that the schema itself names, the best first. Of an enum that is the last: it is written with the greatest
    first, such as roles."""
    if schema.get("format") in _MADE_ANEW:
        return []
    examples = [schema["example"]] if "example" in schema else list(schema.get("examples", []))
    named = [schema["const"]] if "const" in schema else list(reversed(schema.get("enum", [])))
    return [value for value in (*examples, *named) if value is not None]


def make_value(schema: dict[str, Any], name: str) -> Any:
    """A new value for a field called `name`; None when the schema does not say enough."""
    kinds = schema.get("type")
    kind = next((each for each in (kinds if isinstance(kinds, list) else [kinds]) if each != "null"), None)
    if kind in {"integer", "number"}:
        return max(schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1)
    if kind == "string" and "pattern" not in schema:
        return _text(schema, name)
    return {"boolean": True, "object": {}}.get(kind or "")


def _text(schema: dict[str, Any], name: str) -> Any:
    number, is_end = next(_numbers), bool(_ENDS & set(name.split("_")))
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1, hours=2 if is_end else 0)
    shaped: dict[str, Any] = {
        "email": f"made-{number}@example.com",
        "date-time": moment.isoformat(),
        "date": (moment.date() + timedelta(days=int(is_end))).isoformat(),
    }
    shape = schema.get("format", "")
    if shape == "binary":
        return BytesIO(image_bytes()), "photo.png"
    made = f"{name or 'text'} {number}".ljust(schema.get("minLength", 0), "x")
    return shaped.get(shape, made[-schema.get("maxLength", len(made)) :])
