"""The OpenAPI document: complete, and true."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask

from tests.api.test_routes import readable
from tests.support.api import ApiCaller
from tests.support.cast import Cast
from tests.support.world import World


@pytest.fixture
def document(app: Flask) -> Any:
    return app.test_client().get("/api/openapi.json").json


def _operations(document: Any) -> Iterator[tuple[str, Any]]:
    for path, methods in document["paths"].items():
        yield from ((f"{method.upper()} {path}", each) for method, each in methods.items())


def _properties(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each property of each schema, at whatever depth."""
    if isinstance(node, list):
        for inner in node:
            yield from _properties(inner, path)
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield from ((f"{path}.{name}", each) for name, each in node["properties"].items())
        for name, inner in node.items():
            yield from _properties(inner, f"{path}/{name}")


@pytest.mark.database("sqlite")
def test_every_field_argument_and_operation_says_what_it_means(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    mute = [path for path, each in _properties(document["components"]) if not each.get("description")]
    for name, each in _operations(document):
        mute += [f"{name}: {p['name']}" for p in each["parameters"] if not p["description"]]
        mute += [name] if not (each["summary"] and each["operationId"] and each["tags"]) else []
    assert mute == []
    assert {tag["name"] for tag in document["tags"]} == {each["tags"][0] for _, each in _operations(document)}


@pytest.mark.database("sqlite")
def test_every_operation_names_its_refusals_and_shows_its_body(document: Any) -> None:
    lacking = {}
    for name, each in _operations(document):
        wanted = {"400", "401", "403", "404", "422", "429"} | (set() if name.startswith("GET") else {"409", "413"})
        body = each.get("requestBody", {}).get("content", {}).get("application/json", {})
        missing = wanted - set(each["responses"])
        if missing or ("requestBody" in each and each["requestBody"]["required"] and "example" not in body):
            lacking[name] = missing or "an example"
    assert lacking == {}
    assert {"200", "304"} <= set(document["paths"]["/api/interviews/{id}"]["get"]["responses"])


@pytest.mark.database("sqlite")
def test_the_examples_are_what_the_document_allows(document: Any) -> None:
    wrong = []
    for name, each in _operations(document):
        body = each.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" in body and not _validator(document, body["schema"]).is_valid(body["example"]):
            wrong.append(name)
    assert wrong == []


def test_every_answer_is_as_the_document_says(
    app: Flask, document: Any, alice: ApiCaller, world: World, cast: Cast
) -> None:
    wrong = {}
    templates = {each.path: each for each in app.extensions["api"] if each.method == "GET"}
    for path, template in zip(readable(app, world.own, cast.alice.id), templates, strict=True):
        operation = document["paths"][f"/api/{template}"]["get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        answer = alice.get(path).json
        wrong[path] = [error.message for error in _validator(document, schema).iter_errors(answer)]
        component = document["components"]["schemas"].get(schema["$ref"].rpartition("/")[2], {})
        known = set(component.get("properties", ()))
        wrong[path] += [f"undocumented: {name}" for name in set(answer or {}) - known]
        for row in (answer or {}).get("items", ()):
            item = component["properties"]["items"]["items"]["$ref"].rpartition("/")[2]
            known = set(document["components"]["schemas"][item]["properties"])
            wrong[path] += [f"undocumented: {name}" for name in set(row) - known]
    assert {path: told for path, told in wrong.items() if told} == {}


def _validator(document: Any, schema: Any) -> Any:
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": document["components"], **schema}
    return jsonschema_rs.validator_for(whole, validate_formats=True)


@pytest.mark.database("sqlite")
def test_the_page_of_the_document_loads_nothing_from_elsewhere(app: Flask) -> None:
    answer = app.test_client().get("/api/docs")
    body = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "http://" not in body.replace('xmlns="http://www.w3.org', "")
    assert "https://" not in body
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
