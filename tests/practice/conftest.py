"""Alice's tenant with a job whose role has a checklist, and a mock interview of it, seen through the pages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.ctx import AppContext

from portal.core.db import db
from portal.people.models import Tenant, User
from portal.practice.models import (
    MockInterview,
    MockInterviewChecklistItem,
    MockInterviewChecklistTemplate,
)
from tests.support.cast import Cast, Person, make_person
from tests.support.client import PortalClient
from tests.support.clock import Clock
from tests.support.hiring import at_work, make_application, make_job
from tests.support.practice import conducted, in_days, make_criteria, sent


@dataclass
class Ward:
    """People are called by their names, and made when first called."""

    app: Flask
    cast: Cast
    make_client: Callable[..., PortalClient]
    people: dict[str, Person] = field(default_factory=dict)

    @contextmanager
    def at_work(self) -> Iterator[User]:
        """A session as Alice, committed at the end."""
        with self.app.app_context(), at_work(self.cast.alice) as alice:
            yield alice
            db.session.commit()

    def person(self, name: str, role: str = "Interview Coordinator") -> Person:
        if name not in self.people:
            with self.at_work():
                tenant = db.session.get_one(Tenant, self.cast.alice.tenant_id)
                self.people[name] = make_person(tenant, f"{name.lower()}@harbour.example", name, role)
        return self.people[name]

    def client(self, name: str, role: str = "Interview Coordinator") -> PortalClient:
        return self.make_client(self.person(name, role))

    def switch_off(self, *features: str) -> None:
        with self.at_work():
            tenant = db.session.get_one(Tenant, self.cast.alice.tenant_id)
            tenant.features = dict.fromkeys(features, False)

    def role(self, *criteria: str) -> UUID:
        """A job role with this checklist."""
        with self.at_work():
            job = make_job()
            make_criteria(job, *criteria)
            key: UUID = job.job_role_id
            return key

    def criteria(self, role: UUID) -> list[MockInterviewChecklistTemplate]:
        with self.at_work():
            model = MockInterviewChecklistTemplate
            query = sa.select(model).where(model.job_role_id == role).order_by(model.order, model.id)
            found = list(db.session.scalars(query))
            db.session.expunge_all()
            return found

    def mock(self, coordinator: str = "Cora", *criteria: str, begun: bool = True, days: float = 2) -> UUID:
        """A mock interview of ``coordinator`` with these criteria, in progress unless told otherwise."""
        person = self.person(coordinator)
        with self.at_work() as alice:
            user = db.session.get_one(User, (person.tenant_id, person.id))
            job = make_job()
            make_criteria(job, *(criteria or ("Listens", "Hands over")))
            application = make_application("documents_verified", job=job, coordinator=user)
            make = conducted if begun else sent
            key: UUID = make(user, application, start=in_days(days), by=alice).id
            return key

    def row(self, key: UUID) -> MockInterview:
        with self.at_work():
            found = db.session.get_one(MockInterview, (self.cast.alice.tenant_id, key))
            db.session.expunge(found)
            return found

    def items(self, key: UUID) -> list[MockInterviewChecklistItem]:
        with self.at_work():
            model = MockInterviewChecklistItem
            query = sa.select(model).where(model.mock_interview_id == key).order_by(model.order)
            found = list(db.session.scalars(query))
            db.session.expunge_all()
            return found


@pytest.fixture
def ward(app: Flask, cast: Cast, make_client: Any) -> Ward:
    return Ward(app, cast, make_client)


@pytest.fixture
def alice(cast: Cast, ctx: AppContext, clock: Clock) -> Iterator[User]:
    """May do everything in her tenant."""
    with at_work(cast.alice) as user:
        yield user
