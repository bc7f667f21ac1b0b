"""The form of feedback: ratings, a recommendation, words, and the criteria of the interview's template."""

from collections.abc import Mapping, Sequence
from typing import Any

from wtforms import HiddenField, IntegerField, RadioField, TextAreaField
from wtforms.validators import StopValidation

from portal.core.errors import Invalid
from portal.core.forms import PortalForm, choices
from portal.core.types import words
from portal.feedback.actions import TEXTS
from portal.feedback.models import InterviewFeedback, Recommendation
from portal.feedback.queries import RATINGS, Criterion

_SEGMENTS = 10  # more than these are typed, not pressed


class ToSubmit:
    """Needed once it is submitted; a draft may lack it."""

    field_flags = {"required": True}

    def __call__(self, form: Any, field: Any) -> None:
        if field.raw_data and any(text.strip() for text in field.raw_data):
            return
        field.errors = []
        raise StopValidation("Please choose one: submitted feedback needs it." if form.submitting else "")


class Score(IntegerField):  # type: ignore[misc]
    """A whole number from 1 to ``top``, or nothing."""

    def __init__(self, label: str = "", validators: Sequence[Any] = (), *, top: int = 5, **more: Any) -> None:
        self.top = top
        super().__init__(label, validators, **more)

    @property
    def kind(self) -> str:
        return "rating" if self.top <= _SEGMENTS else "integer"

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        text, self.data = valuelist[0].strip(), None
        if text and not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= self.top):
            raise ValueError(f"A rating is a whole number from 1 to {self.top}.")
        self.data = int(text) if text else None


class FeedbackForm(PortalForm):
    """``submitting`` is set before validation; ``row_version`` is that of the draft it was made from."""

    submitting = False
    named: Mapping[str, str] = {}  # field -> criterion
    row_version = HiddenField()
    overall_rating = Score("Overall", [ToSubmit()], description="1 is the lowest, 5 the highest.")
    recommendation = RadioField("Recommendation", [ToSubmit()], choices=choices(Recommendation))
    technical_skills = Score("Technical skills")
    communication = Score("Communication")
    cultural_fit = Score("Cultural fit")
    problem_solving = Score("Problem solving")
    strengths = TextAreaField("Strengths")
    weaknesses = TextAreaField("Weaknesses")
    notes = TextAreaField("Notes")
    private_notes = TextAreaField(
        "Private notes", description="For you, HR and administrators. Nobody else reads them."
    )

    def values(self) -> dict[str, Any]:
        """What was entered, as ``actions.save_feedback`` takes it."""
        plain = {name: self[name].data for name in (*RATINGS, "recommendation", *TEXTS)}
        given = {criterion: self[name].data for name, criterion in self.named.items()}
        return {**plain, "custom_ratings": {name: score for name, score in given.items() if score is not None}}

    def take_errors(self, error: Invalid) -> None:
        """Errors of a criterion stand beside its field."""
        fields = {f"custom_ratings.{criterion}": name for name, criterion in self.named.items()}
        super().take_errors(Invalid({fields.get(name, name): texts for name, texts in error.errors.items()}))

    def sections(self) -> list[dict[str, Any]]:
        own = [{"label": "Criteria of the template", "fields": [self[name] for name in self.named]}]
        return [
            {"label": "Your verdict", "fields": [self.overall_rating, self.recommendation]},
            {"label": "Ratings", "fields": [self[name] for name in RATINGS[1:]]},
            *(own if self.named else []),
            {"label": "In words", "fields": [self[name] for name in TEXTS]},
        ]


def form_for(listed: Sequence[Criterion], row: InterviewFeedback | None, **more: Any) -> FeedbackForm:
    """The form with a field for each criterion, as ``row`` has them; ``more`` as a form takes it."""
    named = {f"criterion_{position}": each.name for position, each in enumerate(listed)}
    fields = {
        name: Score(each.name, top=each.max_score, description=each.description)
        for (name, each) in zip(named, listed, strict=True)
    }
    kind = type("FeedbackForm", (FeedbackForm,), {**fields, "named": named})
    start: dict[str, Any] = {name: getattr(row, name) for name in (*RATINGS, "recommendation", *TEXTS)} if row else {}
    start |= {name: row.custom_ratings.get(criterion) for name, criterion in named.items()} if row else {}
    form: FeedbackForm = kind(data=start, **more)
    if not form.is_submitted():
        form.row_version.data = str(row.version if row else 0)
    return form


def reads(value: Any) -> str:
    """A value of the form as people read it, for two versions side by side."""
    return words(value) if value in set(Recommendation) else str(value) if value not in (None, "") else "—"
