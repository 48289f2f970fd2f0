"""The images of the account: drafts that wait for their upload, and what was uploaded."""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

KEPT_BYTES = 512 * 1024 * 1024


class FullError(Exception):
    """The sandbox keeps no more than ``KEPT_BYTES``."""


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image, or the draft of one: then without ``content``, and gone at ``expires_at`` (seconds since 1970)."""

    id: str
    metadata: dict[str, Any]
    private: bool
    uploaded: datetime
    expires_at: float
    number: int
    content: bytes | None = field(default=None, repr=False)
    mime: str = ""

    @property
    def is_draft(self) -> bool:
        return self.content is None


class ImageStore:
    """Images by their ids. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._images: dict[str, StoredImage] = {}
        self._made = 0

    def draft(self, metadata: dict[str, Any], *, private: bool, life_seconds: float) -> StoredImage:
        """A place for an image to come within ``life_seconds``."""
        with self._lock:
            self._forget_old_drafts()
            self._made += 1
            now = self._clock()
            image = StoredImage(
                str(uuid.uuid4()), metadata, private, datetime.fromtimestamp(now, UTC), now + life_seconds, self._made
            )
            self._images[image.id] = image
            return image

    def fill(self, image_id: str, content: bytes, mime: str) -> StoredImage | None:
        """Make the draft an image, once. None when there is no such draft. Raises FullError."""
        with self._lock:
            self._forget_old_drafts()
            draft = self._images.get(image_id)
            if draft is None or not draft.is_draft:
                return None
            if len(content) + sum(len(each.content or b"") for each in self._images.values()) > KEPT_BYTES:
                raise FullError
            now = datetime.fromtimestamp(self._clock(), UTC)
            self._images[image_id] = filled = replace(draft, content=content, mime=mime, uploaded=now)
            return filled

    def find(self, image_id: str) -> StoredImage | None:
        """The image or draft."""
        with self._lock:
            self._forget_old_drafts()
            return self._images.get(image_id)

    def remove(self, image_id: str) -> bool:
        """Forget the image or draft; False when there was none."""
        with self._lock:
            return self._images.pop(image_id, None) is not None

    def page(self, *, below: int | None, most: int) -> list[StoredImage]:
        """At most ``most`` images, newest first; with ``below``, those older than the one of that number."""
        with self._lock:
            kept = [each for each in self._images.values() if not each.is_draft]
        kept.sort(key=lambda each: -each.number)
        return [each for each in kept if below is None or each.number < below][:most]

    def all(self) -> list[StoredImage]:
        """Every image, newest first."""
        return self.page(below=None, most=len(self._images))

    def _forget_old_drafts(self) -> None:
        now = self._clock()
        for old in [each.id for each in self._images.values() if each.is_draft and each.expires_at < now]:
            del self._images[old]
