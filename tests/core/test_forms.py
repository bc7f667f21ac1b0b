"""How fields are written."""

from markupsafe import Markup
from wtforms import Form, StringField

from portal.core.forms import in_tag


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
