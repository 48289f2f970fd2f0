"""Each way in which the SMTP server can be told to go wrong, as a sender meets it."""

import json
import smtplib
import time
from contextlib import contextmanager

import pytest

NO_FAULT = {"mode": "ok", "count": None, "seconds": 0.0}


@contextmanager
def sending(sandbox, subject):
    """A client that has sent all of a mail and not yet read the answer."""
    client = sandbox.smtp()
    client.ehlo()
    client.mail("a@x.example")
    client.rcpt("b@x.example")
    client.docmd("DATA")
    client.send(f"Subject: {subject}\r\n\r\nx\r\n.\r\n")
    yield client
    client.close()


def test_a_temporary_refusal_stores_nothing_and_ends_after_its_count(sandbox):
    sandbox.fault("reject_4xx", count=2)
    for left in (1, None):
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            sandbox.send("again")
        assert refusal.value.smtp_code == 451
        assert sandbox.call("GET", "/api/smtp/fault").json()["count"] == left
    assert sandbox.mails() == []
    sandbox.send("again")
    assert len(sandbox.mails()) == 1
    assert sandbox.call("GET", "/api/smtp/fault").json() == NO_FAULT


def test_a_final_refusal_stores_nothing_and_stays_until_changed(sandbox):
    sandbox.fault("reject_5xx", count=None)
    for _ in range(3):
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            sandbox.send("never")
        assert refusal.value.smtp_code == 550
    assert sandbox.mails() == []
    sandbox.fault("ok")
    sandbox.send("never")
    assert len(sandbox.mails()) == 1


def test_a_connection_dropped_after_data_has_stored_exactly_one(sandbox):
    sandbox.fault("drop_after_data", count=1)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        sandbox.send("in-doubt")
    assert [mail["message_id"] for mail in sandbox.mails()] == ["<in-doubt@crewline.example>"]
    sandbox.send("in-doubt")
    assert len(sandbox.mails(message_id="<in-doubt@crewline.example>")) == 2


def test_a_stall_delays_the_answer_to_a_mail_that_is_stored(sandbox):
    sandbox.fault("stall", count=1, seconds=0.4)
    began = time.monotonic()
    sandbox.send("slow")
    assert time.monotonic() - began >= 0.4
    assert len(sandbox.mails()) == 1


def test_a_sender_that_gives_up_during_a_stall_has_delivered(sandbox, eventually):
    sandbox.fault("stall", count=1, seconds=100)
    with sending(sandbox, "impatient") as client:
        client.sock.settimeout(0.2)
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            client.getreply()
    eventually(sandbox.mails)


def test_a_stalled_delivery_does_not_hold_up_another(sandbox, eventually):
    sandbox.fault("stall", count=1, seconds=100)
    with sending(sandbox, "stalled"):
        eventually(sandbox.mails)
        sandbox.send("swift")
    assert [mail["subject"] for mail in sandbox.mails()] == ["stalled", "swift"]


def test_refused_recipients_count_as_one_delivery(sandbox):
    sandbox.fault("refuse_recipient", count=1)
    with sandbox.smtp() as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
            client.sendmail("a@x.example", ["b@x.example", "c@x.example"], b"Subject: x\r\n\r\nx\r\n")
        assert [code for code, _ in refusal.value.recipients.values()] == [550, 550]
        client.sendmail("a@x.example", ["b@x.example", "c@x.example"], b"Subject: y\r\n\r\ny\r\n")
    assert [mail["subject"] for mail in sandbox.mails()] == ["y"]


def test_a_server_that_is_away_ends_connections_old_and_new(sandbox):
    with sandbox.smtp() as standing:
        standing.ehlo()
        sandbox.fault("away", count=2)
        assert standing.mail("a@x.example")[0] == 421
        with pytest.raises(smtplib.SMTPServerDisconnected):
            standing.noop()
    with pytest.raises(smtplib.SMTPConnectError) as refusal:
        sandbox.smtp()
    assert refusal.value.smtp_code == 421
    assert sandbox.call("GET", "/api/smtp/fault").json() == NO_FAULT
    sandbox.send("back")
    assert [mail["subject"] for mail in sandbox.mails()] == ["back"]


def test_faults_are_told_back(sandbox):
    told = sandbox.fault("stall", count=3, seconds=2)
    assert told.status_code == 200
    assert told.json() == sandbox.call("GET", "/api/smtp/fault").json()
    assert told.json() == {"mode": "stall", "count": 3, "seconds": 2.0}
    assert sandbox.fault("ok", count=5, seconds=1).json() == NO_FAULT


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, "mode"),
        ({"mode": "explode"}, "mode"),
        ({"mode": ["ok"]}, "mode"),
        ({"mode": "reject_4xx", "count": 0}, "count"),
        ({"mode": "reject_4xx", "count": True}, "count"),
        ({"mode": "reject_4xx", "count": "2"}, "count"),
        ({"mode": "stall"}, "seconds"),
        ({"mode": "stall", "seconds": -1}, "seconds"),
        ({"mode": "stall", "seconds": float("nan")}, "seconds"),
        ({"mode": "ok", "times": 1}, "times"),
        ([], "object"),
    ],
)
def test_a_bad_fault_is_400_and_changes_nothing(sandbox, body, names):
    sandbox.fault("reject_4xx", count=7)
    # Not by requests' json=, which refuses to write NaN.
    headers = {"Content-Type": "application/json"}
    answer = sandbox.call("PUT", "/api/smtp/fault", data=json.dumps(body), headers=headers)
    assert answer.status_code == 400
    assert names in answer.json()["error"]
    assert sandbox.call("GET", "/api/smtp/fault").json()["count"] == 7
