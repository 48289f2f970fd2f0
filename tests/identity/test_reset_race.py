"""Signing in while the password is being set."""

from datetime import UTC, datetime

import pytest

from shared.core.permissions import Role
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.identity import accounts, passwords, signing_in
from shared.identity.tokens import Unauthenticated
from tests.factories.identity import PASSWORD, make_link, make_person
from tests.factories.organizations import Company


def test_a_sign_in_with_the_old_password_does_not_outlive_the_reset(company: Company) -> None:
    person, email = make_person(company.org_id, role=Role.DISPATCHER)
    with read_only(PLATFORM) as session:
        checked = signing_in.find_account(session, email=email, org=company.slug)
    assert checked is not None
    assert passwords.matches(checked.password_hash, PASSWORD)
    # The check of the old password has passed; before its session is opened, the password is set anew.
    link = make_link(person)
    with transaction(company.scope) as session:
        new_hash = passwords.hash_password("another long password")
        accounts.set_password(session, person, link, new_hash, now=datetime.now(UTC))
    with pytest.raises(Unauthenticated), transaction(company.scope) as session:
        signing_in.start_session(
            session,
            company.services.settings,
            person,
            checked_hash=checked.password_hash,
            now=datetime.now(UTC),
        )
