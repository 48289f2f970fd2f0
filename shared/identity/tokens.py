"""Staff access tokens: JWT (RFC 7519), HS256 and nothing else, audience `staff`; and random one-time tokens."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID, uuid4

import jwt

from shared.core.errors import Forbidden, code
from shared.core.permissions import Role
from shared.core.tenancy import SignedIn

UNAUTHENTICATED = code("identity.unauthenticated", "Sign in first")

ISSUER = "crewline"
AUDIENCE = "staff"
ALGORITHM = "HS256"
CLOCK_SKEW = timedelta(minutes=2)
_REQUIRED = ["iss", "aud", "sub", "org", "role", "sid", "iat", "exp", "jti"]


class Unauthenticated(Forbidden):
    """Nobody is signed in: the one refusal that HTTP answers with 401 and not 403."""

    kind = "unauthenticated"

    def __init__(
        self, detail: str = "The access token is missing, expired or not ours.", code: str = UNAUTHENTICATED
    ) -> None:
        super().__init__(code, detail)


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a genuine access token says; `expires_at` in seconds since the epoch.

    Whether its session still lives, and the role is still the user's, the database says to statements in `scope`.
    """

    scope: SignedIn
    expires_at: float


def issue_access_token(
    secret: str, *, user_id: UUID, org_id: UUID, session_id: UUID, role: Role, now: datetime, ttl: timedelta
) -> str:
    """Sign an access token that ends `ttl` after `now`."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "org": str(org_id),
        "role": role,
        "sid": str(session_id),
        "iat": int(now.timestamp()),
        "exp": int((now + ttl).timestamp()),
        "jti": uuid4().hex,
    }
    return jwt.encode(claims, secret, ALGORITHM)


def read_access_token(keys: tuple[str, ...], token: str, *, now: datetime) -> AccessClaims:
    """Verify signature (by any of `keys`), algorithm, audience and times. Raises `Unauthenticated` for anything else
    than a good token."""
    claims = _verify(keys, token)
    if claims.expires_at + CLOCK_SKEW.total_seconds() <= now.timestamp():
        raise Unauthenticated
    return claims


@lru_cache(maxsize=10_000)
def _verify(keys: tuple[str, ...], token: str) -> AccessClaims:
    """The checks that never change for a token, remembered: a client sends the same one with every request. What can
    change is looked at each time: its end above, its session in the database."""
    for key in keys[:-1]:
        try:
            return _decode(key, token)
        except Unauthenticated:
            continue
    return _decode(keys[-1], token)


def _decode(key: str, token: str) -> AccessClaims:
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=CLOCK_SKEW,
            options={"require": _REQUIRED},
        )
        scope = SignedIn(UUID(claims["org"]), UUID(claims["sub"]), UUID(claims["sid"]), Role(claims["role"]))
        return AccessClaims(scope, float(claims["exp"]))
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError):
        raise Unauthenticated from None


def new_secret_token() -> str:
    """A random token of 256 bits for a refresh token or a link; only its hash is stored."""
    return secrets.token_urlsafe(32)


def successor_of(key: str, token: str) -> str:
    """The refresh token that follows `token`: random to everybody without our `key`.

    Derived and not drawn, because a client that has lost the answer must get the same one again, and only its hash is
    stored. HMAC-SHA256 (RFC 2104) of a token of full entropy.
    """
    digest = hmac.digest(key.encode(), b"refresh token after " + token.encode("utf-8", "surrogatepass"), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def hash_token(token: str) -> str:
    """What the database keeps of a random token. It has full entropy, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
