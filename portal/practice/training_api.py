"""Training and its sessions in the API."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from portal.api.columns import of_column
from portal.api.components import Components
from portal.api.endpoint import Answer, Call, Endpoint
from portal.api.fields import Fields, OneOf, Text, Whole, rows_of
from portal.api.listing import page
from portal.api.resource import CHANGE, CREATE, LIST, READ, Resource
from portal.core import access, records
from portal.core.errors import Invalid, WrongState
from portal.core.workflow import Change
from portal.hiring.models import Application
from portal.practice import training
from portal.practice.models import FOCUS_AREAS, SKILLS, Priority, TrainingAssignment, TrainingType
from portal.practice.training_admin import SESSIONS, TRAININGS
from portal.practice.workflow import SESSION, TRAIN

_SOME_KEY = "0192f3a4-5b6c-7d8e-9f01-23456789abcd"


def training_fields() -> Fields:
    return {
        "training_type": OneOf(TrainingType, "Which training.", required=True),
        "priority": OneOf(Priority, "How urgent."),
        "focus_areas": rows_of("FocusAreas", FOCUS_AREAS, "What to work on."),
        "skills_to_improve": rows_of("Skills", SKILLS, "Which skills."),
        "start_date": of_column(TrainingAssignment.__table__.c.start_date, "From which day.", allow_none=True),
        "end_date": of_column(TrainingAssignment.__table__.c.end_date, "Until which day.", allow_none=True),
    }  # fmt: skip


def plainly(create: Callable[..., Any]) -> Callable[..., Any]:
    """What the pages say beside the field of the application is a refusal of its own here: the wrong state is 409."""

    def made(session: Any, values: dict[str, Any], change: Change) -> Any:
        try:
            return create(session, values, change)
        except Invalid as error:
            if isinstance(error.__cause__, WrongState):
                raise error.__cause__ from None
            raise

    return made


def application_of(call: Call) -> UUID:
    """The application in the path, which the user may see."""
    key: UUID = access.fetch(call.session, Application, call.keys[0], call.user).id
    return key


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
    only=(LIST, CREATE, READ, CHANGE), create=plainly(training.create_training), verbs_by="PATCH",
    example={"application_id": _SOME_KEY, "training_type": "soft_skills", "priority": "high",
             "focus_areas": ["Hand-over"]},
    examples={"complete": {"outcome": "reassessment_needed", "completion_notes": "Much better"},
              "cancel": {"reason": "The candidate is ill"}},
)  # fmt: skip


def _trainings_of(call: Call) -> Answer:
    mine = (TrainingAssignment.application_id == application_of(call),)
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

RESOURCES = (TRAINING_API, SESSIONS_API)
COMPONENTS: Components = {}
ENDPOINTS = (
    TRAINING_API.sublist("training/candidate-project/{id}", "list_training_of_candidate_project", _trainings_of,
                         "List the trainings of an application", description="The last one first."),
    Endpoint("PATCH", "training/{id}/progress", "note_training_progress", "training", _progress, "Note progress",
             description="Adds a line to the progress notes, with its day and author.",
             body={"progress_notes": Text("The line to add.", limit=5000, required=True)}, body_name="TrainingProgress",
             answer="Training", permissions=TRAIN, model=TrainingAssignment, takes_version=True,
             present=TRAINING_API.present, example={"progress_notes": "Two shifts shadowed"}),
)  # fmt: skip
