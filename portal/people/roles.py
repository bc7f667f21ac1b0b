"""The roles a new tenant starts with (SPEC §3), as data: (permission, reach, stages). Admins edit them later."""

from portal.core.access import Granted, Reach

_HIRING = ("candidates", "projects", "job_roles", "jobs", "applications", "pipeline")
_INTERVIEWS = ("interviews", "interview_templates", "feedback", "interview_slots")
_PRACTICE = ("mock_interviews", "training")
_PEOPLE = ("users", "teams", "availability")


def _each(reach: Reach, *permissions: str, stages: tuple[str, ...] = ()) -> tuple[Granted, ...]:
    """``read+write:a+b`` stands for each verb with each resource."""
    return tuple(
        Granted(f"{verb}:{resource}", reach, stages)
        for permission in permissions
        for verb in permission.split(":")[0].split("+")
        for resource in permission.split(":")[1].split("+")
    )


def _own(*permissions: str) -> tuple[Granted, ...]:
    return _each(Reach.OWN, *permissions)


def _team(*permissions: str) -> tuple[Granted, ...]:
    return _each(Reach.TEAM, *permissions)


def _tenant(*permissions: str, stages: tuple[str, ...] = ()) -> tuple[Granted, ...]:
    return _each(Reach.TENANT, *permissions, stages=stages)


_ALL = _tenant("*:*")
# Everybody who may sit on a panel says when they work and when they are away.
_OWN_TIME = _own("read+write:availability")
_TEAM_LEAD = (
    *_OWN_TIME,
    *_team(
        "read:candidates+projects+jobs+applications+interviews+feedback+mock_interviews+training",
        "approve:candidates",
        "schedule:interviews",
    ),
    # The catalogues belong to no team.
    *_tenant("read:job_roles+interview_templates+interview_slots+pipeline"),
)

# name -> (description, grants)
BUILT_IN: dict[str, tuple[str, tuple[Granted, ...]]] = {
    "System Admin": ("Everything, including roles and settings", _ALL),
    "CEO": ("Everything", _ALL),
    "Director": ("Everything", _ALL),
    "HR": (
        "Keeps every hiring, interview, practice and people record",
        _tenant(
            "read+write+export:" + "+".join((*_HIRING, *_INTERVIEWS, *_PRACTICE, *_PEOPLE)),
            "manage:users",
            "see:private_notes",
            "read:messages+audit+reports",
        ),
    ),
    "Manager": (
        "Reads and exports all, manages applications",
        _tenant("read+export:*", "manage:applications", "approve:candidates"),
    ),
    "Team Head": (
        "Follows the team's candidates, training and interviews",
        (
            *_TEAM_LEAD,
            *_team(
                "manage:training",
                "export:candidates+projects+jobs+applications+interviews+mock_interviews+training",
            ),
            *_tenant("export:job_roles+interview_templates"),
        ),
    ),
    "Team Lead": ("Follows the team's candidates and interviews", _TEAM_LEAD),
    "Recruiter": (
        "Brings candidates in and follows their applications",
        (
            *_tenant("read:projects+jobs+job_roles+users+pipeline+interview_slots"),
            *_OWN_TIME,
            *_own(
                "read+write:candidates+applications",
                "read:interviews+feedback+mock_interviews+training",
                "schedule:mock_interviews+interviews",
                "approve:candidates",
                "update:candidate_status",
            ),
        ),
    ),
    "Hiring Manager": (
        "Follows the candidates for their jobs",
        (*_OWN_TIME, *_own("read:applications+interviews+feedback", "write:feedback", "read+write:interview_slots")),
    ),
    "Interviewer": (
        "Sits on panels and gives feedback",
        (*_OWN_TIME, *_own("read:interviews", "read+write:feedback", "read+write:interview_slots")),
    ),
    "Interview Coordinator": (
        "Conducts mock interviews, keeps their checklists, oversees training",
        (
            *_tenant(
                "read:candidates+projects+documents+interviews+availability",
                "read+write+manage:interview_templates",
                "read+write:interview_slots",
            ),
            *_own(
                "write:availability",
                "read:feedback",
                "read:applications",
                "schedule+conduct+read+write:mock_interviews",
                "assign+read+write+manage:training",
                "approve:candidates",
                "schedule:interviews",
                "update:candidate_status",
            ),
        ),
    ),
    "Documentation Executive": (
        "Checks documents",
        (
            *_tenant("read:candidates+applications"),
            *_tenant("update:candidate_status", stages=("documents",)),
        ),
    ),
    "Processing Executive": (
        "Processes the selected",
        (
            *_tenant("read:candidates+applications"),
            *_tenant("update:candidate_status", stages=("selection", "processing", "final")),
        ),
    ),
    "CRE": ("Keeps in touch with candidates", _tenant("read:candidates+applications", "write:notes")),
}


def slug(role: str) -> str:
    """``Interview Coordinator`` as log-ins name it: ``interview-coordinator``."""
    return role.lower().replace(" ", "-")
