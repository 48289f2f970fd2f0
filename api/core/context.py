"""What a route finds at hand: the process's services, the caller, the caller's scope, the time."""

from datetime import datetime

from flask import current_app, g

from shared.core import clock
from shared.core.actor import Actor
from shared.core.tenancy import SignedIn
from shared.wiring import Services

EXTENSION = "crewline"


def services() -> Services:
    """The services that `create_app` was given."""
    found: Services = current_app.extensions[EXTENSION]
    return found


def actor() -> Actor:
    """The caller, as `@requires` has established."""
    found: Actor = g.actor
    return found


def tenant() -> SignedIn:
    """The scope of the caller's organization, as long as the caller's session lives."""
    found: SignedIn = g.scope
    return found


def now() -> datetime:
    """The moment this request came in: one request has one time."""
    if "now" not in g:
        g.now = clock.utc_now()
    found: datetime = g.now
    return found


def request_id() -> str:
    """The request's identifier, as it is logged and answered."""
    found: str = g.request_id
    return found
