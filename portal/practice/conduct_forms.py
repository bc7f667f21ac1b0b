"""The form of the page on which a mock interview is conducted: each criterion, the assessment, the decision."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from wtforms import RadioField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from portal.core.access import Holder, may
from portal.core.forms import choices, version_of
from portal.core.types import fold
from portal.practice.forms import CompleteMockForm
from portal.practice.models import Decision, MockInterview, MockInterviewChecklistItem
from portal.practice.workflow import ASSESSMENT, ASSIGN, TRAINING_FIELDS

Item = MockInterviewChecklistItem
WORDS = ("strengths", "weaknesses", "recommendations", "general_notes")
_LONGEST_AREA = 200
_PASSED = {"yes": True, "no": False}
_SAID = {True: "yes", False: "no", None: ""}


def area(criterion: str) -> str:
    """A criterion as a focus area, which is shorter."""
    return criterion if len(criterion) <= _LONGEST_AREA else criterion[: _LONGEST_AREA - 1].rstrip() + "…"


class ConductForm(CompleteMockForm):
    """``ready`` gives it the items, and takes out what this user may not decide."""

    decision = RadioField("Decision", choices=choices(Decision), validators=[InputRequired("Please decide.")])
    focus = SelectMultipleField("Criteria to work on", choices=[], validate_choice=False)
    order: tuple[str, ...] = (*CompleteMockForm.order, "focus")
    may_train = True

    def ready(self, user: Holder, items: Iterable[Item]) -> "ConductForm":
        self.focus.choices = [SelectChoice(area(each.criterion), area(each.criterion)) for each in items]
        self.may_train = may(user, *ASSIGN)
        if not self.may_train:
            self.decision.choices = [it for it in self.decision.choices if it.value != Decision.NEEDS_TRAINING]
        return self

    def begin(self, mock: MockInterview) -> "ConductForm":
        """Fill in what was kept of the assessment so far."""
        self.row_version.data = str(mock.version)
        kept: Mapping[str, Any] = mock.draft or {}
        rating = version_of(str(kept.get("overall_rating") or ""))
        self.overall_rating.data = rating
        for name in ("decision", *WORDS, "training_type", "priority"):
            if kept.get(name):
                self[name].data = kept[name]
        for name in ("start_date", "end_date"):
            self[name].data = _day(kept.get(name))
        self._spread(_list(kept.get("focus_areas")))
        self._lines("skills_to_improve", _list(kept.get("skills_to_improve")))
        return self

    def _spread(self, areas: list[str]) -> None:
        """Focus areas that are criteria are ticked; the others are rows of their own."""
        known = {choice.value for choice in self.focus.choices}
        self.focus.data = [each for each in areas if each in known]
        self._lines("focus_areas", [each for each in areas if each not in known])

    def _lines(self, name: str, listed: list[str]) -> None:
        field = self[name]
        field.data, field.lines = listed, field.rows.records(listed)

    def focus_areas_wanted(self) -> list[str]:
        """What is ticked, then what was written besides, each once."""
        found = {fold(str(each)): each for each in [*(self.focus.data or []), *(self.focus_areas.data or [])]}
        return list(found.values())

    def training(self) -> dict[str, Any]:
        areas = self.focus_areas_wanted()
        return {**super().training(), **({"focus_areas": areas} if areas else {})}

    def draft(self) -> dict[str, Any]:
        """The assessment as it was typed, for ``assessing.keep_draft``."""
        typed: dict[str, Any] = {name: self._typed(name) for name in (*ASSESSMENT, *TRAINING_FIELDS)}
        return {**typed, "focus_areas": self.focus_areas_wanted(), "skills_to_improve": self.skills_to_improve.data}

    def _typed(self, name: str) -> str:
        field = self[name]
        given = field.raw_data[0] if getattr(field, "raw_data", None) else field.data
        return "" if given is None or isinstance(given, list) else str(given)

    def params(self) -> dict[str, Any]:
        given = super().params()
        given.pop("focus", None)
        return given


def judged(form: Mapping[str, Any], items: Iterable[Item]) -> list[dict[str, Any]]:
    """What a form without scripts says of each item, as ``assessing.judge_items`` takes it, with the version that
    each was shown in; what it does not name is not judged by it."""
    return [
        {"id": each.id, "version": version_of(form.get(f"item-{each.id}-version")), **_judgement(form, each.id)}
        for each in items
        if f"item-{each.id}-version" in form
    ]


def _judgement(form: Mapping[str, Any], key: UUID) -> dict[str, Any]:
    passed, rating = form.get(f"item-{key}-passed", ""), form.get(f"item-{key}-rating", "")
    return {
        "passed": _PASSED.get(passed), "rating": version_of(rating) if rating else None,
        "notes": form.get(f"item-{key}-notes", ""),
    }  # fmt: skip


def said(passed: bool | None) -> str:
    """``yes``, ``no`` or '' for not yet: as the form sends it."""
    return _SAID[passed]


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else []


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
