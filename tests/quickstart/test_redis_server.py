"""Our own Redis: behind a password, on the loopback, never evicting, with what it had after a restart."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops.quickstart.errors import QuickstartError
from ops.quickstart.redis_server import RedisServer

PASSWORD = 'p a"s\\s/w@rd'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", password=PASSWORD)
    server.start()
    yield server
    server.stop()


def _client(server: RedisServer) -> redis.Redis:
    return redis.Redis.from_url(server.url())


def test_nobody_comes_in_without_the_password(server: RedisServer) -> None:
    once = Retry(NoBackoff(), 0)
    with (
        redis.Redis(host=server.host, port=server.port, retry=once) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()
    with _client(server) as client:
        assert client.ping()


def test_the_password_is_in_no_command_line_and_no_public_file(server: RedisServer) -> None:
    assert PASSWORD not in " ".join(server.command())
    assert Path(server.command()[1]).stat().st_mode & 0o077 == 0


def test_it_keeps_everything_and_listens_on_the_loopback_only(server: RedisServer) -> None:
    with _client(server) as client:
        settings = client.config_get("maxmemory-policy", "appendonly", "appendfsync", "save", "bind")
    assert settings == {
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "bind": "127.0.0.1",
    }


def test_what_was_written_is_there_after_a_restart(server: RedisServer) -> None:
    with _client(server) as client:
        client.set("kept", "42")
        server.restart()
        assert client.get("kept") == b"42"


def test_a_killed_server_starts_again_with_all_it_had_answered(server: RedisServer) -> None:
    with _client(server) as client:
        client.set("kept", "42")
    server.stop(signal.SIGKILL)
    server.start()
    with _client(server) as client:
        assert client.get("kept") == b"42"


def test_a_frozen_server_can_be_stopped(server: RedisServer) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    server.stop()
    assert server.pid is None


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = RedisServer(tmp_path / "redis", other.getsockname()[1], password=PASSWORD)
        with pytest.raises(QuickstartError, match=f"Port {server.port} .* taken"):
            server.start()
