"""Looks at what the service stands on: secrets, database, Redis, clocks and disk."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError

from pressroom.doctor.finding import Finding, Remark, fine, found, warn, wrong
from pressroom.errors import ConfigError, PressroomError, TryLater
from pressroom.service import Service

_SECONDS = 3.0
_APART, _FAR_APART = timedelta(seconds=2), timedelta(seconds=30)
_LITTLE, _TOO_LITTLE = 1 << 30, 100 << 20
_OLDEST_REDIS = (6, 2)


def check_secrets(service: Service) -> list[Finding]:
    findings = [
        _tried("secret key", lambda: service.signer, "it is there"),
        _tried("keyring", lambda: service.keyring, "it is there and can be read"),
    ]
    path = service.config.keyring_file
    try:
        if path is not None and path.stat().st_mode & 0o007:
            findings.append(
                found("keyring", "", warn("everybody on this machine can read it", f"Run `chmod o= {path}`"))
            )
    except OSError:
        pass
    return findings


def _tried(check: str, act: Callable[[], object], good: str) -> Finding:
    try:
        act()
    except ConfigError as error:
        return found(check, "", _sentence(error))
    return found(check, "", fine(good))


def _sentence(error: PressroomError) -> Remark:
    """Our own sentences say what to do after a colon, or after the last comma of a list."""
    says, _, do = error.message.rstrip(".").rpartition(": ")
    return wrong(f"{says[:1].lower()}{says[1:]}" if says else do, f"{do[:1].upper()}{do[1:]}" if says else "Mend it")


def check_database(service: Service) -> Finding:
    try:
        service.check_database()
        with service.database.transaction():
            kind = "SQLite" if service.database.is_sqlite else "PostgreSQL"
        remark = fine(f"{kind} answers, its tables are current")
    except TryLater:
        says = "somebody is writing to it for five seconds and more, and everybody else waits"
        locks = f"{service.database.file}-shm or {service.database.file}-turn"
        remark = warn(
            says, f"Look again; if it stays so, end the process that `lslocks -u` shows with WRITE for {locks}"
        )
    except PressroomError as error:
        remark = _sentence(error)
    except SQLAlchemyError:
        remark = wrong("it does not answer as it should", "Look into its log, and check PRESSROOM_DATABASE_URL")
    return found("database", "", remark)


def check_pushes(service: Service) -> list[Finding]:
    """Nothing where all is as it should be."""
    if not service.config.push_private_networks:
        return []
    says = "whoever subscribes to a feed can have requests sent into private networks"
    return [found("pushes", "", warn(says, "Unset PRESSROOM_PUSH_PRIVATE_NETWORKS, which is for trials"))]


def check_redis(service: Service) -> Finding:
    url = service.config.redis_url
    if not url:
        return found(
            "Redis", "",
            warn("PRESSROOM_REDIS_URL is not set", "Set it, unless `pressroom up` runs, which starts its own"),
        )  # fmt: skip
    return found("Redis", "", _redis(url))


def _redis(url: str) -> Remark:
    try:
        with _client(url) as client:
            version = str(client.info("server")["redis_version"])
    except redis.AuthenticationError:
        return wrong("it refuses the password", "Check PRESSROOM_REDIS_URL")
    except redis.ResponseError as error:
        # Some keep INFO from those who may ring.
        return fine("it answers") if "NOPERM" in str(error) else wrong("it refuses us", "Check PRESSROOM_REDIS_URL")
    except (redis.RedisError, OSError, ValueError):
        return wrong("it does not answer, mail waits", "Start it, or check PRESSROOM_REDIS_URL")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < _OLDEST_REDIS:
        return warn(f"it is version {version}", "Install Redis 6.2 or newer, or Valkey")
    return fine(f"version {version} answers")


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, retry=Retry(NoBackoff(), 0)
    )


def check_clock(service: Service, has_database: bool) -> list[Finding]:
    """Only against clocks that answer: that one does not is said elsewhere."""
    findings = []
    database, url = service.database, service.config.redis_url
    if has_database and not database.is_sqlite:
        try:
            with database.reading() as tx:
                # The first question also connects, which takes time.
                database.now(tx)
                ahead = _ahead(lambda: database.now(tx))
            findings.append(found("clock", "", compared(ahead, "the database's")))
        except (SQLAlchemyError, PressroomError):
            pass
    if url:
        try:
            with _client(url) as client:
                client.ping()
                ahead = _ahead(lambda: _redis_time(client))
            findings.append(found("clock", "", compared(ahead, "Redis's")))
        except (redis.RedisError, OSError, ValueError):
            pass
    if not findings:
        findings.append(found("clock", "", fine("no other clock is there to compare this machine's with")))
    return findings


def _redis_time(client: redis.Redis) -> datetime:
    seconds, micros = client.time()
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=micros)


def _ahead(other: Callable[[], datetime]) -> timedelta:
    """How far this machine's clock is ahead of another, at least: what the answer took on its way is not counted."""
    before = datetime.fromtimestamp(time.time(), UTC)
    there = other()
    after = datetime.fromtimestamp(time.time(), UTC)
    if before <= there <= after:
        return timedelta()
    return before - there if there < before else after - there


def compared(ahead: timedelta, whose: str) -> Remark:
    seconds = abs(ahead).total_seconds()
    if abs(ahead) <= _APART:
        return fine(f"this machine's agrees with {whose}")
    says = f"this machine's is {seconds:.1f} s {'ahead of' if ahead > timedelta() else 'behind'} {whose}"
    do = "Set both machines' clocks by NTP, for example with chrony"
    return wrong(says, do) if abs(ahead) > _FAR_APART else warn(says, do)


def check_disk(service: Service) -> Finding:
    folder = service.config.data_dir
    try:
        free = shutil.disk_usage(folder).free
        needed = _database_size(service)
    except OSError as error:
        return found(
            "disk", "", wrong(f"{folder} cannot be looked at ({error.strerror})", "Make it, or set PRESSROOM_DATA_DIR")
        )
    return found("disk", "", roomy(free, needed))


def _database_size(service: Service) -> int:
    """Of SQLite's file, of which a removal makes a copy; 0 for PostgreSQL."""
    path = service.database.file
    return path.stat().st_size if service.database.is_sqlite and path.exists() else 0


def roomy(free: int, needed: int) -> Remark:
    there = f"{free / (1 << 30):.1f} GiB are free in the data directory"
    if free < _TOO_LITTLE:
        return wrong(there, "Make room before the database cannot write")
    if free < needed:
        return warn(f"{there}, less than the database's size", "Make room: a removal writes the database anew")
    if free < _LITTLE:
        return warn(there, "Make room")
    return fine(there)
