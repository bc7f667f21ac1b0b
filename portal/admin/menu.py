"""Pages of the menu that are no grids."""

from dataclasses import dataclass
from typing import Any

from portal.core import access


@dataclass(frozen=True)
class Page:
    """A page that stands first in its ``group`` of the menu, for those who hold ``permission``."""

    label: str
    url: str
    icon: str
    group: str
    permission: str


_pages: dict[str, Page] = {}


def offer(page: Page) -> None:
    _pages[page.url] = page


def offered(group: str, user: Any) -> list[Page]:
    """The pages of a group that the user may open."""
    return [page for page in _pages.values() if page.group == group and access.may(user, page.permission)]
