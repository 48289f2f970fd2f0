"""Signed links: short-lived, for one photo, and worth nothing once it is deleted."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from structlog.testing import capture_logs

from shared.core.settings import Settings
from shared.order_photos import links
from shared.order_photos.model import OrderPhoto
from tests.checked_client import CheckedClient
from tests.factories.order_photos import make_photo, path_of
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import stored
from tests.variants import client_on, with_settings


@pytest.fixture
def photo(company: Company) -> OrderPhoto:
    return make_photo(company, make_order(company))


def _secret(company: Company) -> str:
    return company.services.settings.order_photo_signing_secret.get_secret_value()


def _path(company: Company, photo: OrderPhoto, **claims: Any) -> str:
    body = {
        "aud": "order_photos",
        "org": str(company.org_id),
        "sub": str(photo.id),
        "exp": int((datetime.now(UTC) + timedelta(minutes=1)).timestamp()),
    } | claims
    kept = {name: value for name, value in body.items() if value is not None}
    return "/v1/photo-files/" + jwt.api_jws.encode(json.dumps(kept).encode(), _secret(company), "HS256")


def _sign(company: Company, photo: OrderPhoto, settings: Settings, age: timedelta = timedelta(0)) -> links.SignedUrls:
    return links.sign(photo, company.services.storages["local"], settings, now=datetime.now(UTC) - age)


def test_a_link_opens_its_photo_without_a_login(client: CheckedClient, company: Company, photo: OrderPhoto) -> None:
    signed = _sign(company, photo, company.services.settings)
    assert signed.url.startswith(company.services.settings.api_base_url + "/v1/photo-files/")
    assert client.get(signed.url).data == path_of(company, photo).read_bytes()
    assert client.get(_path(company, photo)).status_code == 200


def test_a_link_lives_as_long_as_the_setting_says(company: Company, photo: OrderPhoto) -> None:
    client = client_on(with_settings(company.services, photo_url_ttl_seconds=30))
    settings = with_settings(company.services, photo_url_ttl_seconds=30).settings
    for age, status in ((0, 200), (20, 200), (31, 403), (3600, 403)):
        signed = _sign(company, photo, settings, timedelta(seconds=age))
        assert client.get(signed.url).status_code == status, age


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"exp": None},
        {"exp": "never"},
        {"aud": "staff"},
        {"aud": None},
        {"org": None},
        {"org": "x"},
        {"org": 5},
        {"sub": None},
        {"sub": "x' OR 1=1"},
        {"sub": ["x"]},
    ],
)
def test_other_claims_are_refused(
    client: CheckedClient, company: Company, photo: OrderPhoto, claims: dict[str, Any]
) -> None:
    answer = client.get(_path(company, photo, **claims))
    assert answer.status_code == 403
    assert answer.get_json()["code"] == "order_photos.bad_link"


def test_a_link_signed_by_another_is_refused(client: CheckedClient, company: Company, photo: OrderPhoto) -> None:
    token = _path(company, photo).rpartition("/")[2]
    head, body, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False})
    staff = company.headers()["Authorization"].removeprefix("Bearer ")
    forged = [
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}.",
        jwt.encode(claims, "another-secret-" + "s" * 32, "HS256"),
        jwt.encode(claims, company.services.settings.auth_secret_key.get_secret_value(), "HS256"),
        jwt.encode(claims, None, "none"),
        jwt.encode(claims, _secret(company), "HS512"),
        staff,
        "garbage",
        "a.b.c",
        "..",
        "%00",
        "é.ü.ß",
        base64.urlsafe_b64encode(b"[" * 2000).decode() + ".e30.x",
    ]
    for each in forged:
        answer = client.get(f"/v1/photo-files/{each}")
        assert answer.status_code == 403, each[:60]
        assert answer.get_json()["code"] == "order_photos.bad_link"


def test_a_photo_link_is_no_access_token(client: CheckedClient, company: Company, photo: OrderPhoto) -> None:
    token = _path(company, photo).rpartition("/")[2]
    assert client.get("/v1/orders", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_link_to_a_photo_of_nobody_is_404(
    client: CheckedClient, company: Company, neighbour: Company, photo: OrderPhoto
) -> None:
    assert client.get(_path(company, photo, sub=str(uuid4()))).status_code == 404
    assert client.get(_path(company, photo, org=str(neighbour.org_id))).status_code == 404


def test_a_file_that_has_vanished_is_404_and_not_a_crash(
    client: CheckedClient, company: Company, photo: OrderPhoto
) -> None:
    path_of(company, photo).unlink()
    answer = client.get(_path(company, photo))
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "storage.object_missing"


@pytest.mark.parametrize("state", ["uploading", "uploaded", "processing", "rejected"])
def test_a_link_to_a_photo_that_is_not_stored_is_404(client: CheckedClient, company: Company, state: str) -> None:
    photo = make_photo(company, make_order(company), state=state)
    assert client.get(_path(company, photo)).status_code == 404


@pytest.mark.parametrize("claim", [{"thumbnail": "yes"}, {"thumbnail": 1}, {"thumbnail": None}])
def test_only_true_means_the_thumbnail(
    client: CheckedClient, company: Company, jobs: JobsProbe, claim: dict[str, Any]
) -> None:
    photo_id = stored(client, company, jobs, make_order(company))["id"]
    photo = OrderPhoto(id=UUID(photo_id))
    full = client.get(_path(company, photo, **claim)).headers["Content-Disposition"]
    small = client.get(_path(company, photo, thumbnail=True)).headers["Content-Disposition"]
    assert full == f'inline; filename="{photo_id}.png"'
    assert small == f'inline; filename="{photo_id}-small.jpg"'


def test_forged_and_expired_look_alike_outside_and_not_in_the_log(
    client: CheckedClient, company: Company, photo: OrderPhoto
) -> None:
    expired = _path(company, photo, exp=int((datetime.now(UTC) - timedelta(seconds=1)).timestamp()))
    answers = {}
    for reason, path in {"expired": expired, "forged": expired[:-4] + "AAAA"}.items():
        with capture_logs() as logged:
            answer = client.get(path)
        refused = [entry for entry in logged if entry["event"] == "order_photos.link_refused"]
        assert [entry["reason"] for entry in refused] == [reason]
        assert path.rpartition("/")[2] not in str(logged)
        answers[reason] = (answer.status_code, answer.get_json() | {"request_id": ""})
    assert answers["expired"] == answers["forged"]
    assert answers["expired"][0] == 403
