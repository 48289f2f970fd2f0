"""The door for SendGrid's webhooks: what is genuine is kept, anything else is refused and leaves nothing."""

import json
import time
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from ops.sandbox.sendgrid.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, new_key
from shared.core.settings import Settings
from shared.integrations.mail.sendgrid_events import SendGridEventVerifier
from tests.checked_client import CheckedClient
from tests.factories.organizations import Company
from tests.factories.sendgrid_events import KEY, make_mail, posted, told
from tests.rows import footprint, row
from tests.variants import client_on

URL = "/v1/sendgrid/events"


@pytest.fixture
def message_id(company: Company) -> UUID:
    return make_mail(company)


def _delivery(message_id: UUID) -> str | None:
    found: str | None = row("SELECT delivery FROM messages WHERE id = :id", id=message_id)["delivery"]
    return found


def _refused(client: CheckedClient, company: Company, code: str = "sendgrid.bad_signature", **request: Any) -> None:
    before = footprint(company.org_id)
    answer = client.post(URL, **request)
    assert (answer.status_code, answer.get_json()["code"]) == (400, code)
    assert footprint(company.org_id) == before


def test_a_genuine_event_is_kept(client: CheckedClient, company: Company, message_id: UUID) -> None:
    answer = client.post(URL, **posted([told(company, message_id)]))
    assert (answer.status_code, answer.get_json()) == (200, {"received": True})
    assert _delivery(message_id) == "delivered"


def test_a_forged_signature_is_refused_and_logged(client: CheckedClient, company: Company, message_id: UUID) -> None:
    with capture_logs() as logs:
        _refused(client, company, **posted([told(company, message_id)], forged=True))
    assert "sendgrid.bad_signature" in [entry["event"] for entry in logs]


def test_a_changed_body_is_refused(client: CheckedClient, company: Company, message_id: UUID) -> None:
    request = posted([told(company, message_id)])
    request["data"] = request["data"].replace(b"delivered", b"dropped!!")
    _refused(client, company, **request)


def test_a_body_without_its_last_line_break_is_refused(
    client: CheckedClient, company: Company, message_id: UUID
) -> None:
    request = posted([told(company, message_id)])
    request["data"] = request["data"].strip()
    _refused(client, company, **request)


@pytest.mark.parametrize("name", [SIGNATURE_HEADER, TIMESTAMP_HEADER])
@pytest.mark.parametrize(
    "value", ["", "x", "=", "é", "MEUCIQ==", "1" * 5000, "12345", "1e9", "-1", "١٢", " 1", "A" * 96]
)
def test_a_header_that_is_another_one_is_refused(
    client: CheckedClient, company: Company, message_id: UUID, name: str, value: str
) -> None:
    request = posted([told(company, message_id)])
    request["headers"][name] = value.encode().decode("latin-1")
    _refused(client, company, **request)


@pytest.mark.parametrize("name", [SIGNATURE_HEADER, TIMESTAMP_HEADER])
def test_a_header_that_is_missing_is_refused(
    client: CheckedClient, company: Company, message_id: UUID, name: str
) -> None:
    request = posted([told(company, message_id)])
    del request["headers"][name]
    _refused(client, company, **request)


def test_what_is_signed_cannot_be_cut_elsewhere(client: CheckedClient, company: Company, message_id: UUID) -> None:
    """Timestamp and body are signed as one text: the first part of the body could be moved into the header."""
    event = json.dumps([told(company, message_id)]).encode()
    stamp = int(time.time())
    headers = KEY.headers(b"[]" + event, stamp)
    headers[TIMESTAMP_HEADER] = f"{stamp}[]"
    _refused(client, company, data=event, headers=headers, content_type="application/json")


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"{}", b"null", b"5", b'"text"', b"[", b"[" * 100_000, b'[{"event": "delivered"]', b"[1] x"],
    ids=lambda body: body[:20].decode(),
)
def test_a_signed_body_that_is_no_list_is_refused(client: CheckedClient, company: Company, body: bytes) -> None:
    _refused(client, company, "sendgrid.bad_body", **posted(body))


def test_a_signed_body_that_is_no_text_is_refused(client: CheckedClient, company: Company) -> None:
    _refused(client, company, **posted(b"\xff\xfe[]"))


