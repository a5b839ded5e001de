"""The jobs that workers run: an id in, nothing swallowed, everything repeatable."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from pressroom import outbox, smtp, working
from pressroom.config import Config
from pressroom.doorbell import Doorbell
from pressroom.errors import TryLater
from pressroom.mailing import alerting, collecting, confirming, expanding, judging, quota, sending
from pressroom.mailing.priority import Priority
from pressroom.mailing.quota import Quota
from pressroom.mailing.sending import Terms
from pressroom.mailing.throttle import Limits
from pressroom.releases import scrubbing
from pressroom.service import Service


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


def send_chunk(chunk_id: int) -> None:
    service = _service()
    sending.send_chunk(
        service.database,
        service.keyring,
        service.signer,
        terms_of(service.config),
        chunk_id,
        owner=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
        open_lines=smtp.open_lines(service.config),
        stop=working.stopping.is_set,
        ring=_doorbell().ring_chunk_again,
    )


def perform(row_id: int) -> None:
    """One row of the outbox."""
    outbox.perform(_service().database, row_id, _acts())


def _acts() -> Mapping[str, Callable[[Mapping[str, Any]], None]]:
    return {
        "expand_mailing": _expand_mailing,
        "send_confirmation": _send_confirmation,
        "send_preferences_link": _send_preferences_link,
        "tell_owner": _tell_owner,
        judging.TELL: _tell_of_complaints,
        collecting.JUDGE: _judge_arrival,
        scrubbing.SCRUB: _scrub_store,
    }


def _expand_mailing(payload: Mapping[str, Any]) -> None:
    expanding.expand(_service().database, int(payload["mailing_id"]), _doorbell().ring_chunk)


def _send_confirmation(payload: Mapping[str, Any]) -> None:
    service = _service()
    _post(confirming.confirmation(service.database, service.keyring, service.signer, service.config.base_url, payload))


def _send_preferences_link(payload: Mapping[str, Any]) -> None:
    service = _service()
    _post(
        confirming.preferences_link(service.database, service.keyring, service.signer, service.config.base_url, payload)
    )


def _tell_owner(payload: Mapping[str, Any]) -> None:
    service = _service()
    _post(alerting.owner_letter(service.database, service.keyring, service.signer, service.config.base_url, payload))


def _tell_of_complaints(payload: Mapping[str, Any]) -> None:
    service = _service()
    _post(
        alerting.complaint_letter(service.database, service.keyring, service.signer, service.config.base_url, payload)
    )


def _judge_arrival(payload: Mapping[str, Any]) -> None:
    service = _service()
    judging.judge(service.database, service.keyring, service.signer, int(payload["arrival_id"]))


def _scrub_store(_payload: Mapping[str, Any]) -> None:
    if not scrubbing.scrub(_service().database):
        raise TryLater("Readers were in the way of scrubbing the store.")


def _take_quota() -> None:
    """Account mail counts too. Raises TryLater where the relay's quota is used up; the outbox then waits."""
    service = _service()
    limits = terms_of(service.config).quota
    with service.database.transaction() as tx:
        now = service.database.now(tx)
        quota.lock(tx)
        if quota.free(tx, limits, now=now, rank=Priority.ACCOUNT) == 0:
            raise TryLater("The relay's quota is used up.")
        quota.take(tx, 1, now=now)


def _post(letter: confirming.AccountLetter | None) -> None:
    if letter is None:
        return
    # Here, so that a mail worker need not hold Flask in memory.
    from flask_mail import Message

    from pressroom.smtp.face import Mail

    _take_quota()
    message = Message(
        subject=letter.subject,
        recipients=[letter.recipient],
        body=letter.text,
        html=letter.html,
        sender=letter.sender,
        reply_to=letter.reply_to,
        extra_headers=dict(letter.headers),
    )
    config = _service().config
    message.dkim_keys = letter.keys if config.dkim == "process" else ()
    with Mail(config).connect() as connection:
        connection.send(message)
