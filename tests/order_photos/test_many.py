"""An order has a bounded number of photos: they are listed in one answer."""

from uuid import UUID

import pytest

from shared.order_photos import uploading
from tests.checked_client import CheckedClient
from tests.factories.order_photos import make_photo, photo_form
from tests.factories.organizations import Company


def test_one_photo_more_than_an_order_may_have_is_refused(
    client: CheckedClient, company: Company, order_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "MOST_PHOTOS", 3)
    for state in ("stored", "processing", "uploaded"):
        make_photo(company, order_id, state=state, with_object=False)
    make_photo(company, order_id, state="rejected", with_object=False)
    path = f"/v1/orders/{order_id}/photos"
    refused = client.post(path, data=photo_form(), headers=company.headers())
    assert (refused.status_code, refused.get_json()["code"]) == (409, "order_photos.too_many")
    monkeypatch.setattr(uploading, "MOST_PHOTOS", 4)
    assert client.post(path, data=photo_form(), headers=company.headers()).status_code == 201
