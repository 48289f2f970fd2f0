"""Reading JSON bodies: every fault is one sentence that names the field."""

from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import request

D = TypeVar("D")


class BadBodyError(ValueError):
    """The request's body cannot be used; the message says why. Answered as 400."""


def is_http_url(text: str) -> bool:
    """Whether ``text`` is an absolute http or https URL with a host and, if any, a valid port."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


class Fields:
    """The JSON object in the current request, read field by field. A field that is null counts as absent.

    ``known`` names every field that may occur. Raises BadBodyError for a body that is no JSON object or has
    another field: a misspelt option that is silently ignored makes a test pass for the wrong reason.
    """

    def __init__(self, *known: str) -> None:
        # Asking for the type also keeps web pages out: a browser cannot send it to another site unasked.
        if not request.is_json:
            raise BadBodyError("Content-Type must be application/json")
        try:
            body = request.get_json(silent=True)
        except RecursionError:
            body = None
        if not isinstance(body, dict):
            raise BadBodyError("the body must be a JSON object")
        if unknown := sorted(set(body) - set(known)):
            raise BadBodyError(f"unknown field {unknown[0]!r}; known are {', '.join(known)}")
        self._body: dict[str, Any] = {name: value for name, value in body.items() if value is not None}

    def text(self, name: str, default: D) -> str | D:
        """A string of 1 to 2,000 characters, or ``default`` when absent."""
        value = self._body.get(name)
        if value is None:
            return default
        if not isinstance(value, str) or not 1 <= len(value) <= 2000:
            raise BadBodyError(f"{name} must be a string of 1 to 2000 characters")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise BadBodyError(f"{name} has half a surrogate pair, which is no character")
        return value

    def url(self, name: str, default: D) -> str | D:
        """An absolute http or https URL, or ``default`` when absent."""
        value = self.text(name, None)
        if value is None:
            return default
        if not is_http_url(value):
            raise BadBodyError(f"{name} must be an http:// or https:// URL with a host")
        return value

    def whole(self, name: str, default: D, *, low: int, high: int) -> int | D:
        """A whole number from ``low`` to ``high``, or ``default`` when absent."""
        value = self._body.get(name)
        if value is None:
            return default
        # bool is an int to Python, but not to JSON.
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise BadBodyError(f"{name} must be a whole number from {low} to {high}")
        return value

    def number(self, name: str, default: D, *, low: float, high: float) -> float | D:
        """A number from ``low`` to ``high``, or ``default`` when absent."""
        value = self._body.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise BadBodyError(f"{name} must be a number from {low:g} to {high:g}")
        return float(value)

    def flag(self, name: str) -> bool:
        """true or false; false when absent."""
        value = self._body.get(name, False)
        if not isinstance(value, bool):
            raise BadBodyError(f"{name} must be true or false")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of strings; an empty one when absent."""
        value = self._body.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadBodyError(f"{name} must be a list of strings")
        return value

    def objects(self, name: str) -> list[dict[str, Any]]:
        """A list of JSON objects, at least one."""
        value = self._body.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
            raise BadBodyError(f"{name} must be a list of JSON objects, at least one")
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        """A JSON object; an empty one when absent."""
        value = self._body.get(name, {})
        if not isinstance(value, dict):
            raise BadBodyError(f"{name} must be a JSON object")
        return value
