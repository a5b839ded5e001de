"""All of the service on one machine, in the foreground: what it consists of, and the order in which it starts."""

from __future__ import annotations

import http.client
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pressroom import config as settings
from pressroom.config import Config
from pressroom.supervising import keeping, ports, redis_server
from pressroom.supervising.processes import Spec, Stopped, Supervisor

_READY_WITHIN = 60.0
_TIER_WORK, _TIER_MAILBOX, _TIER_REDIS = range(3)
_FIRST_LOGIN = "first_login"


@dataclass(frozen=True)
class _Service:
    config: Config
    environ: dict[str, str]
    host: str
    port: int
    address: str

    @property
    def catches_mail(self) -> bool:
        return self.config.demo and not self.config.mail_server


def up(host: str, port: int, *, demo: bool) -> None:
    """Runs until SIGTERM or Ctrl-C and leaves no process. Raises ConfigError if it cannot start."""
    host, port = ports.claim(host, port)
    environ = keeping.environment()
    if demo:
        environ["PRESSROOM_DEMO"] = "1"
    data_dir = settings.load(environ).data_dir
    keeping.prepare(data_dir)
    keeping.lock(data_dir)
    service = _resolve(environ, data_dir, host, port)
    supervisor = Supervisor(service.environ)
    own_redis = None if service.config.redis_url else redis_server.plan(data_dir)
    try:
        _start(supervisor, service, own_redis)
        supervisor.run()
    except Stopped:
        pass
    finally:
        supervisor.stop()
        if own_redis:
            own_redis.remove_socket()


def _resolve(environ: dict[str, str], data_dir: Path, host: str, port: int) -> _Service:
    if settings.load(environ).demo:
        keeping.create_missing_keys(environ, data_dir)
    address = ports.address(host, port)
    defaults = {**keeping.kept_keys(data_dir), "PRESSROOM_BASE_URL": address}
    resolved = keeping.with_defaults(environ, defaults) | {"PRESSROOM_DATA_DIR": str(data_dir)}
    config = settings.load(resolved)
    keeping.require_keys(config)
    return _Service(config, resolved, host, port, address)


def _start(supervisor: Supervisor, service: _Service, own_redis: redis_server.OwnRedis | None) -> None:
    if own_redis:
        supervisor.set({"PRESSROOM_REDIS_URL": own_redis.url})
        supervisor.start(Spec("Redis", tuple(own_redis.command), _TIER_REDIS, own_redis.log))
    with supervisor.interruptible():
        if service.config.redis_url:
            redis_server.await_configured(service.config.redis_url)
        login = _prepare_database(service)
    if own_redis:
        supervisor.wait_until(own_redis.answers, _READY_WITHIN, "Redis")
    mailbox_port = ports.free_port() if service.catches_mail else None
    if mailbox_port:
        supervisor.set({"PRESSROOM_MAILBOX_PORT": str(mailbox_port)})
    keeping.settle(service.config.data_dir, _settled(service, own_redis, mailbox_port))
    for spec in _specs(service):
        supervisor.start(spec)
    supervisor.wait_until(lambda: _healthy(service.address), _READY_WITHIN, "The web server")
    _tell(service, login)


def _settled(service: _Service, own_redis: redis_server.OwnRedis | None, mailbox_port: int | None) -> dict[str, str]:
    chosen = {"PRESSROOM_BASE_URL": service.config.base_url, "PRESSROOM_DEMO": "1" if service.config.demo else "0"}
    if own_redis:
        chosen["PRESSROOM_REDIS_URL"] = own_redis.url
    if mailbox_port:
        chosen["PRESSROOM_MAILBOX_PORT"] = str(mailbox_port)
    return chosen


def _specs(service: _Service) -> list[Spec]:
    def module(name: str, *words: str) -> tuple[str, ...]:
        return (sys.executable, "-m", name, *words)

    web = module("pressroom.supervising.web", service.host, str(service.port))
    names = ["web", *(f"web {number}" for number in range(2, service.config.web_workers + 1))]
    specs = [
        *(Spec(name, web, _TIER_WORK) for name in names),
        Spec("clock", module("pressroom.working", "clock"), _TIER_WORK),
        Spec("default", module("pressroom.working", "default"), _TIER_WORK),
        Spec("mail", module("pressroom.working", "mail"), _TIER_WORK),
        Spec("push", module("pressroom.working", "push"), _TIER_WORK),
    ]
    if service.catches_mail:
        specs.append(Spec("mailbox", module("pressroom.supervising.mailbox"), _TIER_MAILBOX))
    return specs


def _prepare_database(service: _Service) -> str | None:
    """Migrates, and loads the demo newsroom into a new database. Returns the first login as a person types it."""
    from pressroom.db import Database

    config = service.config
    kept = config.data_dir / _FIRST_LOGIN
    database = Database(config.sqlalchemy_url)
    try:
        database.migrate()
        # Asked again after a first start that broke off before it was noted; it loads nothing twice.
        if config.demo and not kept.exists():
            from pressroom import demo

            login = demo.load(database, config, now=datetime.now(UTC))
            if login:
                keeping.write_privately(kept, f"{login.email} / {login.password}\n")
    finally:
        database.dispose()
    return kept.read_text(encoding="utf-8").strip() if config.demo and kept.exists() else None


def _healthy(address: str) -> bool:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tell(service: _Service, login: str | None) -> None:
    config = service.config
    lines = [f"Pressroom is at {config.base_url}"]
    if config.base_url != service.address:
        lines.append(f"It listens on {service.address}")
    if login:
        lines.append(f"First login: {login} at {config.base_url}/login")
    if service.catches_mail:
        lines.append(f"Mail stays here: {config.base_url}/desk/mailbox shows it, {config.mailbox_dir} keeps it")
    elif config.mail_server:
        lines.append(f"Mail goes out through {config.mail_server}")
    if config.demo:
        lines.append(f"For the other commands: export PRESSROOM_DATA_DIR='{config.data_dir}'")
    lines.append("Ctrl-C ends it.")
    print("\n".join(lines), flush=True)
