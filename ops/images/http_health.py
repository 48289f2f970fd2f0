"""Container health of an HTTP process: exit 0 when `URL` answers 200 within two seconds, else 1.

Standard library only: it runs every few seconds and must cost next to nothing.
"""

import sys
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

PATIENCE_SECONDS = 2.0


def status_of(url: str) -> int:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status
    finally:
        connection.close()


def main() -> int:
    try:
        status = status_of(sys.argv[1])
    except (OSError, HTTPException) as error:
        print(f"no answer: {error!r}")
        return 1
    print(status)
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
