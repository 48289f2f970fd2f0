"""What an event said, for people who may not see persons; and what a target answered, without what opens it."""

import re
from typing import Any

HIDDEN = "(personal)"
"""Stands where something about a person was."""
SECRET = "(secret)"  # noqa: S105 - stands where one was

ANSWER = r"^(The target answered [0-9]+):.*"
"""An error with what the target has said; for Postgres as well. The group is ours."""
_SAYS_NOTHING_OF_PEOPLE = {
    "id",
    "number",
    "version",
    "state",
    "source",
    "event",
    "kind",
    "method",
    "currency",
    "is_tentative",
}
_ENDINGS = ("_id", "_at", "_on", "_start", "_end")
_MONEY = {"amount", "currency"}
_SECRETS = re.compile(r"whsec_[A-Za-z0-9+/=_-]+|v1a?,[A-Za-z0-9+/=]{16,}")
_URL = re.compile(r"\b(https?://)(?:[^\s/?#@]*@)?([^\s/?#'\"<>]+)[^\s'\"<>]*", re.IGNORECASE)


def without_people(payload: dict[str, Any]) -> dict[str, Any]:
    """`payload` with a mark for every value that may be about a person.

    What is known to be none is shown: identifiers, states, times, money. A field that somebody adds to an event is
    hidden until it is known here.
    """
    return {name: value if _is_plain(name, value) else HIDDEN for name, value in payload.items()}


def without_secrets(error: str | None) -> str | None:
    """An error without secrets and signatures, and with nothing of a URL but its host: many receivers keep their
    password in the path."""
    if error is None:
        return None
    return _SECRETS.sub(SECRET, _URL.sub(r"\1\2", error))


def without_answer(error: str | None) -> str | None:
    """An error without what the target has said: receivers quote the event that they refuse, with its people."""
    return None if error is None else re.sub(ANSWER, r"\1.", error, flags=re.DOTALL)


def _is_plain(name: str, value: Any) -> bool:
    if value is None or value in ("", {}, []):
        return True
    if isinstance(value, dict):
        return set(value) == _MONEY
    return not isinstance(value, list) and (name in _SAYS_NOTHING_OF_PEOPLE or name.endswith(_ENDINGS))
