"""Pages of the menu that are no grids, and what is asked of the database for every page, all in one statement."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portal.core import access


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


def asked() -> dict[str, sa.Select[Any]]:
    return dict(_asked)
