"""Who acts in the present request, job or command; read by the audit and the log."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Acting:
    """``by`` is None for the system itself; ``label`` is what the audit shows then."""

    by: UUID | None = None
    label: str = "system"
    request_id: str = ""
    address: str = ""
    reason: str = ""


_NOBODY = Acting()
_acting: ContextVar[Acting] = ContextVar("acting", default=_NOBODY)


def acting() -> Acting:
    return _acting.get()


@contextlib.contextmanager
def act(**changes: Any) -> Iterator[Acting]:
    """Act as someone, or for a reason, for the length of the block."""
    token = _acting.set(replace(_acting.get(), **changes))
    try:
        yield _acting.get()
    finally:
        _acting.reset(token)
