"""The checklists that an organisation starts with, and which criteria judge looks instead of work."""

import re

from portal.core.types import fold
from portal.practice.models import ChecklistCategory

_T, _C, _P, _R, _K = (
    ChecklistCategory.TECHNICAL_SKILLS, ChecklistCategory.COMMUNICATION, ChecklistCategory.PROFESSIONALISM,
    ChecklistCategory.ROLE_SPECIFIC, ChecklistCategory.KNOWLEDGE,
)  # fmt: skip

Criteria = tuple[tuple[ChecklistCategory, str], ...]

# By the name of the role: (category, criterion) in the order in which they are asked.
STARTERS: dict[str, Criteria] = {
    "Registered Nurse": (
        (_K, "Explains the five checks before giving a medicine"),
        (_K, "Names the early signs of a patient who gets worse, and what to do first"),
        (_K, "Knows how infections spread on a ward and how to stop it"),
        (_T, "Describes step by step how to place a peripheral line"),
        (_T, "Takes and records vital signs correctly and reads a trend from them"),
        (_T, "Works out a dose and checks the result"),
        (_R, "Hands over a patient in a clear order and asks for questions"),
        (_R, "Sorts four patients by urgency and gives the reason"),
        (_R, "Speaks up when something is not safe, whoever is in charge"),
        (_C, "Answers the question that was asked, with an example of their own"),
        (_C, "Explains a treatment in words that a patient understands"),
        (_P, "Is on time and prepared, with documents at hand"),
        (_P, "Speaks of mistakes openly and says what was learned"),
    ),
    "Doctor": (
        (_K, "Takes a focused history and names what must not be missed"),
        (_K, "Gives a differential diagnosis in order of likelihood and danger"),
        (_K, "Knows when to ask a senior colleague, and whom"),
        (_T, "Describes the first ten minutes with an unstable patient"),
        (_T, "Reads the results given and decides what follows from them"),
        (_T, "Prescribes safely: dose, interactions, allergies"),
        (_R, "Leads a team through an emergency with clear tasks"),
        (_R, "Documents so that the next shift can go on from it"),
        (_C, "Breaks bad news with care, and checks what was understood"),
        (_C, "Obtains consent: benefits, risks and other choices"),
        (_P, "Is on time and prepared, with licence and references at hand"),
        (_P, "Respects confidentiality in every example"),
        (_P, "Takes criticism and says what would be done another way"),
    ),
}  # fmt: skip

# Words of looks, not of work; \b on both sides, in folded text.
_LOOKS = re.compile(
    r"\b(appearance|attractive\w*|beaut\w+|pretty|handsome|looks|good.?looking|smile|figure|weight|slim|overweight|"
    r"height|skin|complexion|hair\w*|beard|tattoo\w*|make.?up|jewel\w+|dress\w*|outfit|clothes|clothing|attire|"
    r"accent|age|young|old|gender|marital|married|pregnan\w+|religio\w+|headscarf|hijab)\b"
)


def judges_looks(criterion: str) -> str:
    """The word that makes a criterion one of looks or of who somebody is; '' where it judges work."""
    found = _LOOKS.search(fold(criterion))
    return found.group(0) if found else ""
