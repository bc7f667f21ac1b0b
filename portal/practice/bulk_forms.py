"""What practice asks for when many rows are acted on at once."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask_login import current_user
from wtforms import IntegerField, RadioField, TextAreaField, TimeField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from portal.core import clock
from portal.core.forms import ReferenceField, VerbForm, WallTimeField, Within, ZoneField, verb_form
from portal.core.tenancy import tenant_id
from portal.core.timeforms import OVERRULES, WEEKDAYS, MoveManyForm, WeekdaysField, overrule_reason
from portal.people.models import User
from portal.practice.forms import LASTS
from portal.practice.series import Plan

_GIVEN = InputRequired("Please fill this in.")
_ONE, _SPREAD = {"data-when": "how=one"}, {"data-when": "how=spread"}


@verb_form("send_to_mock")
class SendToMockForm(VerbForm):
    """To whom the applications go: to one, or to several, always to whom has the fewest."""

    how = RadioField(
        "To whom",
        choices=[SelectChoice("spread", "Spread: each to the coordinator with the fewest open ones"),
                 SelectChoice("one", "All to one coordinator")],
        default="spread",
    )  # fmt: skip
    coordinators = ReferenceField("Coordinators", [Optional()], lookup="coordinators", multiple=True,
                                  description="Left empty, all who conduct mock interviews.",
                                  render_kw=_SPREAD)  # fmt: skip
    coordinator = ReferenceField("Coordinator", [Optional()], lookup="coordinators", render_kw=_ONE)
    duration = IntegerField("Minutes", [_GIVEN, LASTS], default=60)
    notes = TextAreaField("What to look at", [Optional(), Length(max=5000, message="At most %(max)d characters.")])

    def validate(self, extra_validators: Any = None) -> bool:
        # Here and not in the field's own check, which is passed over for one that is left empty.
        super().validate(extra_validators)
        if self.how.data == "one" and not self.coordinator.data and not self.coordinator.errors:
            self.coordinator.errors = ["Please choose a coordinator."]
        return not self.errors

    def params(self) -> dict[str, Any]:
        chosen = [self.coordinator.data] if self.how.data == "one" else self.coordinators.data or []
        return {"among": [str(key) for key in chosen], "duration": self.duration.data, "notes": self.notes.data or ""}

    @classmethod
    def revive(cls, session: Any, params: dict[str, Any]) -> dict[str, Any]:
        found = (session.get(User, (tenant_id(), UUID(key))) for key in params["among"])
        return {**params, "among": [user for user in found if user is not None]}


@verb_form("schedule_series")
class SeriesForm(VerbForm):
    """When a series begins and within which hours it goes on."""

    first = WallTimeField("First start", [_GIVEN], zone_field="timezone")
    timezone = ZoneField("Zone of these times", [_GIVEN], default=lambda: current_user.timezone)
    duration = IntegerField("Minutes", [Optional(), LASTS],
                            description="Left empty, each takes as long as it was asked for.")  # fmt: skip
    gap = IntegerField("Gap in minutes", [_GIVEN, Within(0, 240, message="From 0 to 240 minutes.")], default=15,
                       description="At least, between two of one coordinator.")  # fmt: skip
    opens = TimeField("From", [_GIVEN], default=time(9), invalid_value_message="Please give a time, such as 09:00.")
    closes = TimeField("To", [_GIVEN], default=time(17), description="00:00 is the end of the day.",
                       invalid_value_message="Please give a time, such as 17:00.")  # fmt: skip
    weekdays = WeekdaysField("Weekdays", [InputRequired("Please tick at least one day.")], default=WEEKDAYS[:5])

    def validate_first(self, field: Any) -> None:
        if field.data and field.data <= clock.now():
            raise ValidationError("The first start must be in the future.")

    def validate_closes(self, field: Any) -> None:
        if self.opens.data and field.data and field.data != time() and field.data <= self.opens.data:
            raise ValidationError("The end must be after the start.")

    def params(self) -> dict[str, Any]:
        assert self.first.data
        assert self.opens.data
        assert self.closes.data
        return {
            "first": self.first.data.isoformat(), "timezone": self.timezone.data, "minutes": self.duration.data,
            "gap": self.gap.data, "opens": _minutes(self.opens.data), "closes": _minutes(self.closes.data) or 24 * 60,
            "weekdays": [WEEKDAYS.index(day) for day in self.weekdays.data],
        }  # fmt: skip

    @classmethod
    def revive(cls, session: Any, params: dict[str, Any]) -> dict[str, Any]:
        opens, closes, gap = (timedelta(minutes=params[name]) for name in ("opens", "closes", "gap"))
        first, weekdays = datetime.fromisoformat(params["first"]), frozenset(params["weekdays"])
        return {"plan": Plan(first, params["timezone"], opens, closes, weekdays, gap, params["minutes"])}


def _minutes(clock_time: time) -> int:
    return clock_time.hour * 60 + clock_time.minute


@verb_form("reschedule_mocks")
class RescheduleMocksForm(MoveManyForm):
    """Many mock interviews, whose clashes HR may overrule."""

    overrule_reason = overrule_reason()
    needs = OVERRULES
