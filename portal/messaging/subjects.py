"""What messages are about, by type: how to read many of them in few statements."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from portal.messaging import cases, facts, mocks
from portal.messaging.cases import Case
from portal.messaging.facts import Facts

Known = Facts | Case
LOADERS: dict[str, Callable[..., dict[UUID, Any]]] = {
    "application": cases.load,
    "interview": facts.load,
    "mock_interview": mocks.load,
}


def load(session: Any, wanted: Iterable[tuple[str, UUID]], *, lock: bool = False) -> dict[UUID, Known]:
    """What is known of ``wanted`` (type and key) of the present tenant; with ``lock`` it stands still until the
    transaction ends."""
    by_type: dict[str, set[UUID]] = defaultdict(set)
    for kind, key in wanted:
        by_type[kind].add(key)
    found: dict[UUID, Known] = {}
    for kind in LOADERS:  # applications first, as moves lock them: nobody waits for each other in a circle
        found |= LOADERS[kind](session, by_type[kind], lock=lock) if by_type[kind] else {}
    return found
