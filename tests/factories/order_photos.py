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
    """A row in `state`, due for the sweep `due` from now, and its object if there is to be one."""
    content, now = image_bytes(), datetime.now(UTC)
    photo_id = new_id()
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
        backend="local",
        storage_key=f"orders/{company.org_id}/{order_id}/{photo_id}.png",
        created_at=now,
        next_attempt_at=None if due is None else now + due,
    )
    with transaction(company.scope) as session:
        session.add(photo)
    if with_object:
        storage = company.services.storages["local"]
        storage.put(storage.allocate(photo.storage_key), io.BytesIO(content), mime=photo.mime)
    return photo


def path_of(company: Company, photo: OrderPhoto) -> Path:
    """Where the photo's object is, or would be."""
    return company.services.settings.order_upload_root / photo.storage_key


def files_of(company: Company, root: Path | None = None) -> list[Path]:
    """Every file that is kept for the company, half-written ones included."""
    folder = (root or company.services.settings.order_upload_root) / "orders" / str(company.org_id)
    return sorted(path for path in folder.rglob("*") if path.is_file())
