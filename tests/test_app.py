"""What holds for the application as a whole."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from portal.app import settle


@pytest.fixture
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_thawed")
def test_what_is_loaded_is_left_alone_by_the_collector_and_what_comes_later_is_not() -> None:
    class Knot:
        itself: "Knot"

    settle()
    kept, knot = gc.get_freeze_count(), Knot()
    knot.itself = knot
    gone = weakref.ref(knot)
    del knot
    gc.collect()
    assert (kept > 100_000, gone()) == (True, None)
