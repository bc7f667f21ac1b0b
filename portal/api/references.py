"""What a body refers to."""

from collections.abc import Mapping
from typing import Any

from portal.api.fields import Fields
from portal.core.errors import Invalid
from portal.core.forms import known_of


def check_references(inputs: Fields, values: Mapping[str, Any], row: Any) -> None:
    """What the body refers to must be something that the user may choose, as in the form; what stood there may stay."""
    errors = {}
    for name, each in inputs.items():
        lookup = getattr(getattr(each, "inner", each), "lookup", "")
        if not lookup or values.get(name) is None:
            continue
        keys = values[name] if isinstance(values[name], list) else [values[name]]
        kept = getattr(row, name, None) if row is not None else None
        known = known_of(lookup, keys)
        if not all(key in known and (known[key].choosable or key == kept) for key in keys):
            errors[name] = "This is not one of the choices."
    if errors:
        raise Invalid(errors)
