"""Form fields that know zones and references, and the base of the forms that verbs ask for."""

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from flask_wtf import FlaskForm
from markupsafe import Markup, escape
from wtforms import DateTimeLocalField, Field, HiddenField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import core
from wtforms.widgets.core import clean_key

from portal.core import languages
from portal.core.access import Holder, may
from portal.core.errors import Invalid
from portal.core.types import words, zone, zone_names


class Known(NamedTuple):
    """A row that the present user may know of: how it is called, and whether it may be chosen anew."""

    label: str
    choosable: bool


class PortalForm(FlaskForm):  # type: ignore[misc]
    """A form whose fields take the errors of a refused action beside them."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self._known: dict[str, tuple[set[UUID], dict[UUID, Known]]] = {}
        super().__init__(*args, **more)

    def known(self, lookup: str) -> dict[UUID, Known]:
        """What is chosen in all fields of that look-up, as far as it is known: one statement for them together."""
        fields = [f for f in self if isinstance(f, ReferenceField) and f.lookup_name == lookup]
        keys: set[UUID] = set().union(*(field.keys() for field in fields))
        asked, found = self._known.get(lookup, (set(), {}))
        if not keys <= asked:
            found = _look_up(lookup, keys)
            self._known[lookup] = keys, found
        return found

    def take_errors(self, error: Invalid) -> None:
        """Put each error beside its field; those of no field of ours stand above the form."""
        for name, texts in error.errors.items():
            field = self._fields.get(name) or self._fields.get(name.removesuffix("_id"))
            if field is None or field.type in ("HiddenField", "CSRFTokenField"):
                self.form_errors.extend(texts)
            else:
                field.errors = [*field.errors, *texts]


def zone_label(name: str, at: datetime) -> str:
    """``Asia/Dubai, UTC+04:00``: a zone with its offset at that moment."""
    offset = at.astimezone(zone(name)).strftime("%z")
    return f"{name}, UTC{offset[:3]}:{offset[3:]}"


def span_label(start: datetime, end: datetime, name: str) -> str:
    """``24 Nov 2026, 14:00 to 15:00 (Asia/Dubai, UTC+04:00)``; an end on another day is told with it."""
    first, last = (moment.astimezone(zone(name)) for moment in (start, end))
    day = f"{last.day} {last:%b %Y}, " if last.date() != first.date() else ""
    return f"{first.day} {first:%b %Y, %H:%M} to {day}{last:%H:%M} ({zone_label(name, start)})"


def version_of(text: str | None) -> int | None:
    """The version that a form was made from; None where it is missing or no number that a row could have."""
    return int(text) if text and text.isdecimal() and len(text) < 10 else None


class Within(NumberRange):  # type: ignore[misc]
    """NumberRange that also stands numbers which no float holds."""

    def __call__(self, form: Any, field: Any) -> None:
        if isinstance(field.data, int) and abs(field.data) > 10**15:
            raise ValidationError(self.message or "This number is too large.")
        super().__call__(form, field)


class WallTimeField(DateTimeLocalField):  # type: ignore[misc]
    """A time as a clock on the wall shows it, in a zone that another field or the form names.

    ``data`` is aware UTC. What was not changed comes back to the microsecond; a wall time that the clocks skip
    is refused, one that they show twice means the first, unless it is the unchanged second.
    """

    kind = "datetime"
    data: datetime | None
    wall: datetime | None = None

    def __init__(self, label: str = "", validators: Sequence[Any] = (), *, zone_field: str = "", **more: Any) -> None:
        self.zone_field, self.zone_name = zone_field, "UTC"
        self.original: datetime | None = None
        super().__init__(label, validators, format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], **more)

    @property
    def zone_label(self) -> str:
        return zone_label(self.zone_name, self.data or datetime(2026, 1, 1, tzinfo=UTC))

    def process(self, formdata: Any, data: Any = None, **more: Any) -> None:
        self.original = data if isinstance(data, datetime) else None
        super().process(formdata, *(() if data is None else (data,)), **more)

    def _value(self) -> str:
        if self.raw_data:
            return " ".join(self.raw_data)
        return self.data.astimezone(zone(self.zone_name)).strftime("%Y-%m-%dT%H:%M") if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        if not valuelist or not valuelist[0].strip():
            return
        self.wall = parse_wall(valuelist[0])

    def pre_validate(self, form: Any) -> None:
        self.settle(form)

    def settle(self, form: Any) -> None:
        """Turn the wall time into a moment, now that the zone's field has been read."""
        if self.zone_field and self.zone_field in form:
            self.zone_name = form[self.zone_field].data if form[self.zone_field].data in zone_names() else "UTC"
        if self.wall is None:
            return
        here = zone(self.zone_name)
        if self.original and self.original.astimezone(here).replace(tzinfo=None, second=0, microsecond=0) == self.wall:
            self.data = self.original
            return
        self.data = moment(self.wall, self.zone_name)


