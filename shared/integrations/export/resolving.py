"""Looking up names within bounds of time: `getaddrinfo` has no time-out, and a stranger's name server may be slow.

Each look-up has a thread of its own, which is left behind when nobody waits any more. It ends when the system's
resolver gives up; until then nobody else asks for the same name, and there are never more than `MOST_AT_ONCE`.
"""

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from ipaddress import ip_address

from shared.core.errors import Unavailable
from shared.integrations.export import WEBHOOK_UNRESOLVED
from shared.integrations.export.addresses import Address

MOST_AT_ONCE = 64
LookUp = Callable[[str], list[str]]
"""From a name to its addresses, best first. Raises OSError."""


def look_up(name: str) -> list[str]:
    """Ask the system, which also knows its own files."""
    return [str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]


class Resolver:
    """Used from several threads."""

    def __init__(self, ask: LookUp = look_up) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._asked: dict[str, Future[list[str]]] = {}

    def addresses(self, name: str, patience: float) -> list[Address]:
        """The addresses of `name`, each once, waited for `patience` seconds. Raises `Unavailable`."""
        try:
            found = self._future(name).result(max(patience, 0.0))
        except TimeoutError:
            raise Unavailable(WEBHOOK_UNRESOLVED, "The name of the target could not be looked up in time.") from None
        except (OSError, UnicodeError):
            raise Unavailable(WEBHOOK_UNRESOLVED, "The name of the target is not known.") from None
        if not found:
            raise Unavailable(WEBHOOK_UNRESOLVED, "The name of the target has no address.")
        return [ip_address(each) for each in dict.fromkeys(found)]

    def _future(self, name: str) -> Future[list[str]]:
        with self._lock:
            if (running := self._asked.get(name)) is not None:
                return running
            if len(self._asked) >= MOST_AT_ONCE:
                raise Unavailable(WEBHOOK_UNRESOLVED, "Too many names are being looked up already.")
            future: Future[list[str]] = Future()
            self._asked[name] = future
        try:
            threading.Thread(target=self._run, args=(name, future), name="look-up", daemon=True).start()
        except RuntimeError:
            self._forget(name)  # the next one asks again
            raise Unavailable(WEBHOOK_UNRESOLVED, "No thread is left for looking up names.") from None
        return future

    def _run(self, name: str, future: Future[list[str]]) -> None:
        try:
            found = self._ask(name)
        except BaseException as error:  # noqa: BLE001 - raised where the answer is waited for
            self._forget(name)
            future.set_exception(error)
        else:
            self._forget(name)
            future.set_result(found)

    def _forget(self, name: str) -> None:
        with self._lock:
            self._asked.pop(name, None)
