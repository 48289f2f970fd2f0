"""The signed link by which whoever reads an `OPTIONAL` mail gets no more of them.

A JWT (RFC 7519) with an audience of its own that names the mail, not its reader: addresses do not belong into URLs. It
has no end: laws ask for links that work for weeks, and all it can do is to spare somebody mail. Signed with
`AUTH_SECRET_KEY`; what `AUTH_SECRET_KEY_PREVIOUS` has signed is good, too.
"""

from typing import Any
from uuid import UUID

import jwt

from shared.core.errors import Forbidden, code
from shared.core.settings import Settings

BAD_LINK = code("messages.bad_unsubscribe_link", "The link cannot be used")

AUDIENCE = "unsubscribe"
ALGORITHM = "HS256"


def url(settings: Settings, message: Any) -> str:
    """The page at which the reader of `message` unsubscribes; a POST to it does so at once (RFC 8058)."""
    claims = {"aud": AUDIENCE, "org": str(message.org_id), "sub": str(message.id)}
    return f"{settings.api_base_url}/v1/unsubscribe/{jwt.encode(claims, settings.auth_secrets[0], ALGORITHM)}"


def read(settings: Settings, token: str) -> tuple[UUID, UUID]:
    """Organization and message that a genuine link names. Raises `Forbidden`."""
    for secret in settings.auth_secrets:
        try:
            return _read(token, secret)
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, KeyError):
            continue
    raise Forbidden(BAD_LINK, "The link is incomplete, or not ours.")


def _read(token: str, secret: str) -> tuple[UUID, UUID]:
    options: Any = {"require": ["aud", "org", "sub"]}
    claims = jwt.decode(token, secret, algorithms=[ALGORITHM], audience=AUDIENCE, options=options)
    return UUID(claims["org"]), UUID(claims["sub"])