def parse_wall(text: str) -> datetime:
    """A wall time as browsers and people write it; raises ValueError in words for anything else."""
    for pattern in ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"):
        with contextlib.suppress(ValueError):
            return datetime.strptime(text.strip(), pattern)  # noqa: DTZ007 - a zone comes later
    raise ValueError("Please give a date and a time, such as 2026-11-24 14:00.")


def moment(wall: datetime, zone_name: str) -> datetime:
    """The UTC moment of a wall time; raises ValidationError for one that the clocks skip."""
    here = zone(zone_name)
    if not 1900 < wall.year < 9000:  # near the ends of the calendar no other zone can show it
        raise ValidationError("Please give a year between 1901 and 8999.")
    at = wall.replace(tzinfo=here).astimezone(UTC)
    if at.astimezone(here).replace(tzinfo=None) != wall:
        later = at.astimezone(here).strftime("%H:%M")
        raise ValidationError(f"The clocks in {zone_name} skip this time on that day; did you mean {later}?")
    return at


class ReferenceField(Field):  # type: ignore[misc]
    """A row chosen by look-up; ``data`` is its key. Keys are checked against what the user may choose."""

    kind = "reference"
    multiple = False
    data: Any

    def __init__(
        self, label: str = "", validators: Sequence[Any] = (), *, lookup: str, multiple: bool = False, **more: Any
    ) -> None:
        self.lookup_name, self.multiple = lookup, multiple
        self.form: PortalForm = more["_form"]
        super().__init__(label, validators, **more)

    @property
    def lookup_url(self) -> str:
        return f"/lookup/{self.lookup_name}"

    def process_data(self, value: Any) -> None:
        self.data = list(value or []) if self.multiple else value

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            keys = [UUID(value) for value in valuelist if value]
        except ValueError:
            raise ValueError("This is not one of the choices.") from None
        self.data = list(dict.fromkeys(keys)) if self.multiple else (keys[0] if keys else None)

    def keys(self) -> list[UUID]:
        """What is chosen: none, one, or several."""
        if self.multiple:
            return list(self.data or [])
        one: UUID | None = self.data
        return [one] if one else []

    def widget(self, field: Any, **attributes: Any) -> Markup:
        options = [] if self.multiple else ['<option value=""></option>']
        known = self.form.known(self.lookup_name)
        for key in self.keys():
            label = known[key].label if key in known else "(unknown)"
            options.append(f'<option value="{key}" selected>{safe(label)}</option>')
        given = {"id": self.id, "name": self.name, **attributes, **({"multiple": True} if self.multiple else {})}
        if self.flags.required:
            given["required"] = True
        return Markup(f"<select {in_tag(**given)}>{''.join(options)}</select>")

    def pre_validate(self, form: Any) -> None:
        known, kept = self.form.known(self.lookup_name), self._kept()
        if not all(key in known and (known[key].choosable or key in kept) for key in self.keys()):
            raise ValidationError("This is not one of the choices.")

    def _kept(self) -> list[UUID]:
        """What stood there before may stay, even if it could not be chosen anew (somebody no longer active)."""
        before = self.object_data
        if self.multiple:
            return list(before or [])
        return [before] if before else []


