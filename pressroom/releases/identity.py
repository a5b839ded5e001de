"""Which release a push means: named, given an id, of the same slug, or new; a near match is asked about."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.errors import NotFound, Refused
from pressroom.releases import release as releases
from pressroom.releases import revision as revisions
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.statement import Statement
from pressroom.releases.translation import Translation

# What the contract has below a language besides releases.
RESERVED_SLUGS = frozenset({"search", "archive", "beats"})
_NEAR = 0.75
_RECENT = 200


def slug_of(statement: Statement) -> str:
    """The slug it gives, else one made of its headline, in its own script."""
    return statement.slug or slugify(statement.title)


def slugify(title: str) -> str:
    """Letters, marks and digits of any script joined by hyphens; NFC, no dots, at most 80 letters."""
    words = re.findall(r"[^\W_]+", _keep_marks(unicodedata.normalize("NFC", title).casefold()))
    slug = ""
    for word in words:
        longer = f"{slug}-{word}" if slug else word
        if len(longer) > 80:
            break
        slug = longer
    return slug or (words[0][:80] if words else "release")


def _keep_marks(text: str) -> str:
    # A zero-width non-joiner ends no word in Kurdish or Persian; an apostrophe ends none in English.
    return re.sub("[\u200b-\u200f'’ʼ]", "", text)


def identify(
    tx: Session, newsroom: Newsroom, statements: Sequence[Statement], *, release_id: str | None, new: bool
) -> Release | None:
    """The release these statements belong to, or None for a new one. Raises Refused on a near match."""
    given = next((one.id for one in statements if one.id), None)
    if release_id:
        return _of_newsroom(tx, newsroom, release_id)
    if new:
        taken = _by_given_id(tx, newsroom, given) if given else None
        if taken is not None:
            raise Refused(f"The id “{given}” is release {taken.id}'s: change or remove it for a new release.")
        return None
    if given:
        return _by_given_id(tx, newsroom, given)
    found = _by_slug(tx, newsroom, statements)
    if found is None:
        _refuse_near_match(tx, newsroom, statements)
    return found


def _of_newsroom(tx: Session, newsroom: Newsroom, release_id: str) -> Release:
    found = releases.get(tx, release_id, lock=True)
    if found.newsroom_id != newsroom.id:
        raise NotFound(f"There is no release “{release_id}” in newsroom “{newsroom.slug}”.")
    return found


def _by_given_id(tx: Session, newsroom: Newsroom, given: str) -> Release | None:
    own = tx.get(Release, given, with_for_update={"key_share": True})
    if own is not None and own.newsroom_id == newsroom.id:
        return own
    query = select(Release).where(Release.newsroom_id == newsroom.id, Release.given_id == given)
    return tx.scalars(query.with_for_update(key_share=True)).one_or_none()


def _by_slug(tx: Session, newsroom: Newsroom, statements: Sequence[Statement]) -> Release | None:
    found: set[str] = set()
    for statement in statements:
        query = select(Translation.release_id).where(
            Translation.newsroom_id == newsroom.id,
            Translation.language == statement.language,
            Translation.slug == slug_of(statement),
        )
        found.update(tx.scalars(query))
    if len(found) > 1:
        raise Refused(f"These files belong to different releases ({', '.join(sorted(found))}): push them one by one.")
    return releases.get(tx, found.pop(), lock=True) if found else None


def _refuse_near_match(tx: Session, newsroom: Newsroom, statements: Sequence[Statement]) -> None:
    query = (
        select(Translation)
        .where(Translation.newsroom_id == newsroom.id, Translation.language.in_([one.language for one in statements]))
        .join(Release, Release.id == Translation.release_id)
        .order_by(Release.created_at.desc())
        .limit(_RECENT)
    )
    for translation in tx.scalars(query):
        newest = revisions.newest(tx, translation.id)
        for statement in statements:
            if newest and statement.language == translation.language and _near(newest, statement):
                raise Refused(
                    f"This looks like release {translation.release_id} (“{newest.title}”): say --release "
                    f"{translation.release_id} if it is, or --new if it is another."
                )


def _near(known: revisions.Revision, statement: Statement) -> bool:
    if known.body == statement.body:
        return True
    return difflib.SequenceMatcher(None, known.title.casefold(), statement.title.casefold()).ratio() >= _NEAR
