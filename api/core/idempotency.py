"""`Idempotency-Key` on requests that create something: the same key and body get the same answer, once made."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import request

from api.core import json
from api.core.context import actor, now, tenant
from shared.core import idempotency
from shared.core.errors import Invalid, code
from shared.core.transaction import transaction

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

BAD_KEY = code("idempotency.bad_key", "The Idempotency-Key cannot be used")

Body = dict[str, Any]
Answer = tuple[Body, int, dict[str, str]]

_VALID_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def create_once(make: "Callable[[Session], Body]", *, status: int = 201, shown_once: str | None = None) -> Answer:
    """Run `make` in the caller's transaction and answer with what it returns; with a key, only the first time.

    The answer is stored in the same transaction as the effect, so there is never one without the other. The field
    `shown_once` is a secret: it is stored, and answered again, as null.
    """
    asked = _keyed_request()
    with transaction(tenant()) as session:
        if asked is None:
            return make(session), status, {}
        stored = idempotency.find_answer(session, actor(), asked)
        if stored is not None:
            return stored.body, stored.status, {"Idempotent-Replayed": "true"}
        body = json.plain(make(session))
        kept = body | {shown_once: None} if shown_once else body
        idempotency.store_answer(session, actor(), asked, status=status, body=kept, now=now())
        return body, status, {}


def _keyed_request() -> idempotency.IdempotentRequest | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    bare = key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key
    if not _VALID_KEY.fullmatch(bare):
        raise Invalid(BAD_KEY, "1 to 255 printable ASCII characters, without spaces.")
    path = request.full_path if request.query_string else request.path  # `?dry_run=true` asks for something else
    return idempotency.IdempotentRequest.of(bare, request.method.encode(), path.encode(), request.get_data())
