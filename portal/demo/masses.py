"""The large demo's candidates, applications and interviews as rows of text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from portal.core.types import fold, words
from portal.demo import names
from portal.demo.drillmasses import Criterion, Drills
from portal.demo.journeys import journey, with_called_off
from portal.demo.loading import NULL, Loader
from portal.demo.office import Office, moment
from portal.demo.timelines import Meeting, Timeline, plan
from portal.hiring.models import Application, ApplicationActivity, Candidate, StatusChange
from portal.hiring.pipeline import STAGE_OF
from portal.interviews.models import Interview, InterviewTitle, InterviewType, Panelist

# How many of a hundred applications stand where.
SHARES: dict[str, float] = {
    "nominated": 1.5, "pending_documents": 2.5, "documents_submitted": 1.5, "verification_in_progress": 1.2,
    "documents_verified": 2, "mock_interview_scheduled": 1.5, "mock_interview_completed": 0.05,
    "mock_interview_passed": 1, "mock_interview_failed": 0.6, "training_assigned": 0.6, "training_in_progress": 1,
    "training_completed": 0.4, "ready_for_reassessment": 0.5, "approved": 3, "interview_scheduled": 6,
    "interview_rescheduled": 2.5, "interview_completed": 1.2, "interview_passed": 1.5, "interview_failed": 0.5,
    "selected": 1.2, "processing": 1.8, "on_hold": 1.5, "hired": 22, "rejected_documents": 10,
    "rejected_interview": 16, "rejected_selection": 5, "withdrawn": 12,
}  # fmt: skip
_TYPES = tuple(kind.value for kind in InterviewType)
_TITLES = {kind: f"{words(kind)} interview with " for kind in _TYPES}
_TYPE_WEIGHTS = (18, 30, 6, 14, 8, 6, 5, 4, 3, 6)
_REASONS = ("The client withdrew the date", "The candidate is ill", "No interviewer is free", "Found another position")
_ROOTS = (
    "Bar", "Kel", "Mor", "Tan", "Vel", "Ros", "Hal", "Ber", "Lin", "Dor", "Fen", "Gar", "Win", "Sol", "Mar", "Ald",
    "Cor", "Nor", "Eld", "Har",
)  # fmt: skip
_MIDDLES = ("a", "e", "i", "o", "en", "er", "in", "ol", "an", "el")
_ENDS = (
    "ton", "berg", "wick", "ova", "ski", "man", "dez", "ides", "son", "dale", "ström", "rath", "field", "monte", "yan",
    "sen", "vić", "lund", "wala", "nko",
)  # fmt: skip


@dataclass(frozen=True)
class Firm:
    """Keys of the tenant's rows, as hexadecimal digits."""

    tenant: str
    recruiters: Sequence[str]
    coordinators: Sequence[str]
    jobs: Sequence[str]
    checklists: Sequence[Sequence[Criterion]]  # of the jobs' roles


@dataclass(frozen=True)
class Someone:
    """A candidate as far as their applications need to know; ``job`` is the position of the first one's."""

    key: str
    name: str
    folded: str
    zone: str
    job: int


@lru_cache(maxsize=100_000)
def _folded(text: str) -> str:
    return fold(text)


