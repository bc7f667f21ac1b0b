"""HR keeps people's records without becoming an administrator, through the pages for users (SPEC §3)."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.people.models import Role, Tenant, User
from portal.people.roles import slug
from tests.conftest import MakeClient
from tests.support.cast import Cast, Person, make_person
from tests.support.client import PortalClient
from tests.support.hiring import at_work, colleague

ABOVE = "You may not give a role that permits more than yours."
ADMINISTRATOR = "This is an administrator; only another administrator may change the record."


@pytest.fixture
def office(app: Flask, cast: Cast) -> dict[str, UUID]:
    """Keys of Harbour's roles by name, and of one user of each of some roles by `user:` and the role's name."""
    with app.app_context(), at_work(cast.alice):
        keys = {role.name: role.id for role in db.session.scalars(sa.select(Role))}
        keys |= {f"user:{role}": colleague(role).id for role in ("HR", "Recruiter", "CEO")}
        db.session.commit()
    return keys


def user_of(app: Flask, cast: Cast, key: UUID | None = None, **by: str) -> dict[str, Any] | None:
    """What is stored of a user, with the roles' names."""
    with app.app_context(), at_work(cast.alice):
        query = sa.select(User).filter_by(**by) if by else sa.select(User).where(User.id == key)
        user = db.session.scalar(query)
        if user is None:
            return None
        return {
            "full_name": user.full_name, "roles": [role.name for role in user.roles], "active": user.active,
            "password_hash": user.password_hash, "version": user.version, "get_id": user.get_id(),
        }  # fmt: skip


class SessionOf:
    """Enough of a user to log in."""

    def __init__(self, key: str) -> None:
        self._key = key

    def get_id(self) -> str:
        return self._key


@pytest.fixture
def hr(app: Flask, cast: Cast, office: dict[str, UUID], make_client: MakeClient) -> PortalClient:
    found = user_of(app, cast, office["user:HR"])
    assert found
    return make_client(SessionOf(found["get_id"]))


def fill(name: str, email: str, roles: list[UUID], **more: Any) -> dict[str, Any]:
    return {
        "full_name": name,
        "email": email,
        "timezone": "UTC",
        "active": "y",
        "roles": [str(r) for r in roles],
        **more,
    }


def test_hr_makes_users_but_no_administrators(
    app: Flask, cast: Cast, office: dict[str, UUID], hr: PortalClient
) -> None:
    made = hr.submit("/users/new", fill("Nell New", "nell@harbour.example", [office["Recruiter"]]))
    assert made.status_code == 302
    nell = user_of(app, cast, email="nell@harbour.example")
    assert nell is not None
    assert (nell["full_name"], nell["roles"]) == ("Nell New", ["Recruiter"])
    for role in ("System Admin", "CEO", "Director"):
        refused = hr.submit("/users/new", fill("Eve Evil", "eve@harbour.example", [office["HR"], office[role]]))
        assert (refused.status_code, ABOVE in refused.text) == (422, True)
    assert user_of(app, cast, email="eve@harbour.example") is None


@pytest.mark.parametrize("who", ["user:Recruiter", "user:HR"])
def test_hr_raises_nobody_above_itself_not_even_itself(
    app: Flask, cast: Cast, office: dict[str, UUID], hr: PortalClient, who: str
) -> None:
    before = user_of(app, cast, office[who])
    form = fill("Raised Roe", "raised@harbour.example", [office["System Admin"]], row_version=1)
    refused = hr.submit(f"/users/{office[who]}/edit", form)
    assert (refused.status_code, ABOVE in refused.text) == (422, True)
    assert user_of(app, cast, office[who]) == before


@pytest.mark.parametrize(
    "more", [{"new_password": "a way in for me"}, {"active": ""}, {"email": "mine@harbour.example"}]
)
def test_hr_does_not_take_over_an_administrator(
    app: Flask, cast: Cast, office: dict[str, UUID], hr: PortalClient, more: dict[str, str]
) -> None:
    before = user_of(app, cast, office["user:CEO"])
    form = fill("The CEO", "ceo@harbour.example", [office["CEO"]], row_version=1) | more
    refused = hr.submit(f"/users/{office['user:CEO']}/edit", form)
    assert (refused.status_code, ADMINISTRATOR in refused.text) == (422, True)
    assert user_of(app, cast, office["user:CEO"]) == before


def test_an_administrator_may_do_both(app: Flask, cast: Cast, office: dict[str, UUID], make_client: MakeClient) -> None:
    admin = make_client(cast.alice)
    form = fill("Risen Roe", "risen@harbour.example", [office["System Admin"]], row_version=1)
    assert admin.submit(f"/users/{office['user:Recruiter']}/edit", form).status_code == 302
    risen = user_of(app, cast, office["user:Recruiter"])
    assert risen is not None
    assert (risen["full_name"], risen["roles"]) == ("Risen Roe", ["System Admin"])


