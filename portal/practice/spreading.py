"""Many applications are sent to mock interviews at once: to which of the coordinators each goes."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core.errors import Invalid
from portal.core.workflow import Change, Result
from portal.hiring.models import Application
from portal.hiring.workflow import APPLICATION
from portal.people.models import User
from portal.people.queries import active_holders
from portal.practice.actions import send_to_mock_interview
from portal.practice.models import STILL_OPEN, MockInterview
from portal.practice.workflow import CONDUCT, SENT_FROM

VERB = "send_to_mock_interview"
_FORETOLD = 5_000  # applications that are spread for a preview; of more, it says no numbers
_NAMED = 8


def send_spread(session: Any, ids: Sequence[UUID], change: Change) -> Result:
    """Send each application to one of ``change.data["among"]`` (users; none: to all who conduct mock interviews),
    always to whom has the fewest open ones by then. What else ``change.data`` says goes for all alike."""
    chosen = list(change.data.get("among") or all_coordinators(session))
    if not chosen:
        return Result(refused={key: Invalid({"coordinators": "Nobody conducts mock interviews."}) for key in ids})
    turns = _turns(chosen, open_ones(session, [user.id for user in chosen]))
    return send_to_mock_interview(session, ids, change, lambda keys: {key: next(turns) for key in keys})


def all_coordinators(session: Any) -> Sequence[User]:
    return active_holders(session, *CONDUCT)


def open_ones(session: Any, coordinators: Sequence[UUID]) -> dict[UUID, int]:
    """How many open mock interviews each of ``coordinators`` has."""
    query = (
        sa.select(MockInterview.coordinator_id, sa.func.count())
        .where(MockInterview.coordinator_id.in_(coordinators), STILL_OPEN)
        .group_by(MockInterview.coordinator_id)
    )
    return dict(session.execute(query).all())


def _turns(chosen: Sequence[User], load: Mapping[UUID, int]) -> Iterator[User]:
    """Whose turn it is, again and again: who has the fewest, by name where several have, and has one more then."""
    by_key = {user.id: user for user in chosen}
    waiting = [(load.get(user.id, 0), user.full_name, user.id) for user in by_key.values()]
    heapq.heapify(waiting)
    while True:
        number, name, key = waiting[0]
        yield by_key[key]
        heapq.heapreplace(waiting, (number + 1, name, key))


# --- said beforehand ----------------------------------------------------------------------------------


def _foretell(session: Any, applications: sa.Select[Any]) -> str:
    """How many each would get if they are spread over all."""
    fit = sa.select(Application.id).where(Application.id.in_(applications), Application.status.in_(SENT_FROM))
    count = session.scalar(sa.select(sa.func.count()).select_from(fit.limit(_FORETOLD + 1).subquery()))
    everybody = all_coordinators(session)
    if not count or count > _FORETOLD or not everybody:
        return "" if everybody else "Nobody conducts mock interviews: give somebody a role that does."
    load = open_ones(session, [user.id for user in everybody])
    turns, gets = _turns(everybody, load), dict.fromkeys((user.id for user in everybody), 0)
    for _ in range(count):
        gets[next(turns).id] += 1
    return "Spread over all, " + _in_words(everybody, gets, load)


def _in_words(everybody: Sequence[User], gets: Mapping[UUID, int], load: Mapping[UUID, int]) -> str:
    told = [user for user in everybody if gets[user.id]]
    said = [f"{user.full_name} would get {gets[user.id]:,} (has {load.get(user.id, 0):,})" for user in told[:_NAMED]]
    more = f", and {len(told) - _NAMED} others their share" if len(told) > _NAMED else ""
    return ", ".join(said) + more + "."


APPLICATION.foretell(VERB, _foretell)
