"""What the values of settings may be: types that check and normalize what an operator has typed."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from shared.core.networks import Address, Network, read_addresses, read_networks
from shared.core.permissions import Role


def _postgres_url(value: SecretStr) -> SecretStr:
    """Name the driver: SQLAlchemy 2.1 reads a bare `postgresql://` as psycopg 3."""
    try:
        url: URL = make_url(value.get_secret_value())
    except ArgumentError:
        raise ValueError("is not a database URL (postgresql://user:password@host:port/name)") from None
    if url.drivername not in {"postgres", "postgresql", "postgresql+psycopg2"}:
        raise ValueError("must be a postgresql:// URL")
    url = url.set(drivername="postgresql+psycopg2")
    return SecretStr(url.render_as_string(hide_password=False))


def _redis_url(value: SecretStr) -> SecretStr:
    if urlsplit(value.get_secret_value()).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must be a redis://, rediss:// or unix:// URL")
    return value


def _http_origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("must be an http:// or https:// URL")
    return value.rstrip("/")


def _items(comma_list: str) -> list[str]:
    return [item.strip() for item in comma_list.split(",") if item.strip()]


def _comma_list(value: object) -> object:
    return _items(value) if isinstance(value, str) else value


def _addresses(value: object) -> object:
    return read_addresses(_items(value)) if isinstance(value, str) else value


def _networks(value: object) -> object:
    return read_networks(_items(value)) if isinstance(value, str) else value


PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
HttpUrl = Annotated[str, AfterValidator(_http_origin)]
OptionalHttpUrl = Annotated[str, AfterValidator(lambda value: _http_origin(value) if value else value)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_list)]
Addresses = Annotated[tuple[Address, ...], NoDecode, BeforeValidator(_addresses)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)]
"""NoDecode: the environment has comma lists, not JSON."""


@dataclass(frozen=True, slots=True)
class BasicLogin:
    """A legacy login: who sends this name and password acts with `role`. `prefix` is that of its two settings."""

    role: Role
    prefix: str
    username: str
    password: SecretStr
