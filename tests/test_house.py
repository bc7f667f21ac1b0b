"""The floors of the house: imports run downwards only, whoever adds what.

A room that is new needs a line here that says on which floor it lies. `docs/structure.md` draws it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FEATURES = ("people", "hiring", "scheduling", "interviews", "feedback", "practice")
"""Each may know those before it, never those behind it."""

OPEN_ROOMS = frozenset({"models", "workflow", "queries"})
"""What a feature shows to the others, to messages, reports, grids and API."""

ROOMS = {
    "models": 1,
    "workflow": 1,
    "hours": 1,  # working hours as people write them
    "intervals": 1,  # arithmetic of stretches of time
    "bookings": 1,  # how an interview takes up time
    "busy": 1,  # spans of time that are taken
    "recurrence": 1,  # rules by which slots recur
    "slots": 1,  # what becomes of a slot; how an interview books one
    "pipeline": 1,  # the statuses and stages as data
    "roles": 1,  # the built-in roles as data
    "features": 1,  # what an organisation may switch off
    "carrying": 1,  # what moves of practice do to applications, and the other way
    "criteria": 1,  # the checklists a new organisation starts with
    "queries": 2,
    "actions": 2,
    "filling": 2,  # what a template fills into an interview
    "panels": 2,  # who sits on a panel, and their replies
    "options": 2,  # what a feature lets people do with an application
    "passwords": 2,
    "slots_actions": 2,
    "slots_generator": 2,
    "assessing": 2,  # a mock interview while it is conducted, until its assessment
    "checklists": 2,  # keeping checklists by role
    "spreading": 2,  # many mock interviews: to whom
    "series": 2,  # and when
    "training": 2,  # assigning training, and its sessions
    "forms": 3,
    "slots_forms": 3,
    "checklist_forms": 3,  # of the checklists' pages
    "conduct_forms": 3,  # of the page on which a mock interview is conducted
    "admin": 4,
    "api": 4,
    "checklists_api": 4,  # criteria in the API
    "training_api": 4,  # trainings and sessions in the API
    "applicationpage": 4,  # what stands on the page of an application
    "bulk_forms": 3,
    "boxes": 4,  # live boxes beside forms
    "bulk": 4,  # what a feature adds to bulk bars
    "cards": 4,  # what a feature adds to the home
    "calendar": 4,  # what a calendar shows
    "calendarpage": 4,  # and how its page says it
    "slots_admin": 4,
    "slots_views": 4,
    "checklist_views": 4,  # the pages on which checklists are kept
    "conduct_views": 4,  # the page on which a mock interview is conducted
    "conduct_page": 4,  # what that page shows
    "series_views": 4,  # the times that a series would get
    "views": 4,
    "token_views": 4,  # the page of one's own API tokens
    "summaries": 4,  # what stands on the pages of mock interviews, trainings and their applications
    "training_admin": 4,  # the grids of trainings and their sessions
    "availability": 4,  # grids of people's time, and what they add elsewhere
    "free": 4,  # the live box of free times
    "templates": 4,  # the grid of interview templates and its pages
    "replies": 4,  # how a panelist replies
}
"""The floor of each room of a feature."""

PACKAGES = {
    "settings": -1,
    "settings_checks": -1,
    "leash": -1,
    "core": 0,
    "messaging": 3,
    "webhooks": 3,
    "reports": 3,
    "admin": 4,
    "api": 4,
    "sockets": 4,  # what messaging says to open pages
    "jobs": 4,  # asked by the grids, asks messaging
    "health": 5,
    "metrics": 5,
    "doctor": 5,
    "loops": 5,
    "cli": 5,
    "demo": 5,
    "services": 5,
    "supervisor": 5,
    "run": 5,
    "app": 6,
}
"""The floor of everything else in `portal`. The fifth holds the entry points, the sixth knows all."""

PAGES = {
    "messaging": frozenset(
        {"admin", "api", "bell", "choices", "feed_views", "inbound_views", "notices", "operations", "previews"}
    ),
    "webhooks": frozenset({"admin", "api", "views", "work"}),
}
"""The rooms of messaging and webhooks that are pages or jobs, and so lie where the features' pages do."""

ENTRY_POINTS = 5
"""They may act through any room of a feature but the pages and the API."""


