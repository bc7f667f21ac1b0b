"""What a new API token is asked for."""

from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from portal.core.forms import PortalForm
from portal.people.actions import READ_ONLY

_SOME = {"data-when": "may=some"}


class TokenForm(PortalForm):
    name = StringField(
        "Name", [InputRequired("Please say what it is for."), Length(max=120, message="At most %(max)d characters.")],
        description="What it is for, so that you know it again.",
    )  # fmt: skip
    may = RadioField(
        "It may",
        choices=[
            SelectChoice("all", "Do all that I may"),
            SelectChoice("read", "Read what I may read, and change nothing"),
            SelectChoice("some", "Do just some of what I may"),
        ],
        default="read",
    )
    permissions = TextAreaField(
        "Permissions", [Optional(), Length(max=2000)], render_kw=_SOME,
        description="One a line, such as read:interviews or write:candidates. What you may not do, it may not either.",
    )  # fmt: skip
    days = SelectField(
        "Good for",
        choices=[
            SelectChoice("30", "30 days"),
            SelectChoice("90", "90 days"),
            SelectChoice("365", "A year"),
            SelectChoice("0", "Until it is revoked"),
        ],
        default="90",
    )

    def scope(self) -> tuple[str, ...] | None:
        """The permissions that it is bounded to; None for all of its owner's."""
        if self.may.data == "all":
            return None
        return READ_ONLY if self.may.data == "read" else tuple(self.permissions.data.split())

    def validate(self, extra_validators: object = None) -> bool:
        # Here and not in the field's own check, which is passed over for a field that is left empty.
        super().validate(extra_validators)
        if self.may.data == "some" and not (self.permissions.data or "").split():
            self.permissions.errors = ["Please name one at least."]
        return not self.errors
