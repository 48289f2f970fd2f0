"""Short-lived signed links to photos: the storage's own where it has them, else a JWT (RFC 7519) for our door, with an
audience and a secret of its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import structlog

from shared.core.errors import Forbidden, code
from shared.core.settings import Settings
from shared.integrations.storage import Storage
from shared.order_photos.images import EXTENSIONS, THUMBNAIL_MIME

log = structlog.get_logger(__name__)

BAD_LINK = code("order_photos.bad_link", "The link cannot be used")

AUDIENCE = "order_photos"
ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class SignedUrls:
    """Links to a photo and to its thumbnail, which anyone may open until `expires_at`."""

    url: str
    thumbnail_url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """What a genuine link names."""

    org_id: UUID
    photo_id: UUID
    is_thumbnail: bool


def sign(photo: Any, storage: Storage | None, settings: Settings, *, now: datetime) -> SignedUrls:
    """Links to the files of a stored `photo`, good for `PHOTO_URL_TTL_SECONDS`; no network is touched. With `storage`
    None, which is not set up any more, they lead to our door, which will say so."""
    expires_at = (now + timedelta(seconds=settings.photo_url_ttl_seconds)).replace(microsecond=0)
    urls = [_sign(photo, storage, settings, expires_at, thumbnail=thumbnail) for thumbnail in (False, True)]
    return SignedUrls(urls[0], urls[1], expires_at)


def _sign(photo: Any, storage: Storage | None, settings: Settings, expires_at: datetime, *, thumbnail: bool) -> str:
    key, mime, filename = file_of(photo, thumbnail=thumbnail)
    resized = thumbnail and photo.thumbnail_key is None
    url = storage and storage.link(key, mime=mime, filename=filename, expires_at=expires_at, thumbnail=resized)
    if url:
        return url
    claims = {"aud": AUDIENCE, "org": str(photo.org_id), "sub": str(photo.id), "exp": int(expires_at.timestamp())}
    claims |= {"thumbnail": True} if thumbnail else {}
    token = jwt.encode(claims, settings.photo_secrets[0], ALGORITHM)
    return f"{settings.api_base_url}/v1/photo-files/{token}"


def file_of(photo: Any, *, thumbnail: bool) -> tuple[str, str, str]:
    """Key, type and file name of a stored photo's picture or thumbnail; where no thumbnail is kept, the picture."""
    if thumbnail and photo.thumbnail_key:
        return photo.thumbnail_key, THUMBNAIL_MIME, f"{photo.id}-small.{EXTENSIONS[THUMBNAIL_MIME]}"
    return photo.storage_key, photo.mime, f"{photo.id}.{EXTENSIONS[photo.mime]}"


def read(token: str, settings: Settings) -> Link:
    """What a genuine link names. Raises `Forbidden`, the same for expired and for forged; the log tells them apart."""
    refused = "forged"
    for secret in settings.photo_secrets:
        try:
            return _read(token, secret)
        except jwt.ExpiredSignatureError:
            refused = "expired"
            break
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, KeyError):
            continue
    log.warning("order_photos.link_refused", reason=refused)
    raise Forbidden(BAD_LINK, "The link has expired or is not ours. Ask for a new one.")


def _read(token: str, secret: str) -> Link:
    claims = jwt.decode(
        token, secret, algorithms=[ALGORITHM], audience=AUDIENCE, options={"require": ["aud", "org", "sub", "exp"]}
    )
    return Link(UUID(claims["org"]), UUID(claims["sub"]), claims.get("thumbnail") is True)
