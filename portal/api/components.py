"""Components of the document that are no rows of a resource: made of fields, or of other components."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from portal.api.fields import Fields


@dataclass(frozen=True)
class Component:
    """An object with ``fields``, those of the component ``of`` among them; ``items`` names what its list holds.
    ``optional`` fields may be missing."""

    fields: Fields = field(default_factory=dict)
    of: str = ""
    items: str = ""
    meaning: str = ""
    optional: tuple[str, ...] = ()


def further(of: str, fields: Fields) -> Component:
    """The component ``of`` with more fields."""
    return Component(fields, of)


def several(items: str, meaning: str) -> Component:
    """``{items: [...]}``, not in pages."""
    return Component(items=items, meaning=meaning)


Components = Mapping[str, Component]


def together(parts: Iterable[Components]) -> dict[str, Component]:
    return {name: each for part in parts for name, each in part.items()}
