"""What the verbs of interviews ask for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from wtforms import BooleanField, IntegerField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from portal.core.forms import (
    ReferenceField,
    VerbForm,
    WallTimeField,
    Within,
    as_json,
    choices,
    moment,
    parse_wall,
    span_label,
    verb_form,
)
from portal.core.tenancy import tenant_id
from portal.core.types import zone_names
from portal.interviews.filling import copy_name
from portal.interviews.models import Outcome
from portal.people.models import User

OVERRULE = "Book in spite of a clash, because …"
OVERRULE_HELP = "Left empty, a clash is refused. The reason is kept in the history."


_OVERRULES = {"overrule_reason": "write:interviews"}


def _overrule() -> Any:
    """HR may book in spite of a clash, and says why."""
    short = Length(max=500, message="At most %(max)d characters, please.")
    return StringField(OVERRULE, [Optional(), short], description=OVERRULE_HELP)


@verb_form("reschedule")
class RescheduleForm(VerbForm):
    """One interview: a new start and end, in its own zone."""

    scheduled_start = WallTimeField("New start", [InputRequired("Please give the new start.")])
    scheduled_end = WallTimeField("New end", [InputRequired("Please give the new end.")])
    overrule_reason = _overrule()
    needs = _OVERRULES

    def prefill(self, row: Any) -> None:
        self.zone_name = row.timezone
        for field in (self.scheduled_start, self.scheduled_end):
            field.zone_name = row.timezone
            if not field.raw_data:
                field.data = getattr(row, field.name)

    def suggest(self, row: Any, args: Mapping[str, str]) -> None:
        """Wall times of ``zone``. A start alone moves the interview, which keeps its length; an end alone changes
        that."""
        here = args.get("zone", "")
        for field in (self.scheduled_start, self.scheduled_end):
            if text := args.get(field.name):
                try:
                    field.data = moment(parse_wall(text), here if here in zone_names() else row.timezone)
                except ValueError as error:
                    field.errors, field.raw_data = [str(error)], [text]
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
class RescheduleManyForm(RescheduleForm):
    """Many interviews: all to one start, each keeping its length; or each by the same offset."""

    how = RadioField(
        "How",
        choices=[SelectChoice("offset", "Move each by an offset"), SelectChoice("time", "Move all to one start")],
        default="offset",
    )
    days = IntegerField(
        "Days",
        [Optional(), Within(-366, 366)],
        description="Earlier with a minus. The time of day stays, also when the clocks change in between.",
        render_kw={"data-when": "how=offset"},
    )
    hours = IntegerField("Hours", [Optional(), Within(-1000, 1000)], render_kw={"data-when": "how=offset"})
    minutes = IntegerField("Minutes", [Optional(), Within(-1000, 1000)], render_kw={"data-when": "how=offset"})
    scheduled_start = WallTimeField("New start", [Optional()], render_kw={"data-when": "how=time"})
    scheduled_end = None  # type: ignore[assignment]
    overrule_reason = _overrule()  # after the others

    def validate_scheduled_end(self, field: Any) -> None:
        """Each keeps its length: there is no end to check."""

    def validate(self, extra_validators: Any = None) -> bool:
        # Here and not in the fields' own checks, which are passed over for a field that is left empty.
        super().validate(extra_validators)
        if self.how.data == "time" and not self.scheduled_start.data and not self.scheduled_start.errors:
            self.scheduled_start.errors = ["Please give the new start."]
        if self.how.data == "offset" and not (self.days.data or self.minutes_more) and not self._offset_errors():
            self.days.errors = ["Please say by how much: days, hours or minutes."]
        return not self.errors

    def _offset_errors(self) -> bool:
        return any(f.errors for f in (self.days, self.hours, self.minutes))

    @property
    def minutes_more(self) -> int:
        return (self.hours.data or 0) * 60 + (self.minutes.data or 0)

    def params(self) -> dict[str, Any]:
        reason = self.overrule_reason.data if self.overrule_reason else ""
        kept = {"overrule_reason": reason} if reason else {}
        if self.how.data == "offset":
            return {"offset_days": self.days.data or 0, "offset_minutes": self.minutes_more, **kept}
        return {"scheduled_start": as_json(self.scheduled_start.data), **kept}


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
