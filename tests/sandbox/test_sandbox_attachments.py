"""What is attached to a caught mail."""

import base64

import pytest

from .sendgrid_mail import ICS, a_mail, send


@pytest.mark.parametrize("way", ["smtp", "sendgrid"])
def test_what_is_attached_can_be_kept_and_read(sandbox, way):
    if way == "sendgrid":
        send(sandbox)
    else:
        with sandbox.smtp() as client:
            raw = (
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\n"
                'Content-Type: text/calendar\r\nContent-Disposition: attachment; filename="../visit.ics"\r\n'
                "Content-Transfer-Encoding: base64\r\n\r\n" + ICS + "\r\n--b--\r\n"
            )
            client.sendmail("a@x.example", ["b@x.example"], raw)
    [mail] = sandbox.mails()
    path = f"/mail/{mail['id']}/attachments/1"
    assert f'href="{path}"' in sandbox.call("GET", f"/mail/{mail['id']}").text
    kept, read = sandbox.call("GET", path), sandbox.call("GET", path, params={"view": ""})
    assert kept.content == read.content == b"BEGIN:VCALENDAR\r\n"
    assert kept.headers["Content-Disposition"] == "attachment; filename=visit.ics"
    assert kept.headers["Content-Type"] == "application/octet-stream"
    assert read.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Content-Disposition" not in read.headers
    for number in (0, 2):
        assert sandbox.call("GET", f"/mail/{mail['id']}/attachments/{number}").status_code == 404


def test_what_is_attached_and_no_text_is_never_shown(sandbox):
    page = base64.b64encode(b"<script>alert(1)</script>").decode()
    files = [
        {"content": page, "filename": "a.svg", "type": "image/svg+xml"},
        {"content": page, "filename": "b.html", "type": "text/html"},
    ]
    send(sandbox, a_mail(attachments=files))
    [mail] = sandbox.mails()
    kinds = [
        sandbox.call("GET", f"/mail/{mail['id']}/attachments/{number}", params={"view": ""}).headers["Content-Type"]
        for number in (1, 2)
    ]
    assert kinds == ["application/octet-stream", "text/plain; charset=utf-8"]
