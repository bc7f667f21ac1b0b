"""One tree of errors; the door (pages in ``admin``, JSON in ``api``) turns them into answers.

PortalError
├── NotAllowed   403  no grant for the resource or the verb
├── Missing      404  no such row, or not one that this user may know of
├── WrongState   409  the move does not start from the present state
├── Conflict     409  somebody else was first (stale version, double booking)
└── Invalid      422  input that breaks a rule; ``errors`` names the fields
    └── Clash    409  the time is taken; ``errors`` names the fields
"""

from collections.abc import Mapping, Sequence


class PortalError(Exception):
    """Something a user did that the portal refuses, in words meant for that user."""

    status = 400
    title = "This did not work"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotAllowed(PortalError):
    status = 403
    title = "Not allowed"

    def __init__(self, message: str = "Your role does not permit this.") -> None:
        super().__init__(message)


class Missing(PortalError):
    status = 404
    title = "Not found"

    def __init__(self, message: str = "There is nothing here, or nothing you may see.") -> None:
        super().__init__(message)


class WrongState(PortalError):
    status = 409
    title = "Not possible now"

    def __init__(self, message: str, *, state: str = "", possible: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.state = state
        self.possible = tuple(possible)


class Conflict(PortalError):
    status = 409
    title = "Somebody else was first"


class Invalid(PortalError):
    """``errors`` maps a field's name to what is wrong with it; '' holds what concerns no single field."""

    status = 422
    title = "Please check what you entered"

    def __init__(self, errors: Mapping[str, str | Sequence[str]]) -> None:
        self.errors: dict[str, list[str]] = {
            field: [text] if isinstance(text, str) else list(text) for field, text in errors.items()
        }
        super().__init__("; ".join(text for texts in self.errors.values() for text in texts))


class Clash(Invalid):
    """A time that somebody needed is taken; told beside the field, as input can mend it."""

    status = 409
    title = "This time is taken"
