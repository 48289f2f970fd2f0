"""What a route finds at hand: the process's services, the caller, the caller's scope, the time.

Kept in a variable of our own and not in Flask's `g`: it has types, and each look at `g` or `request` costs several
function calls, which added up to a tenth of a small request.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Request

from api.core.client_address import client_address
from shared.core.actor import Actor
from shared.core.tenancy import Tenant
from shared.wiring import Services

if TYPE_CHECKING:
    from sqlalchemy import Row


@dataclass(slots=True)
class Call:
    """One request: what it came with, and what is found out about it on its way. `started` is on `perf_counter`, `now`
    is when the request was there, with its JSON if it has any. `company` is whom a stranger has come to."""

    services: Services
    request: Request
    request_id: str
    now: datetime
    started: float
    scope: Tenant | None = None
    actor: Actor | None = None
    problem_code: str | None = None
    is_legacy: bool = False
    company: "Row[Any] | None" = None
    _address: str | None = None

    @property
    def address(self) -> str:
        """Where the request comes from, looked up when somebody asks first."""
        if self._address is None:
            self._address = client_address(self.request, self.services.settings)
        return self._address


_call: ContextVar[Call] = ContextVar("call")


def begin(call: Call) -> None:
    """From now on `call` is what this thread works on."""
    _call.set(call)


def current() -> Call:
    """The request that this thread works on."""
    return _call.get()


def services() -> Services:
    """The services that `create_app` was given."""
    return _call.get().services


def actor() -> Actor:
    """The caller, as `@requires` has established."""
    found = _call.get().actor
    assert found is not None, "the view is public"
    return found


def tenant() -> Tenant:
    """The scope of the caller's organization; of somebody who is signed in, as long as their session lives."""
    found = _call.get().scope
    assert found is not None, "the view is public"
    return found


def now() -> datetime:
    """The moment this request was there: one request has one time."""
    return _call.get().now


def request_id() -> str:
    """The request's identifier, as it is logged and answered."""
    return _call.get().request_id


def address() -> str:
    """Where this request comes from: the client's address, seen through the proxies that are trusted."""
    return _call.get().address
