"""The ways that applications take through the pipeline (SPEC §2), to whatever status they are to end in."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from portal.hiring.pipeline import BY_NAME

START = "nominated"


@dataclass(frozen=True)
class Round:
    """One of a client's interviews: how it ended, or ``scheduled`` or ``rescheduled`` while it is still ahead."""

    ends: str

    @property
    def statuses(self) -> tuple[str, ...]:
        """Where it takes its application, one after the other."""
        return ("interview_scheduled", *_AFTER.get(self.ends, ()))

    @property
    def is_open(self) -> bool:
        return self.ends in ("scheduled", "rescheduled")


_AFTER: dict[str, tuple[str, ...]] = {
    "rescheduled": ("interview_rescheduled",),
    "completed": ("interview_completed",),
    "passed": ("interview_completed", "interview_passed"),
    "failed": ("interview_completed", "interview_failed"),
    "cancelled": ("approved",),
}
Step = str | Round
Journey = tuple[Step, ...]

DOCUMENTS: Journey = ("pending_documents", "documents_submitted", "verification_in_progress", "documents_verified")
_MOCK: Journey = (*DOCUMENTS, "mock_interview_scheduled", "mock_interview_completed")
_FAILED: Journey = (*_MOCK, "mock_interview_failed")
_TRAINED: Journey = (
    *_FAILED, "training_assigned", "training_in_progress", "training_completed", "ready_for_reassessment",
)  # fmt: skip
# To the approval: straight, after a mock interview, or after training.
_APPROVED: tuple[Journey, ...] = (
    (*DOCUMENTS, "approved"),
    (*_MOCK, "mock_interview_passed", "approved"),
    (*_TRAINED, "approved"),
)
_STRAIGHT = {journey[-1]: journey for journey in (_MOCK[:-1], _MOCK, _FAILED, (*_MOCK, "mock_interview_passed"))}
_STRAIGHT |= {str(_TRAINED[n]): _TRAINED[: n + 1] for n in range(len(_FAILED), len(_TRAINED))}
_STRAIGHT |= {str(step): DOCUMENTS[: n + 1] for n, step in enumerate(DOCUMENTS)}
_STRAIGHT |= {START: ()}

_LEFT_FROM = (
    "pending_documents", "documents_verified", "training_assigned", "approved", "interview_scheduled", "selected",
)  # fmt: skip
_ROUND_OF = {f"interview_{ends}": ends for ends in ("scheduled", "rescheduled", "completed", "passed", "failed")}


def journey(random: Random, target: str) -> Journey:
    """A way from nominated to ``target``, as the pipeline's table permits."""
    if target in _STRAIGHT:
        return _STRAIGHT[target]
    if target in ("withdrawn", "on_hold"):
        return (*journey(random, random.choice(_LEFT_FROM)), target)
    if target == "rejected_documents":
        return (*DOCUMENTS[: random.randint(2, 4)], target)
    if target == "rejected_interview":
        return (*_FAILED, target) if random.random() < 0.4 else (*journey(random, "interview_failed"), target)
    if target in ("selected", "rejected_selection"):
        return (*journey(random, "interview_passed"), target)
    if target in ("processing", "hired"):
        return (*journey(random, "processing" if target == "hired" else "selected"), target)
    return (*random.choices(_APPROVED, (5, 4, 1))[0], *_rounds(random, target))


def _rounds(random: Random, target: str) -> Journey:
    called_off = (Round("cancelled"),) if random.random() < 0.15 else ()
    if target == "approved":
        return called_off
    before = random.choices((0, 1, 2), (5, 4, 1))[0]
    return (*called_off, *[Round("passed")] * before, Round(_ROUND_OF[target]))


def statuses(way: Journey) -> Iterator[str]:
    """All statuses that an application has on its way, the first one included."""
    yield START
    for step in way:
        yield from step.statuses if isinstance(step, Round) else (step,)


def is_permitted(way: Journey) -> bool:
    """Whether the pipeline's table leads all the way."""
    return all(after in BY_NAME[before].leads_to for before, after in pairwise(statuses(way)))
