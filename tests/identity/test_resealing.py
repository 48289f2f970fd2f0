"""Second factors under a new key, a batch at a time."""

from uuid import UUID

from pydantic import SecretStr

from shared.core.sealing import Resealing, seal, unseal
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.identity.resealing import reseal_second_factors
from shared.wiring import Services
from tests.factories.identity import change_user, make_person
from tests.factories.organizations import Company
from tests.rows import rows
from tests.variants import with_settings


def test_batches_reach_every_account_once(services: Services, company: Company, neighbour: Company) -> None:
    old = services.settings
    keys = {"auth_secret_key": SecretStr("n" * 40), "auth_secret_key_previous": old.auth_secret_key}
    new, alone = with_settings(services, **keys), with_settings(services, auth_secret_key=keys["auth_secret_key"])
    for each in (company, neighbour, company, neighbour, company):
        person, _ = make_person(each.org_id)
        change_user(person, totp_secret=seal(old, str(person.user_id)))

    work, places, place = Resealing(new.settings), [], None
    while True:
        with transaction(PLATFORM) as session:
            place = reseal_second_factors(session, work, after=place, limit=2)
        if place is None:
            break
        places.append(place)
    assert len(places) == 3
    assert (work.resealed, work.current, work.unreadable) == (5, 0, 0)
    kept = rows("SELECT id, totp_secret FROM users WHERE totp_secret IS NOT NULL")
    assert len(kept) == 5
    assert [UUID(unseal(alone.settings, each["totp_secret"])) for each in kept] == [each["id"] for each in kept]
