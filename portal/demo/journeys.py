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


@dataclass(frozen=True)
class Mock:
    """A mock interview: the decision it ended with, ``cancelled`` or ``no_show``; while it is open, how it stands."""

    ends: str
    attempt: int = 1

    @property
    def statuses(self) -> tuple[str, ...]:
        """Where it takes its application, one after the other."""
        if self.ends in ("cancelled", "no_show"):
            return ("mock_interview_scheduled", "ready_for_reassessment" if self.attempt > 1 else "documents_verified")
        return ("mock_interview_scheduled", *_DECIDED.get(self.ends, ()))

    @property
    def is_open(self) -> bool:
        return self.ends in ("requested", "scheduled")


_DECIDED: dict[str, tuple[str, ...]] = {
    "approved": ("mock_interview_completed", "mock_interview_passed"),
    "needs_training": ("mock_interview_completed", "mock_interview_failed", "training_assigned"),
    "rejected": ("mock_interview_completed", "mock_interview_failed", "rejected_interview"),
}


@dataclass(frozen=True)
class Training:
    """The training that a mock interview has assigned, and how far it has come: ``ready`` is for reassessment."""

    ends: str

    @property
    def statuses(self) -> tuple[str, ...]:
        return _TRAINED[self.ends]


_TRAINED: dict[str, tuple[str, ...]] = {
    "assigned": (),
    "in_progress": ("training_in_progress",),
    "completed": ("training_in_progress", "training_completed"),
    "ready": ("training_in_progress", "training_completed", "ready_for_reassessment"),
    "cancelled": ("mock_interview_failed",),
}
Step = str | Round | Mock | Training
Journey = tuple[Step, ...]

DOCUMENTS: Journey = ("pending_documents", "documents_submitted", "verification_in_progress", "documents_verified")
# Assessed before mock interviews were kept: nobody wrote down how, and no decision takes it on.
_UNDECIDED: Journey = (*DOCUMENTS, "mock_interview_scheduled", "mock_interview_completed")
_STRAIGHT: dict[str, Journey] = {str(step): DOCUMENTS[: n + 1] for n, step in enumerate(DOCUMENTS)}
_STRAIGHT |= {START: (), "mock_interview_completed": _UNDECIDED}
_IN_TRAINING = {
    "mock_interview_failed": "cancelled", "training_assigned": "assigned", "training_in_progress": "in_progress",
    "training_completed": "completed", "ready_for_reassessment": "ready",
}  # fmt: skip
_LEFT_FROM = (
    "pending_documents", "documents_verified", "a request", "training_assigned", "approved", "interview_scheduled",
    "selected",
)  # fmt: skip
_ROUND_OF = {f"interview_{ends}": ends for ends in ("scheduled", "rescheduled", "completed", "passed", "failed")}


def journey(random: Random, target: str) -> Journey:
    """A way from nominated to ``target``, as the pipeline's table permits."""
    if target in _STRAIGHT:
        return _STRAIGHT[target]
    if target in _IN_TRAINING:
        return (*DOCUMENTS, *_rehearsed(random, "needs_training"), Training(_IN_TRAINING[target]))
    if target in ("mock_interview_scheduled", "mock_interview_passed"):
        open_one = random.choices(("requested", "scheduled"), (2, 3))[0]
        return _assessed(random, open_one if target == "mock_interview_scheduled" else "approved")
    if target in ("withdrawn", "on_hold"):
        left = random.choice(_LEFT_FROM)
        way = (*DOCUMENTS, Mock("requested")) if left == "a request" else journey(random, left)
        return (*way, target)
    if target == "rejected_documents":
        return (*DOCUMENTS[: random.randint(2, 4)], target)
    if target == "rejected_interview":
        failed = (*journey(random, "interview_failed"), target)
        return (*DOCUMENTS, *_rehearsed(random, "rejected")) if random.random() < 0.4 else failed
    if target in ("selected", "rejected_selection"):
        return (*journey(random, "interview_passed"), target)
    if target in ("processing", "hired"):
        return (*journey(random, "processing" if target == "hired" else "selected"), target)
    return (*_approved(random), *_rounds(random, target))


def _rehearsed(random: Random, ends: str, attempt: int = 1) -> Journey:
    """A mock interview, now and then at the second go."""
    missed = (Mock(random.choice(("cancelled", "no_show")), attempt),) if random.random() < 0.1 else ()
    return (*missed, Mock(ends, attempt))


def _assessed(random: Random, ends: str) -> Journey:
    """To a mock interview that ends so, now and then the second attempt."""
    if random.random() < 0.15:
        return (*journey(random, "ready_for_reassessment"), *_rehearsed(random, ends, 2))
    return (*DOCUMENTS, *_rehearsed(random, ends))


def _approved(random: Random) -> Journey:
    """To the approval: straight, after a mock interview, or after training."""
    how = random.choices(("straight", "rehearsed", "trained"), (5, 4, 1))[0]
    if how == "straight":
        return (*DOCUMENTS, "approved")
    way = journey(random, "ready_for_reassessment") if how == "trained" else _assessed(random, "approved")
    return (*way, "approved")


def _rounds(random: Random, target: str) -> Journey:
    called_off = (Round("cancelled"),) if random.random() < 0.15 else ()
    if target == "approved":
        return called_off
    before = random.choices((0, 1, 2), (5, 4, 1))[0]
    return (*called_off, *[Round("passed")] * before, Round(_ROUND_OF[target]))


def with_called_off(way: Journey, count: int) -> Journey:
    """The same way, on which ``count`` mock interviews were cancelled before anything else came of the documents."""
    if not count or "documents_verified" not in way:
        return way
    at = way.index("documents_verified") + 1
    return (*way[:at], *[Mock("cancelled")] * count, *way[at:])


def statuses(way: Journey) -> Iterator[str]:
    """All statuses that an application has on its way, the first one included."""
    yield START
    for step in way:
        yield from (step,) if isinstance(step, str) else step.statuses


def is_permitted(way: Journey) -> bool:
    """Whether the pipeline's table leads all the way."""
    return all(after in BY_NAME[before].leads_to for before, after in pairwise(statuses(way)))
