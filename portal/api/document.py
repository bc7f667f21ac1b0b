"""The OpenAPI 3.1 document, made of the declarations of resources and endpoints, and the page on which it is read."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from portal.api.components import Component, Components
from portal.api.endpoint import Endpoint
from portal.api.fields import Key, Moment, MomentOrDay
from portal.api.jsontext import encode
from portal.api.operations import JSON, operation
from portal.api.reading import Joined, described, is_named
from portal.api.resource import Resource, several
from portal.api.texts import CHAPTERS, INTRODUCTION, REFUSALS

VERSION = "1.0.0"
PROBLEM = "application/problem+json"


def install(
    blueprint: Blueprint, resources: Sequence[Resource], endpoints: Sequence[Endpoint], components: Components
) -> None:
    """The addresses of the document and its page, open to everybody: they tell of nobody."""
    made: list[bytes] = []

    @blueprint.get("/openapi.json")
    def openapi() -> ResponseReturnValue:
        if not made:
            made.append(encode(build(resources, endpoints, components)))
        answer = Response(made[0], content_type=JSON)
        answer.set_etag(hashlib.sha256(made[0]).hexdigest()[:20])
        answer.headers["Cache-Control"] = "no-cache"
        answer.headers["Access-Control-Allow-Origin"] = "*"
        return answer.make_conditional(request)

    @blueprint.get("/docs")
    def docs() -> str:
        return render_template("api/docs.html")


_webhooks: list[Callable[[], dict[str, Any]]] = []


def tell_of_webhooks(tell: Callable[[], dict[str, Any]]) -> None:
    """Let ``tell`` answer what the portal itself sends to others: the document's section ``webhooks``."""
    if tell not in _webhooks:
        _webhooks.append(tell)


# --- the document -----------------------------------------------------------------------------------------


def build(resources: Sequence[Resource], endpoints: Sequence[Endpoint], components: Components) -> dict[str, Any]:
    """The whole document as JSON has it."""
    plugin = MarshmallowPlugin(schema_name_resolver=_called)
    spec = APISpec(
        "Greenroom API", VERSION, "3.1.0", plugins=[plugin],
        info={"description": INTRODUCTION}, servers=[{"url": "/"}],
        tags=[{"name": name, "description": told} for name, told in CHAPTERS.items()],
    )  # fmt: skip
    _teach(plugin)
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "description": "An API token."})
    spec.components.security_scheme("session", {
        "type": "apiKey", "in": "cookie", "name": "session",
        "description": "The log-in of the browser. What is no reading then needs the header X-CSRFToken as well.",
    })  # fmt: skip
    for name, common in _COMMON.items():
        spec.components.schema(name, common)
    for code, told in REFUSALS.items():
        spec.components.response(f"Refused{code}", _refusal(code, told))
    for resource in resources:
        _describe(spec, plugin, resource)
    for name, component in components.items():
        if name not in spec.components.schemas:  # as a part of another one it is there already
            spec.components.schema(name, _component(plugin, component))
    for each in endpoints:
        spec.path("/api/" + each.path, operations={each.method.lower(): operation(plugin, each)})
    return {**spec.to_dict(), "webhooks": {name: each for tell in _webhooks for name, each in tell().items()}}


def _called(given: Any) -> str:
    """A schema is called as it was made: ``schema`` and ``record`` give names."""
    return str(getattr(given, "__name__", type(given).__name__))


def _teach(plugin: MarshmallowPlugin) -> None:
    """What apispec does not know of our fields."""
    converter: Any = plugin.converter
    for field, form in ((MomentOrDay, None), (Moment, "date-time"), (Key, "uuid")):
        converter.map_to_openapi_type(field, "string", form)