class Masses:
    """Makes rows and counts interviews; the caller flushes the loader now and then."""

    def __init__(self, firm: Firm, office: Office, loader: Loader) -> None:
        self.firm, self.office, self.random, self.interviews = firm, office, office.random, 0
        declare: Callable[..., list[tuple[str, ...]]] = loader.declare
        self._candidates = declare(
            Candidate.__table__, "tenant_id", "id", "first_name", "last_name", "email", "phone", "timezone", "locale",
            "source", "recruiter_id", "created_at", "updated_at", "search_text",
        )  # fmt: skip
        self._applications = declare(
            Application.__table__, "tenant_id", "id", "candidate_id", "job_id", "recruiter_id", "coordinator_id",
            "status", "created_at", "updated_at", "version",
        )  # fmt: skip
        self._changes = declare(
            StatusChange.__table__, "tenant_id", "id", "application_id", "from_status", "to_status", "actor_id", "at"
        )
        self._activities = declare(
            ApplicationActivity.__table__, "tenant_id", "id", "application_id", "type", "performed_by_id", "at",
            "old_value", "new_value", "metadata",
        )  # fmt: skip
        self._interviews = declare(
            Interview.__table__, "tenant_id", "id", "application_id", "interview_type", "audience", "title", "status",
            "scheduled_start", "scheduled_end", "timezone", "candidate_timezone", "actual_start", "actual_end",
            "organizer_id", "meeting_provider", "meeting_link", "confirmed_at", "cancelled_at", "cancellation_reason",
            "reschedule_count", "outcome", "created_at", "updated_at", "version",
        )  # fmt: skip
        self._titles = declare(InterviewTitle.__table__, "tenant_id", "interview_id", "search_text")
        self._panelists = declare(
            Panelist.__table__, "tenant_id", "id", "interview_id", "scheduled_start", "user_id", "part", "reply",
            "created_at",
        )  # fmt: skip
        self.drills = Drills(firm.tenant, office, loader, self._tell)

    def candidate(self, number: int, minute: int, job: int) -> Someone:
        """A new candidate; every other one has a name that few have."""
        random, somebody = self.random, names.person(self.random, number)
        last, address = somebody.last, somebody.address
        if number % 2:
            last = random.choice(_ROOTS) + random.choice(_MIDDLES) + random.choice(_ENDS)
            address = f"{somebody.address.split('.')[0]}.{names.plain(last)}.{number}"
        folded = f"{_folded(somebody.first)} {_folded(last)}"
        found = Someone(self.office.key(minute), f"{somebody.first} {last}", folded, somebody.zone, job)
        email, at = f"{address}@mail.example", moment(minute)
        self._candidates.append((
            self.firm.tenant, found.key, somebody.first, last, email, somebody.phone, somebody.zone,
            somebody.locale, random.choice(names.SOURCES), random.choice(self.firm.recruiters), at, at,
            f"{folded} {email} {somebody.phone}",
        ))  # fmt: skip
        return found

    def application(
        self, number: int, target: str, latest: int, parity: int, extra: tuple[int, int], someone: Someone | None
    ) -> Someone:
        """One application on the way to ``target``, of ``someone`` or of a new candidate, with its interviews;
        ``extra`` are further interviews, and further mock interviews that were cancelled."""
        random, office = self.random, self.office
        way = with_called_off(journey(random, target), extra[1])
        found = plan(office, way, latest, parity, extra[0])
        job = random.randrange(len(self.firm.jobs))
        if someone is None:
            someone = self.candidate(number, found.begins, job)
        elif someone.job == job:
            job = (job + 1) % len(self.firm.jobs)
        recruiter, coordinator = random.choice(self.firm.recruiters), random.choice(self.firm.coordinators)
        if found.rehearsals:
            coordinator = found.rehearsals[-1].coordinator
        key, version = office.key(found.begins), str(len(found.changes))
        self._applications.append((
            self.firm.tenant, key, someone.key, self.firm.jobs[job], recruiter, coordinator, found.status,
            moment(found.begins), moment(found.ends), version,
        ))  # fmt: skip
        self._history(key, recruiter, found)
        for meeting in found.meetings:
            self._interview(key, someone, coordinator if random.random() < 0.7 else recruiter, meeting)
        self.drills.add(key, recruiter, found, self.firm.checklists[job])
        return someone

    def _history(self, application: str, actor: str, found: Timeline) -> None:
        tenant, key = self.firm.tenant, self.office.key
        for minute, before, after in found.changes:
            self._changes.append((tenant, key(minute), application, before, after, actor, moment(minute)))
            same = before and STAGE_OF[before] == STAGE_OF[after]
            kind = "status_change" if same else "stage_change" if before else "created"
            self._tell(application, kind, actor, minute, before, after, "{}")

    def _interview(self, application: str, someone: Someone, organizer: str, meeting: Meeting) -> None:
        random, office, status = self.random, self.office, meeting.status
        self.interviews += 1
        kind = random.choices(_TYPES, _TYPE_WEIGHTS)[0]
        key, made, start = office.key(meeting.made_at), moment(meeting.made_at), moment(meeting.start)
        over = moment(meeting.over_at)
        done, began = status == "completed", status in ("completed", "in_progress")
        sure, is_off = began or status == "confirmed", status == "cancelled"
        in_person = kind in ("phone", "in_person")
        self._interviews.append((
            self.firm.tenant, key, application, kind, meeting.audience, _TITLES[kind] + someone.name, status,
            start, moment(meeting.start + (60 if random.random() < 0.3 else 45)), "Europe/London", someone.zone,
            start if began else NULL, over if done else NULL, organizer,
            NULL if in_person else ("zoom", "teams", "meet")[meeting.start // 60 % 3],
            "" if in_person else f"https://meet.example/{key[-10:]}", made if sure else NULL,
            over if is_off else NULL, random.choice(_REASONS) if is_off else "", str(meeting.moves),
            meeting.outcome or NULL, made, over if done else made, str(1 + sure + done),
        ))  # fmt: skip
        self._titles.append((self.firm.tenant, key, _folded(_TITLES[kind]) + someone.folded))
        self._panel(key, meeting, made)
        note = f'{{"interview_id": "{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"}}'
        self._tell(application, "interview_scheduled", organizer, meeting.made_at, "", start, note)
        if status in ("completed", "cancelled", "no_show"):
            self._tell(application, f"interview_{status}", organizer, meeting.over_at, "confirmed", status, note)

    def _panel(self, interview: str, meeting: Meeting, made: str) -> None:
        random, office = self.random, self.office
        # Whoever sat on a cancelled one has time for another.
        off = meeting.status == "cancelled"
        users = [random.choice(office.interviewers)] if off else office.seat(meeting.start)
        for position, user in enumerate(users):
            chance, past = random.random(), meeting.start < office.now
            reply = "accepted" if past or chance < 0.6 else "needs_action" if chance < 0.9 else "declined"
            part = ("lead", "panelist", "shadow")[position]
            key = office.key(meeting.made_at)
            at = moment(meeting.start)
            self._panelists.append((self.firm.tenant, key, interview, at, user, part, reply, made))

    def _tell(self, application: str, kind: str, actor: str, minute: int, old: str, new: str, note: str) -> None:
        line = (self.firm.tenant, self.office.key(minute), application, kind, actor, moment(minute), old, new, note)
        self._activities.append(line)
