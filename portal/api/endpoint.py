"""One address and method of the API as a declaration: routes, checks and document are made of it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from flask import request
from marshmallow import Schema, ValidationError
from marshmallow.fields import Field

from portal.api import problems
from portal.api.fields import Fields, Flag, Whole, flat, schema
from portal.api.jsontext import encode
from portal.core import access
from portal.core.errors import Invalid, Missing, NotAllowed
from portal.core.forms import version_of
from portal.core.workflow import Change

READS = ("GET", "HEAD")


@dataclass(frozen=True)
class Param:
    """One argument of the query string. ``many``: it may be given several times, and any of them fits."""

    name: str
    field: Field[Any]
    many: bool = False
    needs: str = ""  # the permission without which it is not there


@dataclass(frozen=True)
class Answer:
    """``body`` is JSON's, or bytes that are JSON already; None for no content."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def written(self) -> "Answer":
        """The same with its body as bytes, and the ETag of the row in it."""
        if self.body is None:
            return self
        body = encode(self.body)
        version = self.body.get("version")
        tag = {"ETag": f'"{etag(version, body)}"'} if version is not None else {}
        return Answer(body, self.status, {**self.headers, **tag})


def etag(version: int, body: bytes) -> str:
    """The version of a row and what this reader sees of it: labels change without the row, and If-Match looks at the
    version alone."""
    return f"{version}.{hashlib.sha256(body).hexdigest()[:16]}"


@dataclass
class Call:
    """One request: who asks, when, for which rows (``keys``, in the order of the path), with what."""

    session: Any
    user: Any
    change: Change
    keys: tuple[UUID, ...] = ()
    body: dict[str, Any] = field(default_factory=dict)
    args: dict[str, Any] = field(default_factory=dict)
    version: int | None = None

    def saying(self, **data: Any) -> Change:
        """The same operation with what the request says."""
        return Change(self.change.at, self.change.by, data)


@dataclass(frozen=True)
class Endpoint:
    """``path`` as in ``interviews/{id}/confirm``. ``name`` is its operation's id in the document.

    ``body`` are the fields of the request's body, None where it takes none; ``needs`` says which of them ask for a
    permission of their own. ``answer`` names the component of the document that it answers ('' for no content).
    ``permissions``: any of them opens it; ``model`` is whose part of the portal may be switched off. ``scope`` is what
    a token's scope must contain, where it is not a permission of the row that decides. ``present`` reads the row as it
    stands now, for a refusal to show.
    """

    method: str
    path: str
    name: str
    tag: str
    run: Callable[[Call], Answer]
    summary: str
    description: str = ""
    body: Fields | None = None
    body_name: str = ""
    example: Mapping[str, Any] | None = None
    needs: Mapping[str, str] = field(default_factory=dict)
    answer: str = ""
    status: int = 200
    also: Mapping[int, str] = field(default_factory=dict)  # further good answers: status -> what it means
    params: tuple[Param, ...] = ()
    permissions: tuple[str, ...] = ()
    model: Any = None
    scope: str = ""
    is_open: bool = False  # to everybody, without a log-in
    takes_version: bool = False
    conditional: bool = False  # answers an ETag, and 304 to who has it
    present: Callable[[Call], Any] | None = None
    adds: Callable[[Call, Answer], Answer] | None = None  # to the answer, what is not kept for a repetition of it

    @cached_property
    def rule(self) -> str:
        """The path as Flask has it."""
        return "/" + self.path.replace("{", "<uuid:").replace("}", ">")

    @property
    def reads(self) -> bool:
        return self.method in READS

    @cached_property
    def all_fields(self) -> Fields:
        more: Fields = {"version": Whole(VERSION, 1)} if self.takes_version and self.method != "DELETE" else {}
        return {**(self.body or {}), **more}

    @cached_property
    def schema(self) -> Schema:
        return schema(self.body_name or "Body", self.all_fields)()

    def check(self, user: Any) -> None:
        """Raises Missing where the part is switched off, NotAllowed without a permission."""
        if self.model is not None and access.is_off(user, self.model):
            raise Missing
        if self.permissions:
            access.require(user, *self.permissions)
        if self.scope and not user.grants.within_scope(self.scope):
            raise NotAllowed("This token's scope does not permit this.")


VERSION = "The version that you have seen. Where the row has changed since, nothing is done and you get 409."


# --- what a request says --------------------------------------------------------------------------------


def body_of(endpoint: Endpoint, user: Any) -> dict[str, Any]:
    """The request's body, checked; raises Malformed, NotJson or Invalid."""
    text = request.get_data(cache=True)
    if not text.strip():
        given: Any = {}
    elif not endpoint.all_fields:
        raise problems.Malformed("This request takes no body.")
    elif not request.is_json:
        raise problems.NotJson("Send the body as application/json.")
    else:
        given = problems.read(text)
    if endpoint.body is None and not endpoint.all_fields:
        return {}
    try:
        loaded: dict[str, Any] = endpoint.schema.load(given)
    except ValidationError as error:
        raise Invalid(flat(error.messages)) from None
    _refuse_unpermitted(endpoint, loaded, user)
    return loaded


def _refuse_unpermitted(endpoint: Endpoint, given: Mapping[str, Any], user: Any) -> None:
    closed = [name for name, needed in endpoint.needs.items() if name in given and not access.may(user, needed)]
    if closed:
        raise Invalid(dict.fromkeys(closed, "Your role may not say this."))


def args_of(endpoint: Endpoint, user: Any) -> dict[str, Any]:
    """The arguments of the query string, checked; raises Invalid by name, for unknown ones too."""
    known = {each.name: each for each in endpoint.params if not each.needs or access.may(user, each.needs)}
    found: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for name in request.args:
        try:
            found[name] = _argument(known.get(name), request.args.getlist(name), known)
        except ValidationError as error:
            errors[name] = [text for texts in flat(error.messages).values() for text in texts]
    if errors:
        raise Invalid(errors)
    return found


def _argument(param: Param | None, given: Sequence[str], known: Mapping[str, Param]) -> Any:
    if param is None:
        told = f"Known are: {', '.join(sorted(known))}." if known else "There are none here."
        raise ValidationError(f"There is no such argument. {told}")
    if not param.many and len(given) > 1:
        raise ValidationError("Please give this once.")
    if len(given) > 200:
        raise ValidationError("At most 200 of these, please.")
    loaded = [param.field.deserialize(_typed(param.field, text)) for text in given]
    return loaded if param.many else loaded[0]


def _typed(field: Field[Any], text: str) -> Any:
    """A query string has texts alone; what is meant as a number or a flag is made one."""
    if isinstance(field, Whole):
        plain = text.removeprefix("-")
        return int(text) if plain.isascii() and plain.isdecimal() and len(plain) < 16 else text
    if isinstance(field, Flag):
        return {"true": True, "false": False}.get(text, text)
    return text


def version_said(body: dict[str, Any]) -> int | None:
    """The version that the body names, or else the ETag in If-Match; raises Malformed for one that is none of ours."""
    named: int | None = body.pop("version", None)
    match = request.headers.get("If-Match", "").strip()
    if named is not None or match in ("", "*"):
        return named
    found = version_of(match.removeprefix("W/").strip('"').partition(".")[0])
    if found is None:
        raise problems.Malformed("If-Match takes the ETag of the row, as it was answered.")
    return found
