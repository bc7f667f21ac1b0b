"""Laws over the registries: what is new is tested on arrival."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.admin.grid import grids
from portal.core import access
from portal.core.db import Model, OfTenant, db, naming
from portal.core.tenancy import everywhere, tenant_scope
from portal.core.types import Ruled
from portal.core.workflow import workflows
from portal.people.models import Tenant
from portal.people.roles import BUILT_IN, slug
from tests.support import statements
from tests.support.api import caller
from tests.support.cast import Cast, make_person
from tests.support.world import World, populate

OPEN = {
    "static", "people.login", "health.alive", "health.ready", "metrics.metrics", "inbound.receive", "feed.calendar",
    "api.openapi", "api.docs",
    "sockets.admit",  # asks as well, but answers 403 whatever is amiss
}  # fmt: skip


@pytest.fixture
def world(app: Flask, cast: Cast) -> World:
    """Both tenants with at least one row behind every grid."""
    return populate(app, cast)


def _rules(app: Flask, method: str) -> Iterator[Any]:
    for rule in app.url_map.iter_rules():
        if method in (rule.methods or ()) and rule.endpoint not in OPEN:
            yield rule


def _url(app: Flask, rule: Any, key: str) -> str:
    keys = ("key", "run", "view", "id", "item_id", "session_id", "delivery_id")
    values = {name: key if name in keys else "x" for name in rule.arguments}
    values |= {"verb": "confirm", "kind": "csv", "name": "users"} | {k: v for k, v in values.items() if v == key}
    with app.test_request_context():
        built = app.url_map.bind("localhost").build(rule.endpoint, {n: values[n] for n in rule.arguments})
    return str(built)


def test_every_page_asks_who_you_are(app: Flask, client: Any) -> None:
    answers = {}
    for rule in _rules(app, "GET"):
        answer = client.get(_url(app, rule, str(uuid4())))
        answers[rule.rule] = (answer.status_code, answer.headers.get("Location", "").split("?")[0])
    # A person is shown the way to the door; a program is told that it needs a token.
    asked = {rule: (401, "") if rule.startswith("/api/") else (302, "/login") for rule in answers}
    assert {rule: got for rule, got in answers.items() if got != asked[rule]} == {}


def test_every_post_without_a_token_is_refused(app: Flask, make_client: Any, cast: Cast) -> None:
    client = make_client(cast.alice)
    answers = {rule.rule: client.post(_url(app, rule, str(uuid4()))).status_code for rule in _rules(app, "POST")}
    for method in ("PATCH", "DELETE"):
        for rule in _rules(app, method):
            answers[f"{method} {rule.rule}"] = client.open(_url(app, rule, str(uuid4())), method=method).status_code
    assert {rule: code for rule, code in answers.items() if code != 400} == {}
    assert client.post("/login", data={"email": "x@y.example", "password": "z"}).status_code == 400


def _plain(answer: Any) -> tuple[int, str]:
    """An answer without what differs each time: the request's id, and the time stamp in a form's token."""
    body = answer.get_data(as_text=True).replace(answer.headers["X-Request-Id"], "")
    return answer.status_code, re.sub(r'(name="csrf_token" value=")[^"]+', r"\1", body)


def test_a_foreign_row_answers_as_one_that_never_was(app: Flask, make_client: Any, cast: Cast, world: World) -> None:
    client = make_client(cast.alice)
    told: dict[str, Any] = {}
    for grid, foreign in world.foreign.items():
        for page in ("", "/edit", "/delete", "/move/confirm"):
            theirs = client.get(f"/{grid}/{foreign}{page}")
            nobodys = client.get(f"/{grid}/{uuid4()}{page}")
            if _plain(theirs) != _plain(nobodys) or theirs.status_code not in (403, 404):
                told[f"{grid}{page}"] = (theirs.status_code, nobodys.status_code)
        for page in ("/edit", "/delete", "/move/confirm"):
            theirs, nobodys = (client.submit(f"/{grid}/{key}{page}") for key in (foreign, uuid4()))
            if _plain(theirs) != _plain(nobodys) or theirs.status_code not in (403, 404, 405):
                told[f"POST {grid}{page}"] = (theirs.status_code, nobodys.status_code)
    assert told == {}


_BODIES = {"status": "withdrawn", "outcome": "passed", "reply": "accepted", "reason": "x", "progress_notes": "x"}


def test_in_the_api_a_foreign_row_answers_as_one_that_never_was(app: Flask, cast: Cast, world: World) -> None:
    api = caller(app, cast.alice)
    grids_of = {"candidate-projects": "applications", "interview-slots": "slots", "me": "users"}
    told: dict[str, Any] = {}
    for each in app.extensions["api"]:
        if "{" not in each.path:
            continue
        known = {**world.foreign, "notifications": world.foreign_note}
        foreign = known[grids_of.get(each.tag, each.tag)]
        foreign = world.foreign["job-roles"] if "by-role" in each.path else foreign
        foreign = cast.charlie.id if "coordinator/" in each.path else foreign
        foreign = world.foreign["applications"] if "candidate-project/" in each.path else foreign
        body = (_valid(each, world, cast) if not each.reads and each.method != "DELETE" else None) or None
        query = "?reason=x" if any(param.name == "reason" for param in each.params) else ""
        theirs, nobodys = (api.ask(each.method, _filled(each.path, key, world) + query, body)
                           for key in (foreign, uuid4()))  # fmt: skip
        if _plain(theirs) != _plain(nobodys) or theirs.status_code != 404:
            told[f"{each.method} {each.path}"] = (
                theirs.status_code,
                nobodys.status_code,
                theirs.get_data(as_text=True),
            )
    assert told == {}


def _filled(path: str, key: Any, world: World) -> str:
    below = {
        "{item_id}": world.foreign["mock-interview-items"],
        "{session_id}": world.foreign["training-sessions"],
        "{delivery_id}": world.foreign["webhook-deliveries"],
    }
    for name, value in below.items():
        path = path.replace(name, str(value))
    return "/" + path.replace("{id}", str(key))


def _valid(endpoint: Any, world: World, cast: Cast) -> dict[str, Any]:
    """A body that is right in itself, so that only the row is missing."""
    later = {"scheduled_start": "2099-01-01T09:00:00Z", "scheduled_end": "2099-01-01T10:00:00Z"}
    own = {
        "coordinator_id": cast.alice.id, "job_role_id": world.own["job-roles"], "session_start": "2099-01-01T09:00:00Z",
        "topic": "x", "criterion": "x", "decision": "approved", "overall_rating": 3, **later, **_BODIES,
    }  # fmt: skip
    if endpoint.path.startswith("training/") and endpoint.path.endswith("/complete") and "session" not in endpoint.path:
        own["outcome"] = "dropped_out"
    return {name: own[name] for name, field in (endpoint.body or {}).items() if field.required}


def test_no_list_export_or_look_up_shows_the_other_tenant(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    client = make_client(cast.alice)
    seen = []
    for grid in grids().values():
        for url in (grid.url, f"{grid.url}?q=charlie", f"{grid.url}?q=northwind", f"{grid.url}export.csv"):
            body = client.get(url).get_data(as_text=True)
            if str(world.foreign.get(grid.path, "-")) in body or "Northwind-only" in body:
                seen.append(url)
    for name in ("users", "candidates", "applications", "jobs", "projects", "teams", "roles", "job_roles"):
        if "Northwind-only" in client.get(f"/lookup/{name}?q=northwind").get_data(as_text=True):
            seen.append(name)
    for each in app.extensions["api"]:
        if each.method == "GET" and "{" not in each.path:
            for query in ("", "?q=northwind") if any(param.name == "q" for param in each.params) else ("",):
                body = client.get(f"/api/{each.path}{query}").get_data(as_text=True)
                if "Northwind-only" in body or str(cast.charlie.tenant_id) in body:
                    seen.append(each.path)
    assert seen == []


@pytest.mark.parametrize("role", list(BUILT_IN))
def test_the_menu_offers_just_what_opens(app: Flask, make_client: Any, cast: Cast, role: str) -> None:
    with app.app_context(), everywhere(db.session):
        tenant = db.session.get(Tenant, cast.alice.tenant_id)
        assert tenant is not None
        person = make_person(tenant, f"{slug(role)}@law.example", role, role)
        db.session.commit()
    client = make_client(person)
    menu = client.get("/").get_data(as_text=True)
    offered = {grid.path for grid in grids().values() if f'href="{grid.url}"' in menu}
    opens = {grid.path for grid in grids().values() if client.get(grid.url).status_code == 200 and grid.in_menu}
    assert offered == opens


def test_every_list_costs_the_same_for_one_row_and_fifty(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    client = make_client(cast.alice)
    lists = [grid.url for grid in grids().values()]
    lists += [f"/api/{each.path}" for each in app.extensions["api"] if each.method == "GET" and "/" not in each.path]
    few = {url: statements.of_page(app, client, url) for url in lists}
    world.more(50)
    many = {url: statements.of_page(app, client, url) for url in lists}
    # A page that is full asks once more how many there are in all.
    assert {url: (few[url], many[url]) for url in few if many[url] - few[url] not in (0, 1)} == {}


def test_to_name_many_rows_costs_as_much_as_to_name_a_few(app: Flask, cast: Cast, world: World) -> None:
    world.more(8)
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        db.session.execute(sa.select(1))  # the transaction begins
        costs = {path: [_naming(grid.model, count) for count in (4, 8)] for path, grid in grids().items()}
    assert {path: told for path, told in costs.items() if told[0] != told[1]} == {}


def _naming(model: Any, count: int) -> int:
    db.session.expunge_all()
    with statements.counted(db.engine) as told:
        for row in db.session.scalars(sa.select(model).options(*naming(model)).order_by(model.id).limit(count)):
            assert str(row)
    return told.number


def test_every_tenants_model_says_whose_its_rows_are() -> None:
    parts = {"team_members", "user_roles", "bulk_rows", "outbox_events"}  # reached through their owners alone
    silent = [
        mapper.class_.__name__
        for mapper in Model.registry.mappers
        if issubclass(mapper.class_, OfTenant)
        and mapper.class_ not in access.declared()
        and mapper.local_table.description not in parts
    ]
    assert silent == []


def test_every_sort_and_filter_offered_has_an_index() -> None:
    bare = []
    for grid in grids().values():
        indexed = _leading(grid.model.__table__)
        for column in grid.columns:
            name = getattr(column.value, "key", None)
            if column.sort and name not in indexed and grid.path not in _SMALL:
                bare.append(f"{grid.path}: sort by {column.name}")
        for each in grid.filters:
            own = each.column is not None and getattr(each.column, "class_", None) is grid.model
            if own and each.kind in ("reference", "date") and each.column.key not in indexed:
                bare.append(f"{grid.path}: filter by {each.name}")
    assert [line for line in bare if line.split(":")[0] not in _SMALL] == []


_SMALL = {
    "users", "teams", "roles", "grants", "tokens", "settings", "projects", "jobs", "job-roles", "pipeline-stages",
    "pipeline-statuses",
}  # fmt: skip


def _leading(table: sa.Table) -> set[str]:
    keys = {tuple(column.name for column in index.columns) for index in table.indexes}
    keys |= {tuple(c.columns.keys()) for c in table.constraints if isinstance(c, sa.UniqueConstraint)}
    return {names[1] if names[0] == "tenant_id" else names[0] for names in keys if len(names) > 1}


def test_every_move_names_a_permission_and_an_event() -> None:
    bare = [
        f"{flow.name}: {move.verb}"
        for flow in workflows().values()
        for move in flow.moves.values()
        if not move.permissions or not move.event
    ]
    assert bare == []


def test_no_form_takes_a_state(app: Flask) -> None:
    states = {"status", "version", "tenant_id", "search_text", "confirmed_at", "cancelled_at", "reschedule_count"}
    workflow_models = set(workflows())
    taken = [
        f"{grid.path}: {field.name}"
        for grid in grids().values()
        for _, fields in grid.sections
        for field in fields
        if field.name in states and (grid.model in workflow_models or field.name != "status")
    ]
    assert taken == []


def test_every_text_type_may_be_cached() -> None:
    assert [kind.__name__ for kind in Ruled.__subclasses__() if not kind.__dict__.get("cache_ok")] == []


def test_every_row_page_opens_for_its_owner(app: Flask, make_client: Any, cast: Cast, world: World) -> None:
    client = make_client(cast.alice)
    answers = {}
    for path, key in world.own.items():
        for page in ("", "/edit") if grids()[path].write and grids()[path].sections else ("",):
            answers[f"/{path}/{key}{page}"] = client.get(f"/{path}/{key}{page}").status_code
    assert {url: code for url, code in answers.items() if code != 200} == {}
