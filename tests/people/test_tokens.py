"""One's own API tokens: made, shown once, revoked; on the page and by command."""

import re
from typing import Any

import pytest
from flask import Flask

from tests.support.api import ApiCaller
from tests.support.cast import Cast

PAGE = "/account/tokens"


def _secrets(page: Any) -> list[str]:
    return re.findall(r"gr_[\w-]{43}", page.get_data(as_text=True))


def test_a_token_is_shown_once_works_and_ends_when_it_is_revoked(app: Flask, make_client: Any, cast: Cast) -> None:
    client = make_client(cast.alice)
    made = client.submit(PAGE, {"name": "Nightly <export>", "may": "read", "days": "30"})
    (secret,) = _secrets(made)
    again = client.get(PAGE)
    assert (_secrets(again), "Nightly &lt;export&gt;" in again.get_data(as_text=True)) == ([], True)
    api = ApiCaller(app.test_client(), secret)
    assert (api.get("/candidates").status_code, api.post("/job-roles", {"name": "x"}).status_code) == (200, 403)
    key = re.findall(rf"{PAGE}/([\w-]+)/revoke", again.get_data(as_text=True))[0]
    assert make_client(cast.bob).submit(f"{PAGE}/{key}/revoke").status_code == 404
    assert client.submit(f"{PAGE}/{key}/revoke").status_code == 302
    assert api.get("/candidates").status_code == 401


@pytest.mark.database("sqlite")
def test_what_is_wrong_with_a_new_token_is_told_beside_its_field(make_client: Any, cast: Cast) -> None:
    client = make_client(cast.alice)
    wrong = [
        ({"name": ""}, "Please say what it is for."),
        ({"name": "x", "may": "some"}, "Please name one at least."),
        ({"name": "x", "may": "some", "permissions": "read:interviews\neverything"}, "“everything” is no permission"),
    ]
    for given, told in wrong:
        page = client.submit(PAGE, {"may": "read", "days": "30", **given})
        assert (page.status_code, told in page.get_data(as_text=True)) == (422, True), told
        assert _secrets(page) == []


@pytest.mark.database("sqlite")
def test_tokens_are_made_listed_and_revoked_by_command(app: Flask, cast: Cast) -> None:
    run = app.test_cli_runner()
    words = ["token", "create", "--email", cast.alice.email, "--name", "sync"]
    secret = run.invoke(args=[*words, "--scope", "read:interviews", "--days", "0"]).output.splitlines()[-1]
    api = ApiCaller(app.test_client(), secret)
    assert (api.get("/interviews").status_code, api.get("/candidates").status_code) == (200, 403)
    listed = run.invoke(args=["token", "list", "--email", cast.alice.email]).output
    assert f"{cast.alice.email}  sync  (read:interviews; used " in listed
    assert secret not in listed
    assert run.invoke(args=["token", "revoke", listed.split()[0]]).output == "Revoked.\n"
    assert api.get("/interviews").status_code == 401
    assert run.invoke(args=["token", "revoke", listed.split()[0]]).exit_code == 1
    refused = run.invoke(args=[*words, "--scope", "nonsense"])
    assert (refused.exit_code, "is no permission" in refused.output) == (1, True)
