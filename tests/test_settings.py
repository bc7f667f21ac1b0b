"""Settings: what is taken as given, what is filled in, and what is said about wrong ones."""

import os
import stat
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from portal.settings import Settings, SettingsError
from portal.settings_checks import SOCKET_PATH_BYTES, Inside, SmtpServer

Read = Callable[..., Settings]

PRODUCTION = {
    "ENV": "production",
    "DATABASE_URL": "postgresql://greenroom:pw@db.example:5432/greenroom",
    "REDIS_URL": "redis://queue.example:6379/0",
    "SECRET_KEY": "k" * 32,
    "BASE_URL": "https://greenroom.example",
}


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Settings from the given variables alone, with their files in `tmp_path`."""
    return lambda **given: Settings.from_env({"GREENROOM_DATA": str(tmp_path), **given})


def problems(read: Read, **given: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(**given)
    return caught.value.problems


def test_an_empty_environment_gives_a_portal_for_one_machine(read: Read, tmp_path: Path) -> None:
    settings = read()
    assert settings == Settings(
        env="development",
        data_dir=tmp_path,
        database_url=f"sqlite:///{tmp_path}/greenroom.db",
        redis_url=f"unix://{tmp_path}/redis.sock",
        secret_key=(tmp_path / "secret_key").read_text(),
        smtp_url=None,
        mail_from="Greenroom <no-reply@greenroom.example>",
        inbound_address="no-reply@greenroom.example",
        inbound_token=None,
        base_url="http://127.0.0.1:8000",
        host="127.0.0.1",
        port=8000,
        metrics_token=None,
        session_hours=12,
        trusted_proxies=0,
        login_rate="10 per minute",
        api_read_rate="600 per minute",
        api_write_rate="120 per minute",
        webhook_allow_inside=Inside(),
        log_level="INFO",
    )
    assert settings.queue_is_embedded
    assert settings.uses_sqlite
    assert settings.smtp is None


def test_the_data_folder_is_var_unless_given() -> None:
    assert Settings.from_env({"SECRET_KEY": "given"}).data_dir == Path.cwd() / "var"


def test_an_empty_variable_counts_as_not_given(read: Read) -> None:
    assert read(SMTP_URL="", PORT=" ", METRICS_TOKEN="").port == 8000


def test_settings_cannot_be_changed(read: Read) -> None:
    with pytest.raises(FrozenInstanceError):
        read().port = 1  # type: ignore[misc]


def test_the_secret_key_is_made_once_and_only_its_owner_reads_it(read: Read, tmp_path: Path) -> None:
    first, second = read(), read()
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 32
    assert stat.S_IMODE(os.stat(tmp_path / "secret_key").st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_no_secret_key_is_made_while_a_setting_is_wrong(read: Read, tmp_path: Path) -> None:
    problems(read, PORT="no")
    assert list(tmp_path.iterdir()) == []


def test_every_wrong_setting_is_named_at_once_with_what_to_write(read: Read) -> None:
    assert problems(
        read,
        ENV="staging",
        PORT="80000",
        HOST="http://x",
        BASE_URL="greenroom.example",
        DATABASE_URL="mysql://x/y",
        REDIS_URL="localhost:6379",
        SMTP_URL="mail.example",
        MAIL_FROM="Greenroom",
        INBOUND_ADDRESS="Interviews <interviews@greenroom.example>",
        METRICS_TOKEN="two words",
        INBOUND_TOKEN="zwölf",
        SESSION_HOURS="half",
        LOGIN_RATE="often",
        WEBHOOK_ALLOW_INSIDE="10.1.0.0/16, hooks.local, 10.1.0.0/99",
        LOG_LEVEL="loud",
    ) == [
        "ENV is 'staging': write one of development, test, production.",
        "DATABASE_URL is not understood: write postgresql://user:password@host:5432/greenroom"
        " or sqlite:////path/of/greenroom.db.",
        "REDIS_URL is not understood: write redis://host:6379/0 or unix:///path/of/redis.sock.",
        "HOST is 'http://x': write an address alone, like 127.0.0.1 or 0.0.0.0.",
        "PORT is '80000': write a whole number from 1 to 65535.",
        "BASE_URL is 'greenroom.example': write the address people open, like https://greenroom.example.",
        "SMTP_URL is not understood: write smtp://host:port or smtps://user:password@host:port.",
        "MAIL_FROM is 'Greenroom': write Greenroom <no-reply@greenroom.example>.",
        "INBOUND_ADDRESS is 'Interviews <interviews@greenroom.example>': write an address alone, like"
        " interviews@greenroom.example.",
        "INBOUND_TOKEN holds spaces or letters outside ASCII: write letters and digits alone.",
        "METRICS_TOKEN holds spaces or letters outside ASCII: write letters and digits alone.",
        "SESSION_HOURS is 'half': write a whole number from 1 to 720.",
        "LOGIN_RATE is 'often': write a rate like 10 per minute.",
        "WEBHOOK_ALLOW_INSIDE holds '10.1.0.0/99': write networks and hosts, like 10.1.0.0/16, hooks.local.",
        "LOG_LEVEL is 'loud': write one of DEBUG, INFO, WARNING, ERROR.",
    ]


def test_the_error_reads_as_a_list() -> None:
    assert str(SettingsError(["A is wrong.", "B is missing."])) == (
        "2 settings are wrong or missing:\n  A is wrong.\n  B is missing."
    )


def test_production_takes_nothing_for_granted(read: Read) -> None:
    assert problems(read, ENV="production") == [
        "DATABASE_URL is missing: write postgresql://user:password@host:5432/greenroom.",
        "REDIS_URL is missing: write redis://host:6379/0.",
        "SECRET_KEY is missing: write at least 32 random characters, like those of"
        " python -c 'import secrets; print(secrets.token_urlsafe(48))'.",
        "BASE_URL is missing: write the address people open, like https://greenroom.example.",
    ]


def test_production_starts_when_all_it_needs_is_given(read: Read, tmp_path: Path) -> None:
    settings = read(**PRODUCTION)
    assert settings.is_production
    assert settings.database_url == ("postgresql+psycopg://greenroom:pw@db.example:5432/greenroom")
    assert settings.mail_from == "Greenroom <no-reply@greenroom.example>"
    assert not (tmp_path / "secret_key").exists()


def test_production_refuses_sqlite_and_a_short_key(read: Read) -> None:
    given = PRODUCTION | {"DATABASE_URL": "sqlite:////srv/greenroom.db", "SECRET_KEY": "k" * 31}
    first, second = problems(read, **given)
    assert first.startswith("DATABASE_URL must be PostgreSQL in production: write postgresql://")
    assert second.startswith("SECRET_KEY is too short: write at least 32 random characters")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_reaches_psycopg_3(read: Read, scheme: str) -> None:
    settings = read(DATABASE_URL=f"{scheme}://u:p%40ss@h/db?sslmode=require")
    assert settings.database_url == "postgresql+psycopg://u:p%40ss@h/db?sslmode=require"
    assert not settings.uses_sqlite


def test_a_relative_sqlite_path_is_taken_from_where_the_command_was_typed(read: Read) -> None:
    assert read(DATABASE_URL="sqlite:///some.db").database_url == (f"sqlite:///{Path.cwd()}/some.db")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(read: Read, url: str) -> None:
    (problem,) = problems(read, DATABASE_URL=url)
    assert "in memory, which web and worker cannot share" in problem


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example:25", SmtpServer("mail.example", 25, False, None, None)),
        ("smtps://[::1]:465", SmtpServer("::1", 465, True, None, None)),
        ("smtps://me%40x:p%3Aw@mail:465", SmtpServer("mail", 465, True, "me@x", "p:w")),
    ],
)
def test_a_mail_server_is_read_in_its_parts(read: Read, url: str, server: SmtpServer) -> None:
    assert read(SMTP_URL=url).smtp == server


@pytest.mark.parametrize(
    "url",
    ["smtp://mail.example", "smtp://mail:x", "http://m:25", "smtp://user@m:25", "smtp://m:25/x"],
)
def test_a_mail_server_in_another_form_is_refused_without_repeating_it(read: Read, url: str) -> None:
    (problem,) = problems(read, SMTP_URL=url)
    assert url not in problem


@pytest.mark.parametrize(
    ("host", "address"),
    [("0.0.0.0", "http://127.0.0.1:8000"), ("::", "http://[::1]:8000"), ("box", "http://box:8000")],
)
def test_links_lead_to_an_address_that_can_be_opened(read: Read, host: str, address: str) -> None:
    assert read(HOST=host).base_url == address


def test_links_do_not_double_the_slash(read: Read) -> None:
    assert read(BASE_URL="https://x.example/portal/").base_url == "https://x.example/portal"


def test_secrets_stay_out_of_the_repr(read: Read) -> None:
    settings = read(
        DATABASE_URL="postgresql://u:hush-1@h/db",
        REDIS_URL="redis://:hush-2@h",
        SMTP_URL="smtp://u:hush-3@h:25",
        METRICS_TOKEN="hush-4",
        INBOUND_TOKEN="hush-5",
        SECRET_KEY="hush-5",
    )
    assert "hush" not in repr(settings)
    assert "hush" not in repr(settings.smtp)


def test_a_file_in_the_place_of_the_data_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="where a file is in the way"):
        Settings.from_env({"GREENROOM_DATA": str(tmp_path / "file" / "below")})


def test_a_data_folder_with_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * SOCKET_PATH_BYTES)
    settings = Settings.from_env({"GREENROOM_DATA": str(deep)})
    assert settings.queue_is_embedded
    assert len(settings.redis_url) <= len("unix://") + SOCKET_PATH_BYTES
