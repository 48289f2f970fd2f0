"""The same photo, the same removal and the same payment, by callers who come at the same moment."""

import io
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from flask import Flask
from PIL import Image
from sqlalchemy import select
from werkzeug.test import TestResponse

from shared.core.actor import system
from shared.core.money import Money
from shared.core.transaction import read_only, transaction
from shared.order_photos.model import OrderPhoto
from shared.orders.model import Order
from shared.payments import service as payments
from shared.payments.model import Payment
from tests.concurrency.together import together
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe


def picture(shade: int) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (64, 64), (shade, 20, 30)).save(target, "PNG")
    return target.getvalue()


def upload(app: Flask, company: Company, order_id: UUID, content: bytes) -> TestResponse:
    form = {"file": (io.BytesIO(content), "photo.png", "image/png"), "phase": "before"}
    return app.test_client().post(f"/v1/orders/{order_id}/photos", data=form, headers=company.headers())


def files_of(company: Company, uploads: Path) -> list[Path]:
    return [path for path in uploads.rglob("*") if path.is_file() and str(company.org_id) in str(path)]


def states(company: Company) -> list[str]:
    with read_only(company.scope) as session:
        return list(session.scalars(select(OrderPhoto.state)))


def test_of_eight_uploads_of_one_photo_one_is_kept(
    app: Flask, company: Company, jobs: JobsProbe, uploads: Path
) -> None:
    company.headers()
    order_id, content = make_order(company), picture(1)
    answers = together(*[partial(upload, app, company, order_id, content)] * 8)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    assert {a.get_json()["code"] for a in answers if a.status_code == 409} == {"order_photos.duplicate"}
    jobs.drain()
    assert states(company) == ["stored"]
    (kept,) = files_of(company, uploads)
    assert kept.read_bytes() == content


def test_eight_photos_at_once_are_all_kept(app: Flask, company: Company, uploads: Path) -> None:
    company.headers()
    order_id = make_order(company)
    answers = together(*[partial(upload, app, company, order_id, picture(shade)) for shade in range(8)])
    assert [answer.status_code for answer in answers] == [201] * 8
    assert states(company) == ["stored"] * 8
    assert len(files_of(company, uploads)) == 8


def test_of_five_removals_one_removes_and_the_file_goes_once(
    app: Flask, company: Company, jobs: JobsProbe, uploads: Path
) -> None:
    headers, order_id = company.headers(), make_order(company)
    photo_id = upload(app, company, order_id, picture(9)).get_json()["id"]

    def remove() -> int:
        url = f"/v1/orders/{order_id}/photos/{photo_id}"
        return app.test_client().delete(url, headers=headers).status_code

    assert Counter(together(*[remove] * 5)) == {204: 1, 404: 4}
    assert jobs.drain() == ["order_photos.purge"]
    assert states(company) == []
    assert files_of(company, uploads) == []


def test_a_purge_at_four_workers_at_once_purges_once(
    app: Flask, company: Company, jobs: JobsProbe, uploads: Path
) -> None:
    order_id = make_order(company)
    photo_id = upload(app, company, order_id, picture(10)).get_json()["id"]
    app.test_client().delete(f"/v1/orders/{order_id}/photos/{photo_id}", headers=company.headers())
    arguments = {"org_id": str(company.org_id), "photo_id": photo_id}
    together(*[partial(jobs.run, "order_photos.purge", arguments)] * 4)
    assert states(company) == []
    assert files_of(company, uploads) == []


def test_one_payment_intent_recorded_by_many_at_once_counts_once(company: Company) -> None:
    order_id, intent = make_order(company), f"pi_{uuid4().hex}"

    def record() -> bool:
        now = datetime.now(UTC)
        with transaction(company.scope) as session:
            return payments.record_succeeded(
                session,
                system(company.org_id, "stripe"),
                order_id,
                Money(12900, "cad"),
                payment_intent_id=intent,
                paid_at=now,
                now=now,
            )

    assert Counter(together(*[record] * 8)) == {True: 1, False: 7}
    assert paid(company, order_id) == (12900, 1)


def test_different_payments_at_once_all_count(company: Company) -> None:
    order_id = make_order(company)

    def record(number: int) -> bool:
        now = datetime.now(UTC)
        with transaction(company.scope) as session:
            return payments.record_succeeded(
                session,
                system(company.org_id, "stripe"),
                order_id,
                Money(1000 + number, "cad"),
                payment_intent_id=f"pi_{uuid4().hex}",
                paid_at=now,
                now=now,
            )

    assert together(*[partial(record, number) for number in range(6)]) == [True] * 6
    assert paid(company, order_id) == (sum(1000 + number for number in range(6)), 6)


def paid(company: Company, order_id: UUID) -> tuple[int, int]:
    """The order's `paid_amount`, and how many payments it has."""
    with read_only(company.scope) as session:
        amount = session.scalars(select(Order.paid_amount).where(Order.id == order_id)).one()
        amounts = session.scalars(select(Payment.amount).where(Payment.order_id == order_id)).all()
    assert sum(amounts) == amount
    return amount, len(amounts)