_REFERENCE = {"$ref": "#/components/schemas/Reference"}
_COMMON: dict[str, dict[str, Any]] = {
    "Reference": {
        "type": "object", "description": "A row that is referred to, with what it is called.",
        "required": ["id", "label"],
        "properties": {
            "id": {"type": "string", "format": "uuid", "description": "Its key."},
            "label": {"type": "string", "description": "What it is called."},
        },
    },
    "Problem": {
        "type": "object", "description": "A refusal (RFC 9457).",
        "required": ["type", "title", "status", "detail", "request_id"],
        "properties": {
            "type": {"type": "string", "description": "Always about:blank; the status says the kind."},
            "title": {"type": "string", "description": "The kind of refusal, in words."},
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": {"type": "string", "description": "What was wrong, and what to do."},
            "request_id": {"type": "string", "description": "Name it when you ask for help."},
            "errors": {
                "type": "object", "description": "What is wrong with which field or argument; '' is the whole. "
                "Fields within fields are written with dots: checklist.0.rating.",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
            "state": {"type": "string", "description": "The present state, where a verb does not start from it."},
            "possible": {
                "type": "array", "items": {"type": "string"}, "description": "The verbs that start from there.",
            },
            "current": {"type": "object", "description": "The row as it stands now, where the version was stale."},
        },
    },
}  # fmt: skip


def _refusal(code: int, told: str) -> dict[str, Any]:
    example: dict[str, Any] = {"type": "about:blank", "title": told.partition(".")[0], "status": code, "detail": told,
                               "request_id": "5f2a9c0d1e3b4a67"}  # fmt: skip
    if code == 422:
        example["errors"] = {"scheduled_end": ["The end must be after the start."]}
    if code == 409:
        example |= {"state": "completed", "possible": ["pass", "fail"]}
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    made: dict[str, Any] = {"description": told, "content": content}
    if code == 429:
        made["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}}}
    return made


# --- rows -------------------------------------------------------------------------------------------------


def _describe(spec: APISpec, plugin: MarshmallowPlugin, resource: Resource) -> None:
    """The components of a row, and of a page of them."""
    spec.components.schema(resource.name, _row(plugin, resource))
    spec.components.schema(resource.plural, {
        "type": "object", "description": f"A page of {several(resource.noun)}.",
        "required": ["items", "page", "page_size", "total", "total_is_capped"],
        "properties": {
            "items": {"type": "array", "items": {"$ref": f"#/components/schemas/{resource.name}"},
                      "description": "The rows of this page."},
            "page": {"type": "integer", "description": "The page, from 1."},
            "page_size": {"type": "integer", "description": "How many rows a page has."},
            "total": {"type": "integer", "description": "How many rows there are on all pages."},
            "total_is_capped": {"type": "boolean", "description": "Whether there are more than total, which stops "
                                                                  "counting at 10,000."},
        },
    })  # fmt: skip


def _row(plugin: MarshmallowPlugin, resource: Resource) -> dict[str, Any]:
    converter = plugin.converter
    assert converter is not None
    shape, properties = resource.shape, {}
    columns = dict(shape.columns())
    for name, each in described(shape, resource.told).items():
        properties[name] = _without_rules(converter.field2property(each))
        if name in columns and is_named(columns[name]):
            properties[name.removesuffix("_id")] = _reference(bool(columns[name].nullable), properties[name])
    optional = {*shape.closed, *(p.name for p in shape.parts if getattr(p, "alone", False)),
                *(p.name for p in shape.parts if isinstance(p, Joined) and p.permission)}  # fmt: skip
    needed = [name for name in properties if name not in optional and f"{name}_id" not in optional]
    return {"type": "object", "required": needed, "properties": properties}


def _component(plugin: MarshmallowPlugin, component: Component) -> dict[str, Any]:
    converter = plugin.converter
    assert converter is not None
    properties = {name: _without_rules(converter.field2property(each)) for name, each in component.fields.items()}
    if component.items:
        properties["items"] = {"type": "array", "items": {"$ref": f"#/components/schemas/{component.items}"},
                               "description": component.meaning}  # fmt: skip
    needed = [name for name in properties if name not in component.optional]
    own = {"type": "object", "required": needed, "properties": properties}
    return {"allOf": [{"$ref": f"#/components/schemas/{component.of}"}, own]} if component.of else own


def _reference(nullable: bool, key: Mapping[str, Any]) -> dict[str, Any]:
    told = {"description": f"{key.get('description', '').rstrip('.')}: key and name."}
    if nullable:
        return {"anyOf": [_REFERENCE, {"type": "null"}], **told}
    return {"allOf": [_REFERENCE], **told}


_RULES = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "default", "readOnly", "writeOnly")


def _without_rules(described: Mapping[str, Any]) -> dict[str, Any]:
    """What is answered was kept by rules of its own time: the document promises types and formats alone."""
    kept = {name: value for name, value in described.items() if name not in _RULES}
    if kept.get("format") in ("email", "uri"):  # an empty text is none
        kept.pop("format")
    return kept
