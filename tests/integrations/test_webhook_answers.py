"""What receivers answer, or do not: everything is over by a deadline, and nothing is read for ever."""

import gzip
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from shared.core.errors import Unavailable
from shared.core.settings import Settings
from shared.integrations.export import http_sender
from shared.integrations.export.wire import MOST_ANSWER_BYTES
from tests.exports.receivers import (
    Behaviour,
    Connection,
    Got,
    drips,
    hangs_after,
    raw,
    receiver,
    resets,
    says,
)
from tests.integrations.webhook_senders import make_sender, message, sent, to_here

PATIENCE = 0.4
LONG = 10.0
"""Seconds. Much longer than any of it may take, however busy the machine is; each of these servers goes on for ever."""

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("behave", "code"),
    [
        (hangs_after(b""), "webhooks.timed_out"),
        (hangs_after(b"HTTP/1.1 20"), "webhooks.timed_out"),
        (hangs_after(b"HTTP/1.1 200 OK\r\nContent-"), "webhooks.timed_out"),
        (drips(b"", b"H"), "webhooks.timed_out"),
        (drips(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"), "webhooks.timed_out"),
        (drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "webhooks.timed_out"),
        (resets, "webhooks.broken_answer"),
        (raw(b""), "webhooks.broken_answer"),
        (raw(b"HTTP/1.1"), "webhooks.broken_answer"),
        (raw(b"220 mail.example.com ESMTP\r\n"), "webhooks.broken_answer"),
        (raw(b"\x00\xff" * 100), "webhooks.broken_answer"),
        (raw(b"HTTP/1.1 abc OK\r\n\r\n"), "webhooks.broken_answer"),
        (raw(b"HTTP/1.1 99 OK\r\n\r\n"), "webhooks.broken_answer"),
        (raw(b"x" * 200_000), "webhooks.broken_answer"),
        (raw(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200), "webhooks.broken_answer"),
    ],
)
def test_what_is_no_answer_may_be_one_next_time(settings: Settings, behave: Behaviour, code: str) -> None:
    started = time.monotonic()
    with receiver(behave) as found:
        assert sent(to_here(settings, timeout_seconds=PATIENCE), found.url) == code
        assert time.monotonic() - started < LONG
        assert found.connections == 1


@pytest.mark.parametrize(
    "behave",
    [
        hangs_after(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun"),
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        drips(CHUNKED, b"1\r\nx\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbroken off"),
        raw(CHUNKED + b"5\r\nbegun\r\nnonsense"),
        raw(b"HTTP/1.0 200 OK\r\n\r\nuntil the end"),
        raw(b"HTTP/1.1 200 OK\r\na: " + b"b" * 70_000 + b"\r\n\r\n"),
    ],
)
def test_a_status_says_enough(settings: Settings, behave: Behaviour) -> None:
    started = time.monotonic()
    sender = to_here(settings, timeout_seconds=PATIENCE)
    with receiver(behave) as found:
        assert sender.send(found.url, message()).status == 200
        assert time.monotonic() - started < LONG
        assert sender.send(found.url, message()).status == 200
        assert found.connections == 2  # what was broken off is not used again


def test_no_more_than_64_kilobytes_are_read(settings: Settings) -> None:
    poured = 0

    def pours(connection: Connection, _: Got) -> bool:
        nonlocal poured
        connection.say(b"HTTP/1.1 500 What\r\nContent-Length: 1000000000\r\n\r\n")
        with suppress(OSError):
            while True:
                poured += connection.connection.send(b"x" * 65536)
        return False

    with receiver(pours) as found:
        answer = to_here(settings).send(found.url, message())
        assert (answer.status, answer.excerpt) == (500, "x" * http_sender.LONGEST_EXCERPT)
    assert MOST_ANSWER_BYTES == 65536
    assert poured < 20_000_000  # what the system's buffers take, not a gigabyte


def test_nothing_is_unpacked(settings: Settings) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    with receiver(says(500, bomb, "Content-Encoding: gzip")) as found:
        answer = to_here(settings).send(found.url, message())
        assert found.requests[0].headers["accept-encoding"] == "identity"
    assert "0000" not in answer.excerpt
    assert len(answer.excerpt) <= http_sender.LONGEST_EXCERPT


def test_an_excerpt_is_one_harmless_line(settings: Settings) -> None:
    body = "Nein:\r\n\x1b[31m rot\x00 \u202egnahc\u2028 ü".encode() + b"\xff"
    with receiver(says(400, body)) as found:
        assert to_here(settings).send(found.url, message()).excerpt == "Nein: [31m rot gnahc ü"


@pytest.mark.parametrize(
    ("status", "header", "least", "most"),
    [
        (429, "120", 120, 120),
        (503, "0", 0, 0),
        (429, "in an hour", 3000, 3600),
        (429, "Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        (429, "9" * 5000, 999999999, 999999999),
        (500, "120", None, None),
        (429, "soon", None, None),
        (429, "-5", None, None),
        (429, "1.5", None, None),
        (429, "²", None, None),
        (429, "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None, None),
        (503, "Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None, None),
    ],
)
def test_when_to_come_again(
    settings: Settings, status: int, header: str, least: float | None, most: float | None
) -> None:
    if header == "in an hour":
        header = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    with receiver(says(status, b"", f"Retry-After: {header}")) as found:
        asked = to_here(settings).send(found.url, message()).retry_after
    if least is None or most is None:
        assert asked is None
    else:
        assert asked is not None
        assert least <= asked <= most


def test_nobody_listens(settings: Settings) -> None:
    with receiver() as found:
        pass
    assert sent(to_here(settings), found.url) == "webhooks.unreachable"


def test_the_next_address_is_tried_when_one_takes_nothing(settings: Settings) -> None:
    with receiver(host="127.0.0.2", name="hooks.example.com") as found:
        sender = make_sender(
            settings,
            ask=lambda _: ["127.0.0.1", "127.0.0.1", "127.0.0.2"],
            block_private_ips=False,
            allowed_hosts=("hooks.example.com",),
        )
        assert sender.send(found.url, message()).status == 204


def test_a_connection_is_used_again(settings: Settings) -> None:
    sender = to_here(settings)
    with receiver() as found:
        for _ in range(3):
            sender.send(found.url, message())
        assert (found.connections, len(found.requests)) == (1, 3)


def test_a_connection_that_was_closed_meanwhile_costs_nothing(settings: Settings) -> None:
    def closes(connection: Connection, got: Got) -> bool:
        return says(200)(connection, got) and False

    sender = to_here(settings)
    with receiver(closes) as found:
        for _ in range(3):
            assert sender.send(found.url, message()).status == 200
        assert (found.connections, len(found.requests)) == (3, 3)


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next(settings: Settings) -> None:
    twice = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    def chatters(connection: Connection, _: Got) -> bool:
        connection.say(twice)
        return True

    sender = to_here(settings)
    with receiver(chatters) as found:
        sender.send(found.url, message())
        found.behave = says(500)
        assert sender.send(found.url, message()).status == 500


def test_what_comes_before_the_answer_is_none(settings: Settings) -> None:
    def hints_first(connection: Connection, got: Got) -> bool:
        connection.say(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        time.sleep(0.05)
        return says(200 if got.id == "e1" else 500)(connection, got)

    sender = to_here(settings)
    with receiver(hints_first) as found:
        assert sender.send(found.url, message()).status == 200
        assert sender.send(found.url, message(event_id="e2")).status == 500


def test_another_protocol_is_no_answer(settings: Settings) -> None:
    with receiver(says(101, b"", "Upgrade: websocket")) as found:
        assert sent(to_here(settings), found.url) == "webhooks.broken_answer"


def test_a_connection_that_was_idle_for_long_is_not_used(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_sender, "LONGEST_IDLE_SECONDS", 0.0)
    sender = to_here(settings)
    with receiver() as found:
        sender.send(found.url, message())
        sender.send(found.url, message())
        assert found.connections == 2


def test_few_connections_are_kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_sender, "MOST_KEPT", 2)
    sender = to_here(settings)
    with receiver() as found:
        for path in ("/1", "/2", "/3", "/3", "/2", "/1"):
            sender.send(f"http://127.0.0.1:{found.port}{path}", message())
        assert found.connections == 4


def test_a_receiver_that_takes_the_request_slowly_has_the_same_deadline(settings: Settings) -> None:
    def never_reads(*_: object) -> None:
        found.over.wait(LONG)

    started = time.monotonic()
    with receiver() as found, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "handle", never_reads)
        with pytest.raises(Unavailable) as refused:
            to_here(settings, timeout_seconds=PATIENCE).send(found.url, message(b"x" * 20_000_000))
    assert refused.value.code == "webhooks.timed_out"
    assert time.monotonic() - started < LONG
