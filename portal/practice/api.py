"""Mock interviews and their checklists in the API, and the way of an application to them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.api.components import Component, further
from portal.api.endpoint import Answer, Call, Endpoint
from portal.api.fields import Fields, Flag, Key, Moment, OneOf, Text, Whole, listed, record, told
from portal.api.listing import page
from portal.api.reading import Loaded, label
from portal.api.references import check_references
from portal.api.resource import Resource, resource_of
from portal.core import access, records
from portal.core.errors import Invalid, Missing, NotAllowed
from portal.core.forms import known_of
from portal.core.types import PlainText
from portal.hiring.models import Application, Candidate
from portal.people.models import User
from portal.practice import actions, assessing, checklists_api, training_api
from portal.practice.admin import MOCK_INTERVIEWS
from portal.practice.models import (
    ChecklistCategory,
    Decision,
    MockInterview,
    MockInterviewChecklistItem,
    MockMode,
    TrainingAssignment,
)
from portal.practice.training_api import application_of, plainly, training_fields
from portal.practice.workflow import CONDUCT, SCHEDULE, TRAINING_FIELDS

Item = MockInterviewChecklistItem
_SOME_KEY = "0192f3a4-5b6c-7d8e-9f01-23456789abcd"


def _candidate(row: Any) -> Any:
    """Mock interviews and trainings are called after their candidate."""
    person, application = Candidate.__table__.alias(), Application.__table__.alias()
    return (
        sa.select(person.c.first_name + " " + person.c.last_name)
        .where(application.c.tenant_id == row.c.tenant_id, application.c.id == row.c.application_id)
        .where(person.c.tenant_id == application.c.tenant_id, person.c.id == application.c.candidate_id)
        .scalar_subquery()
    )


label(MockInterview, _candidate)
label(TrainingAssignment, _candidate)


# --- mock interviews ------------------------------------------------------------------------------------


def _items(session: Any, keys: Sequence[UUID], user: Any, at: Any) -> Mapping[UUID, Any]:
    found: dict[UUID, list[Any]] = {key: [] for key in keys}
    query = sa.select(Item).where(Item.mock_interview_id.in_(keys)).order_by(Item.order, Item.id)
    for row in session.scalars(query):
        found[row.mock_interview_id].append(_item(row))
    return found


def _item(row: MockInterviewChecklistItem) -> dict[str, Any]:
    names = ("id", "version", "category", "criterion", "order", "passed", "rating", "notes", "template_id")
    return {name: getattr(row, name) for name in names}


ITEM: Fields = {
    "id": Key("Its key."), "version": Whole("Grows with each change."),
    "category": OneOf(ChecklistCategory, "Its kind."),
    "criterion": Text("What is judged."), "order": Whole("Its place, from 0."),
    "passed": Flag("Yes, no, or null for not yet.", allow_none=True),
    "rating": Whole("From 1 to 5, or null.", 1, 5, allow_none=True), "notes": Text("Notes to it."),
    "template_id": Key("The criterion it was copied from; null for one that was added by hand.", allow_none=True),
}  # fmt: skip


_JUDGEMENT: Fields = {
    "passed": Flag("Yes, no, or null for not yet.", allow_none=True),
    "rating": Whole("From 1 to 5, or null.", 1, 5, allow_none=True),
    "notes": Text("Notes to it.", limit=20_000),
}  # fmt: skip
_ASSESSMENT: Fields = {
    "overall_rating": Whole("The whole, from 1 to 5.", 1, 5, required=True),
    "decision": OneOf(Decision, "What comes of it; needs_training wants the training as well.", required=True),
    "strengths": Text("What was good.", limit=20_000), "weaknesses": Text("What was not.", limit=20_000),
    "recommendations": Text("What to do.", limit=20_000), "general_notes": Text("What else.", limit=20_000),
    "checklist": listed(
        record("ChecklistJudgement", {
            "id": Key("Which item of the checklist.", required=True), **_JUDGEMENT,
            "version": Whole("The version you have seen of the item.", 1),
        }),
        "What is new on the checklist.", 500,
    ),
    "training": record("TrainingWanted", training_fields(), "The training to assign, with needs_training alone."),
}  # fmt: skip


def _complete(call: Call, row: MockInterview) -> None:
    given = dict(call.body)
    try:
        assessing.complete_mock_interview(call.session, row, given, call.change, version=call.version)
    except Invalid as error:
        if "training" not in given and given["decision"] != Decision.NEEDS_TRAINING:
            raise
        below = {n: f"training.{n}" if n in TRAINING_FIELDS else n for n in error.errors}
        raise type(error)({below[name]: texts for name, texts in error.errors.items()}) from None


MOCK_INTERVIEWS_API = Resource(
    "mock-interviews", "MockInterview", MOCK_INTERVIEWS,
    {
        "application_id": "The application; to make one is to send the candidate to the mock interview.",
        "coordinator_id": "Who conducts it; you, if you do and name nobody.",
        "status": "Where it stands; only verbs change it.",
        "scheduled_start": "When it begins; left out, the coordinator is asked to find a time.",
        "duration": "How many minutes it takes, from 15 to 240; 60 unless said otherwise.",
        "mode": "How people meet.", "attempt": "Which assessment of the application it is, from 1.",
        "request_notes": "What to look at.", "overall_rating": "The whole, from 1 to 5.",
        "decision": "What came of it.",
        "ready_for_client_interview": "Whether the candidate is ready for the client.",
        "strengths": "What was good.", "weaknesses": "What was not.", "recommendations": "What to do.",
        "general_notes": "What else.",
    },
    parts=(Loaded("checklist", listed(told("ChecklistItem", ITEM), "Its checklist, in its order (in the answer of one "
                                      "row only)."), _items, (), alone=True),),
    hides=frozenset({"draft"}), create=plainly(actions.create_mock_interview), delete_is="cancel", verbs_by="PATCH",
    bodies={
        "complete": _ASSESSMENT,
        "schedule": {
            "scheduled_start": Moment("When it begins.", required=True),
            "duration": Whole("How many minutes it takes; as it is unless said otherwise.", 15, 240),
            "mode": OneOf(MockMode, "How people meet."), "meeting_link": Text("Where; http or https.", PlainText, 500),
            "overrule_reason": Text("Book in spite of a clash, because of this.", PlainText, 500),
        },
        "reschedule": {
            "scheduled_start": Moment("The new start.", required=True),
            "duration": Whole("How many minutes it takes; as it is unless said otherwise.", 15, 240),
            "overrule_reason": Text("Book in spite of a clash, because of this.", PlainText, 500),
        },
    },
    runs={"complete": _complete}, zoned=False,
    example={"application_id": _SOME_KEY, "scheduled_start": "2027-03-01T09:00:00+04:00", "duration": 60},
    examples={
        "schedule": {"scheduled_start": "2027-03-01T09:00:00+04:00", "duration": 45},
        "reschedule": {"scheduled_start": "2027-03-02T09:00:00+04:00"}, "cancel": {"reason": "The candidate is ill"},
        "complete": {"overall_rating": 2, "decision": "needs_training", "weaknesses": "Hand-over",
                     "checklist": [{"id": _SOME_KEY, "passed": False, "rating": 2}],
                     "training": {"training_type": "soft_skills", "priority": "high", "focus_areas": ["Hand-over"]}},
    },
)  # fmt: skip


def _of_coordinator(call: Call) -> Answer:
    if not known_of("coordinators", [call.keys[0]]):
        raise Missing
    mine = (MockInterview.coordinator_id == call.keys[0],)
    return page(call, MOCK_INTERVIEWS, MOCK_INTERVIEWS_API.shape, conditions=mine)


def _mocks_of(call: Call) -> Answer:
    mine = (MockInterview.application_id == application_of(call),)
    return page(call, MOCK_INTERVIEWS, MOCK_INTERVIEWS_API.shape, conditions=mine, order=(MockInterview.id.desc(),))


def _to_judge(call: Call) -> MockInterview:
    """The mock interview whose checklist the call is about, for who may write on it."""
    row: MockInterview = access.fetch(call.session, MockInterview, call.keys[0], call.user)
    if not access.allows(call.session, call.user, row, *CONDUCT):
        raise NotAllowed("You may not change this checklist.")
    return row


def _add_item(call: Call) -> Answer:
    row = assessing.add_item(call.session, _to_judge(call), {"category": "role_specific", **call.body}, call.change)
    return Answer(_item(row), 201)


def _judge(call: Call) -> Answer:
    mock = _to_judge(call)
    return Answer(_item(assessing.judge_item(call.session, mock, call.keys[1], call.body, call.version, call.change)))


def _remove_item(call: Call) -> Answer:
    assessing.remove_item(call.session, _to_judge(call), call.keys[1], call.change)
    return Answer(None, 204)


def _present_item(call: Call) -> Any:
    row = call.session.scalar(
        sa.select(Item).where(Item.id == call.keys[1], Item.mock_interview_id == call.keys[0])
    ) if len(call.keys) > 1 else None  # fmt: skip
    return _item(row) if row is not None else None


# --- an application's way -------------------------------------------------------------------------------

_SENDING: Fields = {
    "coordinator_id": Key("Who is to conduct it.", "coordinators", required=True),
    "scheduled_start": Moment("When; left out, the coordinator is asked to find a time."),
    "notes": Text("What to look at.", limit=5000),
    "duration": Whole("How many minutes it takes; 60 unless said otherwise.", 15, 240),
    "timezone": Text("The zone of its times; the coordinator's unless said otherwise.", PlainText, 64),
    "mode": OneOf(MockMode, "How people meet."), "meeting_link": Text("Where; http or https.", PlainText, 500),
}  # fmt: skip


def _send(call: Call) -> Answer:
    key = application_of(call)
    check_references(_SENDING, call.body, None)
    given = dict(call.body)
    coordinator = call.session.get(User, (call.user.tenant_id, given.pop("coordinator_id")))
    _refuse_stale(call, key)
    result = actions.send_to_mock_interview(
        call.session, [key], call.saying(**given), lambda keys: dict.fromkeys(keys, coordinator)
    )
    if key in result.refused:
        raise result.refused[key]
    newest = sa.select(MockInterview.id).where(MockInterview.application_id == key).order_by(MockInterview.id.desc())
    mock = call.session.scalars(newest.limit(1)).one()
    application = resource_of(Application).one(call, key)
    return Answer(
        {
            **application,
            "mock_interview_id": mock,
            "mock_interview": {"id": mock, "label": application["candidate"]["label"]},
        }
    )


def _refuse_stale(call: Call, key: UUID) -> None:
    if call.version is None:
        return
    row = call.session.get(Application, (call.user.tenant_id, key))
    if row.version != call.version:
        raise records.Stale(row)


def _mock(method: str, path: str, name: str, run: Any, summary: str, **more: Any) -> Endpoint:
    given = {"answer": "ChecklistItem", "permissions": CONDUCT, "model": MockInterview, **more}
    return Endpoint(method, f"mock-interviews/{{id}}/checklist{path}", name, "mock-interviews", run, summary, **given)


RESOURCES = (*checklists_api.RESOURCES, MOCK_INTERVIEWS_API, *training_api.RESOURCES)
COMPONENTS = {
    "ChecklistItem": Component(ITEM),
    **checklists_api.COMPONENTS,
    "SentCandidateProject": further("CandidateProject", {
        "mock_interview_id": Key("The new mock interview."),
        "mock_interview": told("NewMockInterviewReference", {
            "id": Key("Its key."), "label": Text("Whose it is."),
        }, "The new mock interview: key and name."),
    }),
}  # fmt: skip

ENDPOINTS = (
    *checklists_api.ENDPOINTS,
    *training_api.ENDPOINTS,
    MOCK_INTERVIEWS_API.sublist("mock-interviews/coordinator/{id}", "list_mock_interviews_of_coordinator",
                                _of_coordinator, "List the mock interviews of a coordinator"),
    MOCK_INTERVIEWS_API.sublist("mock-interviews/candidate-project/{id}", "list_mock_interviews_of_candidate_project",
                                _mocks_of, "List the mock interviews of an application",
                                description="The last one first."),
    _mock("POST", "", "add_checklist_item", _add_item, "Add a criterion to this checklist alone", status=201,
          body={"criterion": Text("What is to be judged.", PlainText, 300, required=True),
                "category": OneOf(ChecklistCategory, "Its kind; role_specific unless said otherwise.")},
          body_name="NewChecklistItem", example={"criterion": "Knows the ward's software"}),
    _mock("PATCH", "/{item_id}", "judge_checklist_item", _judge, "Judge a criterion", body=_JUDGEMENT,
          body_name="ChecklistItemChange", takes_version=True, present=_present_item,
          example={"passed": True, "rating": 4, "notes": "Precise"}),
    _mock("DELETE", "/{item_id}", "delete_checklist_item", _remove_item, "Take a criterion off this checklist",
          answer="", status=204),
    Endpoint("PATCH", "candidate-projects/{id}/send-to-mock-interview", "send_to_mock_interview", "candidate-projects",
             _send, "Send to a mock interview", description="Option A. Makes a mock interview: scheduled with a time, "
             "requested without one. Answers the application with it.", body=_SENDING,
             body_name="SendToMockInterview", answer="SentCandidateProject",
             permissions=SCHEDULE, model=MockInterview, takes_version=True,
             example={"coordinator_id": _SOME_KEY, "notes": "Please look at the hand-over"}),
)  # fmt: skip
