"""The forms of the checklists' pages: one criterion, and to which role copies go."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from wtforms import HiddenField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from portal.core.forms import PortalForm, VerbForm, choices
from portal.practice.models import ChecklistCategory

_HELP = "What somebody does or knows, so that two people would judge it alike."


class CriterionForm(PortalForm):
    """``row_version`` is that of the criterion it was made from; empty for a new one."""

    row_version = HiddenField()
    category = SelectField("Category", choices=choices(ChecklistCategory))
    criterion = StringField("Criterion", [InputRequired("Please fill this in.")], description=_HELP)

    def values(self) -> dict[str, Any]:
        return {"category": self.category.data, "criterion": self.criterion.data}


class CopyForm(VerbForm):
    """``offer`` names the roles that can be chosen."""

    role = SelectField("To the role", [InputRequired("Please choose a role.")])

    def offer(self, roles: Iterable[tuple[UUID, str]]) -> None:
        listed = [SelectChoice(str(key), name) for key, name in roles]
        self.role.choices = [SelectChoice("", "Choose one …"), *listed]

    @property
    def target(self) -> UUID:
        return UUID(self.role.data)
