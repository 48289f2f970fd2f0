"""Headers that tell browsers to be careful, on every answer: added below Flask, where they cost next to nothing."""

from collections.abc import Callable, Iterable
from typing import Any

Start = Callable[..., Any]
WsgiApp = Callable[[dict[str, Any], Start], Iterable[bytes]]

_ALWAYS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
]
_DATA_POLICY = ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
_PAGE_SOURCES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PAGE_POLICY = ("Content-Security-Policy", _PAGE_SOURCES)
_NO_STORE = ("Cache-Control", "no-store")


def with_security_headers(app: WsgiApp) -> WsgiApp:
    """`app`, with the headers on every answer. Data is never stored by caches, unless a view says for how long."""

    def hardened(request: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            given = {name.lower(): value for name, value in headers}
            page = given.get("content-type", "").startswith("text/html")
            headers += _ALWAYS
            headers.append(_PAGE_POLICY if page else _DATA_POLICY)
            if "cache-control" not in given and request["PATH_INFO"].startswith("/v1/"):
                headers.append(_NO_STORE)
            return start_response(status, headers, *rest)

        return app(request, start)

    return hardened