_SPECIAL = re.compile("[&<>\"']")


def safe(value: Any) -> str:
    """``value`` as HTML, as ``markupsafe.escape`` has it. Most texts hold nothing to escape: looking takes a fifth
    of making a Markup of each."""
    return value if type(value) is str and not _SPECIAL.search(value) else str(escape(value))


_attribute = lru_cache(maxsize=512)(clean_key)  # they are few, and a page has hundreds


def in_tag(**given: Any) -> Markup:
    """A tag's attributes as WTForms writes them, names sorted: ``True`` is the name alone, ``False`` nothing."""
    parts = []
    for name, value in sorted(given.items()):
        if value is True:
            parts.append(_attribute(name))
        elif value is not False:
            # What is Markup already may hold quotes, which would end the attribute.
            text = safe(value) if type(value) is str else safe(value).replace('"', "&quot;")
            parts.append(f'{_attribute(name)}="{text}"')
    return Markup(" ".join(parts))


# WTForms 3.3 writes each attribute through Markup.format: a sixth of the time that a page with thirty fields takes.
core.html_params = in_tag
core.Input.html_params = staticmethod(in_tag)


_KINDS = {
    "TextAreaField": "textarea", "EmailField": "email", "URLField": "url", "TelField": "tel",
    "IntegerField": "integer", "TimeField": "time", "DecimalField": "number", "FloatField": "number",
    "DateField": "date", "DateTimeField": "datetime", "DateTimeLocalField": "datetime", "SelectField": "select",
    "SelectMultipleField": "multiselect", "BooleanField": "bool", "RadioField": "radio", "PasswordField": "password",
    "FileField": "file", "HiddenField": "hidden", "CSRFTokenField": "hidden", "SubmitField": "submit",
}  # fmt: skip


def kind_of(field: Field) -> str:
    """How templates write ``field``: as its ``kind`` says, or its attribute ``data-kind``, or its WTForms class."""
    named = getattr(field, "kind", "") or (field.render_kw or {}).get("data-kind")
    return str(named or _KINDS.get(field.type, "text"))


# Set by ``admin.lookups``: which of the keys the present user may know, and how they are called.
LookUp = Callable[[str, Iterable[UUID]], dict[UUID, Known]]
_look_up: LookUp = lambda lookup, keys: {}  # noqa: E731


def set_look_up(source: LookUp) -> None:
    global _look_up
    _look_up = source


def known_of(lookup: str, keys: Iterable[UUID]) -> dict[UUID, Known]:
    """Those of ``keys`` that the present user may know by that look-up."""
    return _look_up(lookup, keys)


def chosen_labels(lookup: str, keys: Iterable[UUID]) -> dict[UUID, str]:
    """What the keys are called, for those that the present user may know."""
    return {key: known.label for key, known in _look_up(lookup, keys).items()}


class ZoneField(SelectField):  # type: ignore[misc]
    kind = "zone"

    def __init__(self, label: str = "", validators: Sequence[Any] = (), *, optional: bool = False, **more: Any) -> None:
        self.optional = optional
        super().__init__(label, validators, choices=[], **more)

    def widget(self, field: Any, **attributes: Any) -> Markup:
        """As WTForms would, but with options that are made once: five hundred take longer than all else on a page."""
        given = {"id": self.id, "name": self.name, **attributes}
        if self.flags.required:
            given["required"] = True
        options = _zone_options()
        if self.data in zone_names():
            plain = f'value="{self.data}"'
            options = options.replace(plain, f"selected {plain}", 1)
        blank = '<option value="">—</option>' if self.optional else ""
        # Names of zones and what stands around them hold nothing to escape.
        return Markup(f"<select {in_tag(**given)}>{blank}{options}</select>")

    def pre_validate(self, form: Any) -> None:
        # Without choices of WTForms' own: it would make them all to find one.
        if not (self.data in zone_names() or (self.optional and self.data == "")):
            raise ValidationError(self.gettext("Not a valid choice."))


