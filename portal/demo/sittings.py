"""One interview of the small demo, from its arrangement to its outcome."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from portal.core import clock
from portal.core.context import act
from portal.core.workflow import Change
from portal.demo import rounds
from portal.demo.office import DAY, HOUR
from portal.demo.timelines import Meeting
from portal.interviews import actions, panels
from portal.interviews.models import Interview, InterviewTemplate
from portal.interviews.workflow import INTERVIEW

if TYPE_CHECKING:
    from portal.demo.season import Season, Thread

_CLIENT = ("video", "panel", "final", "in_person", "technical", "culture_fit")
_INTERNAL = ("phone", "video", "technical", "behavioral", "assessment", "case_study")
_REASONS = ("The candidate is ill", "The client withdrew the date", "No interviewer is free", "Clash with a shift")
_PROVIDERS = ("zoom", "teams", "meet", "webex")


class Sitting:
    """``arrange`` puts into the season what happens to the interview; ``row`` is there once it is scheduled."""

    row: Interview

    def __init__(self, season: "Season", thread: "Thread", meeting: Meeting) -> None:
        self.season, self.thread, self.meeting, self.random = season, thread, meeting, season.random
        skipped = self.random.random() < 0.3  # nobody confirmed it: it began straight away
        self.was_started = meeting.status == "in_progress" or (meeting.status == "completed" and skipped)
        self.length = 60 if meeting.status == "in_progress" else self.random.choice((30, 45, 45, 60))
        cast = season.cast
        others = (thread.recruiter, thread.coordinator, cast.first("HR"))
        self.organizer = (
            cast.first("Interview Coordinator") if self.random.random() < 0.5 else self.random.choice(others)
        )
        size = self.random.choices((1, 2, 3), (55, 35, 10))[0]
        self.panel = season.desk.sitting(meeting.start, size)
        people = [thread.who, *(user.id for user in self.panel)]
        self.kind = self.random.choice(_CLIENT if meeting.audience == "client" else _INTERNAL)
        self.template = self._template()
        self.first_start = season.desk.another(meeting.start, people) if meeting.moves else meeting.start

    def _template(self) -> InterviewTemplate | None:
        found = self.season.templates.get(self.kind)
        alone = found is not None and not found.allow_multiple_interviewers
        return None if self.random.random() < 0.3 or not self.panel or (alone and len(self.panel) > 1) else found

    def arrange(self) -> None:
        meeting, now = self.meeting, self.season.desk.now
        at = meeting.made_at
        self._do(at, self._schedule)
        if meeting.moves:
            at += HOUR
            self._do(at, self._verb("reschedule", **self._times(meeting.start)))
        if meeting.status in ("confirmed", "no_show") or (meeting.status == "completed" and not self.was_started):
            at = self._between(at, min(meeting.start - 30, now))
            by_candidate = self.random.random() < 0.6
            self._do(at, self._verb("confirm", confirmed_by_candidate=by_candidate))
        self._end(meeting)

    def _end(self, meeting: Meeting) -> None:
        over = meeting.start + self.length
        if self.was_started:
            self._do(meeting.start, self._verb("start"))
        if meeting.status == "completed":
            # A client's interview carries its application along at the minute that the timeline names.
            self._do(meeting.over_at, self._verb("complete"))
            self._assess(meeting.over_at)
            if meeting.outcome:
                target = f"interview_{meeting.outcome}"
                said = next(
                    m for m, _, status in self.thread.timeline.changes if status == target and m >= meeting.over_at
                )
                self._do(said, self._verb("pass" if meeting.outcome == "passed" else "fail"))
        elif meeting.status == "no_show":
            self._do(min(over, self.season.desk.now), self._verb("no_show"))
        elif meeting.status == "cancelled" and not meeting.called_off:
            self._do(meeting.over_at, self._verb("cancel", reason=self.random.choice(_REASONS)))

    def _assess(self, over: int) -> None:
        """Most give their feedback within two days; one of ten forgets to submit it, one gives none."""
        for user in self.panel[:2]:
            given, chance = over + self.random.randint(20, 2 * DAY), self.random.random()
            if given < self.season.desk.now and chance < 0.9:
                says = rounds.opinion(
                    self.season.session, self.random, lambda: self.row, user, self.template, submit=chance < 0.8
                )
                self.season.at(given, user, says)

    def _do(self, minute: int, does: Callable[[Change], None]) -> None:
        self.season.at(minute, self.organizer, does)

    def _between(self, first: int, last: int) -> int:
        return self.random.randint(first + 10, max(first + 10, last))

    def _times(self, start: int) -> dict[str, datetime]:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
        return {"scheduled_start": at, "scheduled_end": at + timedelta(minutes=self.length)}

    def _schedule(self, change: Change) -> None:
        meeting, kind, candidate = self.meeting, self.kind, self.thread.candidate
        values: dict[str, Any] = {
            "application_id": self.thread.row.id, "interview_type": kind, "audience": meeting.audience,
            "organizer_id": self.organizer.id, "timezone": self.season.cast.tenant.timezone,
            "candidate_timezone": candidate.timezone, **self._where(kind),
            **self._times(self.first_start),
        }  # fmt: skip
        values["template_id"] = self.template.id if self.template else None
        self.row = actions.schedule_interview(
            self.season.session, values, self.panel[:2], change, shadows=self.panel[2:]
        )
        self._reply()

    def _where(self, kind: str) -> dict[str, str]:
        if kind == "in_person":
            return {
                "location": self.random.choice(("Main building, room 2.14", "Client's site, reception", "Clinic B"))
            }
        if kind == "phone":
            return {}
        provider = self.random.choice(_PROVIDERS)
        link = f"https://{provider}.example/{self.random.getrandbits(40):010x}"
        return {"meeting_provider": provider, "meeting_link": link}

    def _reply(self) -> None:
        """What each of the panel answers, straight away."""
        over = self.meeting.start < self.season.desk.now
        weights = (9, 1, 0, 0) if over else (5, 1, 1, 3)
        for user in self.panel:
            answer = self.random.choices(("accepted", "tentative", "declined", "needs_action"), weights)[0]
            if answer == "needs_action":
                continue
            with act(by=user.id, label=user.full_name):
                panels.reply(self.season.session, self.row, answer, "", Change(clock.now(), user))

    def _verb(self, verb: str, **data: Any) -> Callable[[Change], None]:
        def do(change: Change) -> None:
            given: Mapping[str, Any] = {**change.carried().data, **data}
            INTERVIEW.move(self.season.session, self.row, verb, Change(change.at, None, given))

        return do
