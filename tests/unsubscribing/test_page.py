"""The page behind the link in a reminder: looking changes nothing, one click unsubscribes, another takes that back."""

import re
from typing import Any
from uuid import uuid4

import jwt
import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import update
from werkzeug.test import TestResponse

from shared.core.transaction import transaction
from shared.messages.model import Message
from shared.wiring import Services
from tests.contract.callers import forged
from tests.factories.messages import make_message, make_suppression
from tests.factories.organizations import Company, make_company
from tests.rows import footprint, row, rows
from tests.unsubscribing.steps import HEADER, make_link, path_of, reasons_of, suppressions_of
from tests.variants import client_on, with_settings

ASKS, OUT, BACK = "Stop reminders?", "You get no more reminders", "You get reminders again"
GONE, BAD = "There is nothing to unsubscribe from", "This link cannot be used"


def _title(answer: TestResponse) -> str:
    found = re.search("<h1>(.*)</h1>", answer.get_data(as_text=True))
    assert found is not None
    return found[1]


def _seen(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, _title(answer)


def test_one_click_unsubscribes_and_another_takes_it_back(client: FlaskClient, company: Company) -> None:
    link = make_link(company)
    assert _seen(client.get(link)) == (200, ASKS)
    assert _seen(client.post(link, data=HEADER)) == (200, OUT)
    assert reasons_of(company) == [(company.client_email, "unsubscribed")]
    assert _seen(client.get(link)) == (200, OUT)
    assert _seen(client.post(f"{link}/undo")) == (200, BACK)
    assert reasons_of(company) == []
    assert _seen(client.get(link)) == (200, ASKS)


@pytest.mark.parametrize(
    "body",
    [
        {"data": HEADER},
        {"data": HEADER, "content_type": "multipart/form-data"},
        {"data": b""},
        {"data": b"", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"List-Unsubscribe=One-Click", "content_type": "text/plain"},
        {"data": b"--broken", "content_type": "multipart/form-data"},
        {"json": {"anything": 1}},
    ],
    ids=["urlencoded", "multipart", "nothing", "the form of the page", "plain", "broken", "JSON"],
)
def test_whatever_the_program_sends_the_reader_is_out(
    client: FlaskClient, company: Company, body: dict[str, Any]
) -> None:
    answer = client.post(make_link(company), **body)
    assert _seen(answer) == (200, OUT)
    assert "Set-Cookie" not in answer.headers
    assert len(suppressions_of(company)) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("end", ["", "?utm_source=mail&x=1"])
def test_looking_changes_nothing(client: FlaskClient, company: Company, method: str, end: str) -> None:
    link = make_link(company)
    for before_that in (None, "unsubscribe"):
        if before_that:
            client.post(link)
        before = footprint(company.org_id)
        assert client.open(link + end, method=method).status_code == 200
        assert footprint(company.org_id) == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_only_a_post_takes_it_back(client: FlaskClient, company: Company, method: str) -> None:
    link = make_link(company)
    client.post(link)
    assert client.open(f"{link}/undo", method=method).status_code == 405
    assert len(suppressions_of(company)) == 1


def test_again_is_harmless(client: FlaskClient, company: Company) -> None:
    link = make_link(company)
    assert [_title(client.post(link)) for _ in range(3)] == [OUT] * 3
    assert len(suppressions_of(company)) == 1
    assert [_title(client.post(f"{link}/undo")) for _ in range(2)] == [BACK] * 2
    assert reasons_of(company) == []


def test_the_address_is_kept_in_lower_case(client: FlaskClient, company: Company) -> None:
    client.post(make_link(company, to="Anna.Berg@Client.TEST"))
    assert reasons_of(company) == [("anna.berg@client.test", "unsubscribed")]


def test_only_that_organization_is_meant(client: FlaskClient, company: Company, neighbour: Company) -> None:
    for each in (company, neighbour):
        make_message(each, to="anna@shared.test")
    before = footprint(neighbour.org_id)
    client.post(make_link(company, to="anna@shared.test"))
    assert footprint(neighbour.org_id) == before
    assert reasons_of(company) == [("anna@shared.test", "unsubscribed")]


def test_taking_it_back_takes_back_what_the_reader_said_and_nothing_else(client: FlaskClient, company: Company) -> None:
    for reason in ("bounced", "complained", "unsubscribed"):
        make_suppression(company, company.client_email, reason)
    make_suppression(company, "other@client.test", "unsubscribed")
    link = make_link(company)
    assert _title(client.get(link)) == OUT
    client.post(f"{link}/undo")
    assert reasons_of(company) == [(company.client_email, "bounced"), ("other@client.test", "unsubscribed")]
    assert _title(client.get(link)) == ASKS


def test_the_audit_log_says_it_without_the_address(client: FlaskClient, company: Company) -> None:
    link = make_link(company)
    client.post(link, headers={"X-Request-Id": "click-1"})
    client.post(link)
    (made,) = suppressions_of(company)
    client.post(f"{link}/undo")
    entries = rows("SELECT * FROM audit_entries WHERE resource = 'mail_suppressions' ORDER BY id")
    assert [entry["action"] for entry in entries] == ["mail_suppressions.add", "mail_suppressions.remove"]
    assert {(entry["org_id"], entry["resource_id"], entry["actor_label"]) for entry in entries} == {
        (company.org_id, made["id"], "reader")
    }
    assert entries[0]["request_id"] == "click-1"
    assert entries[0]["after"]["reason"] == entries[1]["before"]["reason"] == "unsubscribed"
    assert company.client_email not in str(entries)


def _tampered(company: Company) -> list[str]:
    """Links that are not ours, each wrong in another way."""
    link = make_link(company)
    token = link.rpartition("/")[2]
    head, payload, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False})
    secret = company.services.settings.auth_secrets[0]
    staff = company.headers()["Authorization"].removeprefix("Bearer ")
    other_audience = forged(company, aud="client")["Authorization"].removeprefix("Bearer ")
    made = [
        token[:-5],
        token[:20],
        f"{head}.{payload}",
        f"{head}.{payload}.",
        f"{head}.{payload[:-2]}.{signature}",
        f"{head}.{payload}.{signature[::-1]}",
        f"x{token}",
        "%00",
        "%F0%9F%92%A9",
        "a" * 4000,
        staff,
        other_audience,
        jwt.encode(claims, "another secret that is long enough", "HS256"),
        jwt.encode(claims, None, "none"),
        jwt.encode(claims | {"aud": "staff"}, secret, "HS256"),
        jwt.encode(claims | {"aud": ["unsubscribe", "staff"], "org": 7}, secret, "HS256"),
        jwt.encode(claims | {"org": "not-a-uuid"}, secret, "HS256"),
        jwt.encode(claims | {"sub": ""}, secret, "HS256"),
        jwt.encode({name: value for name, value in claims.items() if name != "sub"}, secret, "HS256"),
        jwt.encode({name: value for name, value in claims.items() if name != "aud"}, secret, "HS256"),
    ]
    return [f"/v1/unsubscribe/{each}" for each in made]


