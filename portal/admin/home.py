"""The first page after log-in: cards that each feature adds for those whom they concern."""

from collections.abc import Callable
from typing import Any

from flask_admin import AdminIndexView, expose
from flask_login import current_user, login_required

from portal.admin.cells import zone_note
from portal.admin.grid import grids
from portal.core import access, clock
from portal.core.db import db
from portal.core.plans import planned_anew
from portal.core.types import zone

Card = Callable[[Any, Any, Any], dict[str, Any] | None]  # (session, user, at) -> card, or None
_cards: dict[Card, int] = {}


def card(rank: int) -> Callable[[Card], Card]:
    """Offer a card of the home; it answers None for those whom it does not concern.

    Ranks put what asks something of the reader (10) before what lies ahead (20), and that before overviews (30).
    """

    def keep(maker: Card) -> Card:
        _cards.setdefault(maker, rank)
        return maker

    return keep


Quick = Callable[[Any], dict[str, str] | None]  # user -> label, url and icon, or None
_quicks: list[Quick] = []


def quick(maker: Quick) -> Quick:
    """Offer a quick action of the home; it answers None for those who have no use for it."""
    if maker not in _quicks:
        _quicks.append(maker)
    return maker


class HomeView(AdminIndexView):
    def __init__(self) -> None:
        super().__init__(name="Home", url="/", menu_icon_value="house")
        # Flask-Admin's own scripts and styles are not served: no page of ours uses them.
        self.static_folder, self.static_url_path = None, "/unused"

    @expose("/")
    @login_required
    def index(self) -> Any:
        at = clock.now()
        makers = sorted(_cards, key=lambda each: _cards[each])
        with planned_anew():  # most of them ask for the reader's own rows
            cards = [made for maker in makers if (made := maker(db.session, current_user, at))]
        return self.render(
            "portal/home.html", greeting=f"{_greeting(at)}, {_first_name(current_user.full_name)}",
            cards=cards, quick=_quick(), zone_note=zone_note(current_user, at),
        )  # fmt: skip


def _greeting(at: Any) -> str:
    hour = at.astimezone(zone(current_user.timezone)).hour
    return "Good morning" if hour < 12 else "Good afternoon" if hour < 18 else "Good evening"


_TITLES = frozenset({"dr", "dr.", "prof", "prof.", "mr", "mr.", "mrs", "mrs.", "ms", "ms."})


def _first_name(full_name: str) -> str:
    """The first word that is no title; the whole of a name that has titles alone."""
    return next((word for word in full_name.split() if word.lower() not in _TITLES), full_name)


def _quick() -> list[dict[str, str]]:
    new = [
        {"label": f"New {grid.noun}", "url": f"{grid.url}new", "icon": "plus-lg"}
        for path in ("interviews", "candidates", "applications")
        if (grid := grids().get(path)) and access.may(current_user, *grid.write)
    ]
    return new + [offered for maker in _quicks if (offered := maker(current_user))]
