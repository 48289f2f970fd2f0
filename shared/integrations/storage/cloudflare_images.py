"""Photos in Cloudflare Images, which also makes the thumbnails: https://developers.cloudflare.com/images/.

Cloudflare makes up the ids of private images, so a key is one of those, and the path that we asked for is kept in the
image's metadata. The variants of CF_IMAGES_DEFAULT_VARIANT and CF_IMAGES_THUMBNAIL_VARIANT have to be there, and must
not be public always.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

import orjson

from shared.core.errors import NotFound, Unavailable
from shared.core.settings import Settings
from shared.integrations.storage import ListedObject, Slot, StoredObject
from shared.integrations.storage.cloudflare_api import CloudflareApi
from shared.integrations.storage.multipart import FileForm

MOST_DELETES_AT_ONCE = 4
PAGE = 500
"""Images on one page of a list. Cloudflare allows 10,000, with up to a hundred addresses each."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class CloudflareImagesStorage:
    """The images of one account."""

    backend = "cloudflare_images"
    resizes = True
    is_exact = False  # "for larger images it can be a near-lossless version", says the page on exporting images
    most_bytes: int | None = 10_000_000
    spool: Path | None = None

    def __init__(self, settings: Settings) -> None:
        self._api = CloudflareApi(settings)
        self._schemes = {"https", urlsplit(settings.cf_images_api_base).scheme}
        self._delivery = f"{settings.cf_images_delivery_base}/{quote(settings.cf_images_account_hash, safe='')}"
        self._signing_key = settings.cf_images_signing_key.get_secret_value().encode()
        self._variant = settings.cf_images_default_variant
        self._thumbnail_variant = settings.cf_images_thumbnail_variant

    def allocate(self, path: str) -> Slot:
        """See `Storage.allocate`. The slot takes one object, within 30 minutes; one that is never filled is no object
        and goes away by itself. https://developers.cloudflare.com/images/storage/upload-images/direct-creator-upload/"""
        form = {"requireSignedURLs": "true", "metadata": orjson.dumps({"path": path}).decode()}
        return self._api.call("allocate", "POST", "/v2/direct_upload", self._slot, fields=form)

    def put(self, slot: Slot, source: BinaryIO, *, mime: str) -> None:
        """See `Storage.put`. Not tried again: after a failure nobody knows whether the one-time address has been used,
        and the object may be there. A slot cannot be filled twice."""
        if slot.upload_url is None:
            raise ValueError("a slot of Cloudflare Images has an upload_url")
        self._api.upload(slot.upload_url, FileForm(source, mime=mime), partial(_expect_id, slot.key))

    def open(self, key: str) -> StoredObject:
        """See `Storage.open`. Cloudflare gives back what was uploaded, but of a large image it may be a nearly lossless
        copy. https://developers.cloudflare.com/images/storage/manage-images/export-images/"""
        content = self._api.download(f"{_path(key)}/blob")
        size = content.tell()
        content.seek(0)
        return StoredObject(size=size, source=content)

    def delete(self, keys: Iterable[str]) -> dict[str, Unavailable]:
        """See `Storage.delete`. Cloudflare takes one at a time, so some are sent at the same time.
        https://developers.cloudflare.com/images/storage/manage-images/delete-images/"""
        wanted = list(dict.fromkeys(keys))
        with ThreadPoolExecutor(MOST_DELETES_AT_ONCE, thread_name_prefix="delete") as pool:
            outcomes = list(pool.map(self._delete, wanted))
        return {key: refusal for key, refusal in zip(wanted, outcomes, strict=True) if refusal}

    def link(self, key: str, *, mime: str, filename: str, expires_at: datetime, thumbnail: bool = False) -> str:  # noqa: ARG002 - Cloudflare chooses both
        """See `Storage.link`. The HMAC-SHA256 of the path and query, as they stand in the URL, is their signature.
        https://developers.cloudflare.com/images/optimization/hosted-images/serve-private-images/"""
        variant = quote(self._thumbnail_variant if thumbnail else self._variant, safe="")
        url = f"{self._delivery}/{quote(key, safe='')}/{variant}?exp={int(expires_at.timestamp())}"
        parts = urlsplit(url)
        signature = hmac.new(self._signing_key, f"{parts.path}?{parts.query}".encode(), hashlib.sha256)
        return f"{url}&sig={signature.hexdigest()}"

    def list_objects(self, prefix: str = "") -> Iterator[ListedObject]:
        """See `Storage.list_objects`. Newest first; Cloudflare does not say how large an image is, so `size` is 0.

        Images without a path of ours are left out: whoever else uses the account has put them there, and what is listed
        here without a row may be deleted as forgotten."""
        token: str | None = None
        while True:
            query = {"per_page": str(PAGE)} | ({"continuation_token": token} if token else {})
            found, following = self._api.call("list", "GET", "/v2", partial(_page, token), fields=query)
            yield from (each for each in found if each.path.startswith(prefix))
            if following is None:
                return
            token = following

    def _slot(self, result: dict[str, Any]) -> Slot:
        key, upload_url = result["id"], result["uploadURL"]
        parts = urlsplit(str(upload_url))
        if not _ID.fullmatch(key) or parts.scheme not in self._schemes or not parts.hostname:
            raise ValueError("no place for an upload")
        return Slot(key, upload_url)

    def _delete(self, key: str) -> Unavailable | None:
        try:
            self._api.call("delete", "DELETE", _path(key), lambda _: None)
        except NotFound:
            return None
        except Unavailable as refusal:
            return refusal
        return None


def _path(key: str) -> str:
    if not key.strip("."):
        raise ValueError("no key of Cloudflare Images")  # a path of dots would be another path
    return f"/v1/{quote(key, safe='')}"


def _expect_id(key: str, result: dict[str, Any]) -> None:
    if result["id"] != key:
        raise ValueError("another image than the one that was sent")


def _page(token: str | None, result: dict[str, Any]) -> tuple[list[ListedObject], str | None]:
    """The images of one page, and the token of the next. Raises ValueError for a page that leads to itself."""
    following = result.get("continuation_token") or None
    if following is not None and (not isinstance(following, str) or following == token):
        raise ValueError("no way to the next page")
    return [listed for image in result["images"] if (listed := _listed(image))], following


def _listed(image: dict[str, Any]) -> ListedObject | None:
    """None for an image that is not ours. The reference calls the metadata `meta`, the guides call it `metadata`."""
    metadata = image.get("meta") or image.get("metadata")
    path = metadata.get("path") if isinstance(metadata, dict) else None
    if not isinstance(path, str):
        return None
    uploaded = datetime.fromisoformat(image["uploaded"])
    if uploaded.tzinfo is None:
        raise ValueError("a time of nowhere")
    return ListedObject(key=image["id"], path=path, size=0, modified_at=uploaded)
