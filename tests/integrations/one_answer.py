"""A real HTTP server that keeps what it is sent and always says the same."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class OneAnswer:
    """Answers everything with 200 and `result` in Cloudflare's envelope."""

    def __init__(self, result: Any) -> None:
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        answer = json.dumps({"success": True, "errors": [], "messages": [], "result": result}).encode()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(answer))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _handler(self, answer: bytes) -> type[BaseHTTPRequestHandler]:
        seen = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.headers.append(dict(self.headers))
                seen.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET  # noqa: N815 - http.server wants it so

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    @contextmanager
    def running(self) -> Iterator["OneAnswer"]:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
