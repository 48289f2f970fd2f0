"""What a Basic login may do, operation by operation: the same as a person of its role."""

import pytest
from sqlalchemy import Connection

from tests.checked_client import CheckedClient
from tests.contract.callers import call
from tests.contract.requests_from_openapi import Operation, operations
from tests.contract.test_other_organizations import CANNOT_SUCCEED
from tests.factories.everything import Everything
from tests.factories.organizations import Company
from tests.identity.basic import ROLES, basic, with_logins
from tests.variants import client_on

FOR_STAFF = [operation for operation in operations() if not operation.is_public]
OF_ACCOUNT = {
    "logout",
    "change_password",
    "list_sessions",
    "end_session",
    "begin_mfa",
    "confirm_mfa",
    "renew_recovery_codes",
    "remove_mfa",
}
"""Operations, by operationId, about the caller's own account, which a Basic login has none of."""

_clients: dict[str, CheckedClient] = {}


def _client_of(company: Company) -> CheckedClient:
    """A client of an installation whose logins act in the company; made once, because it is asked for often."""
    if company.slug not in _clients:
        _clients[company.slug] = client_on(with_logins(company.services, company.slug))
    return _clients[company.slug]


@pytest.mark.parametrize("operation", FOR_STAFF, ids=str)
def test_each_login_has_the_rights_of_its_role_on_every_operation(
    database: Connection, inhabited: tuple[Everything, Everything], operation: Operation
) -> None:
    everything = inhabited[0]
    company, ids = everything.company, everything.ids_for(operation.id)
    client = _client_of(company)
    outcomes = {}
    for name, role in ROLES.items():
        answers = []
        for headers in (company.headers(role), basic(name)):
            attempt = database.begin_nested()
            answers.append(call(client, operation.request(ids), headers))
            attempt.rollback()
        person, login = answers
        label = f"{operation} as {name}: {login.status} {login.get_data(as_text=True)}"
        if operation.id in OF_ACCOUNT:
            assert (login.status_code, login.get_json()["code"]) == (403, "access.no_account"), label
        else:
            assert login.status_code == person.status_code, label
            outcomes[name] = login.status_code
        assert ("Deprecation" in login.headers, "Deprecation" in person.headers) == (True, False), label
    assert operation.id in OF_ACCOUNT | set(CANNOT_SUCCEED) or outcomes["owner"] < 300
