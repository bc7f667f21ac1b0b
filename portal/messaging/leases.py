"""One of several: who holds a lease does the work until it ends, and renews it while alive."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal.core.tenancy import everywhere
from portal.messaging.models import Lease
from portal.messaging.sql import inserting

_LEASES: sa.Table = sa.inspect(Lease).local_table  # type: ignore[assignment]


def hold(session: Any, name: str, holder: str, at: datetime, length: timedelta) -> bool:
    """Whether ``holder`` is in charge of ``name`` until ``at + length``: taken, renewed, or refused. Commits.

    Two that try at once: both UPDATEs name what they expect to find, and the second finds the first one's name;
    of two first INSERTs the key lets one through. A clock that jumps can let two believe it for a moment: what
    they do is claimed row by row, so that costs time, not messages.
    """
    until = at + length
    with everywhere(session):
        expected = (_LEASES.c.name == name, sa.or_(_LEASES.c.holder == holder, _LEASES.c.until <= at))
        taken = session.execute(sa.update(_LEASES).where(*expected).values(holder=holder, until=until)).rowcount
        if not taken:
            fresh = inserting(session, _LEASES).values(name=name, holder=holder, until=until)
            made = session.execute(fresh.on_conflict_do_nothing().returning(_LEASES.c.name)).first()
            taken = made is not None
        session.commit()
    return bool(taken)


def let_go(session: Any, name: str, holder: str) -> None:
    """Give the lease up, so that another need not wait for its end. Commits."""
    with everywhere(session):
        session.execute(sa.delete(_LEASES).where(_LEASES.c.name == name, _LEASES.c.holder == holder))
        session.commit()
