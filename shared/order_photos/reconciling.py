"""What a storage holds against what rows name: two systems that drift are compared, and nobody is surprised."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from sqlalchemy import select, union_all

from shared.core.orm import Reader, table_of
from shared.integrations.storage import ListedObject
from shared.order_photos.model import OrderPhoto, PhotoState
from shared.storage_deletes.model import StorageDelete

YOUNG = timedelta(hours=2)
"""Objects this young are left alone: twice what an object may take to be written."""

_photos = table_of(OrderPhoto)
_deletes = table_of(StorageDelete)


@dataclass(frozen=True, slots=True)
class Missing:
    """A photo whose object was not listed."""

    org_id: UUID
    photo_id: UUID
    key: str


def by_organization(listed: Iterable[ListedObject]) -> Iterator[tuple[UUID | None, list[ListedObject]]]:
    """The objects of one organization after the other, as their paths say (`orders/<org>/…`); None: of nobody. `listed`
    is ordered by path."""
    for org_id, objects in groupby(listed, lambda each: organization_of(each.path)):
        yield org_id, list(objects)


def organization_of(path: str) -> UUID | None:
    """Whose object that is, by its path."""
    folder, _, rest = path.partition("/")
    try:
        return UUID(rest.partition("/")[0]) if folder == "orders" else None
    except ValueError:
        return None


def named_keys(session: Reader, org_id: UUID, backend: str) -> set[str]:
    """Every key of a backend that a row of the organization names."""
    places = [(_photos, name) for name in ("upload_key", "storage_key", "thumbnail_key")] + [(_deletes, "storage_key")]
    named = union_all(
        *(
            select(table.c[name].label("key")).where(
                table.c.org_id == org_id, table.c.backend == backend, table.c[name].is_not(None)
            )
            for table, name in places
        )
    )
    return set(session.execute(named).scalars())


def orphans(listed: Iterable[ListedObject], named: set[str], *, now: datetime) -> list[ListedObject]:
    """Objects that no row names. `named` was read after the listing: a row names an object before it is written, so an
    object that was there and is not named is nobody's."""
    return [each for each in listed if each.key not in named and each.modified_at < now - YOUNG]


def missing(session: Reader, org_id: UUID, backend: str, seen: set[str]) -> list[Missing]:
    """Stored photos of the organization whose objects are not among `seen`. Ask the storage about each once more: one
    may have come while the others were listed."""
    photo = _photos.c
    stored = (photo.org_id == org_id, photo.backend == backend, photo.state == PhotoState.STORED)
    rows = session.execute(select(photo.id, photo.storage_key, photo.thumbnail_key).where(*stored).order_by(photo.id))
    return [
        Missing(org_id, row.id, key)
        for row in rows
        for key in (row.storage_key, row.thumbnail_key)
        if key and key not in seen
    ]
