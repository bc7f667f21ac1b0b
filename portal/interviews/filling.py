"""What a template fills into an interview, and what it asks of the panel (SPEC §1); how a template is cloned."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from markupsafe import Markup

from portal.core import audit, records
from portal.core.errors import Invalid
from portal.core.tenancy import tenant_id
from portal.core.types import RichText, words
from portal.core.workflow import Change
from portal.interviews.models import Interview, InterviewTemplate, InterviewType, Panelist, Part


def template_of(session: Any, key: UUID | None, kept: UUID | None = None) -> InterviewTemplate | None:
    """The template with this key; raises Invalid for one that is no longer used (unless it was ``kept``)."""
    if key is None:
        return None
    found = session.get(InterviewTemplate, (tenant_id(), key))
    if not isinstance(found, InterviewTemplate):
        raise Invalid({"template_id": "Please choose one of the templates."})
    if not found.active and key != kept:
        raise Invalid({"template_id": f"“{found.name}” is no longer in use."})
    return found


def fill(values: dict[str, Any], template: InterviewTemplate | None, candidate: str, start: Any = None) -> None:
    """Fill what was left empty in ``values``, which must name what may be filled; without a template its defaults.

    Raises Invalid where a type was chosen that is not the template's.
    """
    chosen = values.get("interview_type")
    if template and chosen and chosen != template.interview_type:
        raise Invalid({
            "template_id": f"“{template.name}” is for interviews of type {words(template.interview_type).lower()}; "
            f"this one is {words(chosen).lower()}."
        })  # fmt: skip
    kind = chosen or (template.interview_type if template else InterviewType.VIDEO)
    _set(values, "interview_type", kind)
    name = template.name if template else f"{words(kind)} interview"
    _set(values, "title", f"{name} with {candidate}"[:200])
    if template:
        _fill_more(values, template, values.get("scheduled_start") or start)


def _fill_more(values: dict[str, Any], template: InterviewTemplate, start: Any) -> None:
    if start:
        _set(values, "scheduled_end", start + timedelta(minutes=template.default_duration))
    _set(values, "interview_guide", guide(template))
    _set(values, "preparation_notes", template.preparation_guide)


def _set(values: dict[str, Any], name: str, value: Any) -> None:
    if not values.get(name):
        values[name] = value


def guide(template: InterviewTemplate) -> str:
    """The instructions, and the questions with what one hopes to hear."""
    asked = Markup().join(_question(each) for each in template.questions)
    questions = Markup("<p><strong>Questions</strong></p><ol>{}</ol>").format(asked) if asked else ""
    return RichText.clean(template.instructions + str(questions))


def _question(question: Mapping[str, Any]) -> Markup:
    about = [question.get("category", ""), f"weight {question['weight']}" if "weight" in question else ""]
    more = ", ".join(text for text in about if text)
    line = Markup("{}").format(question.get("question", ""))
    line += Markup(" <em>({})</em>").format(more) if more else ""
    if hoped := question.get("expected_answer"):
        line += Markup("<br>Expected: {}").format(hoped)
    return Markup("<li>{}</li>").format(line)


def check_panel(session: Any, row: Interview, template: InterviewTemplate | None) -> None:
    """A template says how many interviewers it needs, and whether it takes several; shadows do not count."""
    if template is None:
        return
    query = sa.select(sa.func.count()).select_from(Panelist)
    count = session.scalar(query.where(Panelist.interview_id == row.id, Panelist.part != Part.SHADOW))
    if count < template.required_interviewers:
        needed = f"{template.required_interviewers} interviewer{'s' if template.required_interviewers > 1 else ''}"
        raise Invalid({"interviewers": f"“{template.name}” needs {needed}; shadows do not count."})
    if count > 1 and not template.allow_multiple_interviewers:
        raise Invalid({"interviewers": f"“{template.name}” takes one interviewer only; others may be shadows."})


# --- the templates themselves -----------------------------------------------------------------------

_COPIED = (
    "interview_type", "default_duration", "required_interviewers", "allow_multiple_interviewers",
    "requires_feedback_before_discussion", "questions", "scorecard_criteria", "skills_assessed", "instructions",
    "preparation_guide", "candidate_instructions", "department", "job_level",
)  # fmt: skip


def create_template(session: Any, values: Mapping[str, Any], change: Change) -> InterviewTemplate:
    _check({"default_duration": 60, "required_interviewers": 1, "allow_multiple_interviewers": True} | dict(values))
    return records.create(session, InterviewTemplate, values)


def change_template(
    session: Any, row: InterviewTemplate, values: Mapping[str, Any], version: int, change: Change
) -> InterviewTemplate:
    _check({name: getattr(row, name) for name in _CHECKED} | dict(values))
    return records.update(session, row, values, version)  # type: ignore[no-any-return]


_CHECKED = ("default_duration", "required_interviewers", "allow_multiple_interviewers")


def _check(values: Mapping[str, Any]) -> None:
    length, needed = values.get("default_duration") or 0, values.get("required_interviewers") or 0
    if not 5 <= length <= 1440:
        raise Invalid({"default_duration": "From 5 to 1440 minutes, please."})
    if not 1 <= needed <= 20:
        raise Invalid({"required_interviewers": "From 1 to 20, please."})
    if needed > 1 and not values.get("allow_multiple_interviewers"):
        raise Invalid({"required_interviewers": "One at most, as long as several interviewers are not allowed."})


def clone(session: Any, row: InterviewTemplate, name: str, change: Change) -> InterviewTemplate:
    """A copy under another name, in use even where ``row`` no longer is."""
    made = records.create(session, InterviewTemplate, {n: getattr(row, n) for n in _COPIED} | {"name": name})
    copied = [(made.id, {"copy_of": [None, row.name]})]
    audit.write(session, made.tenant_id, "interview_templates", "clone", copied, at=change.at)
    return made


def copy_name(row: InterviewTemplate) -> str:
    """``Screening (copy)``, as long as a name may be."""
    return f"{row.name[:113]} (copy)"
