"""What each kind of outbox row does. An act may be done twice: the second time it makes the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_mail import Message

from pressroom.doorbell import Doorbell
from pressroom.errors import TryLater
from pressroom.mailing import alerting, cancelling, collecting, confirming, expanding, judging, quota, sending
from pressroom.mailing.confirming import AccountLetter
from pressroom.mailing.priority import Priority
from pressroom.mailing.quota import Quota
from pressroom.releases import scrubbing
from pressroom.service import Service
from pressroom.smtp.face import Mail

Payload = Mapping[str, Any]

_LETTERS = {
    "send_confirmation": confirming.confirmation,
    "send_preferences_link": confirming.preferences_link,
    "tell_owner": alerting.owner_letter,
    judging.TELL: alerting.complaint_letter,
    sending.TELL: alerting.refusal_letter,
}


class Acts:
    """Those of one worker; `limits` is the relay's quota, for account mail counts too."""

    def __init__(self, service: Service, doorbell: Doorbell, limits: Quota) -> None:
        self._service, self._doorbell, self._limits = service, doorbell, limits

    def by_kind(self) -> dict[str, Callable[[Payload], None]]:
        letters = {kind: self._sends(write) for kind, write in _LETTERS.items()}
        return letters | {
            "expand_mailing": self._expand_mailing,
            cancelling.WRITE_OFF: self._write_off,
            collecting.JUDGE: self._judge_arrival,
            scrubbing.SCRUB: self._scrub_store,
        }

    def _sends(self, write: Callable[..., AccountLetter | None]) -> Callable[[Payload], None]:
        def send(payload: Payload) -> None:
            one = self._service
            letter = write(one.database, one.keyring, one.signer, one.config.base_url, payload)
            if letter is not None:
                self.post(letter)

        return send

    def _expand_mailing(self, payload: Payload) -> None:
        expanding.expand(self._service.database, int(payload["mailing_id"]), self._doorbell.ring_chunk)

    def _write_off(self, payload: Payload) -> None:
        cancelling.write_off(self._service.database, int(payload["mailing_id"]))

    def _judge_arrival(self, payload: Payload) -> None:
        one = self._service
        judging.judge(one.database, one.keyring, one.signer, int(payload["arrival_id"]))

    def _scrub_store(self, _payload: Payload) -> None:
        if not scrubbing.scrub(self._service.database):
            raise TryLater("Readers were in the way of scrubbing the store.")

    def _take_quota(self) -> None:
        """Raises TryLater where the relay's quota is used up; the outbox then waits."""
        database = self._service.database
        with database.transaction() as tx:
            now = database.now(tx)
            quota.lock(tx)
            if quota.free(tx, self._limits, now=now, rank=Priority.ACCOUNT) == 0:
                raise TryLater("The relay's quota is used up.")
            quota.take(tx, 1, now=now)

    def post(self, letter: AccountLetter) -> None:
        self._take_quota()
        config = self._service.config
        message = Message(
            subject=letter.subject,
            recipients=[letter.recipient],
            body=letter.text,
            html=letter.html,
            sender=letter.sender,
            reply_to=letter.reply_to,
            extra_headers=dict(letter.headers),
        )
        message.dkim_keys = letter.keys if config.dkim == "process" else ()
        with Mail(config).connect() as connection:
            connection.send(message)
