"""Start the sandbox: ``python -m ops.sandbox --help``."""

import argparse
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from ops.sandbox.fields import is_http_url
from ops.sandbox.mail.journal import Journal
from ops.sandbox.mail.mailbox import Mailbox
from ops.sandbox.mail.smtp import SmtpServer
from ops.sandbox.s3.layer import S3Layer
from ops.sandbox.sendgrid.signing import kept_key, new_key
from ops.sandbox.web import HttpServer, create_app
from ops.sandbox.world import World

EPILOG = """\
When all servers accept connections, one line of JSON goes to stdout and to --ready-file:
  {"smtp_port": 52525, "http_port": 58025, "s3_port": 58333, "pid": 4711}
SIGTERM and SIGINT stop the process with exit status 0. What it holds is in memory and goes with it, but for the mails
in --mail-journal.
"""


def main(argv: list[str] | None = None) -> int:
    """Run until told to stop. Returns the exit status: 0 stopped on request, 1 could not listen."""
    options = _parser().parse_args(argv)
    if options.ready_file:
        # A file left by an earlier run names ports that nobody listens on any more.
        options.ready_file.unlink(missing_ok=True)
    world = _world(options)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: world.stopping.set())
    try:
        smtp = SmtpServer(world.mailbox, world.smtp_faults, options.host, options.smtp_port)
        http = HttpServer(create_app(world), options.host, options.http_port)
        layer = S3Layer(world.s3_store, world.s3_faults, world.s3_requests, world.stopping)
        s3 = HttpServer(layer, options.host, options.s3_port)
    except OSError as error:
        print(f"sandbox: cannot listen on {options.host}: {error}", file=sys.stderr)
        return 1
    _serve(world, smtp, http, s3, options.ready_file)
    return 0


def _world(options: argparse.Namespace) -> World:
    return World(
        webhook_secret=options.webhook_secret,
        webhook_url=options.webhook_url,
        sendgrid_webhook_url=options.sendgrid_webhook_url,
        sendgrid_tells=options.sendgrid_tells,
        receiver_secret=options.receiver_secret,
        sendgrid_key=kept_key(options.sendgrid_key_file) if options.sendgrid_key_file else new_key(),
        mailbox=Mailbox(Journal(options.mail_journal) if options.mail_journal else None),
    )


def _serve(world: World, smtp: SmtpServer, http: HttpServer, s3: HttpServer, ready_file: Path | None) -> None:
    world.smtp_port, world.http_port, world.s3_port = smtp.port, http.port, s3.port
    for server in (smtp, http, s3):
        server.start()
    ports = {"smtp_port": smtp.port, "http_port": http.port, "s3_port": s3.port}
    _announce(ports | {"pid": os.getpid()}, ready_file)
    world.stopping.wait()
    for server in (s3, http, smtp):
        server.stop()


def _announce(ready: dict[str, int], ready_file: Path | None) -> None:
    line = json.dumps(ready)
    if ready_file:
        # Written aside and renamed: who polls for the file never reads half of it.
        with tempfile.NamedTemporaryFile("w", dir=ready_file.parent, delete=False) as draft:
            draft.write(line + "\n")
        Path(draft.name).replace(ready_file)
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ops.sandbox",
        description="The outside world on one machine: mail, Stripe's webhooks, Turnstile, storages, our receiver.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address the servers listen on (default: %(default)s)")
    add("--smtp-port", type=_port, default=0, metavar="N", help="0 takes a free one (default: 0)")
    add("--http-port", type=_port, default=0, metavar="N", help="0 takes a free one (default: 0)")
    add("--s3-port", type=_port, default=0, metavar="N", help="0 takes a free one (default: 0)")
    add("--webhook-secret", type=_word, metavar="whsec_…", help="signs Stripe events; the receiver's secret")
    add("--webhook-url", type=_url, metavar="URL", help="where Stripe events go unless a call says otherwise")
    add(
        "--sendgrid-webhook-url", type=_url, metavar="URL", help="where SendGrid events go unless a call says otherwise"
    )
    add("--sendgrid-key-file", type=Path, metavar="PATH", help="signs SendGrid events; made if it is not there")
    add("--sendgrid-tells", action="store_true", help="tell by itself that each mail taken by SendGrid is delivered")
    add(
        "--receiver-secret",
        type=_word,
        metavar="whsec_…",
        help="what the receiver of our webhooks checks (default: nothing)",
    )
    add("--ready-file", type=Path, metavar="PATH", help="gets the ready line as well, in one atomic write")
    add("--mail-journal", type=Path, metavar="PATH", help="keeps the mails over a restart (default: in memory only)")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a port is a whole number from 0 to 65535")
    return int(text)


def _word(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def _url(text: str) -> str:
    if not is_http_url(text):
        raise argparse.ArgumentTypeError("must be an http:// or https:// URL with a host")
    return text


if __name__ == "__main__":
    sys.exit(main())
