"""Many at once: threads with sessions of their own, let go at the same moment."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.db import CONNECT, prepare_engine
from portal.core.errors import PortalError
from portal.core.tenancy import tenant_scope

Attempt = Callable[[Session, int], object]


@contextmanager
def wide_engine(url: str, count: int) -> Iterator[sa.Engine]:
    """An engine with ``count`` connections, set up as the portal sets up its own."""
    arguments = {} if url.startswith("sqlite") else CONNECT
    engine = sa.create_engine(url, pool_size=count, max_overflow=0, connect_args=arguments)
    prepare_engine(engine)
    try:
        yield engine
    finally:
        engine.dispose()


def rush(engine: sa.Engine, tenant: UUID, count: int, attempt: Attempt) -> Counter[str]:
    """What became of ``count`` attempts: ``won``, or the refusal in its words; FAILED is what no reader should see."""
    together, told = threading.Barrier(count), [""] * count

    def run(number: int) -> None:
        with tenant_scope(tenant), Session(engine) as session:
            together.wait()
            told[number] = _outcome(session, attempt, number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(told)


def _outcome(session: Session, attempt: Attempt, number: int) -> str:
    try:
        attempt(session, number)
        session.commit()
    except PortalError as error:
        session.rollback()
        return f"{type(error).__name__}: {error.message}"
    except Exception as error:
        session.rollback()
        return f"FAILED {type(error).__name__}: {error}"
    return "won"
