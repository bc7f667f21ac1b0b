"""What several features ask for about time: weekdays, and by how much many rows move at once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wtforms import IntegerField, RadioField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional
from wtforms.widgets import CheckboxInput

from portal.core.forms import VerbForm, WallTimeField, Within, as_json, moment, parse_wall
from portal.core.types import words, zone_names

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_BY, _TO = {"data-when": "how=offset"}, {"data-when": "how=time"}


OVERRULE = "Book in spite of a clash, because …"
OVERRULE_HELP = "Left empty, a clash is refused. The reason is kept in the history."
OVERRULES = {"overrule_reason": "write:interviews"}  # the ``needs`` of a form that asks for it


def overrule_reason() -> Any:
    """HR may book in spite of a clash, and says why."""
    short = Length(max=500, message="At most %(max)d characters, please.")
    return StringField(OVERRULE, [Optional(), short], description=OVERRULE_HELP)


def suggest_time(field: WallTimeField, args: Mapping[str, str], zone_name: str) -> None:
    """Fill in the wall time that an address suggests under the field's name, of the ``zone`` that it names or else of
    ``zone_name``; what it says wrongly is told beside the field."""
    try:
        field.data = time_said(args, field.name, zone_name) or field.data
    except ValueError as error:
        field.errors, field.raw_data = [str(error)], [args[field.name]]


def time_said(args: Mapping[str, str], name: str, zone_name: str) -> datetime | None:
    """The moment that an address says under ``name``, None where it says nothing; raises ValueError in words."""
    here, text = args.get("zone", ""), args.get(name)
    return moment(parse_wall(text), here if here in zone_names() else zone_name) if text else None


class WeekdaysField(SelectMultipleField):  # type: ignore[misc]
    """Any of the week's days, ticked."""

    kind = "checks"
    option_widget = CheckboxInput()

    def __init__(self, label: str = "", validators: Any = (), **more: Any) -> None:
        days = [SelectChoice(day, words(day)[:3]) for day in WEEKDAYS]
        super().__init__(label, validators, choices=days, **more)


class MoveManyForm(VerbForm):
    """Each by the same offset, whose days are those of a clock on the wall; or all to one start. Each keeps its
    length. What a feature asks for besides, it adds."""

    how = RadioField(
        "How",
        choices=[SelectChoice("offset", "Move each by an offset"), SelectChoice("time", "Move all to one start")],
        default="offset",
    )
    days = IntegerField(
        "Days",
        [Optional(), Within(-366, 366)],
        description="Earlier with a minus. The time of day stays, also when the clocks change in between.",
        render_kw=_BY,
    )
    hours = IntegerField("Hours", [Optional(), Within(-1000, 1000)], render_kw=_BY)
    minutes = IntegerField("Minutes", [Optional(), Within(-1000, 1000)], render_kw=_BY)
    scheduled_start = WallTimeField("New start", [Optional()], render_kw=_TO)

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
        passed = ("how", "days", "hours", "minutes", "scheduled_start")
        kept = {name: value for name, value in super().params().items() if name not in passed}
        if self.how.data == "offset":
            return {"offset_days": self.days.data or 0, "offset_minutes": self.minutes_more, **kept}
        return {"scheduled_start": as_json(self.scheduled_start.data), **kept}

    @classmethod
    def revive(cls, session: Any, params: dict[str, Any]) -> dict[str, Any]:
        return {n: datetime.fromisoformat(v) if n == "scheduled_start" else v for n, v in params.items()}
