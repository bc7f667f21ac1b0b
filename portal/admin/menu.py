"""The menu: grids and other pages that one may open, and what every page asks of the database, in one statement.

What somebody's menu offers hangs on their grants alone, and many people have the same: it is worked out once for
them all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from flask_admin import Admin
from markupsafe import Markup

from portal.admin.grid import ME, NOW, grids
from portal.core import access, web
from portal.core.access import Grants


@dataclass(frozen=True)
class Page:
    """A page that stands first in its ``group`` of the menu, for those who hold ``permission``; not where the
    organisation has switched off what rows of ``about`` belong to."""

    label: str
    url: str
    icon: str
    group: str
    permission: str
    about: type | None = None

    def opens_for(self, user: Any) -> bool:
        off = self.about is not None and access.is_off(user, self.about)
        return access.may(user, self.permission) and not off


_pages: dict[str, Page] = {}


def offer(page: Page) -> None:
    _pages[page.url] = page


def offered(group: str, user: Any) -> list[Page]:
    """The pages of a group that the user may open."""
    return [page for page in _pages.values() if page.group == group and page.opens_for(user)]


# --- what every page asks ---------------------------------------------------------------------------

_asked: dict[str, sa.Select[Any]] = {}


def ask(name: str, statement: sa.Select[Any]) -> None:
    """Have each page that has a menu ask ``statement`` for one value, together with the menu's numbers: a statement of
    its own would cost each page twice as much. ``grid.ME`` in it is who looks at the page; templates find the value in
    ``standing``."""
    _asked[name] = statement


# --- what stands in it ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """``counted`` is the grid whose number of waiting rows stands beside it."""

    label: str
    url: str
    icon: str
    counted: str = ""


@dataclass(frozen=True)
class Group:
    label: str
    items: tuple[Item, ...]


_HOME = Item("Home", "/", "house")
_RUNS = Item("Runs and exports", "/bulk/", "list-check")


class Menu:
    """One application's."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._groups = lru_cache(maxsize=512)(self._find_groups)

    def standing(self, session: Any, user: Any, at: Any) -> Mapping[str, Any]:
        """The numbers beside the items, by the grid's path, and what else every page asks; one statement."""
        paths = tuple(item.counted for group in self._groups(user.grants) for item in group.items if item.counted)
        found = session.execute(_counting(paths), {ME.key: user.id, NOW.key: at}).one()
        return dict(zip((*paths, *_asked), found, strict=True))

    def written(self, user: Any, path: str, standing: Mapping[str, Any]) -> Markup:
        """The menu as HTML, on the page at ``path``."""
        groups = self._groups(user.grants)
        items = [item for group in groups for item in group.items]
        active = [item.url for item in items if _leads_to(item, path)]
        counts = {item.counted: standing[item.counted] for item in items if standing.get(item.counted)}
        return web.part("nav.html", groups=groups, active=active, counts=counts)

    def _find_groups(self, grants: Grants) -> tuple[Group, ...]:
        """Flask-Admin's menu of what may be opened; a group without an entry is not shown."""
        user: Any = SimpleNamespace(grants=grants)
        acts = any(access.may(user, *a.permissions) for grid in grids().values() for a in grid.bulk_actions())
        groups = [Group("", (_HOME, _RUNS) if acts else (_HOME,))]
        for category in sorted(self._admin.menu(), key=lambda entry: entry.name == "Settings"):
            views = [child._view for child in category._children] if category.is_category() else []
            items = [Item(page.label, page.url, page.icon) for page in offered(category.name, user)]
            items += [_item(view.grid) for view in views if view.is_visible() and view.may_read(user)]
            if items:
                groups.append(Group(category.name, tuple(items)))
        return tuple(groups)


def _item(grid: Any) -> Item:
    return Item(grid.title, grid.url, grid.icon, grid.path if grid.waiting is not None else "")


def _leads_to(item: Item, path: str) -> bool:
    return path == item.url if item is _HOME else path.startswith(item.url)


@lru_cache(maxsize=64)
def _counting(paths: tuple[str, ...]) -> sa.Select[Any]:
    counts = (grids()[path].waiting for path in paths)
    statements = [count for count in counts if count is not None] + list(_asked.values())
    return sa.select(*(statement.scalar_subquery() for statement in statements))
