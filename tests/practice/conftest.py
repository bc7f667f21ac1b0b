"""Alice at work in her tenant, on a Monday at nine, with an application context open."""

from collections.abc import Iterator

import pytest
from flask.ctx import AppContext

from portal.people.models import User
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.hiring import at_work


@pytest.fixture
def alice(cast: Cast, ctx: AppContext, clock: Clock) -> Iterator[User]:
    """May do everything in her tenant."""
    with at_work(cast.alice) as user:
        yield user
