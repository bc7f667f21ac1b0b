"""How fields are written."""

from typing import Any

import pytest
from markupsafe import Markup
from wtforms import DateTimeLocalField, EmailField, Form, SelectField, StringField

from portal.core.forms import ColourField, WallTimeField, in_tag, kind_of


def test_attributes_are_escaped_and_sorted_and_say_true_by_their_name_alone() -> None:
    given = {"title": '"><script>', "class_": "a b", "required": True, "hidden": False, "data_pick": 1,
             "accept_charset": Markup('x "y" &amp;')}  # fmt: skip
    assert in_tag(**given) == (
        'accept_charset="x &quot;y&quot; &amp;" class="a b" data-pick="1" required title="&#34;&gt;&lt;script&gt;"'
    )


def test_fields_of_wtforms_write_theirs_the_same_way() -> None:
    class Asked(Form):  # type: ignore[misc]
        name = StringField(default='"><script>')

    assert (
        Asked().name(data_x=True) == '<input data-x id="name" name="name" type="text" value="&#34;&gt;&lt;script&gt;">'
    )


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        (StringField(), "text"), (EmailField(), "email"), (DateTimeLocalField(), "datetime"),
        (SelectField(), "select"), (SelectField(render_kw={"data-kind": "radio"}), "radio"),
        (ColourField(), "colour"), (WallTimeField(), "datetime"),
    ],
)  # fmt: skip
def test_how_a_field_is_written_follows_from_its_kind_or_its_class(field: Any, kind: str) -> None:
    class Asked(Form):  # type: ignore[misc]
        one = field

    assert kind_of(Asked().one) == kind
