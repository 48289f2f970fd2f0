"""A mail as SendGrid's API takes it."""

import base64

from ops.sandbox.sendgrid.account import API_KEY

URL = "/sendgrid/v3/mail/send"
NO_FAULT = {"mode": "ok", "count": None, "seconds": 0.0}
ICS = base64.b64encode(b"BEGIN:VCALENDAR\r\n").decode()


def a_mail(**changes):
    return {
        "personalizations": [{"to": [{"email": "dana@example.com", "name": "Dana"}]}],
        "from": {"email": "hello@sparkle.example", "name": "Spärkle, Inc."},
        "reply_to": {"email": "office@sparkle.example"},
        "subject": "Rechnung für März",
        "content": [
            {"type": "text/plain", "value": "Plain words, schön.\n"},
            {"type": "text/html", "value": "<h1>Hello</h1>\n"},
        ],
        "attachments": [
            {"content": ICS, "filename": "visit.ics", "type": "text/calendar", "disposition": "attachment"}
        ],
        "headers": {"Message-ID": "<m1@crewline.example>", "X-Request-Id": "r1"},
        "custom_args": {"org_id": "o-1", "message_id": "m-1"},
    } | changes


def send(sandbox, mail=None, key=API_KEY, **options):
    headers = {"Authorization": f"Bearer {key}"}
    return sandbox.call("POST", URL, json=a_mail() if mail is None else mail, headers=headers, **options)


def fault(sandbox, mode, **more):
    return sandbox.call("PUT", "/api/sendgrid/fault", json={"mode": mode, **more})


def events(sandbox, **asked):
    return sandbox.call("POST", "/api/sendgrid/events", json=asked)
