"""Everybody who may call: the columns of the permission table, as headers."""

from typing import Any

import jwt
from werkzeug.test import TestResponse

from ops.permissions_docs import CLIENT_TOKEN, NOBODY, WORKER_TOKEN
from shared.identity.tokens import ALGORITHM
from tests.checked_client import CheckedClient
from tests.factories.everything import Everything
from tests.factories.organizations import Company


def callers(everything: Everything) -> dict[str, dict[str, str]]:
    """`Authorization` of each kind of caller, by the name of their column."""
    company = everything.company
    return {
        NOBODY: {},
        **{str(role): headers for role, headers in everything.everybody().items()},
        CLIENT_TOKEN: forged(company, aud="client"),
        WORKER_TOKEN: forged(company, aud="worker"),
    }


def forged(company: Company, **claims: Any) -> dict[str, str]:
    """The owner's token, signed with the right key, in a session that lives, but with other `claims`."""
    token = company.headers()["Authorization"].removeprefix("Bearer ")
    genuine = jwt.decode(token, options={"verify_signature": False})
    secret = company.services.settings.auth_secret_key.get_secret_value()
    return {"Authorization": f"Bearer {jwt.encode(genuine | claims, secret, ALGORITHM)}"}


def call(client: CheckedClient, request: dict[str, Any], headers: dict[str, str]) -> TestResponse:
    """The answer to `request` when somebody with `headers` makes it."""
    answer = client.open(**request | {"headers": request.get("headers", {}) | headers})
    answer.get_data()  # one that is streamed is over when it is read
    answer.close()
    return answer
