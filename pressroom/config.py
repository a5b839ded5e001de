"""Every setting: its name in the environment, its type, its default and one line of why.

Read once at start. A value that cannot be meant stops the start with a sentence (ConfigError).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values

from pressroom.errors import ConfigError


def _flag(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("use 1 or 0")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("use a whole number of at least 1")
    return number


def _not_negative(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("use a whole number, 0 or more")
    return number


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
        raise ValueError("use an address such as https://press.example.org, with no path")
    return f"{parts.scheme}://{parts.netloc}"


def _proxies(text: str) -> tuple[str, ...]:
    return tuple(str(ip_network(part, strict=False)) for part in text.replace(",", " ").split())


def _signer(text: str) -> str:
    if text not in ("process", "relay"):
        raise ValueError("use process or relay")
    return text


def _text(text: str) -> str:
    return text


def _login(text: str) -> str:
    name, colon, password = text.partition(":")
    if not name or not colon or len(password) < 16:
        raise ValueError("use NAME:PASSWORD, with a password of at least 16 characters")
    return text


def _bounce_address(text: str) -> str:
    local, at, domain = text.rpartition("@")
    # A return path adds up to 36 characters to the local part, of which RFC 5321 allows 64.
    if not local or not at or "." not in domain or len(local.encode()) > 28 or "+" in local or " " in text:
        raise ValueError("use an address such as bounces@example.org, with at most 28 characters and no + before the @")
    return text


def _setting(name: str, read: Callable[[str], Any], default: Any, why: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"name": name, "read": read, "why": why, "secret": secret})


@dataclass(frozen=True)
class Config:
    """The settings of one service. `data_dir` is absolute; None means not set."""

    data_dir: Path = _setting(
        "PRESSROOM_DATA_DIR", Path, Path("var"), "Where the database, keys and the local mailbox live."
    )
    base_url: str = _setting(
        "PRESSROOM_BASE_URL", _base_url, "http://127.0.0.1:8000", "The address people use; every link starts with it."
    )
    secret_key: str | None = _setting(
        "PRESSROOM_SECRET_KEY",
        _text,
        None,
        "Signs sessions, links and Message-IDs; at least 32 characters.",
        secret=True,
    )
    keyring_file: Path | None = _setting(
        "PRESSROOM_KEYRING_FILE", Path, None, "The master keys that seal addresses, kept outside the database."
    )
    database_url: str | None = _setting(
        "PRESSROOM_DATABASE_URL",
        _text,
        None,
        "PostgreSQL, for many machines; SQLite in the data directory by default.",
        secret=True,
    )
    redis_url: str | None = _setting(
        "PRESSROOM_REDIS_URL",
        _text,
        None,
        "The Redis or Valkey that rings the workers; `pressroom up` starts its own by default.",
        secret=True,
    )
    trusted_proxies: tuple[str, ...] = _setting(
        "PRESSROOM_TRUSTED_PROXIES",
        _proxies,
        (),
        "Addresses or networks of your own reverse proxies, whose X-Forwarded-For and -Proto are believed.",
    )
    bounce_address: str | None = _setting(
        "PRESSROOM_BOUNCE_ADDRESS",
        _bounce_address,
        None,
        "With it, each message has a return path of its own; without it, the sender's.",
    )
    bounce_maildir: Path | None = _setting(
        "PRESSROOM_BOUNCE_MAILDIR", Path, None, "A Maildir that gets the mail to the bounce address."
    )
    imap_server: str | None = _setting(
        "PRESSROOM_IMAP_SERVER", _text, None, "An IMAP server that holds the mail to the bounce address."
    )
    imap_port: int = _setting("PRESSROOM_IMAP_PORT", _positive, 993, "Its port for TLS from the first byte.")
    imap_username: str | None = _setting("PRESSROOM_IMAP_USERNAME", _text, None, "Login there.")
    imap_password: str | None = _setting("PRESSROOM_IMAP_PASSWORD", _text, None, "Password there.", secret=True)
    imap_folder: str = _setting("PRESSROOM_IMAP_FOLDER", _text, "INBOX", "The folder; what is read is deleted there.")
    hook_secret: str | None = _setting(
        "PRESSROOM_HOOK_SECRET", _text, None, "Signs what your own programs post to /hooks.", secret=True
    )
    mailgun_key: str | None = _setting(
        "PRESSROOM_MAILGUN_KEY", _text, None, "Mailgun's HTTP webhook signing key.", secret=True
    )
    postmark_login: str | None = _setting(
        "PRESSROOM_POSTMARK_LOGIN", _login, None, "NAME:PASSWORD in the address that Postmark calls.", secret=True
    )
    sparkpost_login: str | None = _setting(
        "PRESSROOM_SPARKPOST_LOGIN", _login, None, "NAME:PASSWORD that SparkPost logs in with.", secret=True
    )
    sendgrid_key: str | None = _setting(
        "PRESSROOM_SENDGRID_KEY", _text, None, "The verification key of SendGrid's signed event webhook."
    )
    ses_topic: str | None = _setting(
        "PRESSROOM_SES_TOPIC", _text, None, "The ARN of the SNS topic to which Amazon SES reports."
    )
    mail_per_hour: int | None = _setting(
        "PRESSROOM_MAIL_PER_HOUR", _positive, None, "The relay's quota for any 60 minutes; no limit by default."
    )
    mail_per_day: int | None = _setting(
        "PRESSROOM_MAIL_PER_DAY", _positive, None, "The relay's quota for any 24 hours; no limit by default."
    )
    mail_connections: int = _setting(
        "PRESSROOM_MAIL_CONNECTIONS",
        _positive,
        4,
        "SMTP connections per mail worker; each can leave one message in doubt when it dies.",
    )
    mail_spare_connections: int = _setting(
        "PRESSROOM_MAIL_SPARE_CONNECTIONS",
        _not_negative,
        12,
        "More SMTP connections per mail worker, opened while others wait long for an answer; they leave doubts alike.",
    )
    mail_per_second: int | None = _setting(
        "PRESSROOM_MAIL_PER_SECOND",
        _positive,
        None,
        "Most messages a second from each mail worker; no limit by default.",
    )
    mail_domain_connections: int | None = _setting(
        "PRESSROOM_MAIL_DOMAIN_CONNECTIONS",
        _positive,
        None,
        "Most messages at once from each mail worker to one recipient domain; no limit by default.",
    )
    mail_domain_per_minute: int | None = _setting(
        "PRESSROOM_MAIL_DOMAIN_PER_MINUTE",
        _positive,
        None,
        "Most messages a minute from each mail worker to one recipient domain; no limit by default.",
    )
    mail_hold: int = _setting(
        "PRESSROOM_MAIL_HOLD",
        _not_negative,
        60,
        "Seconds a mailing waits before its first message, so that it can still be stopped.",
    )
    dkim: str = _setting(
        "PRESSROOM_DKIM",
        _signer,
        "process",
        "Who signs: `process` for newsrooms whose keys are switched on, or `relay` for none here.",
    )
    smtp_insecure: bool = _setting(
        "PRESSROOM_SMTP_INSECURE", _flag, False, "Allow unencrypted SMTP to a server that is not on this machine."
    )
    mail_server: str | None = _setting(
        "MAIL_SERVER", _text, None, "Your mail relay. Without it the demo catches all mail in a local mailbox."
    )
    mail_port: int = _setting("MAIL_PORT", _positive, 25, "The relay's port.")
    mail_use_tls: bool = _setting("MAIL_USE_TLS", _flag, False, "STARTTLS, with the certificate verified.")
    mail_use_ssl: bool = _setting(
        "MAIL_USE_SSL", _flag, False, "TLS from the first byte, with the certificate verified."
    )
    mail_username: str | None = _setting("MAIL_USERNAME", _text, None, "Login at the relay.")
    mail_password: str | None = _setting("MAIL_PASSWORD", _text, None, "Password at the relay.", secret=True)
    mail_default_sender: str | None = _setting(
        "MAIL_DEFAULT_SENDER", _text, None, "Sender of mail that no newsroom sends, such as invitations."
    )
    web_workers: int = _setting("PRESSROOM_WEB_WORKERS", _positive, 2, "Web server processes.")
    demo: bool = _setting(
        "PRESSROOM_DEMO", _flag, False, "Set by `pressroom up --demo`: catches mail locally unless MAIL_SERVER is set."
    )
    mailbox_port: int | None = _setting(
        "PRESSROOM_MAILBOX_PORT", _positive, None, "Set by `pressroom up --demo`: where its local mailbox listens."
    )

    @property
    def sqlalchemy_url(self) -> str:
        if not self.database_url:
            return f"sqlite:///{self.data_dir / 'pressroom.db'}"
        scheme, _, rest = self.database_url.partition("://")
        return f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else self.database_url

    @property
    def mailbox_dir(self) -> Path:
        return self.data_dir / "mailbox"


def load(environ: Mapping[str, str] | None = None) -> Config:
    """The settings from the environment, a `.env` file beneath it, and `NAME_FILE` for secrets. Raises ConfigError."""
    if environ is None:
        from_file = {name: value for name, value in dotenv_values(".env").items() if value is not None}
        environ = {**from_file, **os.environ}
    values: dict[str, Any] = {}
    for item in fields(Config):
        text = _value(environ, item.metadata["name"], secret=item.metadata["secret"])
        if text is None:
            continue
        try:
            values[item.name] = item.metadata["read"](text)
        except ValueError as error:
            shown = "its value" if item.metadata["secret"] else f"“{text}”"
            raise ConfigError(f"{item.metadata['name']}: {shown} does not fit: {error}.") from None
    config = Config(**values)
    _check(config)
    paths = {name: getattr(config, name) for name in ("data_dir", "keyring_file", "bounce_maildir")}
    absolute = {name: path.expanduser().absolute() for name, path in paths.items() if path}
    return Config(**{**values, **absolute})


def _value(environ: Mapping[str, str], name: str, *, secret: bool) -> str | None:
    if environ.get(name):
        return environ[name]
    path = environ.get(f"{name}_FILE") if secret else None
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{name}_FILE: {path} cannot be read ({error.strerror}).") from None


def _check(config: Config) -> None:
    if config.secret_key is not None and len(config.secret_key) < 32:
        raise ConfigError("PRESSROOM_SECRET_KEY is too short: use at least 32 characters.")
    if config.mail_use_tls and config.mail_use_ssl:
        raise ConfigError("MAIL_USE_TLS and MAIL_USE_SSL exclude each other: set one of them.")
    protected = config.mail_use_tls or config.mail_use_ssl or config.smtp_insecure
    if config.mail_server and not protected and not _is_loopback(config.mail_server):
        raise ConfigError(
            f"Mail to {config.mail_server} would not be encrypted: set MAIL_USE_TLS=1 or MAIL_USE_SSL=1 "
            "(or PRESSROOM_SMTP_INSECURE=1 to allow it)."
        )
    if config.hook_secret is not None and len(config.hook_secret) < 32:
        raise ConfigError("PRESSROOM_HOOK_SECRET is too short: use at least 32 characters.")
    if config.imap_server and not (config.imap_username and config.imap_password):
        raise ConfigError("PRESSROOM_IMAP_SERVER needs PRESSROOM_IMAP_USERNAME and PRESSROOM_IMAP_PASSWORD.")
    if config.database_url and not config.database_url.startswith(("sqlite", "postgres")):
        raise ConfigError("PRESSROOM_DATABASE_URL must start with postgresql:// or sqlite:///.")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
