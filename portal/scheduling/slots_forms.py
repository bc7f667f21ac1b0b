"""What slots ask for: how one recurs, how long a hold lasts, what a deletion takes with it, what to generate."""

from typing import Any

from wtforms import DateField, IntegerField, SelectField, StringField, TimeField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from portal.core.forms import PortalForm, ReferenceField, VerbForm, Within, ZoneField, choices, verb_form
from portal.core.timeforms import WEEKDAYS, WeekdaysField
from portal.scheduling.models import InterviewSlot, SlotType
from portal.scheduling.slots import HOLD_MINUTES, LONGEST_HOLD
from portal.scheduling.slots_actions import ALL_LATER
from portal.scheduling.slots_generator import MOST_DAYS, Wish

ONCE = "this"


# --- how a new slot recurs, as fields of its form ----------------------------------------------------


def repeat(label: str, validators: Any, **more: Any) -> Any:
    said = {
        "": "Does not repeat", "days": "Every so many days", "weeks": "Every so many weeks, on these weekdays",
        "months": "Every so many months, on the same day", "rule": "By a rule (RRULE)",
    }  # fmt: skip
    return SelectField(label, validators, choices=[SelectChoice(*each) for each in said.items()], default="", **more)


def every(label: str, validators: Any, **more: Any) -> Any:
    rules = [*validators, Within(1, 99, message="Please give a whole number from 1 to 99.")]
    return IntegerField(label, rules, default=1, render_kw={"data-when": "repeat=days|weeks|months"}, **more)


def weekdays(label: str, validators: Any, **more: Any) -> Any:
    return WeekdaysField(label, validators, render_kw={"data-when": "repeat=weeks"}, **more)


def until(label: str, validators: Any, **more: Any) -> Any:
    return DateField(label, validators, render_kw={"data-when": "repeat=days|weeks|months"}, **more)


def rule(label: str, validators: Any, **more: Any) -> Any:
    long = Length(max=200, message="At most %(max)d characters, please.")
    return StringField(label, [*validators, long], render_kw={"data-when": "repeat=rule"}, **more)


def scope(label: str, validators: Any, **more: Any) -> Any:
    """Which of a series a change concerns."""
    said = [SelectChoice(ONCE, "This slot alone"), SelectChoice(ALL_LATER, "This and all later free ones")]
    return SelectField(label, validators, choices=said, default=ONCE, **more)


# --- verbs --------------------------------------------------------------------------------------------


@verb_form("hold")
class HoldForm(VerbForm):
    minutes = IntegerField(
        "Minutes",
        [InputRequired("Please say for how long."), Within(1, LONGEST_HOLD, f"From 1 to {LONGEST_HOLD} minutes.")],
        default=HOLD_MINUTES,
        description="Others cannot take it until then. The hold ends by itself.",
    )


@verb_form("withdraw")
class WithdrawForm(VerbForm):
    scope = scope("Delete", [Optional()])

    def prefill(self, row: InterviewSlot) -> None:
        if not row.series_id:
            del self.scope


# --- many at once -------------------------------------------------------------------------------------

_GIVEN = InputRequired("Please fill this in.")


class GeneratorForm(PortalForm):
    people = ReferenceField("Interviewers", [InputRequired("Please choose at least one person.")], lookup="users",
                            multiple=True)  # fmt: skip
    slot_type = SelectField("For", choices=choices(SlotType), default=SlotType.ANY.value)
    first = DateField("First day", [_GIVEN])
    last = DateField("Last day", [_GIVEN], description=f"At most {MOST_DAYS} days.")
    weekdays = WeekdaysField("Weekdays", [InputRequired("Please tick at least one day.")], default=WEEKDAYS[:5])
    opens = TimeField("From", [_GIVEN])
    closes = TimeField("To", [_GIVEN], description="00:00 is the end of the day.")
    length = IntegerField("Length in minutes", [_GIVEN, Within(5, 1440, "From 5 to 1440 minutes.")], default=60)
    gap = IntegerField("Gap in minutes", [_GIVEN, Within(0, 1440, "From 0 to 1440 minutes.")], default=0,
                       description="Between one slot and the next.")  # fmt: skip
    zone = ZoneField("Zone of these hours", [Optional()], optional=True,
                     description="Left empty, each person's own.")  # fmt: skip

    def wish(self) -> Wish:
        return Wish(
            tuple(self.people.data), frozenset(WEEKDAYS.index(day) for day in self.weekdays.data), self.opens.data,
            self.closes.data, self.length.data, self.gap.data, self.first.data, self.last.data, self.zone.data or "",
            self.slot_type.data,
        )  # fmt: skip

    sections = (
        ("Who", ("people", "slot_type")),
        ("Days", ("first", "last", "weekdays")),
        ("Hours", ("opens", "closes", "length", "gap", "zone")),
    )
