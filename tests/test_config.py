from __future__ import annotations

from pathlib import Path

import pytest

from pressroom import config
from pressroom.errors import ConfigError


def test_the_data_directory_is_absolute() -> None:
    assert config.load({"PRESSROOM_DATA_DIR": "var/x"}).data_dir == Path.cwd() / "var/x"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"PRESSROOM_MAIL_PER_HOUR": "many"}, "PRESSROOM_MAIL_PER_HOUR"),
        ({"PRESSROOM_MAIL_PER_DAY": "0"}, "at least 1"),
        ({"PRESSROOM_BASE_URL": "press.example.org"}, "PRESSROOM_BASE_URL"),
        ({"PRESSROOM_BASE_URL": "https://example.org/press"}, "no path"),
        ({"PRESSROOM_HUB_URL": "hub.example.org"}, "or none"),
        ({"PRESSROOM_HUB_URL": "https://hub.example.org/>; rel=x"}, "or none"),
        ({"PRESSROOM_SECRET_KEY": "short"}, "too short"),
        ({"PRESSROOM_TRUSTED_PROXIES": "everyone"}, "PRESSROOM_TRUSTED_PROXIES"),
        ({"MAIL_SERVER": "mail.example.org"}, "would not be encrypted"),
        ({"MAIL_SERVER": "localhost", "MAIL_USE_TLS": "1", "MAIL_USE_SSL": "1"}, "exclude each other"),
        ({"PRESSROOM_DATABASE_URL": "mysql://x"}, "PRESSROOM_DATABASE_URL"),
        ({"PRESSROOM_SECRET_KEY_FILE": "/nowhere/at/all"}, "cannot be read"),
    ],
)
def test_a_setting_that_cannot_be_meant_stops_the_start_with_a_sentence(environ: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config.load(environ)


@pytest.mark.parametrize(
    "environ",
    [
        {"MAIL_SERVER": "127.0.0.1"},
        {"MAIL_SERVER": "localhost"},
        {"MAIL_SERVER": "mail.example.org", "MAIL_USE_TLS": "1"},
        {"MAIL_SERVER": "mail.example.org", "PRESSROOM_SMTP_INSECURE": "1"},
    ],
)
def test_unencrypted_mail_is_allowed_to_this_machine_or_when_asked_for(environ: dict[str, str]) -> None:
    assert environ["MAIL_SERVER"] == config.load(environ).mail_server


def test_a_secret_is_never_repeated_in_a_sentence() -> None:
    with pytest.raises(ConfigError) as refused:
        config.load({"PRESSROOM_SECRET_KEY": "hunter2"})
    assert "hunter2" not in str(refused.value)


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("k" * 40 + "\n")
    assert config.load({"PRESSROOM_SECRET_KEY_FILE": str(tmp_path / "secret")}).secret_key == "k" * 40


def test_a_postgresql_address_is_given_the_driver_in_use() -> None:
    made = config.load({"PRESSROOM_DATABASE_URL": "postgresql://press@localhost/press"})
    assert made.sqlalchemy_url == "postgresql+psycopg://press@localhost/press"


def test_the_service_is_its_own_hub_unless_another_or_none_is_named() -> None:
    base = {"PRESSROOM_BASE_URL": "https://press.example.org"}
    own = config.load(base)
    assert (own.hub, own.is_own_hub) == ("https://press.example.org/hub", True)
    other = config.load(base | {"PRESSROOM_HUB_URL": "https://hub.example.org/"})
    assert (other.hub, other.is_own_hub) == ("https://hub.example.org/", False)
    none = config.load(base | {"PRESSROOM_HUB_URL": "none"})
    assert (none.hub, none.is_own_hub) == (None, False)
