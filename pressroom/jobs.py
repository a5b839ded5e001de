"""The jobs that workers run: an id in, nothing swallowed, everything repeatable."""

from __future__ import annotations

import os
import secrets
import socket
from functools import lru_cache
from typing import TYPE_CHECKING

from pressroom import outbox, smtp, working
from pressroom.config import Config
from pressroom.doorbell import Doorbell
from pressroom.mailing import sending
from pressroom.mailing.quota import Quota
from pressroom.mailing.sending import Terms
from pressroom.mailing.throttle import Limits
from pressroom.pushing.noticing import Hub
from pressroom.service import Service

if TYPE_CHECKING:
    from pressroom.pushing.delivering import House


@lru_cache(maxsize=1)
def _service() -> Service:
    return Service.open()


@lru_cache(maxsize=1)
def _doorbell() -> Doorbell:
    return Doorbell(_service().config.redis_url)


def terms_of(config: Config) -> Terms:
    return Terms(
        base_url=config.base_url,
        bounce_address=config.bounce_address,
        signs=config.dkim == "process",
        connections=config.mail_connections,
        spare=config.mail_spare_connections,
        quota=Quota(config.mail_per_hour, config.mail_per_day),
        limits=Limits(config.mail_per_second, config.mail_domain_connections, config.mail_domain_per_minute),
    )


@lru_cache(maxsize=1)
def _terms() -> Terms:
    return terms_of(_service().config)


def send_chunk(chunk_id: int) -> None:
    service = _service()
    sending.send_chunk(
        service.database,
        service.keyring,
        service.signer,
        _terms(),
        chunk_id,
        owner=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
        open_lines=smtp.open_lines(service.config),
        stop=working.stopping.is_set,
        ring=_doorbell().ring_chunk_again,
    )


def perform(row_id: int) -> None:
    """One row of the outbox."""
    # Here, so that a mail worker need not hold in memory what only the other one does.
    from pressroom.acts import Acts

    service = _service()
    acts = Acts(service, _doorbell(), terms_of(service.config).quota)
    outbox.perform(service.database, row_id, acts.by_kind())


@lru_cache(maxsize=1)
def _house() -> House:
    # Here, so that the other workers need not hold in memory what only this one does.
    from pressroom.outgoing.client import Client
    from pressroom.outgoing.topics import Topics
    from pressroom.pushing.delivering import House, Terms

    service = _service()
    config = service.config
    terms = Terms(config.base_url, Hub.of(config), config.push_connections)
    return House(service.database, service.keyring, terms, Client.of(config), Topics(service))


def push(_dispatch_id: int) -> None:
    """That dispatch, and whatever else is due."""
    from pressroom.pushing.delivering import deliver

    deliver(_house(), stop=working.stopping.is_set, ring=_doorbell().ring_push_again)