HOSTILE: list[Any] = [
    None,
    5,
    "text",
    [],
    {},
    {"event": None},
    {"event": ["delivered"]},
    {"event": "delivered", "email": {"a": 1}},
    {"timestamp": "now"},
    {"timestamp": None},
    {"timestamp": True},
    {"timestamp": 1e300},
    {"timestamp": -1e300},
    {"timestamp": 10**400},
    {"timestamp": float("nan")},
    {"timestamp": float("inf")},
    {"timestamp": []},
    {"org_id": 5},
    {"org_id": "no uuid"},
    {"message_id": {}},
    {"message_id": "x" * 10_000},
    {"email": 5},
    {"email": None},
    {"email": "nul\x00@client.test"},
    {"email": "half \ud800@client.test"},
    {"email": "@" * 1000},
    {"email": "a@" + "ü" * 5000},
    {"event": "processed"},
    {"event": "open", "useragent": "\ud83d half of a character"},
    {"event": "a new kind"},
]
"""Each is laid over a good event, unless it is no object."""


@pytest.mark.parametrize("at_the_end", [True, False])
def test_events_that_make_no_sense_do_not_spoil_the_others(
    client: CheckedClient, company: Company, message_id: UUID, at_the_end: bool
) -> None:
    other = make_mail(company)
    good, spoilt = told(company, message_id), told(company, other)
    bad = [spoilt | each if isinstance(each, dict) and each else each for each in HOSTILE]
    events = [*bad, good] if at_the_end else [good, *bad]
    assert client.post(URL, **posted(events)).status_code == 200
    assert _delivery(message_id) == "delivered"
    assert _delivery(other) is None


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "nul \x00", "status": "\x00"},
        {"reason": "half \ud800"},
        {"reason": ["a"], "status": 5, "type": {}, "sg_message_id": 7, "response": None},
        {"reason": "x" * 100_000, "sg_message_id": "y" * 100_000},
        {"sg_message_id": "."},
    ],
    ids=["nul", "half", "types", "long", "empty"],
)
def test_details_of_any_kind_are_kept_as_far_as_they_can_be(
    client: CheckedClient, company: Company, message_id: UUID, change: dict[str, Any]
) -> None:
    assert client.post(URL, **posted([told(company, message_id, "bounce", **change)])).status_code == 200
    kept = row("SELECT delivery, delivery_detail, provider_id FROM messages WHERE id = :id", id=message_id)
    assert kept["delivery"] == "bounced"
    assert len(kept["delivery_detail"] or "") <= 500
    assert len(kept["provider_id"] or "") <= 200


def test_a_body_over_the_limit_is_413_whoever_signed_it(
    client: CheckedClient, company: Company, message_id: UUID
) -> None:
    padded = json.dumps([told(company, message_id)]).encode()
    fits = padded + b" " * (1024 * 1024 - len(padded))
    assert client.post(URL, **posted(fits + b" ")).status_code == 413
    assert _delivery(message_id) is None
    assert client.post(URL, **posted(fits)).status_code == 200
    assert _delivery(message_id) == "delivered"


def test_without_a_key_the_door_is_closed(company: Company, message_id: UUID) -> None:
    client = client_on(replace(company.services, mail_events=SendGridEventVerifier("")))
    for request in (posted([told(company, message_id)]), {"json": []}):
        answer = client.post(URL, **request)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "sendgrid.not_set_up")
        assert "Retry-After" in answer.headers
    assert _delivery(message_id) is None


def test_only_the_key_that_is_set_opens_it(company: Company, message_id: UUID) -> None:
    key = new_key()
    client = client_on(replace(company.services, mail_events=SendGridEventVerifier(key.public_key)))
    assert client.post(URL, **posted([told(company, message_id)])).status_code == 400
    assert client.post(URL, **posted([told(company, message_id)], key=key)).status_code == 200


def test_an_empty_batch_and_old_signatures_are_fine(client: CheckedClient, company: Company, message_id: UUID) -> None:
    """SendGrid tries for a day: what is old is for the events to say."""
    assert client.post(URL, **posted([])).status_code == 200
    assert client.post(URL, **posted([told(company, message_id, at=-86_000)], age=86_000)).status_code == 200
    assert _delivery(message_id) == "delivered"


def test_other_methods_are_refused(client: CheckedClient) -> None:
    assert client.get(URL).status_code == 405


@pytest.mark.parametrize("key", ["x", "é", "MFkw", KEY.public_key[:-4], f" {KEY.public_key}"])
def test_a_key_that_cannot_check_anything_is_refused_at_the_start(settings: Settings, key: str) -> None:
    faults = settings.model_copy(update={"sendgrid_webhook_public_key": key}).mail_faults()
    assert [fault for fault in faults if "SENDGRID_WEBHOOK_PUBLIC_KEY" in fault]
    assert not settings.mail_faults()
