"""Mock interviews, their checklists and training in the API, and the way of an application to them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.api.components import Component, further, several
from portal.api.endpoint import Answer, Call, Endpoint
from portal.api.fields import Fields, Flag, Key, Moment, OneOf, Text, Whole, listed, of_column, record, rows_of, told
from portal.api.listing import page
from portal.api.reading import Loaded, label
from portal.api.resource import CHANGE, CREATE, LIST, READ, Resource, check_references, resource_of
from portal.core import access, records
from portal.core.errors import Invalid, Missing, NotAllowed, WrongState
from portal.core.forms import known_of
from portal.core.types import PlainText
from portal.core.workflow import Change
from portal.hiring.models import Application, Candidate
from portal.people.models import User
from portal.practice import actions, assessing, checklists, training
from portal.practice.admin import CHECKLISTS, MOCK_INTERVIEWS
from portal.practice.models import (
    FOCUS_AREAS,
    SKILLS,
    ChecklistCategory,
    Decision,
    MockInterview,
    MockInterviewChecklistItem,
    MockInterviewChecklistTemplate,
    MockMode,
    Priority,
    TrainingAssignment,
    TrainingType,
)
from portal.practice.training_admin import SESSIONS, TRAININGS
from portal.practice.workflow import CONDUCT, SCHEDULE, SESSION, TRAIN, TRAINING_FIELDS

Item, Criterion = MockInterviewChecklistItem, MockInterviewChecklistTemplate
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
label(Criterion, lambda row: row.c.criterion)


# --- criteria -------------------------------------------------------------------------------------------

CHECKLISTS_API = Resource(
    "mock-interview-templates", "MockInterviewTemplate", CHECKLISTS,
    {
        "job_role_id": "The role that is judged by it.", "category": "What it is about.",
        "criterion": "What is judged; once for a role.", "active": "Whether new mock interviews get it.",
    },
    example={"job_role_id": _SOME_KEY, "category": "communication", "criterion": "Hands over a shift clearly"},
)  # fmt: skip


def _by_role(call: Call) -> Answer:
    if not known_of("job_roles", [call.keys[0]]):
        raise Missing
    mine = (Criterion.job_role_id == call.keys[0],)
    return page(call, CHECKLISTS, CHECKLISTS_API.shape, conditions=mine, order=(Criterion.order,))


def _reorder(call: Call) -> Answer:
    role = call.body["job_role_id"]
    checklists.reorder(call.session, role, call.body["order"], call.change)
    call.session.flush()
    keys = call.body["order"]
    rows = CHECKLISTS_API.shape.of(call.user).rows(call.session, keys, call.user, call.change.at)
    return Answer({"items": rows})


def _take_out_of_use(call: Call) -> Answer:
    row = _criterion(call)
    records.update(call.session, row, {"active": False}, call.version)
    return Answer(CHECKLISTS_API.one(call, row.id))


def _duplicate(call: Call) -> Answer:
    row = _criterion(call)
    made, _ = checklists.duplicate(call.session, [row.id], call.body["job_role_id"], call.change)
    if not made:
        raise Invalid({"job_role_id": "This role has this criterion already."})
    mine = sa.select(Criterion.id).where(
        Criterion.job_role_id == call.body["job_role_id"], Criterion.search_text == row.search_text
    )
    key = call.session.scalars(mine).one()
    return Answer(CHECKLISTS_API.one(call, key), 201, {"Location": f"/api/mock-interview-templates/{key}"})


def _criterion(call: Call) -> Any:
    row = CHECKLISTS_API.fetch(call)
    if not access.allows(call.session, call.user, row, *CHECKLISTS.write):
        raise NotAllowed
    return row


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


def _training_fields() -> Fields:
    return {
        "training_type": OneOf(TrainingType, "Which training.", required=True),
        "priority": OneOf(Priority, "How urgent."),
        "focus_areas": rows_of("FocusAreas", FOCUS_AREAS, "What to work on."),
        "skills_to_improve": rows_of("Skills", SKILLS, "Which skills."),
        "start_date": of_column(TrainingAssignment.__table__.c.start_date, "From which day.", allow_none=True),
        "end_date": of_column(TrainingAssignment.__table__.c.end_date, "Until which day.", allow_none=True),
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
    "training": record("TrainingWanted", _training_fields(), "The training to assign, with needs_training alone."),
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


def _plainly(create: Any) -> Any:
    """What the pages say beside the field of the application is a refusal of its own here: the wrong state is 409."""

    def made(session: Any, values: dict[str, Any], change: Change) -> Any:
        try:
            return create(session, values, change)
        except Invalid as error:
            if isinstance(error.__cause__, WrongState):
                raise error.__cause__ from None
            raise

    return made


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
    hides=frozenset({"draft"}), create=_plainly(actions.create_mock_interview), delete_is="cancel", verbs_by="PATCH",
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


def _application(call: Call) -> UUID:
    key: UUID = access.fetch(call.session, Application, call.keys[0], call.user).id
    return key


def _mocks_of(call: Call) -> Answer:
    mine = (MockInterview.application_id == _application(call),)
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


# --- training -------------------------------------------------------------------------------------------

TRAINING_API = Resource(
    "training", "Training", TRAININGS,
    {
        "application_id": "The application; one whose mock interview was not passed.",
        "mock_interview_id": "The mock interview that it follows from.", "assigned_by_id": "Who assigned it.",
        "training_type": "Which training.", "priority": "How urgent.", "focus_areas": "What to work on.",
        "skills_to_improve": "Which skills.", "start_date": "From which day.", "end_date": "Until which day.",
        "progress_notes": "How it goes, each line with its day and author.", "completion_notes": "How it ended.",
        "outcome": "How it ended.", "ready_for_reassessment": "Whether the candidate may be assessed again.",
    },
    only=(LIST, CREATE, READ, CHANGE), create=_plainly(training.create_training), verbs_by="PATCH",
    example={"application_id": _SOME_KEY, "training_type": "soft_skills", "priority": "high",
             "focus_areas": ["Hand-over"]},
    examples={"complete": {"outcome": "reassessment_needed", "completion_notes": "Much better"},
              "cancel": {"reason": "The candidate is ill"}},
)  # fmt: skip


def _trainings_of(call: Call) -> Answer:
    mine = (TrainingAssignment.application_id == _application(call),)
    return page(call, TRAININGS, TRAINING_API.shape, conditions=mine, order=(TrainingAssignment.id.desc(),))


def _progress(call: Call) -> Answer:
    row = TRAINING_API.fetch(call)
    if call.version is not None and call.version != row.version:
        raise records.Stale(row)
    training.note_progress(call.session, row, call.body["progress_notes"], call.change)
    return Answer(TRAINING_API.one(call, row.id))


_BY_STATUS = {"completed": "complete", "cancelled": "cancel"}


def _move_by_status(call: Call, row: Any) -> None:
    """A session is completed or cancelled by its status too, with what belongs to that."""
    status, reason = call.body.pop("status", None), call.body.pop("cancellation_reason", "")
    if status in (None, row.status):
        return
    verb = _BY_STATUS[status]
    names = ("feedback", "rating") if verb == "complete" else ()
    said = call.saying(reason=reason, **{name: call.body.pop(name) for name in names if name in call.body})
    SESSION.move(call.session, row, verb, said, version=call.version)
    call.version = None


SESSIONS_API = Resource(
    "training/{id}/sessions", "TrainingSession", SESSIONS,
    {
        "assignment_id": "The training it belongs to.", "session_start": "When it begins.",
        "duration": "How many minutes it takes, from 5 to 720.", "topic": "What it is about.",
        "conducted_by_id": "Who conducts it; you, unless you name somebody else.", "status": "Where it stands.",
        "feedback": "How it went.", "rating": "From 1 to 5.", "series_id": "The same in sessions made together.",
        "repeat": "How many: more than one makes a series at the same time of day.",
        "every_days": "Every so many days; 7 unless said otherwise.",
    },
    only=(LIST, CREATE, READ, CHANGE), verbs_by="PATCH", above=TRAINING_API, hangs_by="assignment_id",
    special={
        "assignment_id": None,
        "repeat": Whole("How many: more than one makes a series at the same time of day.", 1, training.MOST_SESSIONS),
        "every_days": Whole("Every so many days; 7 unless said otherwise.", 1, 90),
    },
    changes={
        "status": OneOf(_BY_STATUS, "Complete or cancel it, as the verbs do."),
        "cancellation_reason": Text("Why, with the status cancelled.", limit=2000),
    },
    before_change=_move_by_status,
    example={"topic": "Hand-over", "session_start": "2027-03-01T09:00:00+04:00", "duration": 60},
    examples={"complete": {"feedback": "Went well", "rating": 4}, "cancel": {"reason": "The trainer is ill"},
              "reschedule": {"session_start": "2027-03-02T09:00:00+04:00"}},
)  # fmt: skip

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
    key = _application(call)
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


def _template(method: str, path: str, name: str, run: Any, summary: str, **more: Any) -> Endpoint:
    given = {"answer": "MockInterviewTemplate", "permissions": CHECKLISTS.write, "model": Criterion, **more}
    return Endpoint(method, f"mock-interview-templates/{path}", name, "mock-interview-templates", run, summary, **given)


RESOURCES = (CHECKLISTS_API, MOCK_INTERVIEWS_API, TRAINING_API, SESSIONS_API)
COMPONENTS = {
    "ChecklistItem": Component(ITEM),
    "MockInterviewTemplateOrder": several("MockInterviewTemplate", "The criteria of the role, in their new order."),
    "SentCandidateProject": further("CandidateProject", {
        "mock_interview_id": Key("The new mock interview."),
        "mock_interview": told("NewMockInterviewReference", {
            "id": Key("Its key."), "label": Text("Whose it is."),
        }, "The new mock interview: key and name."),
    }),
}  # fmt: skip

ENDPOINTS = (
    CHECKLISTS_API.sublist("mock-interview-templates/by-role/{id}", "list_mock_interview_templates_by_role", _by_role,
                           "List the criteria of a role", description="In their order."),
    _template("POST", "reorder", "reorder_mock_interview_templates", _reorder, "Put the criteria of a role in order",
              body={"job_role_id": Key("The role.", "job_roles", required=True),
                    "order": listed(Key(), "All of its criteria, each once, in their new order.", 500,
                                    required=True)},
              body_name="MockInterviewTemplateReorder", answer="MockInterviewTemplateOrder",
              example={"job_role_id": _SOME_KEY, "order": [_SOME_KEY]}),
    _template("DELETE", "{id}/soft", "deactivate_mock_interview_template", _take_out_of_use,
              "Take a criterion out of use", description="New mock interviews do not get it; others keep it.",
              takes_version=True, present=CHECKLISTS_API.present),
    _template("POST", "{id}/duplicate", "duplicate_mock_interview_template", _duplicate,
              "Copy a criterion to another role", status=201,
              body={"job_role_id": Key("The other role.", "job_roles", required=True)},
              body_name="MockInterviewTemplateDuplicate", example={"job_role_id": _SOME_KEY}),
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
    TRAINING_API.sublist("training/candidate-project/{id}", "list_training_of_candidate_project", _trainings_of,
                         "List the trainings of an application", description="The last one first."),
    Endpoint("PATCH", "training/{id}/progress", "note_training_progress", "training", _progress, "Note progress",
             description="Adds a line to the progress notes, with its day and author.",
             body={"progress_notes": Text("The line to add.", limit=5000, required=True)}, body_name="TrainingProgress",
             answer="Training", permissions=TRAIN, model=TrainingAssignment, takes_version=True,
             present=TRAINING_API.present, example={"progress_notes": "Two shifts shadowed"}),
    Endpoint("PATCH", "candidate-projects/{id}/send-to-mock-interview", "send_to_mock_interview", "candidate-projects",
             _send, "Send to a mock interview", description="Option A. Makes a mock interview: scheduled with a time, "
             "requested without one. Answers the application with it.", body=_SENDING,
             body_name="SendToMockInterview", answer="SentCandidateProject",
             permissions=SCHEDULE, model=MockInterview, takes_version=True,
             example={"coordinator_id": _SOME_KEY, "notes": "Please look at the hand-over"}),
)  # fmt: skip
