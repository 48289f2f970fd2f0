"""TCP ports on the loopback interface."""

import random
import socket

# Below the range that Linux (32768) and macOS (49152) hand to outgoing connections: a port from that range can be
# taken by any client on the machine during the second in which a killed server is down.
_RANGE = range(15000, 32000)
_TRIES = 200


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on the port now. Connections of a former server in TIME_WAIT do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(preferred: int | None = None, taken: frozenset[int] = frozenset()) -> int:
    """The preferred port when it is free, else any free one outside `taken`. Raises OSError when there is none."""
    if preferred is not None and preferred not in taken and is_free(preferred):
        return preferred
    for port in random.sample(_RANGE, _TRIES):
        if port not in taken and is_free(port):
            return port
    raise OSError(f"no free port found in {_RANGE.start}-{_RANGE.stop}")
