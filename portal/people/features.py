"""The parts of the portal that an organisation may switch off (SPEC §1 ``Tenant.features``).

What is off has no menu, page, route or API, and nobody holds its permissions; its rows are kept as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Feature:
    """``name`` is also the resource that the permissions of this part are about."""

    name: str
    label: str
    help: str


FEATURES = (
    Feature("mock_interviews", "Mock interviews",
            "Rehearsals with a coordinator and their checklists. Off: candidates are approved directly."),
    Feature("training", "Training", "Off: a mock interview ends in approval or rejection."),
)  # fmt: skip


def is_on(features: Mapping[str, Any], name: str) -> bool:
    """A part is on unless it was switched off."""
    return features.get(name, True) is not False


def switched_off(features: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(each.name for each in FEATURES if not is_on(features, each.name))