def test_whatever_is_wrong_with_a_link_is_answered_alike(client: FlaskClient, company: Company) -> None:
    links = _tampered(company)
    before = footprint(company.org_id)
    answers = {
        (answer.status_code, answer.mimetype, answer.get_data())
        for link in links
        for answer in (client.get(link), client.post(link, data=HEADER), client.post(f"{link}/undo"))
    }
    ((status, mimetype, page),) = answers
    assert (status, mimetype) == (403, "text/html")
    assert BAD in page.decode()
    assert company.client_email not in page.decode()
    assert footprint(company.org_id) == before


def test_a_link_opens_nothing_else(client: FlaskClient, company: Company) -> None:
    token = make_link(company).rpartition("/")[2]
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get("/v1/orders", headers=bearer).status_code == 401


def test_a_link_of_the_secret_before_is_good(services: Services, company: Company) -> None:
    link = make_link(company)
    old = services.settings.auth_secret_key
    rotated = with_settings(services, auth_secret_key=SecretStr("n" * 48), auth_secret_key_previous=old)
    assert _seen(client_on(rotated).post(link)) == (200, OUT)
    assert len(suppressions_of(company)) == 1


def test_an_organization_and_a_mail_that_do_not_belong_together_change_nothing(
    client: FlaskClient, company: Company, neighbour: Company
) -> None:
    """Only we could sign such a link; the rows of one organization are out of reach of the other one's all the same."""
    secret = company.services.settings.auth_secrets[0]
    claims = {"aud": "unsubscribe", "org": str(neighbour.org_id), "sub": str(make_message(company))}
    before = footprint(company.org_id), footprint(neighbour.org_id)
    for link in (
        f"/v1/unsubscribe/{jwt.encode(claims | more, secret, 'HS256')}" for more in ({}, {"org": str(uuid4())})
    ):
        for answer in (client.get(link), client.post(link), client.post(f"{link}/undo")):
            assert _seen(answer) == (200, GONE)
            assert company.client_email not in answer.get_data(as_text=True)
    assert (footprint(company.org_id), footprint(neighbour.org_id)) == before


@pytest.mark.parametrize("gone", ["erased", "removed"])
def test_who_is_forgotten_has_nothing_to_unsubscribe_from(client: FlaskClient, company: Company, gone: str) -> None:
    message_id = make_message(company, kind="order_reminder")
    link = path_of(company, message_id)
    with transaction(company.scope) as session:
        mine = Message.__table__.c.id == message_id
        if gone == "removed":
            session.execute(Message.__table__.delete().where(mine))
        else:
            session.execute(update(Message.__table__).where(mine).values(recipient="Erased"))
    before = footprint(company.org_id)
    for answer in (client.get(link), client.post(link, data=HEADER), client.post(f"{link}/undo")):
        assert _seen(answer) == (200, GONE)
    assert footprint(company.org_id) == before


def test_the_page_says_whose_it_is_and_shows_no_address_to_others(services: Services, client: FlaskClient) -> None:
    company = make_company(services, name="Bright & <b>Tidy</b>")
    page = client.get(make_link(company, to="anna.berg@client.test")).get_data(as_text=True)
    assert "Bright &amp; &lt;b&gt;Tidy&lt;/b&gt;" in page
    assert "a…@client.test" in page
    assert "anna.berg" not in page
    assert '<html lang="en" dir="ltr">' in page
    assert page.count("<button") == page.count("<form") == 1
    assert "<script" not in page
    assert not re.search(r"style=|<style|https?://", page), "the policy of our pages would keep it from working"


def test_pages_are_not_kept_and_say_nothing_to_others(client: FlaskClient, company: Company) -> None:
    link = make_link(company)
    for answer in (client.get(link), client.post(link), client.post(f"{link}/undo"), client.get(link[:-5])):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert '<meta name="robots" content="noindex">' in answer.get_data(as_text=True)


def test_the_log_does_not_hold_the_link(
    client: FlaskClient, company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    link = make_link(company)
    client.post(link)
    said = capsys.readouterr().out
    assert "/v1/unsubscribe/<token>" in said
    assert link.rpartition("/")[2] not in said


def test_a_mail_about_something_else_leads_to_the_same(client: FlaskClient, company: Company) -> None:
    assert _seen(client.post(path_of(company, make_message(company)))) == (200, OUT)
    assert row("SELECT reason FROM mail_suppressions WHERE org_id = :o", o=company.org_id)["reason"] == "unsubscribed"
