"""Interviews are found by the words of their titles, whatever becomes of them."""

from typing import Any

import pytest
from flask import Flask

from tests.support.api import caller
from tests.support.cast import Cast
from tests.support.world import World, populate


@pytest.fixture
def world(app: Flask, cast: Cast, clock: Any) -> World:
    return populate(app, cast, more=2)


@pytest.fixture
def found(app: Flask, make_client: Any, cast: Cast, world: World) -> Any:
    """How many rows the grid, and the look-up, show for some words."""
    client = make_client(cast.alice)

    def look(words: str) -> tuple[int, int]:
        page = client.get("/interviews/", query_string={"q": words}).get_data(as_text=True)
        return page.count('name="ids"'), len(client.get("/lookup/interviews", query_string={"q": words}).json)

    return look


def test_a_new_title_is_found_and_the_old_one_is_not(app: Flask, cast: Cast, world: World, found: Any) -> None:
    program = caller(app, cast.alice)
    for title, other in (("Café des Mathématiciens", "Quorum"), ("Quorum", "cafe des math")):
        answer = program.ask("PATCH", f"/interviews/{world.own['interviews']}", {"title": title})
        assert answer.status_code == 200, answer.text
        assert (found(title), found(title.lower()), found(other)) == ((1, 1), (1, 1), (0, 0))


def test_what_moves_is_still_found(make_client: Any, cast: Cast, world: World, found: Any) -> None:
    client, before = make_client(cast.alice), found("harbour")
    run = client.submit("/interviews/bulk/confirm", {"ids": [str(world.own["interviews"])]}).location
    client.submit(run)
    assert found("harbour") == before
    assert before[0] > 0