def modules() -> dict[str, Path]:
    """Every module of the portal, by its dotted name."""
    files = sorted((ROOT / "portal").rglob("*.py"))
    return {".".join(_parts(file)): file for file in files}


def _parts(file: Path) -> tuple[str, ...]:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


MODULES = modules()


def imports(name: str) -> Iterator[str]:
    """The portal's modules that the module `name` imports, at its top or anywhere within."""
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(name, node)
            for alias in node.names:
                whole = f"{source}.{alias.name}"
                yield from [whole] if whole in MODULES else [source] if source in MODULES else []


def _absolute(name: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = name.split(".") if MODULES[name].name == "__init__.py" else name.split(".")[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def package(name: str) -> str:
    """`hiring` for `portal.hiring.models`; empty for `portal` itself."""
    return [*name.split("."), ""][1]


def room(name: str) -> str:
    """`models` for `portal.hiring.models`; empty for `portal.hiring`."""
    return [*name.split("."), "", ""][2]


def floor(name: str) -> int | None:
    """None for a module that nobody has put on a floor; a feature's own `__init__` lies on its lowest."""
    if name == "portal":
        return -1
    if room(name) in PAGES.get(package(name), ()):
        return ROOMS["admin"]
    if package(name) in FEATURES:
        return ROOMS.get(room(name)) if room(name) else 1
    return PACKAGES.get(package(name))


def objection(name: str, imported: str) -> str | None:
    """Why `name` may not import `imported`; None where it may."""
    mine, theirs = package(name), package(imported)
    if mine == theirs and mine not in FEATURES:
        return None
    upper, lower = floor(name), floor(imported)
    if upper is None or lower is None:
        return None  # test_every_module_lies_on_a_floor speaks of it
    if lower > upper:
        return f"floor {upper} looks up to floor {lower}"
    if mine in FEATURES and theirs == "messaging":
        return "features record events, messaging reads them"
    if theirs not in FEATURES or mine in (theirs, "app"):
        return None
    if upper == ENTRY_POINTS:
        return "only app.py puts the features together" if floor(imported) == ROOMS["admin"] else None
    if mine in FEATURES and FEATURES.index(theirs) > FEATURES.index(mine):
        return f"{mine} comes before {theirs}: let {theirs} register a listener"
    if room(imported) not in OPEN_ROOMS:
        return f"of {theirs} only {', '.join(sorted(OPEN_ROOMS))} are open to others"
    return None


@pytest.mark.parametrize("name", MODULES)
def test_every_module_lies_on_a_floor(name: str) -> None:
    assert floor(name) is not None, f"say in {Path(__file__).name} on which floor {name} lies"


@pytest.mark.parametrize("name", MODULES)
def test_imports_run_downwards_only(name: str) -> None:
    found = {imported: objection(name, imported) for imported in imports(name)}
    assert {imported: why for imported, why in found.items() if why} == {}


@pytest.mark.parametrize(
    ("name", "imported", "allowed"),
    [
        ("portal.core.workflow", "portal.core.db", True),
        ("portal.core.workflow", "portal.settings", True),
        ("portal.core.workflow", "portal.people.models", False),
        ("portal.hiring.models", "portal.hiring.actions", False),
        ("portal.hiring.actions", "portal.hiring.workflow", True),
        ("portal.hiring.actions", "portal.people.queries", True),
        ("portal.hiring.actions", "portal.people.actions", False),
        ("portal.hiring.actions", "portal.interviews.models", False),
        ("portal.practice.workflow", "portal.interviews.workflow", True),
        ("portal.hiring.admin", "portal.messaging.models", False),
        ("portal.hiring.admin", "portal.admin", True),
        ("portal.hiring.forms", "portal.admin", False),
        ("portal.messaging.outbox", "portal.interviews.models", True),
        ("portal.messaging.outbox", "portal.interviews.actions", False),
        ("portal.messaging.outbox", "portal.jobs", False),
        ("portal.admin.base", "portal.hiring.admin", False),
        ("portal.cli", "portal.people.actions", True),
        ("portal.cli", "portal.people.views", False),
        ("portal.app", "portal.interviews.admin", True),
        ("portal.jobs", "portal.app", False),
    ],
)
def test_the_rules_themselves_hold(name: str, imported: str, allowed: bool) -> None:
    assert (objection(name, imported) is None) is allowed
