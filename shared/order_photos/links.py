"""Short-lived signed links to photos: a JWT (RFC 7519) with an audience and a secret of its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from shared.core.errors import Forbidden, code
from shared.core.settings import Settings

BAD_LINK = code("order_photos.bad_link", "The link cannot be used")

AUDIENCE = "order_photos"
ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class SignedUrl:
    """A link that anyone may open until `expires_at`."""

    url: str
    expires_at: datetime


def sign(photo: Any, settings: Settings, *, now: datetime) -> SignedUrl:
    """A link to the file of `photo`, good for `PHOTO_URL_TTL_SECONDS`."""
    expires_at = (now + timedelta(seconds=settings.photo_url_ttl_seconds)).replace(microsecond=0)
    claims = {"aud": AUDIENCE, "org": str(photo.org_id), "sub": str(photo.id), "exp": int(expires_at.timestamp())}
    token = jwt.encode(claims, settings.order_photo_signing_secret.get_secret_value(), ALGORITHM)
    return SignedUrl(f"{settings.api_base_url}/v1/photo-files/{token}", expires_at)


def read(token: str, settings: Settings) -> tuple[UUID, UUID]:
    """Organization and photo of a genuine link. Raises `Forbidden`, the same for expired and for forged."""
    try:
        claims = jwt.decode(
            token,
            settings.order_photo_signing_secret.get_secret_value(),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            options={"require": ["aud", "org", "sub", "exp"]},
        )
        return UUID(claims["org"]), UUID(claims["sub"])
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError):
        raise Forbidden(BAD_LINK, "The link has expired or is not ours. Ask for a new one.") from None
