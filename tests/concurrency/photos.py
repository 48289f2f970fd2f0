"""Photos for threads that really commit: forms, and what is left of them."""

import io
from pathlib import Path
from uuid import UUID

from flask import Flask
from PIL import Image
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from shared.core.transaction import read_only
from shared.order_photos.model import OrderPhoto, PhotoUsage
from tests.factories.organizations import Company


def picture(shade: int) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (64, 64), (shade, 20, 30)).save(target, "PNG")
    return target.getvalue()


def upload(app: Flask, company: Company, order_id: UUID, content: bytes) -> TestResponse:
    form = {"file": (io.BytesIO(content), "photo.png", "image/png"), "phase": "before"}
    return app.test_client().post(f"/v1/orders/{order_id}/photos", data=form, headers=company.headers())


def files_of(company: Company, uploads: Path) -> list[Path]:
    return sorted(path for path in uploads.rglob("*") if path.is_file() and str(company.org_id) in str(path))


def size_of(files: list[Path]) -> int:
    return sum(file.stat().st_size for file in files)


def states(company: Company) -> list[str]:
    with read_only(company.scope) as session:
        return list(session.scalars(select(OrderPhoto.state).where(OrderPhoto.org_id == company.org_id)))


def taken(company: Company) -> int:
    """What is counted for the company's quota, in bytes."""
    with read_only(company.scope) as session:
        return int(session.scalar(select(func.sum(PhotoUsage.bytes)).where(PhotoUsage.org_id == company.org_id)) or 0)
