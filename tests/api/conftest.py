from collections.abc import Callable

import pytest
from flask import Flask

from tests.support.api import ApiCaller, caller
from tests.support.cast import Cast
from tests.support.world import World, populate


@pytest.fixture
def world(app: Flask, cast: Cast) -> World:
    return populate(app, cast)


@pytest.fixture
def _world_first(request: pytest.FixtureRequest) -> None:
    """The world, where a test asks for one, before the tokens: it is remembered for the cast alone."""
    if "world" in request.fixturenames:
        request.getfixturevalue("world")


@pytest.fixture
def alice(app: Flask, cast: Cast, _world_first: None) -> ApiCaller:
    """Calls of Alice, who may do everything in her tenant."""
    return caller(app, cast.alice)


@pytest.fixture
def as_role(app: Flask, cast: Cast, _world_first: None) -> Callable[[str], ApiCaller]:
    """Calls of somebody in a built-in role of Alice's tenant."""
    from portal.core.db import db
    from portal.core.tenancy import everywhere
    from portal.people.models import Tenant
    from portal.people.roles import slug
    from tests.support.cast import make_person

    def made(role: str) -> ApiCaller:
        with app.app_context(), everywhere(db.session):
            tenant = db.session.get_one(Tenant, cast.alice.tenant_id)
            person = make_person(tenant, f"{slug(role)}@api.example", role, role)
            db.session.commit()
        return caller(app, person)

    return made
