"""A small newsroom in four languages, all of it invented, for `pressroom up --demo`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select

from pressroom.config import Config
from pressroom.db import Database, new_id
from pressroom.mailing import importing, steering
from pressroom.mailing import mailing as mailings
from pressroom.mailing.media_list import MediaList
from pressroom.people import inviting
from pressroom.people.account import Role
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import publishing, submitting, visibility
from pressroom.releases.beat import Beat
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.reading import read_statements
from pressroom.releases.release import Release
from pressroom.releases.statement import Statement
from pressroom.seal import Keyring

_FOLDER = Path(__file__).parent
_LIST = "journalists"
_EMAIL = "desk@zagros.example.org"
_CONSENT = "Asked for the union's releases at its press conference of 4 May 2025."


@dataclass(frozen=True)
class DemoLogin:
    """Who may sign in at first: an owner of the demo newsroom."""

    email: str
    password: str


def load(database: Database, config: Config, *, now: datetime) -> DemoLogin | None:
    """Loads what of the demo is not there yet; the log in only for an account it has just made, else None."""
    if config.keyring_file is None:
        return None
    keyring = Keyring.load(config.keyring_file)
    about: dict[str, Any] = yaml.safe_load((_FOLDER / "newsroom.yaml").read_text(encoding="utf-8"))
    _add_newsroom(database, about, now=now)
    _publish_statements(database, about["slug"])
    people = _FOLDER / "subscribers.csv"
    importing.import_subscribers(database, keyring, about["slug"], _LIST, people, consent=_CONSENT, now=now)
    _mail_the_newest(database, keyring, about["slug"], now=now)
    return _add_owner(database, keyring, about["slug"], now=now)


def _add_newsroom(database: Database, about: dict[str, Any], *, now: datetime) -> None:
    with database.transaction() as tx:
        if tx.scalars(select(Newsroom).where(Newsroom.slug == about["slug"])).one_or_none():
            return
        newsroom = Newsroom(
            id=new_id(),
            slug=about["slug"],
            names=about["name"],
            about={tag: text.strip() for tag, text in about["about"].items()},
            languages=about["languages"],
            from_address=about["from"],
            reply_to=about["reply_to"],
            time_zone=about["time_zone"],
            licence=about["licence"],
            changed_at=now,
            created_at=now,
        )
        tx.add(newsroom)
        tx.flush()
        tx.add_all(
            Beat(newsroom_id=newsroom.id, slug=slug, names=names, offered=True)
            for slug, names in about["beats"].items()
        )
        tx.add(MediaList(newsroom_id=newsroom.id, slug=_LIST, name="Journalists", created_at=now))


def _publish_statements(database: Database, slug: str) -> None:
    """Each release at nine in the morning of its day, oldest first; again is nothing new."""
    folders = [read_statements([folder]) for folder in sorted((_FOLDER / "statements").iterdir()) if folder.is_dir()]
    for statements in sorted(folders, key=_published_at):
        at = _published_at(statements)
        submitted = submitting.submit(database, slug, statements, now=at)
        publishing.publish(database, submitted.release_id, now=at)


def _published_at(statements: list[Statement]) -> datetime:
    day = next((one.date for one in statements if one.date), datetime(2025, 11, 9, tzinfo=UTC).date())
    return datetime.combine(day, time(6), tzinfo=UTC)


def _mail_the_newest(database: Database, keyring: Keyring, slug: str, *, now: datetime) -> None:
    """So that the mailbox is not empty; nobody gets a second one, however often this is done."""
    with database.reading() as tx:
        newsroom = newsrooms.by_slug(tx, slug)
        query = select(Release.id).where(Release.newsroom_id == newsroom.id, visibility.release_is_public(now))
        newest = tx.scalars(query.order_by(Release.public_from.desc()).limit(1)).one()
        mailed = mailings.of_release(tx, newest)
    if not mailed:
        steering.start_mailing(database, keyring, newest, [_LIST], hold=timedelta(0), now=now)


def _add_owner(database: Database, keyring: Keyring, slug: str, *, now: datetime) -> DemoLogin | None:
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    with database.reading() as tx:
        newsroom_id = newsrooms.by_slug(tx, slug).id
        if inviting.by_email(tx, keyring, _EMAIL):
            return None
    inviting.add(database, keyring, _EMAIL, Role.OWNER, newsroom_id, now=now, password=password)
    return DemoLogin(_EMAIL, password)
