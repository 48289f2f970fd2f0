"""What a stand-in does to a connection when it is told to misbehave."""

import socket
from collections.abc import Iterator
from typing import NoReturn


def dropped(connection: socket.socket) -> Iterator[bytes]:
    """An answer that never begins. The server takes the error for that of a client that has gone."""

    def drop() -> NoReturn:
        connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError

    yield drop()
