"""`make run`: what it says before it starts anything."""

import socket
from pathlib import Path

import pytest

from portal import run
from portal.services import ServiceError, only_supervisor
from portal.settings import Settings


def test_a_port_in_use_is_said_in_words_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = Settings.from_env({"GREENROOM_DATA": str(tmp_path), "PORT": str(port)})
        with pytest.raises(ServiceError, match=rf"^Port {port} on 127\.0\.0\.1 is taken .* PORT={port + 1} make run$"):
            run.run(settings)
    assert not (tmp_path / "queue").exists()


def test_an_address_that_is_not_ours_is_refused_in_words(tmp_path: Path) -> None:
    settings = Settings.from_env({"GREENROOM_DATA": str(tmp_path), "HOST": "192.0.2.1"})
    with pytest.raises(ServiceError, match=r"cannot listen on 192\.0\.2\.1, port 8000: .* Change HOST or PORT\."):
        run.check_port(settings)


def test_a_wrong_setting_ends_it_with_what_to_write(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "none")
    assert run.main() == 2
    assert "PORT is 'none': write a whole number from 1 to 65535." in capsys.readouterr().err


def test_a_second_one_on_the_same_data_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GREENROOM_DATA", str(tmp_path))
    with only_supervisor(tmp_path):
        assert run.main() == 1
    assert capsys.readouterr().err.startswith("Greenroom already runs on ")
