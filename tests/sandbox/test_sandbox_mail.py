"""Mails go in by SMTP and are found over HTTP."""

from email.message import EmailMessage

import pytest


def rich_mail(html="<h1>Hello</h1>"):
    message = EmailMessage()
    message["From"], message["To"] = "Sparkle <hello@sparkle.example>", "dana@example.com"
    message["Subject"], message["Message-ID"] = "Rechnung für März", "<m1@crewline.example>"
    message.set_content("Plain words, schön.\n")
    message.add_alternative(html, subtype="html")
    message.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar", filename="visit.ics")
    return message


def deliver(sandbox, message):
    with sandbox.smtp() as client:
        client.send_message(message)
    return sandbox.mails()[-1]


def raw_delivery(sandbox, raw):
    with sandbox.smtp() as client:
        client.sendmail("a@x.example", ["b@x.example"], raw)
    return sandbox.mails()[-1]


def test_a_mail_is_stored_with_its_envelope_and_both_bodies(sandbox):
    with sandbox.smtp() as client:
        client.send_message(rich_mail(), "bounce@sparkle.example", ["dana@example.com", "bcc@example.com"])
    [mail] = sandbox.mails()
    assert mail["envelope_from"] == "bounce@sparkle.example"
    assert mail["envelope_to"] == ["dana@example.com", "bcc@example.com"]
    assert mail["subject"] == "Rechnung für März"
    assert mail["message_id"] == "<m1@crewline.example>"
    assert mail["text"] == "Plain words, schön.\n"
    assert mail["html"] == "<h1>Hello</h1>\n"
    assert mail["attachments"] == [{"filename": "visit.ics", "content_type": "text/calendar", "size": 15}]
    assert dict(mail["headers"])["To"] == "dana@example.com"
    assert mail["received_at"].endswith("Z")


def test_one_mail_has_its_source_and_the_list_does_not(sandbox):
    mail = deliver(sandbox, rich_mail())
    one = sandbox.call("GET", f"/api/mail/{mail['id']}").json()
    assert "Message-ID: <m1@crewline.example>" in one.pop("raw")
    assert one == mail
    raw = sandbox.call("GET", f"/mail/{mail['id']}/raw")
    assert raw.headers["Content-Type"].startswith("text/plain")
    assert b"visit.ics" in raw.content


def test_ids_grow_and_the_list_is_oldest_first_even_after_clearing(sandbox):
    for subject in ("first", "second"):
        sandbox.send(subject)
    first, second = sandbox.mails()
    assert (first["subject"], second["subject"]) == ("first", "second")
    assert sandbox.call("DELETE", "/api/mail").json() == {"deleted": 2}
    assert sandbox.mails() == []
    sandbox.send("third")
    assert first["id"] < second["id"] < sandbox.mails()[0]["id"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"to": "DANA@example.com"}, ["one", "two"]),
        ({"to": "ana@example.com"}, []),
        ({"subject": "TW"}, ["two"]),
        ({"message_id": "<one@crewline.example>"}, ["one"]),
        ({"message_id": "one@crewline.example"}, ["one"]),
        ({"message_id": "one"}, []),
        ({"to": "dana@example.com", "subject": "three"}, []),
    ],
)
def test_filters(sandbox, filters, found):
    sandbox.send("one")
    sandbox.send("two")
    sandbox.send("three", to="sam@example.com")
    assert [mail["subject"] for mail in sandbox.mails(**filters)] == found


@pytest.mark.parametrize("mechanism", ["auth_plain", "auth_login"])
def test_any_login_is_accepted(sandbox, mechanism):
    with sandbox.smtp() as client:
        client.ehlo()
        client.user, client.password = "anyone", "anything"
        code, _ = client.auth(mechanism.removeprefix("auth_").upper(), getattr(client, mechanism))
        assert code == 235
        client.sendmail("a@x.example", ["b@x.example"], b"Subject: in\r\n\r\nx\r\n")
    assert len(sandbox.mails()) == 1


def test_a_mail_over_one_mebibyte_is_refused_and_not_stored(sandbox):
    with sandbox.smtp() as client:
        client.ehlo()
        assert client.esmtp_features["size"] == "1048576"
        client.mail("a@x.example")
        client.rcpt("b@x.example")
        code, _ = client.data(b"Subject: big\r\n\r\n" + (b"x" * 900 + b"\r\n") * 1200)
        assert code == 552
        client.sendmail("a@x.example", ["b@x.example"], b"Subject: small\r\n\r\nx\r\n")
    assert [mail["subject"] for mail in sandbox.mails()] == ["small"]


def test_a_header_in_bare_utf_8_is_read(sandbox):
    assert raw_delivery(sandbox, "Subject: Müll\r\n\r\nx\r\n".encode())["subject"] == "Müll"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe not a mail at all",
        b"Subject: =?utf-8?b?!!!?= =?nonsense?q?x?=\r\n\r\nx",
        b"Subject: \xff\xfe\r\nMessage-ID: <\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\xff",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: text/html; charset=utf-7\r\n\r\n+2AA- <b>x</b>",
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(1200)),
    ],
    ids=["empty", "binary", "encoded words", "bytes", "no boundary", "surrogates", "nesting"],
)
def test_nonsense_is_kept_and_shown(sandbox, raw):
    mail = raw_delivery(sandbox, raw)
    for page in ("/mail", f"/mail/{mail['id']}", f"/mail/{mail['id']}/html", f"/mail/{mail['id']}/raw"):
        assert sandbox.call("GET", page).status_code == 200


def test_what_a_mail_says_is_shown_and_never_run(sandbox):
    message = rich_mail("<html><head></head><body><script>steal()</script></body></html>")
    del message["Subject"], message["From"]
    message["Subject"] = "<script>alert(1)</script>"
    message["From"] = '"<img src=x onerror=alert(2)>" <a@x.example>'
    mail = deliver(sandbox, message)
    for path in ("/mail", f"/mail/{mail['id']}"):
        page = sandbox.call("GET", path)
        assert "<script" not in page.text
        assert "<img" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "script-src" not in page.headers["Content-Security-Policy"]
        assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_the_html_part_sits_in_a_frame_without_rights(sandbox):
    mail = deliver(sandbox, rich_mail("<html><head></head><body><a href='https://x.example'>x</a></body></html>"))
    page = sandbox.call("GET", f"/mail/{mail['id']}").text
    assert f'src="/mail/{mail["id"]}/html"' in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    part = sandbox.call("GET", f"/mail/{mail['id']}/html")
    assert '<head><base target="_blank"></head>' in part.text
    policy = part.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy


def test_the_page_filters_by_part_of_a_recipient(sandbox):
    sandbox.send("for-dana")
    sandbox.send("for-sam", to="sam@example.com")
    page = sandbox.call("GET", "/mail", params={"to": "SAM@"}).text
    assert "for-sam" in page
    assert "for-dana" not in page
    everything = sandbox.call("GET", "/mail").text
    assert everything.index("for-sam") < everything.index("for-dana")


def test_a_mail_that_is_not_there_is_404(sandbox):
    for path in ("/mail/999999", "/mail/999999/html", "/mail/999999/raw"):
        assert sandbox.call("GET", path).status_code == 404
    answer = sandbox.call("GET", "/api/mail/999999")
    assert (answer.status_code, list(answer.json())) == (404, ["error"])
