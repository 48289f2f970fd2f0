"""The receiver alone, as a process that can be killed: ``python -m ops.sandbox.receiver --help``."""

import argparse
import signal
import sys

from ops.sandbox.web import HttpServer, create_app
from ops.sandbox.world import World


def main() -> int:
    """Serve until told to stop. Returns the exit status: 0 stopped on request, 1 could not listen."""
    parser = argparse.ArgumentParser(prog="python -m ops.sandbox.receiver", description="A receiver of our webhooks.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="0 takes a free one (default: 0)")
    parser.add_argument("--secret", metavar="whsec_…", help="what genuine deliveries are signed with")
    options = parser.parse_args()
    world = World(receiver_secret=options.secret)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: world.stopping.set())
    try:
        server = HttpServer(create_app(world), options.host, options.port)
    except OSError as error:
        print(f"receiver: cannot listen on {options.host}: {error}", file=sys.stderr)
        return 1
    server.start()
    print(f"http://{options.host}:{server.port}/webhooks", flush=True)
    world.stopping.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
