"""Mails per second, and from the commit to `250`, against smtplib alone on a connection that it keeps.

All send to the sandbox's SMTP server, a process of its own. Ours goes a row's whole way: committed and published,
claimed, rendered with its calendar file, sent, recorded, by one worker of two processes. The plain one addresses a
message of the standard library to the next recipient and calls `send_message`; `same_bytes` does not even do that.
"""

import base64
import json
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from email import message_from_bytes, policy
from email.utils import make_msgid
from pathlib import Path

import psycopg2

from ops.bench.errors import BenchError
from ops.bench.installation import Installation
from ops.bench.measured import Rate
from ops.bench.servers import Program
from ops.quickstart.database import REPOSITORY

MAILS, SINGLE, WARM_UP = 600, 40, 100
PATIENCE_SECONDS, POLL_SECONDS = 120.0, 0.1
PAUSE_SECONDS = 0.2
"""Between two single mails: everything is idle again."""
_COUNT = "SELECT count(*) FROM messages WHERE state = 'sent' AND recipient LIKE %s"
_TOOK = "SELECT extract(epoch FROM max(sent_at) - min(created_at))::float FROM messages WHERE recipient LIKE %s"
_WAITED = """
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM sent_at - created_at)::float * 1000)
    FROM messages WHERE recipient LIKE %s
"""


def measure(
    made: Installation, rounds: int, say: Callable[[str], None]
) -> tuple[dict[str, Rate], dict[str, list[float]]]:
    """Rates of `mail`, `plain_smtplib` and `same_bytes`, and `mail_idle_latency_ms`: in each round the median of single
    mails."""
    rates = {"mail": Rate(), "plain_smtplib": Rate(), "same_bytes": Rate()}
    latencies = []
    journal = made.folder / "mails.jsonl"
    sandbox = ["ops.sandbox", "--smtp-port", made.env["SMTP_PORT"], "--mail-journal", str(journal)]
    worker = ["celery", "-A", "worker.app", "worker", "--concurrency", "2", "-Q", "email"]
    with (
        Program(sandbox, made.env, made.folder / "mail_sandbox.log"),
        Program(worker, made.env, made.folder / "mail_worker.log") as program,
    ):
        plain = _connected(int(made.env["SMTP_PORT"]))
        _send(made, program, "warm", WARM_UP)
        content = _first_of(journal)
        for number in range(rounds):
            rates["plain_smtplib"].rounds.append(_send_plainly(plain, content))
            rates["same_bytes"].rounds.append(_send_bytes(plain, content))
            _send(made, program, f"many{number}", MAILS)
            rates["mail"].rounds.append(MAILS / _ask(made, _TOOK, f"many{number}"))
            _send(made, program, f"one{number}", SINGLE, "--each", "1", "--pause", str(PAUSE_SECONDS))
            latencies.append(round(_ask(made, _WAITED, f"one{number}"), 1))
            say("mails per second: " + "  ".join(f"{name} {rate.rounds[-1]:.0f}" for name, rate in rates.items()))
    return rates, {"mail_idle_latency_ms": latencies}


def _connected(port: int) -> smtplib.SMTP:
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while time.perf_counter() < deadline:
        with suppress(OSError, smtplib.SMTPException):
            return smtplib.SMTP("127.0.0.1", port, timeout=10)
        time.sleep(POLL_SECONDS)
    raise BenchError("the sandbox does not listen")


def _send_plainly(server: smtplib.SMTP, content: bytes) -> float:
    """Mails per second; each has a recipient and a Message-ID of its own."""
    message = message_from_bytes(content, policy=policy.SMTP)
    started = time.perf_counter()
    for number in range(MAILS):
        message.replace_header("To", f"plain-{number}@bench.test")
        message.replace_header("Message-ID", make_msgid(domain="bench.test"))
        server.send_message(message)
    return MAILS / (time.perf_counter() - started)


def _send_bytes(server: smtplib.SMTP, content: bytes) -> float:
    """Mails per second, all the same."""
    started = time.perf_counter()
    for number in range(MAILS):
        server.sendmail("no-reply@bench.test", [f"same-{number}@bench.test"], content)
    return MAILS / (time.perf_counter() - started)


def _send(made: Installation, program: Program, name: str, count: int, *options: str) -> None:
    """Have `count` mails queued by another process, and wait until they are sent."""
    command = [sys.executable, "-m", "ops.bench.mail_queue", made.seed.reading.org_id, name, str(count), *options]
    subprocess.run(command, cwd=REPOSITORY, env=made.env, check=True)
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while _ask(made, _COUNT, name) < count:
        program.check()
        if time.perf_counter() > deadline:
            raise BenchError(f"{count} mails were not sent in {PATIENCE_SECONDS} s; see {program.log}")
        time.sleep(POLL_SECONDS)


def _first_of(journal: Path) -> bytes:
    """One of our mails as it went over the wire."""
    with journal.open() as lines:
        return base64.b64decode(json.loads(next(lines))["raw"])


def _ask(made: Installation, question: str, name: str) -> float:
    with (
        closing(psycopg2.connect(made.postgres.superuser_dsn("crewline"))) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(question, (f"{name}-%",))
        row = cursor.fetchone()
    return float(row[0]) if row else 0.0
