"""Every setting: its name in the environment, its type, its default and one line of why.

Read once at start. A value that cannot be meant stops the start with a sentence (ConfigError).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from pressroom import addresses, readers
from pressroom.errors import ConfigError


def _setting(name: str, read: Callable[[str], Any], default: Any, why: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"name": name, "read": read, "why": why, "secret": secret})


@dataclass(frozen=True)
class Config:
    """The settings of one service. `data_dir` is absolute; None means not set."""

    data_dir: Path = _setting(
        "PRESSROOM_DATA_DIR", Path, Path("var"), "Where the database, keys and the local mailbox live."
    )
    base_url: str = _setting(
        "PRESSROOM_BASE_URL",
        readers.base_url,
        "http://127.0.0.1:8000",
        "The address people use; every link starts with it.",
    )
    secret_key: str | None = _setting(
        "PRESSROOM_SECRET_KEY",
        readers.text,
        None,
        "Signs sessions, links and Message-IDs; at least 32 characters.",
        secret=True,
    )
    keyring_file: Path | None = _setting(
        "PRESSROOM_KEYRING_FILE", Path, None, "The master keys that seal addresses, kept outside the database."
    )
    database_url: str | None = _setting(
        "PRESSROOM_DATABASE_URL",
        readers.text,
        None,
        "PostgreSQL, for many machines; SQLite in the data directory by default.",
        secret=True,
    )
    redis_url: str | None = _setting(
        "PRESSROOM_REDIS_URL",
        readers.text,
        None,
        "The Redis or Valkey that rings the workers; `pressroom up` starts its own by default.",
        secret=True,
    )
    trusted_proxies: tuple[str, ...] = _setting(
        "PRESSROOM_TRUSTED_PROXIES",
        readers.proxies,
        (),
        "Addresses or networks of your own reverse proxies, whose X-Forwarded-For and -Proto are believed.",
    )
    bounce_address: str | None = _setting(
        "PRESSROOM_BOUNCE_ADDRESS",
        readers.bounce_address,
        None,
        "With it, each message has a return path of its own; without it, the sender's.",
    )
    bounce_maildir: Path | None = _setting(
        "PRESSROOM_BOUNCE_MAILDIR", Path, None, "A Maildir that gets the mail to the bounce address."
    )
    imap_server: str | None = _setting(
        "PRESSROOM_IMAP_SERVER", readers.text, None, "An IMAP server that holds the mail to the bounce address."
    )
    imap_port: int = _setting("PRESSROOM_IMAP_PORT", readers.positive, 993, "Its port for TLS from the first byte.")
    imap_username: str | None = _setting("PRESSROOM_IMAP_USERNAME", readers.text, None, "Login there.")
    imap_password: str | None = _setting("PRESSROOM_IMAP_PASSWORD", readers.text, None, "Password there.", secret=True)
    imap_folder: str = _setting(
        "PRESSROOM_IMAP_FOLDER", readers.text, "INBOX", "The folder; what is read is deleted there."
    )
    hook_secret: str | None = _setting(
        "PRESSROOM_HOOK_SECRET", readers.text, None, "Signs what your own programs post to /hooks.", secret=True
    )
    mailgun_key: str | None = _setting(
        "PRESSROOM_MAILGUN_KEY", readers.text, None, "Mailgun's HTTP webhook signing key.", secret=True
    )
    postmark_login: str | None = _setting(
        "PRESSROOM_POSTMARK_LOGIN",
        readers.login,
        None,
        "NAME:PASSWORD in the address that Postmark calls.",
        secret=True,
    )
    sparkpost_login: str | None = _setting(
        "PRESSROOM_SPARKPOST_LOGIN", readers.login, None, "NAME:PASSWORD that SparkPost logs in with.", secret=True
    )
    sendgrid_key: str | None = _setting(
        "PRESSROOM_SENDGRID_KEY", readers.text, None, "The verification key of SendGrid's signed event webhook."
    )
    ses_topic: str | None = _setting(
        "PRESSROOM_SES_TOPIC", readers.text, None, "The ARN of the SNS topic to which Amazon SES reports."
    )
    mail_per_hour: int | None = _setting(
        "PRESSROOM_MAIL_PER_HOUR", readers.positive, None, "The relay's quota for any 60 minutes; no limit by default."
    )
    mail_per_day: int | None = _setting(
        "PRESSROOM_MAIL_PER_DAY", readers.positive, None, "The relay's quota for any 24 hours; no limit by default."
    )
    mail_connections: int = _setting(
        "PRESSROOM_MAIL_CONNECTIONS",
        readers.positive,
        4,
        "SMTP connections per mail worker; each can leave one message in doubt when it dies.",
    )
    mail_spare_connections: int = _setting(
        "PRESSROOM_MAIL_SPARE_CONNECTIONS",
        readers.not_negative,
        12,
        "More SMTP connections per mail worker, opened while others wait long for an answer; they leave doubts alike.",
    )
    mail_per_second: int | None = _setting(
        "PRESSROOM_MAIL_PER_SECOND",
        readers.positive,
        None,
        "Most messages a second from each mail worker; no limit by default.",
    )
    mail_domain_connections: int | None = _setting(
        "PRESSROOM_MAIL_DOMAIN_CONNECTIONS",
        readers.positive,
        None,
        "Most messages at once from each mail worker to one recipient domain; no limit by default.",
    )
    mail_domain_per_minute: int | None = _setting(
        "PRESSROOM_MAIL_DOMAIN_PER_MINUTE",
        readers.positive,
        None,
        "Most messages a minute from each mail worker to one recipient domain; no limit by default.",
    )
    mail_hold: int = _setting(
        "PRESSROOM_MAIL_HOLD",
        readers.not_negative,
        60,
        "Seconds a mailing waits before its first message, so that it can still be stopped.",
    )
    dkim: str = _setting(
        "PRESSROOM_DKIM",
        readers.signer,
        "process",
        "Who signs: `process` for newsrooms whose keys are switched on, or `relay` for none here.",
    )
    smtp_insecure: bool = _setting(
        "PRESSROOM_SMTP_INSECURE",
        readers.flag,
        False,
        "Allow unencrypted SMTP to a server that is not on this machine.",
    )
    mail_server: str | None = _setting(
        "MAIL_SERVER", readers.text, None, "Your mail relay. Without it the demo catches all mail in a local mailbox."
    )
    mail_port: int = _setting("MAIL_PORT", readers.positive, 25, "The relay's port.")
    mail_use_tls: bool = _setting("MAIL_USE_TLS", readers.flag, False, "STARTTLS, with the certificate verified.")
    mail_use_ssl: bool = _setting(
        "MAIL_USE_SSL", readers.flag, False, "TLS from the first byte, with the certificate verified."
    )
    mail_username: str | None = _setting("MAIL_USERNAME", readers.text, None, "Login at the relay.")
    mail_password: str | None = _setting("MAIL_PASSWORD", readers.text, None, "Password at the relay.", secret=True)
    mail_default_sender: str | None = _setting(
        "MAIL_DEFAULT_SENDER", readers.text, None, "Sender of mail that no newsroom sends, such as invitations."
    )
    dns_server: str | None = _setting(
        "PRESSROOM_DNS_SERVER",
        readers.dns_server,
        None,
        "The DNS server that `pressroom doctor` asks; the system's by default.",
    )
    hub_url: str | None = _setting(
        "PRESSROOM_HUB_URL",
        readers.hub,
        None,
        "A WebSub hub elsewhere that feeds name and publishing tells, or `none`; by default the service is its own.",
    )
    push_connections: int = _setting(
        "PRESSROOM_PUSH_CONNECTIONS", readers.positive, 32, "Requests at once from each push worker."
    )
    push_private_networks: bool = _setting(
        "PRESSROOM_PUSH_PRIVATE_NETWORKS",
        readers.flag,
        False,
        "Push also to this machine and to private networks, for trials and tests.",
    )
    feed_fetches: int = _setting(
        "PRESSROOM_FEED_FETCHES",
        readers.not_negative,
        60,
        "How often a client may fetch one feed whole in five minutes from one web process; 0 is no limit. Whoever asks "
        "with If-None-Match or If-Modified-Since is never made to wait.",
    )
    web_workers: int = _setting("PRESSROOM_WEB_WORKERS", readers.positive, 2, "Web server processes.")
    demo: bool = _setting(
        "PRESSROOM_DEMO",
        readers.flag,
        False,
        "Set by `pressroom up --demo`: catches mail locally unless MAIL_SERVER is set.",
    )
    mailbox_port: int | None = _setting(
        "PRESSROOM_MAILBOX_PORT",
        readers.positive,
        None,
        "Set by `pressroom up --demo`: where its local mailbox listens.",
    )

    @property
    def sqlalchemy_url(self) -> str:
        if not self.database_url:
            return f"sqlite:///{self.data_dir / 'pressroom.db'}"
        scheme, _, rest = self.database_url.partition("://")
        return f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else self.database_url

    @property
    def hub(self) -> str | None:
        """The whole address of the hub that feeds name; None where there is none."""
        own = self.base_url + addresses.HUB
        return None if self.hub_url == "none" else self.hub_url or own

    @property
    def is_own_hub(self) -> bool:
        return self.hub == self.base_url + addresses.HUB

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
