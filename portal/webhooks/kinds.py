"""What a webhook can be told of: every move of every workflow, as ``interview.confirm``, and the events of the
messages, by their own names. A move that is added to a workflow and an event that is added to the catalogue are here
by themselves.

What is sent names things by their keys; what people wrote stays in the portal, for those who may read it there.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from portal.core.events import Occurred
from portal.core.types import words
from portal.core.workflow import Move, Workflow, workflows
from portal.hiring import workflow as _hiring  # noqa: F401 - registers its moves, as those below do
from portal.interviews import workflow as _interviews  # noqa: F401
from portal.messaging.catalog import CATALOGUE
from portal.practice import workflow as _practice  # noqa: F401

TEST = "webhook.test"


@dataclass(frozen=True)
class Kind:
    """``name`` is its type in what is sent; ``entity`` is of what sort ``data.id`` is, ``keyed_by`` where the payload
    has that key ('' for the event's own subject)."""

    name: str
    entity: str
    meaning: str
    move: Move | None = None
    keyed_by: str = ""


# The page of each entity in the API and in the portal.
_PAGES = {
    "interview": ("interviews/{id}", "interviews/{id}"),
    "mock_interview": ("mock-interviews/{id}", "mock-interviews/{id}"),
    "application": ("candidate-projects/{id}", "applications/{id}"),
    "training": ("training/{id}", "training/{id}"),
    "training_session": ("training/{training_id}/sessions/{id}", "training-sessions/{id}"),
    "webhook": ("webhooks/{id}", "webhooks/{id}"),
}

_CASE = ("application", "application")
_MEANINGS: dict[str, tuple[str, str, str]] = {  # event -> entity, what is its key, meaning
    "CandidateSentToMockInterview": ("mock_interview", "", "A mock interview waits for its coordinator, who did not "
                                     "make it."),
    "CandidateApprovedForClientInterview": (*_CASE, "A candidate may be shown to the client."),
    "CandidateFailedMockInterview": (*_CASE, "A mock interview ended in training or rejection."),
    "InterviewScheduled": ("interview", "", "An interview was arranged."),
    "InterviewRescheduled": ("interview", "", "An interview got a new time; the same as interview.reschedule."),
    "InterviewCancelled": ("interview", "", "An interview was cancelled; the same as interview.cancel."),
    "InterviewConfirmed": ("interview", "", "An interview was confirmed; the same as interview.confirm."),
    "InterviewAccepted": ("interview", "", "An interviewer will come."),
    "InterviewDeclined": ("interview", "", "An interviewer will not come."),
    "InterviewerAdded": ("interview", "", "Somebody was seated on a panel."),
    "InterviewerRemoved": ("interview", "", "Somebody no longer sits on a panel."),
    "FeedbackRequested": ("interview", "", "An interviewer was asked for feedback."),
    "FeedbackOverdue": ("interview", "", "An interviewer was reminded of feedback that is owed."),
    "FeedbackSubmitted": ("interview", "", "An interviewer gave feedback."),
    "interview_reminder": ("interview", "", "Somebody was reminded of an interview or a mock interview."),
    "MockInterviewScheduled": ("mock_interview", "", "A mock interview has a time: it was made with one, or was given "
                               "one by mock_interview.schedule."),
    "MockInterviewHandedOver": ("mock_interview", "", "A mock interview has another coordinator."),
    "TrainingAssigned": ("training", "", "A candidate was given training."),
}  # fmt: skip


@lru_cache(maxsize=1)
def kinds() -> Mapping[str, Kind]:
    """All there is to be told of, by name: first the moves."""
    moves = [_of_move(flow, move) for flow in workflows().values() for move in flow.moves.values()]
    named = {**{each.event: ("interview", "", f"{words(each.event)}.") for each in CATALOGUE}, **_MEANINGS}
    others = [Kind(name, entity, meaning, keyed_by=key) for name, (entity, key, meaning) in named.items()]
    return {each.name: each for each in (*moves, *others)}


def _of_move(flow: Workflow, move: Move) -> Kind:
    told = f"{words(flow.noun)}: {move.title[:1].lower()}{move.title[1:]}."
    return Kind(f"{flow.entity}.{move.verb}", flow.entity, told, move)


@lru_cache(maxsize=1)
def families() -> tuple[str, ...]:
    """``interview.*`` and so on: all moves of one entity, also those to come."""
    return tuple(dict.fromkeys(f"{each.entity}.*" for each in kinds().values() if each.move))


@lru_cache(maxsize=1)
def _moves() -> Mapping[tuple[str, str], str]:
    """(event, verb) -> the name of the move."""
    found = ((flow.entity, move) for flow in workflows().values() for move in flow.moves.values())
    return {(str(move.event), move.verb): f"{entity}.{move.verb}" for entity, move in found}


def names_of(occurred: Any) -> list[str]:
    """What an event of the outbox is called here: as a move, and as an event of its own, where it is either."""
    moved = _moves().get((occurred.name, occurred.payload.get("verb", "")))
    return [name for name in (moved, str(occurred.name)) if name is not None and name in kinds()]


def wanted(names: Sequence[str], by: Sequence[str]) -> list[str]:
    """Which of an event's names a webhook that wants ``by`` is told under: each that it asked for. Who wants all gets
    each event once, a move as a move."""
    if not by:
        return list(names[:1])
    return [name for name in names if name in by or f"{name.partition('.')[0]}.*" in by]


# --- what is sent -----------------------------------------------------------------------------------

# Where each thing stands in an event's payload, and what it is called outside. What is not here is not sent.
_TOLD = {
    "verb": "verb", "from": "from", "to": "to", "version": "version", "actor": "actor_id",
    "application": "application_id", "coordinator": "coordinator_id", "user": "user_id", "candidate": "candidate_id",
    "training": "training_id", "feedback": "feedback_id", "start": "scheduled_start", "old_start": "previous_start",
    "decision": "decision", "reminder": "reminder",
}  # fmt: skip
_ALWAYS = ("actor_id",)


def body(name: str, key: UUID, occurred: Any, base_url: str) -> str:
    """What is sent of ``occurred`` as ``name``; ``key`` is the delivery's."""
    told = {
        "id": str(key), "type": name, "timestamp": occurred.occurred_at.isoformat(),
        "data": _data(kinds().get(name) or Kind(name, name.partition(".")[0], ""), occurred, base_url),
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _data(kind: Kind, occurred: Any, base_url: str) -> dict[str, Any]:
    payload = occurred.payload
    entity = payload.get("entity") or kind.entity
    key = str(payload.get(kind.keyed_by) or occurred.subject_id)
    said = {_TOLD[name]: value for name, value in payload.items() if name in _TOLD}
    if kind.move is None:
        said = {name: value for name, value in said.items() if name not in ("verb", "from", "to")}
    return {
        "entity": entity, "id": key, **dict.fromkeys(_ALWAYS), **said,
        "links": _links(entity, {**said, "id": key}, base_url),
    }  # fmt: skip


def _links(entity: str, said: Mapping[str, Any], base_url: str) -> dict[str, str]:
    if entity not in _PAGES:
        return {}
    api, page = _PAGES[entity]
    return {"api": f"{base_url}/api/{api.format(**said)}", "portal": f"{base_url}/{page.format(**said)}"}


# --- examples ---------------------------------------------------------------------------------------

_KEY = "01981f3a-7c00-7000-8000-0000000000%02x"
_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def example(kind: Kind) -> dict[str, Any]:
    """What is sent of such an event, as an example."""
    sample = Occurred(UUID(_KEY % 1), UUID(_KEY % 2), kind.name, UUID(_KEY % 3), _sample(kind), _AT)
    found: dict[str, Any] = json.loads(body(kind.name, UUID(_KEY % 4), sample, "https://greenroom.example"))
    return found


def _sample(kind: Kind) -> dict[str, Any]:
    given: dict[str, Any] = {"actor": _KEY % 5, "version": 3}
    if kind.move:
        source = (*kind.move.sources, *kind.move.follows, "nominated")[0]
        given |= {"verb": kind.move.verb, "from": source, "to": kind.move.target or source}
    if kind.entity == "training_session":
        given["training"] = _KEY % 6
    if kind.entity == "interview":
        given["start"] = "2026-03-04T14:00:00+00:00"
    if kind.keyed_by == "application" or kind.entity in ("mock_interview", "training"):
        given["application"] = _KEY % 7
    return given


def told_of(names: Iterable[str]) -> str:
    """A webhook's events as people read them."""
    return ", ".join(names) or "everything"
