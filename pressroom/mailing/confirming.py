"""Letters about a subscription: the one that asks to confirm it, and the one with the link to its preferences.

They carry no advertising, and say how to hear nothing more. A repeated act makes the same letter, Message-ID included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from sqlalchemy.orm import Session

from pressroom import addresses, languages, phrases
from pressroom.db import Database, to_micros
from pressroom.mailing import dkim_pair, header
from pressroom.mailing import subscriber as subscribers
from pressroom.mailing.dkim import SigningKey
from pressroom.mailing.subscriber import Subscriber
from pressroom.mailing.subscribing import LINK_LASTS
from pressroom.releases.newsroom import Newsroom
from pressroom.seal import Keyring
from pressroom.signing import Signer


@dataclass(frozen=True)
class AccountLetter:
    """One letter, ready to send. `sender` is a mailbox with its name as it reads, not yet encoded for the wire; `keys`
    are the newsroom's, to sign with.
    """

    sender: str
    recipient: str
    reply_to: str | None
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    keys: tuple[SigningKey, ...] = ()


def confirmation(
    database: Database, keyring: Keyring, signer: Signer, base_url: str, payload: Mapping[str, Any]
) -> AccountLetter | None:
    """Asks a person to confirm; None if that is no longer wanted. The link works for 7 days after the sign-up."""
    with database.reading() as tx:
        now = database.now(tx)
        row = tx.get(Subscriber, int(payload["subscriber_id"]))
        if row is None or row.suppressed_at or not _waits(row):
            return None
        newsroom = tx.get_one(Newsroom, row.newsroom_id)
        until = row.consent_at + LINK_LASTS
        if until <= now:
            return None
        token = signer.token("confirm", row.id, until=until)
        says = {
            "url": f"{base_url}{addresses.subscribe(newsroom.slug)}/confirm/{token}",
            "until": f"{until.astimezone(newsroom.zone):%Y-%m-%d %H:%M} ({newsroom.time_zone})",
        }
        return _letter(tx, keyring, signer, base_url, row, "confirmation", to_micros(row.consent_at), says, now=now)


def _waits(row: Subscriber) -> bool:
    """For its confirmation, the first or one after leaving."""
    return row.confirmed_at is None or (row.left_at is not None and row.consent_at >= row.left_at)


def preferences_link(
    database: Database, keyring: Keyring, signer: Signer, base_url: str, payload: Mapping[str, Any]
) -> AccountLetter | None:
    """The link that lets its holder change the subscription, to the subscriber only; None if they have left."""
    with database.reading() as tx:
        row = tx.get(Subscriber, int(payload["subscriber_id"]))
        if row is None or row.suppressed_at or row.left_at or not row.confirmed_at:
            return None
        now = database.now(tx)
        says = {"url": f"{base_url}/preferences/{signer.token('preferences', row.id)}"}
        # The same letter for all who ask within one hour.
        hour = to_micros(now) // 3_600_000_000
        return _letter(tx, keyring, signer, base_url, row, "preferences", hour, says, now=now)


def _letter(
    tx: Session,
    keyring: Keyring,
    signer: Signer,
    base_url: str,
    row: Subscriber,
    template: str,
    occasion: int,
    says: Mapping[str, str],
    *,
    now: datetime,
) -> AccountLetter:
    newsroom = tx.get_one(Newsroom, row.newsroom_id)
    tag = languages.best(row.languages, newsroom.languages, newsroom.languages) or newsroom.languages[0]
    environment = phrases.environment(tag)
    said = {
        "language": tag,
        "dir": languages.direction(tag).value,
        "newsroom": newsroom.name(tag),
        "leave": f"{base_url}/unsubscribe/{signer.token('unsubscribe', row.id)}",
        **says,
    }

    def write(part: str) -> str:
        return environment.get_template(f"{template}/{part}").render(said)

    return AccountLetter(
        sender=mailbox(newsroom.name(tag), newsroom.from_address),
        recipient=subscribers.open_(keyring, row).email,
        reply_to=newsroom.reply_to,
        subject=" ".join(write("subject.txt").split()),
        text=write("body.txt"),
        html=write("body.html"),
        headers=account_headers(signer, newsroom, tag, f"{template}:{row.id}:{occasion}", now=now),
        keys=dkim_pair.keys(keyring, dkim_pair.signing(tx, newsroom.id)),
    )


def account_headers(signer: Signer, newsroom: Newsroom, tag: str, occasion: str, *, now: datetime) -> dict[str, str]:
    """The same occasion has the same Message-ID."""
    domain = header.ascii_domain(newsroom.from_address).rpartition("@")[2]
    return {
        "Message-ID": f"<{signer.mac('message-id', occasion).hex()[:32]}@{domain}>",
        "Date": format_datetime(now),
        "Content-Language": tag,
        "Auto-Submitted": "auto-generated",
    }


def mailbox(name: str, email: str) -> str:
    """A sender with its name as it reads."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{email}>'
