"""An order's photos in Cloudflare Images, through the API and the worker."""

from dataclasses import replace
from io import BytesIO

import pytest
import requests
from PIL import Image

from shared.integrations.storage.cloudflare_images import CloudflareImagesStorage
from tests.checked_client import CheckedClient
from tests.factories.order_photos import photo_form
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.integrations.pictures import picture
from tests.integrations.storages import World
from tests.jobs_probe import JobsProbe
from tests.sandbox_cloudflare import SandboxCloudflare
from tests.variants import client_on, with_settings


@pytest.fixture
def client(company: Company, world: World, cloudflare: SandboxCloudflare) -> CheckedClient:
    """A client of an installation whose new photos go to Cloudflare Images."""
    services = with_settings(company.services, order_storage_backend="cloudflare_images")
    storage = CloudflareImagesStorage(world.changed())
    return client_on(replace(services, storages={**services.storages, storage.backend: storage}))


def _fetch(url: str) -> Image.Image:
    with requests.Session() as browser:
        browser.trust_env = False
        answer = browser.get(url, timeout=10)
    assert answer.status_code == 200
    return Image.open(BytesIO(answer.content))


def test_a_photo_is_opened_there_whole_and_small_until_it_is_deleted(
    client: CheckedClient, company: Company, jobs: JobsProbe, cloudflare: SandboxCloudflare
) -> None:
    order_id, place = make_order(company), f"orders/{company.org_id}/"
    form = photo_form(picture("JPEG", width=1000, height=700))
    posted = client.post(f"/v1/orders/{order_id}/photos", data=form, headers=company.headers())
    assert posted.status_code == 201, posted.text
    path = f"/v1/orders/{order_id}/photos/{posted.get_json()['id']}"
    jobs.drain()
    photo = client.get(path, headers=company.headers()).get_json()
    assert photo["state"] == "stored"
    assert [_fetch(photo[name]).size for name in ("url", "thumbnail_url")] == [(1000, 700), (480, 336)]
    assert len(cloudflare.images(place)) == 1, "the upload is gone, and the thumbnail is made there"
    assert client.delete(path, headers=company.headers()).status_code == 204
    jobs.drain()
    assert cloudflare.images(place) == []
