"""Two organizations with one of every thing."""

import pytest

from tests.factories.everything import Everything, make_everything
from tests.factories.organizations import Company


@pytest.fixture
def inhabited(company: Company, neighbour: Company) -> tuple[Everything, Everything]:
    """Two organizations with a row in every tenant table."""
    return make_everything(company), make_everything(neighbour)
