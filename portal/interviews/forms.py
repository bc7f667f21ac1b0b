"""What the verbs of interviews ask for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from portal.core.forms import (
    ReferenceField,
    VerbForm,
    WallTimeField,
    choices,
    span_label,
    verb_form,
)
from portal.core.tenancy import tenant_id
from portal.core.timeforms import OVERRULES, MoveManyForm, overrule_reason, suggest_time
from portal.interviews.filling import copy_name
from portal.interviews.models import Outcome
from portal.people.models import User


@verb_form("reschedule")
class RescheduleForm(VerbForm):
    """One interview: a new start and end, in its own zone."""

    scheduled_start = WallTimeField("New start", [InputRequired("Please give the new start.")])
    scheduled_end = WallTimeField("New end", [InputRequired("Please give the new end.")])
    overrule_reason = overrule_reason()
    needs = OVERRULES

    def prefill(self, row: Any) -> None:
        self.zone_name = row.timezone
        for field in (self.scheduled_start, self.scheduled_end):
            field.zone_name = row.timezone
            if not field.raw_data:
                field.data = getattr(row, field.name)

    def suggest(self, row: Any, args: Mapping[str, str]) -> None:
        """Wall times of ``zone``. A start alone moves the interview, which keeps its length; an end alone changes
        that."""
        for field in (self.scheduled_start, self.scheduled_end):
            suggest_time(field, args, row.timezone)
        start, end = self.scheduled_start, args.get("scheduled_end")
        if start.data != row.scheduled_start and not end:
            self.scheduled_end.data = start.data + (row.scheduled_end - row.scheduled_start)

    def facts(self, row: Any, zone_name: str) -> list[tuple[str, list[str]]]:
        zones = dict.fromkeys((row.timezone, zone_name))
        start, end = self.scheduled_start.data, self.scheduled_end.data
        told = [("Now", row.scheduled_start, row.scheduled_end)]
        if start and end and (start, end) != (row.scheduled_start, row.scheduled_end):
            told.append(("Proposed", start, end))
        return [(label, [span_label(first, last, name) for name in zones]) for label, first, last in told]

    def validate_scheduled_end(self, field: Any) -> None:
        if self.scheduled_start.data and field.data and field.data <= self.scheduled_start.data:
            raise ValidationError("The end must be after the start.")

    @classmethod
    def revive(cls, session: Any, params: dict[str, Any]) -> dict[str, Any]:
        times = ("scheduled_start", "scheduled_end")
        return {n: datetime.fromisoformat(v) if n in times else v for n, v in params.items()}


@verb_form("reschedule_many")
class RescheduleManyForm(MoveManyForm):
    """Many interviews, whose clashes HR may overrule."""

    overrule_reason = overrule_reason()
    needs = OVERRULES


@verb_form("complete")
class CompleteForm(VerbForm):
    outcome = SelectField("Outcome", choices=choices(Outcome, blank="Not known yet"), validators=[Optional()],
                          description="Of a client's interview; it can be recorded later.")  # fmt: skip


@verb_form("confirm")
class ConfirmForm(VerbForm):
    confirmed_by_candidate = BooleanField("The candidate confirmed it")


@verb_form("organizer")
class OrganizerForm(VerbForm):
    organizer = ReferenceField("New organizer", [InputRequired("Please choose who.")], lookup="users")

    @classmethod
    def revive(cls, session: Any, params: dict[str, Any]) -> dict[str, Any]:
        return {"organizer": session.get(User, (tenant_id(), UUID(params["organizer"])))}


@verb_form("clone_template")
class CloneForm(VerbForm):
    name = StringField(
        "Name of the copy",
        [InputRequired("Please give a name."), Length(max=120, message="At most %(max)d characters, please.")],
    )

    def prefill(self, row: Any) -> None:
        if not self.name.raw_data:
            self.name.data = copy_name(row)
