"""Illustrating: pictures and files join the texts of a release at the desk, as new draft revisions of those texts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from sqlalchemy.orm import Session

from pressroom.clean_text import clean_line
from pressroom.db import Database, new_id
from pressroom.errors import Conflict, NotFound
from pressroom.people import audit, granting
from pressroom.people.account import Act
from pressroom.releases import approving, visibility
from pressroom.releases import asset as assets
from pressroom.releases import body as bodies
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases.asset import Asset, Kind, RevisionAsset
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.reading import render
from pressroom.releases.receiving import open_asset
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility

_LONGEST_NAME = 100
_LONGEST_TEXT = 5000


@dataclass(frozen=True)
class Description:
    """What is said of an asset in one language."""

    alt: str = ""
    caption: str = ""
    credit: str = ""
    licence: str = ""


@dataclass(frozen=True)
class _Entry:
    """A row of a revision to come."""

    asset: Asset
    name: str
    said: Description


Change = Callable[[str, list[_Entry]], list[_Entry]]


def attach(
    database: Database,
    release_id: str,
    filename: str,
    data: bytes,
    said: Mapping[str, Description],
    *,
    now: datetime,
    by: int | None,
) -> str:
    """The id of the asset, which is now in the newest revision of each translation that is not public; one that was
    there already gets the new texts. A translation that `said` does not name takes credit and licence from the first
    that it does.

    Raises NotFound, NotAllowed, Refused for a file of no accepted kind, and Conflict where the text is public.
    """
    upload = open_asset(data)
    texts = {tag: _clean(one) for tag, one in said.items()}
    first = next(iter(texts.values()), Description())
    with database.transaction() as tx:
        newsroom, release = _begin(tx, release_id, by)
        hidden = _hidden(tx, release, now, list(texts))
        asset = assets.ensure(tx, release.id, upload, now=now)

        def change(tag: str, entries: list[_Entry]) -> list[_Entry]:
            own = texts.get(tag, Description(credit=first.credit, licence=first.licence))
            if any(one.asset.id == asset.id for one in entries):
                return [_Entry(asset, one.name, own) if one.asset.id == asset.id else one for one in entries]
            name = _free(_name(asset, filename, upload.web.extension), [one.name for one in entries])
            return [*entries, _Entry(asset, name, own)]

        if _revise(tx, hidden, change, now=now, by=by):
            _settle(tx, "add asset", newsroom, release, asset, now=now, by=by)
        return asset.id


def describe(
    database: Database,
    release_id: str,
    asset_id: str,
    language: str,
    said: Description,
    *,
    now: datetime,
    by: int | None,
) -> bool:
    """Other texts for an asset in one language; False if they are the same. Raises NotFound, NotAllowed, Conflict."""
    with database.transaction() as tx:
        newsroom, release = _begin(tx, release_id, by)
        asset = _of_release(tx, release, asset_id)
        hidden = [one for one in _hidden(tx, release, now, [language]) if one.language == language]

        def change(_: str, entries: list[_Entry]) -> list[_Entry]:
            if all(one.asset.id != asset.id for one in entries):
                raise NotFound("The text in this language does not have this picture or file.")
            return [_Entry(asset, one.name, _clean(said)) if one.asset.id == asset.id else one for one in entries]

        changed = _revise(tx, hidden, change, now=now, by=by)
        if changed:
            _settle(tx, "describe asset", newsroom, release, asset, now=now, by=by)
        return changed


def detach(database: Database, release_id: str, asset_id: str, *, now: datetime, by: int | None) -> bool:
    """Takes an asset out of every text that is not public, and from where the text shows it; earlier revisions keep it,
    until it is made to vanish.

    False if none had it. Raises NotFound, NotAllowed and Conflict.
    """
    with database.transaction() as tx:
        newsroom, release = _begin(tx, release_id, by)
        asset = _of_release(tx, release, asset_id)

        def change(_: str, entries: list[_Entry]) -> list[_Entry]:
            return [one for one in entries if one.asset.id != asset.id]

        changed = _revise(tx, _hidden(tx, release, now, []), change, now=now, by=by)
        if changed:
            _settle(tx, "detach asset", newsroom, release, asset, now=now, by=by)
        return changed


def _begin(tx: Session, release_id: str, by: int | None) -> tuple[Newsroom, Release]:
    newsroom, release = approving.lock(tx, release_id)
    granting.permit(tx, by, newsroom.id, Act.WRITE)
    if release.retracted_at is not None or release.removed_at is not None:
        raise Conflict(f"Release {release.id} was taken back; it takes no more pictures.")
    return newsroom, release


def _of_release(tx: Session, release: Release, asset_id: str) -> Asset:
    asset = assets.get(tx, asset_id)
    if asset.release_id != release.id:
        raise NotFound("There is no such picture or file in this release.")
    return asset


def _hidden(tx: Session, release: Release, now: datetime, named: Sequence[str]) -> list[Translation]:
    """The translations that may still change. Raises Conflict where there is none, or one that was named may not."""
    every = translations.of_release(tx, release.id)
    hidden = [one for one in every.values() if visibility.of_translation(release, one, now) is Visibility.HIDDEN]
    for tag in named:
        if tag not in every:
            raise NotFound(f"Release {release.id} has no text in “{tag}”; add the text first.")
        if every[tag] not in hidden:
            raise Conflict(f"The text in “{tag}” is public and stays as it is: make a correction.")
    if not hidden:
        raise Conflict(f"Release {release.id} is public and stays as it is: make a correction.")
    return hidden


def _revise(tx: Session, hidden: Sequence[Translation], change: Change, *, now: datetime, by: int | None) -> bool:
    """A new revision of each text whose assets change; its words stay, so that no translation becomes stale."""
    changed = False
    for translation in hidden:
        newest = revisions.newest(tx, translation.id)
        if newest is None:
            continue
        rows = [
            _Entry(asset, row.name, Description(row.alt, row.caption, row.credit, row.licence))
            for row, asset in assets.of_revision(tx, newest.id)
        ]
        entries = change(translation.language, rows)
        if entries != rows:
            changed = True
            _store(tx, translation, newest, entries, [one.name for one in rows], now=now, by=by)
    return changed


def _store(
    tx: Session,
    translation: Translation,
    newest: Revision,
    entries: Sequence[_Entry],
    names: Sequence[str],
    *,
    now: datetime,
    by: int | None,
) -> None:
    revision = _copy(newest, now=now, by=by)
    _take_out(revision, set(names) - {one.name for one in entries}, translation.language)
    said = [
        (one.asset.digest, one.name, one.said.alt, one.said.caption, one.said.credit, one.said.licence)
        for one in entries
    ]
    revision.content_hash = revisions.fingerprint(revision, translation.language, said)
    tx.add(revision)
    tx.flush()
    for position, one in enumerate(entries):
        tx.add(
            RevisionAsset(
                revision_id=revision.id,
                position=position,
                asset_id=one.asset.id,
                name=one.name,
                alt=one.said.alt,
                caption=one.said.caption,
                credit=one.said.credit,
                licence=one.said.licence,
            )
        )


def _copy(newest: Revision, *, now: datetime, by: int | None) -> Revision:
    same = {column.key: getattr(newest, column.key) for column in Revision.__table__.columns}
    fresh = {"id": new_id(), "number": newest.number + 1, "minor_of": newest.said_since}
    return Revision(**{**same, **fresh, "created_at": now, "created_by": by})


def _take_out(revision: Revision, names: Collection[str], language: str) -> None:
    """Pictures that the revision has no more, out of its text."""
    body, form = bodies.without_pictures(revision.body, revision.form, names)
    if body != revision.body:
        rendered = render(body, form, language)
        revision.body, revision.form, revision.html, revision.text = body, form, rendered.html, rendered.text


def _settle(
    tx: Session, act: str, newsroom: Newsroom, release: Release, asset: Asset, *, now: datetime, by: int | None
) -> None:
    approving.ask_again(release)
    audit.note(tx, act, f"release:{release.id}", now=now, newsroom_id=newsroom.id, account_id=by, asset=asset.id)


def _clean(said: Description) -> Description:
    return Description(
        *(clean_line(text)[:_LONGEST_TEXT] for text in (said.alt, said.caption, said.credit, said.licence))
    )


def _name(asset: Asset, filename: str, extension: str) -> str:
    """A document is known to readers by its name; that of a photograph often tells when or of whom it was taken."""
    if asset.kind is not Kind.DOCUMENT:
        return f"{asset.kind.value}.{extension}"
    stem = PurePosixPath(clean_line(filename).replace("\\", "/")).stem[:_LONGEST_NAME]
    return f"{stem or asset.kind.value}.{extension}"


def _free(name: str, taken: Sequence[str]) -> str:
    stem, _, extension = name.rpartition(".")
    candidates = (name, *(f"{stem}-{number}.{extension}" for number in range(2, len(taken) + 3)))
    return next(one for one in candidates if one not in taken)
