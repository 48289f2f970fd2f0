from sqlalchemy import case, func, select

from shared.core.orm import Reader, table_of
from shared.order_photos.model import OrderPhoto, PhotoState

_photos = table_of(OrderPhoto)


def count_under_way(session: Reader) -> dict[tuple[str, str], int]:
    """For metrics: how many photos are not where they are to stay, by backend and state; `moving` is on its way to
    another backend. Read from the index of what is due."""
    photo = _photos.c
    state = case((photo.state == PhotoState.STORED, "moving"), else_=photo.state)
    counting = select(photo.backend, state, func.count()).where(photo.next_attempt_at.is_not(None))
    return {(row[0], row[1]): row[2] for row in session.execute(counting.group_by(photo.backend, state))}
