"""What the verbs of applications ask for."""

from typing import Any
from uuid import UUID

from wtforms import SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from portal.core.forms import ReferenceField, VerbForm, verb_form
from portal.core.tenancy import tenant_id
from portal.hiring.workflow import APPLICATION
from portal.people.models import User


def _targets() -> list[SelectChoice]:
    return [
        SelectChoice(verb, move.title) for verb, move in APPLICATION.moves.items() if move.sources and verb != "reopen"
    ]


@verb_form("change_status")
class ChangeStatusForm(VerbForm):
    status = SelectField("New status", choices=_targets, validators=[InputRequired("Please choose a status.")])
    reason = TextAreaField("Reason", [Optional(), Length(max=2000)])
    notes = TextAreaField("Notes", [Optional(), Length(max=5000)])


class _PersonForm(VerbForm):
    @classmethod
    def revive(cls, session: Any, params: dict[str, Any]) -> dict[str, Any]:
        return {name: session.get(User, (tenant_id(), UUID(key))) for name, key in params.items()}


@verb_form("recruiter")
class RecruiterForm(_PersonForm):
    recruiter = ReferenceField("New recruiter", [InputRequired("Please choose who.")], lookup="users")


@verb_form("coordinator")
class CoordinatorForm(_PersonForm):
    coordinator = ReferenceField("New coordinator", [InputRequired("Please choose who.")], lookup="users")
