"""Founding a newsroom, and naming its beats."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from pressroom.db import Database, new_id
from pressroom.errors import Refused
from pressroom.languages import parse_tag
from pressroom.people import audit, granting
from pressroom.people.account import Act
from pressroom.releases import beat as beats
from pressroom.releases import change
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.beat import Beat
from pressroom.releases.newsroom import ApprovalRule, Newsroom


@dataclass(frozen=True)
class Charter:
    """What a newsroom is founded with. Addresses are written as they will stand on a message."""

    slug: str
    names: Mapping[str, str]
    languages: Sequence[str]
    from_address: str
    reply_to: str | None = None
    time_zone: str = "UTC"
    licence: str | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    approval: ApprovalRule = ApprovalRule.AUTO


def found(database: Database, charter: Charter, *, now: datetime) -> int:
    """The new newsroom's id. Raises Refused for anything that cannot be as it is, with nothing stored."""
    newsrooms.check_slug(charter.slug)
    languages = list(dict.fromkeys(parse_tag(tag) for tag in charter.languages))
    if not languages:
        raise Refused("A newsroom needs at least one language; name it with --language.")
    _check_texts(charter, languages)
    _check_zone(charter.time_zone)
    with database.transaction() as tx:
        if tx.scalars(select(Newsroom.id).where(Newsroom.slug == charter.slug)).one_or_none() is not None:
            raise Refused(f"There is a newsroom “{charter.slug}” already; choose another slug.")
        newsroom = Newsroom(
            id=new_id(),
            slug=charter.slug,
            names=dict(charter.names),
            about=dict(charter.about),
            languages=languages,
            from_address=charter.from_address,
            reply_to=charter.reply_to,
            time_zone=charter.time_zone,
            licence=charter.licence,
            approval=charter.approval,
            changed_at=now,
            created_at=now,
        )
        tx.add(newsroom)
        tx.flush()
        audit.note(tx, "found newsroom", f"newsroom:{newsroom.slug}", now=now, newsroom_id=newsroom.id)
        return newsroom.id


def _check_texts(charter: Charter, languages: Sequence[str]) -> None:
    if not any(name.strip() for name in charter.names.values()):
        raise Refused("A newsroom needs a name; give one with --name.")
    for tag in (*charter.names, *charter.about):
        if tag not in languages:
            raise Refused(
                f"“{tag}” is not among the newsroom's languages ({', '.join(languages)}); add --language {tag}."
            )


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused(f"“{name}” is not a time zone; use one such as Europe/Berlin or Asia/Baghdad.") from None


def _check_beat(slug: str, topic: str | None) -> None:
    if not re.fullmatch(r"[\w\u200c-]{1,80}", slug) or slug != slug.lower():
        raise Refused(f"“{slug}” cannot be a beat's address: use small letters, digits and hyphens, at most 80.")
    if topic and not beats.is_topic(topic):
        raise Refused(f"“{topic}” is no IPTC Media Topic: use medtop: and eight digits, such as medtop:06000000.")


def add_beat(
    database: Database,
    newsroom_slug: str,
    slug: str,
    names: Mapping[str, str],
    *,
    topic: str | None = None,
    now: datetime,
    by: int | None = None,
) -> bool:
    """Adds a beat, or names anew one that a statement made; False if that changes nothing.

    `topic` is an IPTC Media Topic; None leaves it as it is, an empty one takes it away. Raises NotFound, NotAllowed and
    Refused.
    """
    _check_beat(slug, topic)
    with database.transaction() as tx:
        newsroom = newsrooms.locked(tx, newsrooms.by_slug(tx, newsroom_slug).id)
        granting.permit(tx, by, newsroom.id, Act.MANAGE)
        for tag in names:
            if tag not in newsroom.languages:
                raise Refused(f"“{tag}” is not among the newsroom's languages ({', '.join(newsroom.languages)}).")
        known = beats.in_newsroom(tx, newsroom.id).get(slug)
        if known is None:
            known = Beat(id=new_id(), newsroom_id=newsroom.id, slug=slug, names={}, offered=False)
            tx.add(known)
        if not any(name.strip() for name in (*known.names.values(), *names.values())):
            raise Refused("A beat needs a name; give one with --name.")
        wanted = {**known.names, **names}, True, known.topic if topic is None else topic or None
        if (known.names, known.offered, known.topic) == wanted:
            return False
        known.names, known.offered, known.topic = wanted
        tx.flush()
        change.of_newsroom(tx, newsroom, now=now, beats=[known.id])
        newsrooms.touch(tx, newsroom.id, now=now)
        audit.note(
            tx, "change beat", f"newsroom:{newsroom.slug}", now=now, newsroom_id=newsroom.id, account_id=by, beat=slug
        )
        return True