def test_a_change_of_roles_alone_makes_an_older_save_stale(
    app: Flask, cast: Cast, office: dict[str, UUID], make_client: MakeClient
) -> None:
    admin, url = make_client(cast.alice), f"/users/{office['user:Recruiter']}/edit"
    before = user_of(app, cast, office["user:Recruiter"])
    assert before is not None
    same = fill(before["full_name"], "same@harbour.example", [office["Recruiter"]], row_version=1)
    assert admin.submit(url, same).status_code == 302
    assert admin.submit(url, same | {"roles": [str(office["CRE"])], "row_version": 2}).status_code == 302
    stale = admin.submit(url, same | {"row_version": 2})
    assert stale.status_code == 409
    after = user_of(app, cast, office["user:Recruiter"])
    assert after is not None
    assert (after["roles"], after["version"]) == (["CRE"], 3)


def test_a_deactivation_ends_log_ins_even_after_a_later_return(
    app: Flask, cast: Cast, office: dict[str, UUID], make_client: MakeClient
) -> None:
    key = office["user:Recruiter"]
    before = user_of(app, cast, key)
    assert before is not None
    theirs, admin = make_client(SessionOf(before["get_id"])), make_client(cast.alice)
    assert theirs.get("/").status_code == 200
    form = fill("Ruth Roe", "ruth@harbour.example", [office["Recruiter"]])
    admin.submit(f"/users/{key}/edit", form | {"active": "", "row_version": 1})
    admin.submit(f"/users/{key}/edit", form | {"row_version": 2})
    after = user_of(app, cast, key)
    assert after is not None
    assert (after["active"], theirs.get("/").status_code) == (True, 302)


def test_nobody_deactivates_themselves(app: Flask, cast: Cast, office: dict[str, UUID], hr: PortalClient) -> None:
    form = fill("HR", "hr@harbour.example", [office["HR"]], row_version=1) | {"active": ""}
    refused = hr.submit(f"/users/{office['user:HR']}/edit", form)
    assert (refused.status_code, "You cannot deactivate yourself." in refused.text) == (422, True)


def test_a_role_of_another_tenant_is_no_choice(
    app: Flask, cast: Cast, office: dict[str, UUID], hr: PortalClient
) -> None:
    with app.app_context(), at_work(cast.charlie):
        foreign = db.session.scalars(sa.select(Role.id).where(Role.name == "CRE")).one()
    refused = hr.submit("/users/new", fill("Nell New", "nell@harbour.example", [foreign]))
    assert (refused.status_code, "This is not one of the choices." in refused.text) == (422, True)


def test_a_password_that_is_too_short_is_said_beside_its_field_and_a_new_one_works(
    app: Flask, cast: Cast, office: dict[str, UUID], hr: PortalClient, make_client: MakeClient
) -> None:
    key = office["user:Recruiter"]
    form = fill("Ruth Roe", "ruth@harbour.example", [office["Recruiter"]], row_version=1)
    short = hr.submit(f"/users/{key}/edit", form | {"new_password": "ninechars"})
    assert (short.status_code, 'id="new_password-error"' in short.text) == (422, True)
    assert hr.submit(f"/users/{key}/edit", form | {"new_password": "ten chars!"}).status_code == 302
    assert make_client().log_in_by_form("ruth@harbour.example", "ten chars!").status_code == 302


def _hired(app: Flask, cast: Cast, *roles: str) -> list[Person]:
    with app.app_context(), everywhere(db.session):
        tenant = db.session.get_one(Tenant, cast.alice.tenant_id)
        made = [make_person(tenant, f"{slug(role)}@law.example", role, role) for role in roles]
        db.session.commit()
    return made


def _role_keys(client: PortalClient, *names: str) -> list[str]:
    offered: Any = client.get("/lookup/roles").json
    return [each["id"] for each in offered if each["label"] in names]


def test_hr_reaches_roles_and_settings_by_no_roundabout_way(app: Flask, make_client: MakeClient, cast: Cast) -> None:
    (hana,) = _hired(app, cast, "HR")
    client = make_client(hana)
    roles = _role_keys(client, "HR", "Manager")
    data = {"full_name": "Hana", "email": hana.email, "timezone": "UTC", "active": "y", "row_version": "1"}
    answer = client.submit(f"/users/{hana.id}/edit", {**data, "roles": roles})
    assert "permits more than yours" in answer.get_data(as_text=True)
    assert client.get("/roles/").status_code == 403


def test_addresses_are_not_found_by_those_who_may_not_read_them(
    app: Flask, make_client: MakeClient, cast: Cast
) -> None:
    ray, hana = _hired(app, cast, "Recruiter", "HR")
    found = {
        person.full_name: "Bob Baker" in make_client(person).get("/users/?q=bob@harbour").get_data(as_text=True)
        for person in (ray, hana)
    }
    assert found == {"Recruiter": False, "HR": True}
    assert make_client(ray).get("/lookup/users?q=bob@harbour").json == []


def test_new_roles_stand_in_the_history_of_the_user(app: Flask, make_client: MakeClient, cast: Cast) -> None:
    client = make_client(cast.alice)
    roles = _role_keys(client, "CRE", "Director")
    data = {"full_name": "Bob Baker", "email": cast.bob.email, "timezone": "UTC", "active": "y", "row_version": "1"}
    page = client.submit(f"/users/{cast.bob.id}/edit", {**data, "roles": roles}, follow_redirects=True)
    assert "CRE, Director" in page.get_data(as_text=True)
