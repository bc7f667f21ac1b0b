"""An endpoint as an operation of the OpenAPI document."""

from collections.abc import Iterable, Mapping
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin

from portal.api.endpoint import Endpoint, Param
from portal.api.fields import schema

JSON = "application/json"


def operation(plugin: MarshmallowPlugin, each: Endpoint) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": each.name, "tags": [each.tag], "summary": each.summary, "description": _told(each),
        "parameters": [*_keys(each), *_arguments(plugin, each.params), *_headers(each)],
        "responses": _responses(each), "security": [{"token": []}, {"session": []}],
    }  # fmt: skip
    if each.all_fields:
        needed = any(field.required for field in each.all_fields.values())
        content: dict[str, Any] = {"schema": schema(each.body_name or "Body", each.all_fields)}
        if each.example:
            content["example"] = dict(each.example)
        made["requestBody"] = {"required": needed, "content": {JSON: content}}
    return made


def _told(each: Endpoint) -> str:
    permissions = [*each.permissions, *([each.scope] if each.scope else [])]
    asked = " or ".join(f"`{permission}`" for permission in permissions)
    fields = [f"`{name}` needs `{needed}`" for name, needed in each.needs.items()]
    parts = [each.description, f"Needs {asked}." if asked else "", f"{'; '.join(fields)}." if fields else ""]
    return " ".join(part for part in parts if part)


def _keys(each: Endpoint) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in each.path.split("/") if part.startswith("{")]
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"},
         "description": "The key of the row."}
        for name in names
    ]  # fmt: skip


def _arguments(plugin: MarshmallowPlugin, params: Iterable[Param]) -> list[dict[str, Any]]:
    return [_argument(plugin, each) for each in params]


def _argument(plugin: MarshmallowPlugin, param: Param) -> dict[str, Any]:
    converter = plugin.converter
    assert converter is not None
    described = dict(converter.field2property(param.field))
    told = described.pop("description", "") + (f" Needs `{param.needs}`." if param.needs else "")
    if param.many:
        described = {"type": "array", "items": described, "maxItems": 200}
    return {"name": param.name, "in": "query", "required": False, "description": told, "schema": described}


def _headers(each: Endpoint) -> list[dict[str, Any]]:
    found = []
    if each.method == "POST":
        found.append(_header("Idempotency-Key", "Any text of yours, for this request alone: sent again within a day, "
                             "it is not done again but answered as before.", pattern="^[!-~]{1,200}$"))  # fmt: skip
    if each.takes_version:
        found.append(_header("If-Match", "The ETag of the row as you have seen it; it stands for version.",
                             pattern='^"[1-9][0-9]{0,8}(\\.[0-9a-f]{16})?"$'))  # fmt: skip
    if each.conditional:
        found.append(_header("If-None-Match", "An ETag that you have: 304 where it still is the row's.",
                             pattern='^"[0-9a-f.]{1,40}"$'))  # fmt: skip
    return found


def _header(name: str, told: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": told, "schema": {"type": "string", **more}}


_LIMITS = {
    "X-RateLimit-Limit": "How many such requests a minute are possible.",
    "X-RateLimit-Remaining": "How many are left.",
    "X-RateLimit-Reset": "When they are full again, in seconds since 1970.",
    "X-Request-Id": "The request's id, for the log.",
}


def _responses(each: Endpoint) -> dict[str, Any]:
    headers = {name: {"description": told, "schema": {"type": "string"}} for name, told in _LIMITS.items()}
    if each.conditional or (each.answer and not each.reads and not each.answer.endswith("List")):
        headers["ETag"] = {"description": "Of the row: its version, and what you see of it.",
                           "schema": {"type": "string"}}  # fmt: skip
    found: dict[str, Any] = {str(each.status): _good(each.answer, headers)}
    for status, name in each.also.items():
        found[str(status)] = _good(name, headers)
    if each.conditional:
        found["304"] = {"description": "What you have still is the row."}
    for code in _codes(each):
        found[str(code)] = f"Refused{code}"
    return found


def _good(name: str, headers: Mapping[str, Any]) -> dict[str, Any]:
    if not name:
        return {"description": "Done; there is nothing to say.", "headers": dict(headers)}
    content = {JSON: {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    return {"description": "Done." if name else "", "headers": dict(headers), "content": content}


def _codes(each: Endpoint) -> list[int]:
    """The refusals that are possible."""
    found = [400, 401, 403, 404, 422, 429]
    if not each.reads:
        found += [409, 413]
    return sorted([*found, *([415] if each.all_fields else [])])
