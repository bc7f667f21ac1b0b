"""The application pipeline as data: stages, statuses, and where each status may lead (SPEC §2)."""

from dataclasses import dataclass

# name, label, colour, icon
STAGES: tuple[tuple[str, str, str, str], ...] = (
    ("nominated", "Nominated", "grey", "flag"),
    ("documents", "Documents", "blue", "folder-check"),
    ("interview", "Interview", "purple", "people"),
    ("training", "Training", "indigo", "mortarboard"),
    ("selection", "Selection", "teal", "hand-thumbs-up"),
    ("processing", "Processing", "cyan", "gear"),
    ("final", "Final", "green", "check2-circle"),
    ("rejected", "Rejected", "red", "x-circle"),
    ("withdrawn", "Withdrawn", "orange", "box-arrow-right"),
    ("on_hold", "On hold", "yellow", "pause-circle"),
)


@dataclass(frozen=True)
class Status:
    name: str
    stage: str
    label: str
    colour: str
    icon: str
    leads_to: tuple[str, ...]
    description: str = ""


_OUT = ("withdrawn", "on_hold")


def _status(name: str, stage: str, colour: str, icon: str, description: str, *leads_to: str) -> Status:
    label = name.replace("_", " ").capitalize()
    return Status(name, stage, label, colour, icon, leads_to, description)


STATUSES: tuple[Status, ...] = (
    _status("nominated", "nominated", "grey", "flag", "Put forward for the job", "pending_documents", *_OUT),
    _status("pending_documents", "documents", "yellow", "hourglass", "Documents are awaited",
            "documents_submitted", *_OUT),
    _status("documents_submitted", "documents", "blue", "file-earmark-arrow-up", "Documents have arrived",
            "verification_in_progress", "rejected_documents", *_OUT),
    _status("verification_in_progress", "documents", "blue", "search", "Documents are being checked",
            "documents_verified", "rejected_documents", "pending_documents"),
    _status("documents_verified", "documents", "teal", "file-earmark-check", "Documents are in order",
            "mock_interview_scheduled", "approved", "rejected_documents", *_OUT),
    _status("mock_interview_scheduled", "interview", "blue", "calendar-event", "A mock interview is arranged",
            "mock_interview_completed", "documents_verified", "ready_for_reassessment", *_OUT),
    _status("mock_interview_completed", "interview", "purple", "clipboard-check", "The mock interview took place",
            "mock_interview_passed", "mock_interview_failed"),
    _status("mock_interview_passed", "interview", "teal", "hand-thumbs-up", "Ready for the client",
            "approved", "interview_scheduled", *_OUT),
    _status("mock_interview_failed", "interview", "orange", "hand-thumbs-down", "Not ready yet",
            "training_assigned", "rejected_interview", "withdrawn"),
    _status("training_assigned", "training", "indigo", "mortarboard", "Training is arranged",
            "training_in_progress", "mock_interview_failed", *_OUT),
    _status("training_in_progress", "training", "indigo", "book", "In training",
            "training_completed", "mock_interview_failed", *_OUT),
    _status("training_completed", "training", "indigo", "award", "Training is over",
            "ready_for_reassessment", "withdrawn"),
    _status("ready_for_reassessment", "training", "cyan", "arrow-repeat", "May be tried again",
            "mock_interview_scheduled", "approved", *_OUT),
    _status("approved", "interview", "green", "check2-circle", "Approved for the client's interview",
            "interview_scheduled", "interview_rescheduled", *_OUT),
    _status("interview_scheduled", "interview", "blue", "calendar-check", "The client's interview is arranged",
            "interview_rescheduled", "interview_completed", "approved", *_OUT),
    _status("interview_rescheduled", "interview", "yellow", "arrow-repeat", "The client's interview was moved",
            "interview_rescheduled", "interview_completed", "approved", *_OUT),
    _status("interview_completed", "interview", "purple", "clipboard-check", "The client's interview took place",
            "interview_passed", "interview_failed", "interview_scheduled"),
    _status("interview_passed", "interview", "green", "hand-thumbs-up", "The client said yes",
            "selected", "interview_scheduled", "rejected_selection", *_OUT),
    _status("interview_failed", "interview", "orange", "hand-thumbs-down", "The client said no",
            "rejected_interview", "interview_scheduled"),
    _status("selected", "selection", "teal", "star", "Chosen for the job", "processing", *_OUT),
    _status("processing", "processing", "cyan", "gear", "Contract and travel are under way", "hired", *_OUT),
    _status("hired", "final", "green", "trophy", "Hired"),
    _status("rejected_documents", "rejected", "red", "x-circle", "Turned down over documents"),
    _status("rejected_interview", "rejected", "red", "x-circle", "Turned down after an interview"),
    _status("rejected_selection", "rejected", "red", "x-circle", "Turned down at selection"),
    _status("withdrawn", "withdrawn", "orange", "box-arrow-right", "Withdrew, or was withdrawn"),
    _status("on_hold", "on_hold", "yellow", "pause-circle", "Waiting", "withdrawn"),
)  # fmt: skip

BY_NAME: dict[str, Status] = {status.name: status for status in STATUSES}
STAGE_OF: dict[str, str] = {status.name: status.stage for status in STATUSES}
CLOSED: tuple[str, ...] = ("hired", "rejected_documents", "rejected_interview", "rejected_selection", "withdrawn")

# Statuses that follow from a record's own move; nobody sets them by hand.
BY_RECORD: frozenset[str] = frozenset({
    "mock_interview_scheduled", "mock_interview_completed", "mock_interview_passed", "mock_interview_failed",
    "training_assigned", "training_in_progress", "training_completed", "ready_for_reassessment",
    "interview_scheduled", "interview_rescheduled", "interview_completed", "interview_passed", "interview_failed",
})  # fmt: skip

# Where an application resumes when the status it was held from needs a record that the hold cancelled.
WITHOUT_RECORD: dict[str, str] = {
    "training_assigned": "mock_interview_failed",
    "training_in_progress": "mock_interview_failed",
    "interview_scheduled": "approved",
    "interview_rescheduled": "approved",
}
