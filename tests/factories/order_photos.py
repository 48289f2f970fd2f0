"""Photos: real files made by Pillow, upload forms, and rows in any state with or without their object."""

import io
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from PIL import Image

from shared.core.ids import new_id
from shared.core.transaction import transaction
from shared.order_photos import quota
from shared.order_photos.model import OrderPhoto
from tests.factories.organizations import Company

_shades = count(1)


def image_bytes(kind: str = "PNG", *, size: tuple[int, int] = (16, 16), **options: Any) -> bytes:
    """A small picture, different each time."""
    shade = next(_shades)
    picture = Image.new("RGB", size, (shade % 256, shade // 256 % 256, 90))
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def photo_form(content: bytes | None = None, *, name: str = "photo.png", **fields: Any) -> dict[str, Any]:
    """The multipart form of an upload."""
    return {"phase": "after"} | fields | {"file": (io.BytesIO(image_bytes() if content is None else content), name)}


def make_photo(
    company: Company, order_id: UUID, *, state: str = "stored", due: timedelta | None = None, with_object: bool = True
) -> OrderPhoto:
    """A row in `state`, due for the sweep `due` from now, and its object if there is to be one: the upload until it is
    stored, then the picture. What it takes is counted."""
    content, now = image_bytes(), datetime.now(UTC)
    photo_id = new_id()
    key = f"orders/{company.org_id}/{order_id}/{photo_id}.{'png' if state == 'stored' else 'upload'}"
    photo = OrderPhoto(
        org_id=company.org_id,
        id=photo_id,
        order_id=order_id,
        state=state,
        phase="after",
        caption="",
        mime="image/png",
        size=len(content),
        sha256=sha256(content).hexdigest(),
        kept_sha256=sha256(content).hexdigest() if state == "stored" else None,
        backend="local",
        upload_key=None if state in {"stored", "rejected"} else key,
        storage_key=key if state == "stored" else None,
        held_bytes=0 if state == "rejected" else len(content),
        created_at=now,
        next_attempt_at=None if due is None else now + due,
    )
    with transaction(company.scope) as session:
        session.add(photo)
        quota.add(session, company.org_id, "local", photo.held_bytes)
    if with_object and state != "rejected":
        put_object(company, key, content)
    return photo


def put_object(company: Company, key: str, content: bytes) -> None:
    """An object in the local storage, whether a row names it or not."""
    storage = company.services.storages["local"]
    storage.put(storage.allocate(key), io.BytesIO(content), mime="image/png")


def path_of(company: Company, photo: OrderPhoto) -> Path:
    """Where the photo's object is, or would be."""
    return company.services.settings.order_upload_root / (photo.storage_key or photo.upload_key or "")


def files_of(company: Company, root: Path | None = None) -> list[Path]:
    """Every file that is kept for the company, half-written ones included."""
    folder = (root or company.services.settings.order_upload_root) / "orders" / str(company.org_id)
    return sorted(path for path in folder.rglob("*") if path.is_file())
