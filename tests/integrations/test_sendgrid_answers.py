"""What SendGrid's answers mean."""

import json
import time
from collections.abc import Callable

import pytest

from ops.sandbox.sendgrid.account import API_KEY
from shared.core.errors import Invalid, Refusal, Unavailable
from shared.integrations.mail import MAIL_AWAY, MAIL_DELAYED, MAIL_LIMITED, MAIL_REFUSED
from shared.integrations.mail.sendgrid_mailer import SendGridMailer
from tests.integrations.mailers import make_mail, refused_mail
from tests.integrations.raw_answers import says, server
from tests.sandbox_sendgrid import SandboxSendGrid

MakeMailer = Callable[..., SendGridMailer]


@pytest.mark.parametrize(
    ("mode", "kind", "code"),
    [
        ("rate_limited", Unavailable, MAIL_LIMITED),
        ("unauthorized", Unavailable, MAIL_AWAY),
        ("forbidden", Unavailable, MAIL_AWAY),
        ("refused", Invalid, MAIL_REFUSED),
        ("too_large", Invalid, MAIL_REFUSED),
        ("down", Unavailable, MAIL_DELAYED),
        ("error", Unavailable, MAIL_DELAYED),
        ("reset", Unavailable, MAIL_DELAYED),
        ("hang", Unavailable, MAIL_DELAYED),
        ("garbage", Unavailable, MAIL_DELAYED),
        ("redirect", Unavailable, MAIL_AWAY),
    ],
)
def test_each_way_to_go_wrong_means_something(
    make_sendgrid: MakeMailer, sendgrid: SandboxSendGrid, mode: str, kind: type[Refusal], code: str
) -> None:
    sendgrid.fault(mode, count=1, seconds=30)
    sent = len(sendgrid.mails())
    mailer = make_sendgrid(sendgrid_timeout_seconds=0.5)
    found = refused_mail(mailer)
    assert (type(found), found.code) == (kind, code)
    assert len(sendgrid.mails()) == sent
    mailer.send(make_mail())
    assert len(sendgrid.mails()) == sent + 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, Invalid) for status in (410, 413, 415, 422)),
        *((status, Unavailable) for status in (200, 204, 301, 404, 405, 407, 408, 502, 504, 599)),
    ],
)
def test_other_statuses_mean_something_too(make_sendgrid: MakeMailer, status: int, kind: type[Refusal]) -> None:
    with server(says(status, b"<h1>what</h1>", "Location: /elsewhere")) as url:
        assert type(refused_mail(make_sendgrid(sendgrid_api_base=url))) is kind


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        (["X-RateLimit-Reset: {now+90}", "Retry-After: 5"], 80, 90),
        (["Retry-After: 45"], 45, 45),
        (["X-RateLimit-Reset: {now+999999}"], 3600, 3600),
        (["X-RateLimit-Reset: {now-100}"], 1, 1),
        (["X-RateLimit-Reset: soon", "Retry-After: 7"], 7, 7),
        (["X-RateLimit-Reset: nan"], 3600, 3600),
        (["X-RateLimit-Reset: inf"], 3600, 3600),
        (["X-RateLimit-Reset: -inf"], 1, 1),
        (["Retry-After: Fri, 27 Nov 2026 09:00:00 GMT"], 60, 60),
        ([], 60, 60),
    ],
)
def test_a_limit_says_when_to_come_back(make_sendgrid: MakeMailer, headers: list[str], low: float, high: float) -> None:
    now = int(time.time())
    told = [
        header.replace("{now+90}", str(now + 90))
        .replace("{now+999999}", str(now + 999_999))
        .replace("{now-100}", str(now - 100))
        for header in headers
    ]
    with server(says(429, b"", *told)) as url:
        found = refused_mail(make_sendgrid(sendgrid_api_base=url))
    assert found.code == MAIL_LIMITED
    assert low <= found.fields["retry_after"] <= high


def test_a_refusal_says_what_sendgrid_says_within_bounds(make_sendgrid: MakeMailer) -> None:
    errors = [{"message": f"Wrong {API_KEY}\r\n\x1b[31m", "field": "from.email", "help": None}]
    errors += [{"message": "long " * 1000, "field": None}]
    with server(says(400, json.dumps({"errors": errors}).encode())) as url:
        found = refused_mail(make_sendgrid(sendgrid_api_base=url))
    assert found.detail.startswith("400 Wrong [key]")
    assert "(from.email)" in found.detail
    assert len(found.detail) <= 500
    assert found.detail.isprintable()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<h1>no</h1>",
        b"[]",
        b"{}",
        b'{"errors": null}',
        b'{"errors": [5]}',
        b'{"errors": [{"field": "x"}]}',
        b"[" * 60_000,
        b"\xff\xfe",
        b" " * 10_000_000,
    ],
    ids=lambda body: body[:12],
)
def test_whatever_a_refusal_has_in_it_it_is_one(make_sendgrid: MakeMailer, body: bytes) -> None:
    with server(says(400, body)) as url:
        assert refused_mail(make_sendgrid(sendgrid_api_base=url)).detail == "400"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1",
        b"what\r\n\r\n",
        b"HTTP/1.1 999999 x\r\n\r\n",
        b"HTTP/1.1 202 x\r\n" + b"a: b\r\n" * 200,
        b"HTTP/1.1 202 x\r\nX: " + b"a" * 100_000,
    ],
    ids=lambda answer: answer[:20],
)
def test_what_is_no_answer_leaves_it_in_doubt(make_sendgrid: MakeMailer, answer: bytes) -> None:
    with server(answer) as url:
        assert refused_mail(make_sendgrid(sendgrid_api_base=url, sendgrid_timeout_seconds=1.0)).code == MAIL_DELAYED


@pytest.mark.parametrize(
    ("answer", "provider_id"),
    [
        (says(202, b"", "X-Message-Id: abc.def"), "abc.def"),
        (says(202), None),
        (says(202, b"", "X-Message-Id:"), None),
        (says(202, b"", "X-Message-Id: " + "a" * 5000), "a" * 200),
        (says(202, b"", "X-Message-Id: nul\x00"), None),
        (says(202, b"", "X-Message-Id: é"), None),
        (b"HTTP/1.1 202 x\r\nX-Message-Id: half\r\nContent-Length: 1000\r\n\r\nhalf", "half"),
    ],
)
def test_what_is_taken_is_taken_whatever_the_rest_of_the_answer(
    make_sendgrid: MakeMailer, answer: bytes, provider_id: str | None
) -> None:
    with server(answer) as url:
        assert make_sendgrid(sendgrid_api_base=url).send(make_mail()) == provider_id
