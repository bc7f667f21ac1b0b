"""What stands on a page: the errors beside fields, and rows of the database behind it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask

from portal.core.context import act
from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.people.models import User
from tests.support.cast import Person


def errors(answer: Any) -> dict[str, str]:
    """Each field's error as it stands beside the field, by the field's id."""
    found = re.findall(r'id="([\w-]+)-error">.*?<span>(.*?)</span>', answer.get_data(as_text=True), re.S)
    return {name: " ".join(re.sub(r"<.*?>", "", text).split()) for name, text in found}


def text(answer: Any) -> str:
    """A page's words, without its tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True)).split())


@contextmanager
def behind(app: Flask, person: Person) -> Iterator[User]:
    """The database as `person` works with it; what was written is committed."""
    with app.app_context(), tenant_scope(person.tenant_id), act(by=person.id, label=person.full_name):
        yield db.session.get_one(User, (person.tenant_id, person.id))
        db.session.commit()
