"""Alerting: what all owners are told at once: one of them did without a second person, readers complain, or the mail
server refuses what is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom import languages, phrases
from pressroom.db import Database
from pressroom.mailing import bounce, dkim_pair
from pressroom.mailing import mailing as mailings
from pressroom.mailing.confirming import AccountLetter, account_headers, mailbox
from pressroom.people.account import Account
from pressroom.people.audit import AuditEntry
from pressroom.releases import release as releases
from pressroom.releases.newsroom import Newsroom
from pressroom.seal import Keyring
from pressroom.signing import Signer


def owner_letter(
    database: Database, keyring: Keyring, signer: Signer, base_url: str, payload: Mapping[str, Any]
) -> AccountLetter | None:
    """In the newsroom's first language; None for an account that was ended since. It does not repeat the release."""
    with database.reading() as tx:
        now = database.now(tx)
        release = releases.get(tx, str(payload["release_id"]))
        newsroom = tx.get_one(Newsroom, release.newsroom_id)
        owner = tx.get(Account, int(payload["account_id"]))
        if owner is None or owner.disabled_at is not None:
            return None
        says = {
            "who": _address(tx, keyring, int(payload["by"])),
            "reason": _reason(tx, release.id),
            "url": f"{base_url}/desk/{newsroom.slug}/releases/{release.id}",
        }
        about = f"alone:{release.id}:{owner.id}:{payload['entry']}"
        return _letter(tx, keyring, signer, newsroom, owner, "alone", about, says, now=now)


def complaint_letter(
    database: Database, keyring: Keyring, signer: Signer, base_url: str, payload: Mapping[str, Any]
) -> AccountLetter | None:
    """That one in a thousand readers of a mailing called it spam; None for an account that was ended since."""
    with database.reading() as tx:
        now = database.now(tx)
        mailing = mailings.get(tx, int(payload["mailing_id"]))
        newsroom = tx.get_one(Newsroom, mailing.newsroom_id)
        owner = tx.get(Account, int(payload["account_id"]))
        if owner is None or owner.disabled_at is not None:
            return None
        says = {
            "complaints": bounce.complaints(tx, mailing.id),
            "total": mailings.progress(tx, mailing.id).total,
            "url": f"{base_url}/desk/{newsroom.slug}/mailings/{mailing.id}",
        }
        return _letter(
            tx, keyring, signer, newsroom, owner, "complaints", f"complaints:{mailing.id}:{owner.id}", says, now=now
        )


def refusal_letter(
    database: Database, keyring: Keyring, signer: Signer, base_url: str, payload: Mapping[str, Any]
) -> AccountLetter | None:
    """That the mail server refuses a mailing by its policy (5.7.x), which paused it; None for an account that was ended
    since.
    """
    with database.reading() as tx:
        now = database.now(tx)
        mailing = mailings.get(tx, int(payload["mailing_id"]))
        newsroom = tx.get_one(Newsroom, mailing.newsroom_id)
        owner = tx.get(Account, int(payload["account_id"]))
        if owner is None or owner.disabled_at is not None:
            return None
        says = {"status": payload["status"], "url": f"{base_url}/desk/{newsroom.slug}/mailings/{mailing.id}"}
        about = f"refusal:{mailing.id}:{owner.id}:{payload['at']}"
        return _letter(tx, keyring, signer, newsroom, owner, "refusal", about, says, now=now)


def _letter(
    tx: Session,
    keyring: Keyring,
    signer: Signer,
    newsroom: Newsroom,
    owner: Account,
    name: str,
    about: str,
    says: Mapping[str, Any],
    *,
    now: datetime,
) -> AccountLetter:
    """In the newsroom's first language."""
    tag = newsroom.languages[0]
    here = {"language": tag, "dir": languages.direction(tag).value, "newsroom": newsroom.name(tag), **says}
    environment = phrases.environment(tag)

    def write(part: str) -> str:
        return environment.get_template(f"{name}/{part}").render(here)

    return AccountLetter(
        sender=mailbox(newsroom.name(tag), newsroom.from_address),
        recipient=keyring.open(owner.email_sealed, "account", "email", owner.id),
        reply_to=None,
        subject=" ".join(write("subject.txt").split()),
        text=write("body.txt"),
        html=write("body.html"),
        headers=account_headers(signer, newsroom, tag, about, now=now),
        keys=dkim_pair.keys(keyring, dkim_pair.signing(tx, newsroom.id)),
    )


def _address(tx: Session, keyring: Keyring, account_id: int) -> str:
    account = tx.get_one(Account, account_id)
    return keyring.open(account.email_sealed, "account", "email", account.id)


def _reason(tx: Session, release_id: str) -> str:
    query = select(AuditEntry).where(AuditEntry.subject == f"release:{release_id}", AuditEntry.act == "publish alone")
    entry = tx.scalars(query.order_by(AuditEntry.id.desc()).limit(1)).one_or_none()
    return str(entry.detail.get("reason", "")) if entry else ""
