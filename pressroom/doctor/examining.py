"""Examining: everything that the doctor looks at, in the order in which it is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from pressroom.config import Config
from pressroom.doctor import domains, keys, machine, records, sender
from pressroom.doctor import relay as relays
from pressroom.doctor.dns import Ask, Dns, NoAnswer, own_addresses
from pressroom.doctor.finding import Finding, State, found, warn, wrong
from pressroom.doctor.records import Advice
from pressroom.doctor.sender import Sender
from pressroom.errors import ConfigError, PressroomError
from pressroom.seal import Keyring
from pressroom.service import Service
from pressroom.smtp.relay import relay_of

# For libpq: neither a server that is away nor a table that somebody locks is waited for long.
_PATIENCE = {"connect_timeout": "10", "options": "-c statement_timeout=10s"}


@dataclass(frozen=True)
class Examination:
    findings: list[Finding]
    advice: list[Advice]

    @property
    def is_sound(self) -> bool:
        return all(one.state is not State.WRONG for one in self.findings)


@dataclass(frozen=True)
class Exit:
    """Where mail leaves: `relay` is its name, `addresses` what may be known of those it leaves from."""

    relay: str
    addresses: Sequence[str]
    is_here: bool


def examine(config: Config) -> Examination:
    """Raises nothing for what is away or wrong: that is a finding. Only for settings nobody can read: ConfigError."""
    service = Service.open(_impatient(config))
    ask = Dns(config.dns_server)
    database = machine.check_database(service)
    has_database = database.state is State.OK
    findings = [
        *machine.check_secrets(service),
        database,
        machine.check_redis(service),
        *machine.check_clock(service, has_database),
        machine.check_disk(service),
        *machine.check_pushes(service),
    ]
    senders, unread = _senders(service) if has_database else ([], [])
    way_out = _exit(ask, config)
    findings += [*unread, *_examine_relay(ask, config, way_out), *_examine_domains(ask, config, senders, way_out)]
    for one in senders:
        findings += keys.check_keys(ask, one, _keyring(service), signs=config.dkim == "process")
    service.database.dispose()
    return Examination(findings, _advice(ask, config, senders, way_out))


def _impatient(config: Config) -> Config:
    """With a PostgreSQL that is waited for shortly, unless its address says how long. Raises ConfigError."""
    try:
        url = make_url(config.sqlalchemy_url)
    except ArgumentError:
        raise ConfigError("PRESSROOM_DATABASE_URL is no address of a database: mend it.") from None
    if not url.drivername.startswith("postgresql"):
        return config
    shorter = url.update_query_dict({name: value for name, value in _PATIENCE.items() if name not in url.query})
    return replace(config, database_url=shorter.render_as_string(hide_password=False))


def _senders(service: Service) -> tuple[list[Sender], list[Finding]]:
    try:
        senders = sender.of_newsrooms(service.database)
    except (SQLAlchemyError, PressroomError):
        return [], [found("newsrooms", "", wrong("they cannot be read", "Look at the database"))]
    if senders:
        return senders, []
    return [], [found("newsrooms", "", warn("there is none yet", "Add one with `pressroom newsroom add SLUG`"))]


def _exit(ask: Ask, config: Config) -> Exit:
    host = config.mail_server or ""
    if _is_here(host):
        return Exit(host, own_addresses() if host else [], True)
    try:
        return Exit(host, [str(ip_address(host))], False)
    except ValueError:
        pass
    try:
        return Exit(host, ask.addresses(host), False)
    except NoAnswer:
        return Exit(host, [], False)


def _is_here(host: str) -> bool:
    try:
        return host in ("", "localhost") or ip_address(host).is_loopback
    except ValueError:
        return False


def _examine_relay(ask: Ask, config: Config, way_out: Exit) -> list[Finding]:
    if not config.mail_server and config.mailbox_port:
        caught = warn(
            "all mail is caught in the demo's mailbox", "Set MAIL_SERVER to your mail relay when it is to leave"
        )
        return [found("relay", "", caught)]
    try:
        relay = relay_of(config)
    except ConfigError:
        return [found("relay", "", wrong("no mail can leave", "Set MAIL_SERVER to your mail relay"))]
    return [
        *relays.check_relay(relay, is_here=way_out.is_here, now=datetime.now(UTC)),
        *relays.check_names(ask, way_out.relay, way_out.addresses, is_here=way_out.is_here),
    ]


def _examine_domains(ask: Ask, config: Config, senders: list[Sender], way_out: Exit) -> list[Finding]:
    sending = sender.sending_domains(config, senders)
    returning = sender.returning_domains(config, sending)
    public = [one for one in way_out.addresses if ip_address(one).is_global]
    name = way_out.relay if not way_out.is_here else "this machine"
    findings: list[Finding] = []
    for domain in dict.fromkeys([*sending, *returning]):
        findings += domains.check_spf(ask, domain, name, public, is_return=domain in returning)
    for domain in sending:
        findings += domains.check_dmarc(ask, domain)
    findings += [domains.check_bounces(ask, domain) for domain in returning]
    if config.bounce_address:
        signs = config.dkim == "process"
        findings += [one for back in returning for one in domains.check_alignment(ask, sending, back, signs=signs)]
    return findings


def _keyring(service: Service) -> Keyring | None:
    try:
        return service.keyring
    except ConfigError:
        return None


def _advice(ask: Ask, config: Config, senders: list[Sender], way_out: Exit) -> list[Advice]:
    sending = sender.sending_domains(config, senders)
    every = dict.fromkeys([*sending, *sender.returning_domains(config, sending)])
    advice = [one for domain in every for one in records.for_domain(ask, domain, way_out.relay, way_out.addresses)]
    return [*advice, *(one for sender_ in senders for one in records.for_keys(ask, sender_))]
