"""What the verbs of practice ask for."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from wtforms import DateField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from portal.core.forms import (
    RatingField,
    ReferenceField,
    VerbForm,
    WallTimeField,
    Within,
    choices,
    span_label,
    verb_form,
)
from portal.core.rowsfield import RowsField
from portal.core.tenancy import tenant_id
from portal.core.timeforms import OVERRULES, overrule_reason, suggest_time, time_said
from portal.people.models import User
from portal.practice.models import (
    FOCUS_AREAS,
    LONGEST,
    SHORTEST,
    SKILLS,
    Decision,
    MockMode,
    Priority,
    TrainingOutcome,
    TrainingType,
)
from portal.practice.workflow import TRAINING_FIELDS

LASTS = Within(SHORTEST, LONGEST, message=f"From {SHORTEST} to {LONGEST} minutes.")


def _short() -> Any:
    return Length(max=500, message="At most %(max)d characters, please.")


def _long() -> Any:
    return Length(max=20_000, message="At most %(max)d characters, please.")


def _ratings() -> list[SelectChoice]:
    return [SelectChoice("", "–"), *(SelectChoice(str(n), str(n)) for n in range(1, 6))]


def _whole(value: Any) -> int | None:
    return int(value) if value not in (None, "") else None


# --- times of a mock interview --------------------------------------------------------------------------


@verb_form("schedule_mock")
class ScheduleMockForm(VerbForm):
    """A start in the interview's zone, and how long it takes."""

    scheduled_start = WallTimeField("Start", [InputRequired("Please give the start.")])
    duration = IntegerField("Minutes", [InputRequired("Please say how long it takes."), LASTS])
    mode = SelectField("How", choices=choices(MockMode), validators=[Optional()])
    meeting_link = StringField("Meeting link", [Optional(), _short()], description="Starts with http:// or https://.")
    overrule_reason = overrule_reason()
    needs = OVERRULES

    def prefill(self, row: Any) -> None:
        self.zone_name = self.scheduled_start.zone_name = row.timezone
        if self.is_submitted():
            return
        self.scheduled_start.data, self.duration.data = row.scheduled_start, row.duration
        if "mode" in self:
            self.mode.data, self.meeting_link.data = row.mode, row.meeting_link

    def suggest(self, row: Any, args: Mapping[str, str]) -> None:
        """A start moves it, an end changes how long it takes; both are wall times of ``zone``."""
        suggest_time(self.scheduled_start, args, row.timezone)
        with suppress(ValueError):  # no field of ours asks for the end
            end = time_said(args, "scheduled_end", row.timezone)
            if end and self.scheduled_start.data:
                self.duration.data = int((end - self.scheduled_start.data).total_seconds() // 60)

    def facts(self, row: Any, zone_name: str) -> list[tuple[str, list[str]]]:
        if row.scheduled_start is None:
            return []
        zones = dict.fromkeys((row.timezone, zone_name))
        told = [("Now", row.scheduled_start, row.scheduled_end)]
        start, minutes = self.scheduled_start.data, self.duration.data
        fits = minutes is not None and SHORTEST <= minutes <= LONGEST  # what was typed may be any number
        if start and fits and (start, minutes) != (row.scheduled_start, row.duration):
            told.append(("Proposed", start, start + timedelta(minutes=minutes)))
        return [(label, [span_label(first, last, name) for name in zones]) for label, first, last in told]

    @classmethod
    def revive(cls, session: Any, params: dict[str, Any]) -> dict[str, Any]:
        return {n: datetime.fromisoformat(v) if n == "scheduled_start" else v for n, v in params.items()}


@verb_form("reschedule_mock")
class RescheduleMockForm(ScheduleMockForm):
    """Another start; where it takes place stays."""

    scheduled_start = WallTimeField("New start", [InputRequired("Please give the new start.")])
    mode = None
    meeting_link = None


# --- training, as a part of other forms -----------------------------------------------------------------


class TrainingFields(VerbForm):
    """The fields of a training, to be asked for by several verbs."""

    training_type = SelectField("Training", choices=choices(TrainingType, blank="Choose one …"),
                                validators=[Optional()])  # fmt: skip
    priority = SelectField("Priority", choices=choices(Priority), default=Priority.MEDIUM, validators=[Optional()])
    focus_areas = RowsField("Focus areas", rows=FOCUS_AREAS)
    skills_to_improve = RowsField("Skills to improve", rows=SKILLS)
    start_date = DateField("From", [Optional()])
    end_date = DateField("Until", [Optional()])

    def training(self) -> dict[str, Any]:
        """What was entered, as JSON."""
        given = {name: self[name].data for name in TRAINING_FIELDS}
        return {n: v.isoformat() if isinstance(v, date) else v for n, v in given.items() if v not in (None, "", [])}

    def validate_end_date(self, field: Any) -> None:
        if self.start_date.data and field.data and field.data < self.start_date.data:
            raise ValidationError("The end must not be before the start.")

    @staticmethod
    def revived(params: Mapping[str, Any]) -> dict[str, Any]:
        dates = ("start_date", "end_date")
        return {n: date.fromisoformat(v) if n in dates and v else v for n, v in params.items()}


@verb_form("assign_training")
class AssignTrainingForm(TrainingFields):
    def validate_training_type(self, field: Any) -> None:
        if not field.data:
            raise ValidationError("Please say which training.")

    def params(self) -> dict[str, Any]:
        return self.training()

    @classmethod
    def revive(cls, session: Any, params: dict[str, Any]) -> dict[str, Any]:
        return cls.revived(params)


# --- assessment -----------------------------------------------------------------------------------------


@verb_form("complete_mock")
class CompleteMockForm(TrainingFields):
    """The assessment and the decision; with “needs training”, which."""

    overall_rating = RatingField("Overall rating", [InputRequired("Please rate the whole.")], choices=_ratings(),
                                 coerce=_whole)  # fmt: skip
    decision = SelectField("Decision", choices=choices(Decision, blank="Choose one …"),
                           validators=[InputRequired("Please decide.")])  # fmt: skip
    strengths = TextAreaField("Strengths", [Optional(), _long()])
    weaknesses = TextAreaField("Weaknesses", [Optional(), _long()])
    recommendations = TextAreaField("Recommendations", [Optional(), _long()])
    general_notes = TextAreaField("General notes", [Optional(), _long()])
    order: tuple[str, ...] = (
        "overall_rating", "decision", *TRAINING_FIELDS, "strengths", "weaknesses", "recommendations", "general_notes",
    )  # fmt: skip

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        for name in TRAINING_FIELDS:
            self[name].render_kw = {"data-when": f"decision={Decision.NEEDS_TRAINING}"}
        fields: dict[str, Any] = dict(self._fields)
        self._fields: dict[str, Any] = {name: fields.pop(name) for name in self.order} | fields

    def validate(self, extra_validators: Any = None) -> bool:
        # Here and not in the field's own check, which is passed over for one that is left empty.
        super().validate(extra_validators)
        if self.decision.data == Decision.NEEDS_TRAINING and not self.training_type.data:
            self.training_type.errors = [*self.training_type.errors, "Please say which training."]
        return not self.errors

    def params(self) -> dict[str, Any]:
        plain = [name for name in self.order if name not in TRAINING_FIELDS]
        given = {name: self[name].data for name in plain if self[name].data not in (None, "")}
        wants = self.decision.data == Decision.NEEDS_TRAINING
        return {**given, **({"training": self.training()} if wants else {})}

    @classmethod
    def revive(cls, session: Any, params: dict[str, Any]) -> dict[str, Any]:
        training = {"training": cls.revived(params["training"])} if "training" in params else {}
        return {**params, **training}


# --- training and sessions ------------------------------------------------------------------------------


@verb_form("complete_training")
class CompleteTrainingForm(VerbForm):
    outcome = SelectField("Outcome", choices=choices(TrainingOutcome, blank="Choose one …"),
                          validators=[InputRequired("Please say how it ended.")])  # fmt: skip
    completion_notes = TextAreaField("Notes", [Optional(), _long()])


@verb_form("complete_session")
class CompleteSessionForm(VerbForm):
    feedback = TextAreaField("Feedback", [Optional(), _long()])
    rating = RatingField("Rating", [Optional()], choices=_ratings(), coerce=_whole)


@verb_form("reschedule_session")
class RescheduleSessionForm(VerbForm):
    session_start = WallTimeField("New start", [InputRequired("Please give the new start.")])
    duration = IntegerField("Minutes", [Optional(), Within(5, 720, message="From 5 to 720 minutes.")])
    overrule_reason = overrule_reason()
    needs = OVERRULES

    def prefill(self, row: Any) -> None:
        self.zone_name = self.session_start.zone_name = row.timezone
        if not self.is_submitted():
            self.session_start.data, self.duration.data = row.session_start, row.duration

    @classmethod
    def revive(cls, session: Any, params: dict[str, Any]) -> dict[str, Any]:
        return {n: datetime.fromisoformat(v) if n == "session_start" else v for n, v in params.items()}


# --- people ---------------------------------------------------------------------------------------------


@verb_form("mock_coordinator")
class MockCoordinatorForm(VerbForm):
    coordinator = ReferenceField("New coordinator", [InputRequired("Please choose who.")], lookup="coordinators")

    @classmethod
    def revive(cls, session: Any, params: dict[str, Any]) -> dict[str, Any]:
        return {"coordinator": session.get(User, (tenant_id(), UUID(params["coordinator"])))}
