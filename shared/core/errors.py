"""The five ways a request can be refused.

The domain raises a kind and a stable code; it knows no status and no retry. `api/core/problems.py` turns the kind into
an HTTP status, `worker/core/task.py` into "retry" or "drop". Anything else that is raised is a fault of ours.
"""

from typing import Any, ClassVar

CODES: dict[str, str] = {}
"""Every code that may leave the system, with its title. Filled by `code(...)` next to the feature that raises it."""


def code(name: str, title: str) -> str:
    """Register the error code `name` (`feature.what`) with the short `title` that clients see, and return it."""
    if CODES.setdefault(name, title) != title:
        raise ValueError(f"error code {name} is registered twice")
    return name


STALE = code("stale", "The resource has changed since it was read")


class Refusal(Exception):
    """Base of the five kinds.

    `code` is stable and registered, `detail` is a sentence for people, `fields` become members of the problem
    document, `errors` point at the parts of the input that are wrong: `{"pointer", "code", "detail"}`.
    """

    kind: ClassVar[str]

    def __init__(self, code: str, detail: str, *, errors: list[dict[str, str]] | None = None, **fields: Any) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.errors = errors or []
        self.fields = fields


class NotFound(Refusal):
    """No such row for this caller. Rows of other organizations are not found either."""

    kind = "not_found"


class Forbidden(Refusal):
    """The caller is known and may not do this."""

    kind = "forbidden"


class Invalid(Refusal):
    """The input cannot be accepted as it stands."""

    kind = "invalid"


class Conflict(Refusal):
    """The input is fine, but the state of things does not allow it now."""

    kind = "conflict"


class Unavailable(Refusal):
    """Something we depend on does not answer. Trying again later is right."""

    kind = "unavailable"


def invalid_field(pointer: str, code: str, detail: str) -> Invalid:
    """Refuse one field of a body; `pointer` is a JSON Pointer (RFC 6901)."""
    return Invalid(code, detail, errors=[{"pointer": pointer, "code": code, "detail": detail}])