@cache
def _zone_options() -> str:
    return "".join(f'<option value="{name}">{name.replace("_", " ")}</option>' for name in sorted(zone_names()))


class LanguageField(SelectField):  # type: ignore[misc]
    """One of the languages that messages are written in; another that somebody has already stays among them."""

    def __init__(self, label: str = "", validators: Sequence[Any] = (), **more: Any) -> None:
        offered = [SelectChoice(code, name) for code, name in languages.LANGUAGES.items()]
        super().__init__(label, validators, choices=offered, default=languages.SOURCE, **more)

    def process_data(self, value: Any) -> None:
        super().process_data(value)
        if value and value not in languages.LANGUAGES:
            read = languages.LANGUAGES[languages.of(value).code]
            self.choices: list[SelectChoice] = [*self.choices, SelectChoice(value, f"{value} (messages are in {read})")]


TONES = ("grey", "blue", "cyan", "teal", "green", "yellow", "orange", "red", "purple", "indigo", "pink")


class ColourField(SelectField):  # type: ignore[misc]
    """One of the theme's tones, which are legible in light and dark."""

    kind = "colour"

    def __init__(self, label: str = "", validators: Sequence[Any] = (), **more: Any) -> None:
        super().__init__(label, validators, choices=[SelectChoice(tone, tone) for tone in TONES], **more)


class RatingField(SelectField):  # type: ignore[misc]
    kind = "rating"


class VerbForm(PortalForm):
    """What a verb asks for. ``params`` answers JSON to keep with a bulk run; ``revive`` turns it into the
    ``data`` of a Change again, maybe in another process. ``zone_name`` is set before validation."""

    row_version = HiddenField()
    zone_name: str = "UTC"
    needs: Mapping[str, str] = {}  # field -> the permission without which it is not there

    def narrow(self, user: Holder) -> None:
        """Take out what ``user`` may not fill in: whatever a request says for it is not read."""
        for name, permission in self.needs.items():
            if name in self and not may(user, permission):
                del self[name]

    def params(self) -> dict[str, Any]:
        skipped = ("csrf_token", "row_version")
        return {f.name: as_json(f.data) for f in self if f.name not in skipped and f.data not in (None, "")}

    @classmethod
    def revive(cls, session: Any, params: dict[str, Any]) -> dict[str, Any]:
        return dict(params)

    def prefill(self, row: Any) -> None:
        """Fill in what one row suggests; not called for bulk actions."""

    def suggest(self, row: Any, args: Mapping[str, str]) -> None:
        """Fill in what an address suggests for one row; what it says wrongly is told beside its field."""

    def facts(self, row: Any, zone_name: str) -> list[tuple[str, list[str]]]:
        """What stands above the form of one row, as labels and lines, for a reader in this zone."""
        return []


def as_json(value: Any) -> Any:
    """A field's value as a bulk run keeps it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value


_forms: dict[str, type[VerbForm]] = {}


def verb_form(name: str) -> Callable[[type[VerbForm]], type[VerbForm]]:
    """Register the form that moves and bulk actions call ``name``."""

    def keep(form: type[VerbForm]) -> type[VerbForm]:
        _forms[name] = form
        return form

    return keep


def form_named(name: str | None) -> type[VerbForm] | None:
    return _forms[name] if name else None


@verb_form("reason")
class ReasonForm(VerbForm):
    reason = TextAreaField("Reason", [InputRequired("Please give a reason."), Length(max=2000)])


@verb_form("status_note")
class NoteForm(VerbForm):
    reason = TextAreaField("Reason", [Optional(), Length(max=2000)])
    notes = TextAreaField("Notes", [Optional(), Length(max=5000)])


def choices(members: Iterable[Any], blank: str | None = None) -> list[SelectChoice]:
    """The choices of a select for a StrEnum's members, as people read them."""
    first = [SelectChoice("", blank)] if blank is not None else []
    return first + [SelectChoice(str(member.value), words(str(member.value))) for member in members]
