"""Starting and stopping the one process."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*flags):
    command = [sys.executable, "-m", "ops.sandbox", *flags]
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=30)


def test_the_ready_line_is_on_stdout_and_in_the_file(start):
    sandbox = start()
    line = json.loads(sandbox.process.stdout.readline())
    assert line == sandbox.ready
    assert list(line) == ["smtp_port", "http_port", "s3_port", "pid"]
    assert line["pid"] == sandbox.process.pid
    assert [path.name for path in sandbox.ready_file.parent.iterdir() if "ready" in path.name] == ["ready.json"]
    assert sandbox.call("GET", "/healthz").text == "ok"
    sandbox.send("ready")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_with_status_0(start, signum):
    sandbox = start()
    began = time.monotonic()
    assert sandbox.stop(signum) == 0
    assert time.monotonic() - began < 3
    assert sandbox.errors.read_text() == ""


def test_it_stops_at_once_whatever_it_is_busy_with(start, receive, eventually, free_port):
    sandbox = start("--webhook-secret", "whsec_x", "--webhook-url", f"http://127.0.0.1:{free_port}/")
    sandbox.fault("stall", seconds=100)
    client = sandbox.smtp()
    stalled = threading.Thread(target=_ignoring_the_end, args=(client.sendmail, "a@x.example", "b@x.example", "x"))
    slow = receive()
    slow.delay_seconds = 5
    posts = [
        threading.Thread(target=_ignoring_the_end, args=(sandbox.event,), kwargs={"retry": True}),
        threading.Thread(target=_ignoring_the_end, args=(sandbox.event,), kwargs={"url": slow.url}),
    ]
    for thread in (stalled, *posts):
        thread.start()
    eventually(lambda: bool(slow.bodies) and bool(sandbox.mails()))
    began = time.monotonic()
    assert sandbox.stop() == 0
    assert time.monotonic() - began < 3
    for thread in (stalled, *posts):
        thread.join(timeout=10)
    client.close()


def _ignoring_the_end(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except OSError:
        return


def test_events_go_to_the_url_given_at_the_start(start, receive):
    receiver = receive()
    sandbox = start("--webhook-secret", "whsec_x", "--webhook-url", receiver.url)
    assert sandbox.event()["deliveries"][0]["status"] == 200
    assert len(receiver.bodies) == 1
    home = sandbox.call("GET", "/").text
    assert receiver.url in home
    assert "whsec_x" not in home


def test_without_a_secret_events_are_refused(start, receive):
    sandbox = start()
    answer = sandbox.call("POST", "/api/stripe/events", json={"type": "x", "url": receive().url})
    assert answer.status_code == 400
    assert "--webhook-secret" in answer.json()["error"]


def test_only_the_newest_mails_are_kept(start):
    sandbox = start()
    with sandbox.smtp() as client:
        for number in range(5_003):
            client.sendmail("a@x.example", ["b@x.example"], f"Subject: {number}\r\n\r\nx\r\n")
    subjects = [mail["subject"] for mail in sandbox.mails()]
    assert (len(subjects), subjects[0], subjects[-1]) == (5_000, "3", "5002")


@pytest.mark.parametrize("flag", ["--smtp-port", "--http-port", "--s3-port"])
def test_a_taken_port_is_one_clear_line_and_status_1(flag, tmp_path):
    stale = tmp_path / "ready.json"
    stale.write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run(flag, str(taken.getsockname()[1]), "--ready-file", str(stale))
    assert ended.returncode == 1
    assert "cannot listen" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    assert not stale.exists()


@pytest.mark.parametrize(
    "flags",
    [
        ("--smtp-port", "x"),
        ("--http-port", "65536"),
        ("--s3-port", "-1"),
        ("--webhook-url", "x"),
        ("--webhook-secret", ""),
    ],
)
def test_bad_flags_are_refused(flags):
    ended = run(*flags)
    assert ended.returncode == 2
    assert flags[0] in ended.stderr


def test_help_says_what_it_prints():
    assert "smtp_port" in run("--help").stdout


def test_a_body_over_one_mebibyte_is_413(start):
    sandbox = start()
    answer = sandbox.call("POST", "/api/stripe/events", json={"type": "x" * 1_100_000})
    assert (answer.status_code, list(answer.json())) == (413, ["error"])


@pytest.mark.parametrize("path", ["/", "/mail", "/stripe", "/turnstile", "/s3"])
def test_pages_need_nothing_from_elsewhere(start, path):
    sandbox = start("--webhook-secret", "whsec_x")
    page = sandbox.call("GET", path)
    assert page.status_code == 200
    assert "<script" not in page.text
    assert 'href="http' not in page.text
    assert 'src="http' not in page.text
    assert sandbox.call("GET", "/static/sandbox.css").status_code == 200


def test_unknown_urls_and_methods_are_told_in_kind(start):
    sandbox = start()
    assert list(sandbox.call("GET", "/api/none").json()) == ["error"]
    assert sandbox.call("GET", "/none").headers["Content-Type"].startswith("text/html")
    wrong = sandbox.call("POST", "/api/mail")
    assert wrong.status_code == 405
    assert "DELETE" in wrong.headers["Allow"]


def test_it_imports_nothing_of_the_product():
    code = "import sys, ops.sandbox.__main__; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True, timeout=30)
    packages = {name.partition(".")[0] for name in ended.stdout.split()}
    assert "ops" in packages
    assert not packages & {"api", "shared", "worker", "stripe"}


def test_mails_in_a_journal_outlive_a_killed_process(start, tmp_path):
    journal = ["--mail-journal", str(tmp_path / "mails.jsonl")]
    first = start(*journal)
    first.send("before")
    first.process.kill()
    first.process.wait(10)
    second = start(*journal)
    second.send("after")
    assert [(mail["id"], mail["subject"]) for mail in second.mails()] == [(1, "before"), (2, "after")]
    second.call("DELETE", "/api/mail")
    second.stop()
    third = start(*journal)
    assert third.mails() == []
    third.stop()
