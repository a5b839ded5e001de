from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, text

from pressroom import outbox
from pressroom.db import Database
from pressroom.errors import NotAllowed
from pressroom.people.account import Role
from pressroom.people.audit import AuditEntry
from pressroom.releases import (
    correcting,
    former_slug,
    log,
    publishing,
    retracting,
    scrubbing,
    submitting,
    vanishing,
    visibility,
)
from pressroom.releases.asset import Asset, Rendition, RevisionAsset
from pressroom.releases.log import LogRow
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility
from tests.makers import Made, make_account, make_newsroom, make_release, now, write_statement

TABLES = (
    "release translation revision revision_asset rendition asset correction former_slug beat newsroom audit_entry"
).split()
_WORDS = "Zerya Canbaz"
_BODY = f"The bridge is open.\n\n{_WORDS} opened it.\n\n![{_WORDS} at the bridge](picture-0.png)"


def _public(database: Database) -> Made:
    titles = {"en": f"{_WORDS} opens the bridge", "ckb": "پردەکە کراوەیە"}
    bodies = {"en": _BODY, "ckb": "پردەکە کراوەیە."}
    newsroom = make_newsroom(database)
    return make_release(
        database, newsroom, ["en", "ckb"], titles=titles, bodies=bodies, pictures=1, beats=["zerya-canbaz"]
    )


def _holds(database: Database, words: str) -> list[str]:
    """The tables and columns in which the words still stand, whatever their type."""
    found = []
    with database.reading() as tx:
        for table in [*TABLES, "log_row", "outbox", "mailing"]:
            for row in tx.execute(text(f"SELECT * FROM {table}")).mappings():
                found += [f"{table}.{name}" for name, value in row.items() if words.lower() in str(value).lower()]
    return found


def _bytes_of(database: Database) -> bytes:
    path = Path(database.url.removeprefix("sqlite:///"))
    return b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))


def test_a_vanished_release_is_nowhere_and_says_only_that_it_was_removed(database: Database) -> None:
    made = _public(database)
    with database.reading() as tx:
        picture = tx.scalars(select(Rendition)).one().data
    vanishing.vanish_release(database, made.id, now=now())
    assert scrubbing.scrub(database)
    for words in ("Zerya", "canbaz", "bridge", "پردەکە"):
        assert _holds(database, words) == []
    with database.reading() as tx:
        release = tx.get_one(Release, made.id)
        assert visibility.of_release(release, now()) is Visibility.REMOVED
        assert list(tx.scalars(select(Rendition))) == list(tx.scalars(select(Asset))) == []
        old = former_slug.translation_at(tx, made.newsroom.id, "en", made.translations["en"].slug)
        assert old == made.translations["en"].id
        rows = list(tx.scalars(select(LogRow).order_by(LogRow.number)))
        assert rows[-1].event is log.Event.REMOVAL
        assert all(log.hash_of(row) == row.row_hash for row in rows), "the chain still holds"
    if database.is_sqlite:
        left = _bytes_of(database)
        assert _WORDS.encode() not in left and b"zerya-canbaz" not in left
        assert picture[40:] not in left
    assert not vanishing.vanish_release(database, made.id, now=now())


def test_the_bytes_were_there_to_be_found(database: Database) -> None:
    _public(database)
    assert _holds(database, _WORDS)
    if database.is_sqlite:
        assert _WORDS.encode() in _bytes_of(database)


def test_salts_of_what_vanished_are_gone_from_the_log(database: Database) -> None:
    newsroom = make_newsroom(database)
    made = make_release(database, newsroom, ["en"], draft=True)
    publishing.publish(database, made.id, now=now())
    vanishing.vanish_release(database, made.id, now=now())
    with database.reading() as tx:
        rows = list(tx.scalars(select(LogRow).order_by(LogRow.number)))
    assert [row.event.value for row in rows] == ["publication", "removal"]
    assert rows[0].salt is None and rows[1].salt is not None


def test_a_name_vanishes_from_every_revision_note_address_and_picture(database: Database, tmp_path: Path) -> None:
    made = _public(database)
    with database.transaction() as tx:
        for said in tx.scalars(select(RevisionAsset)):
            said.caption, said.credit = f"{_WORDS} at dawn", "Zerya  Canbaz"
    texts = write_statement(tmp_path, f"# {_WORDS} opens the bridge\n\nZerya **Can**baz did.\n\nIt was Monday.")
    correcting.correct(database, made.id, texts, {"en": f"{_WORDS} opened it on Monday."}, now=now())
    with database.reading() as tx:
        found = vanishing.find_text(tx, made.newsroom.id, "zerya canbaz")
    assert list(found) == [made.id] and found[made.id] >= 6
    assert vanishing.vanish_text(database, made.newsroom.slug, "zerya canbaz", now=now()) == 1
    assert _holds(database, "canbaz") == ["beat.slug", "beat.names"], "a beat is renamed, not vanished with words"
    with database.reading() as tx:
        named = tx.get_one(Translation, made.translations["en"].id)
        shown = tx.get_one(Revision, named.revision_id)
        assert "It was Monday." in shown.text and "(…)" in shown.text
        assert named.slug == f"release-{made.id}"
        assert former_slug.translation_at(tx, made.newsroom.id, "en", made.translations["en"].slug) == named.id
        assert tx.get_one(Translation, made.translations["ckb"].id).slug == made.translations["ckb"].slug
        assert named.updated_at is not None and named.updated_at > made.translations["en"].updated_at
    if database.is_sqlite:
        assert _WORDS.encode() not in _bytes_of(database)


def test_a_picture_vanishes_from_text_and_store_and_the_words_stay(database: Database) -> None:
    made = _public(database)
    vanishing.vanish_asset(database, made.assets[0].id, now=now())
    with database.reading() as tx:
        assert list(tx.scalars(select(Rendition))) == list(tx.scalars(select(RevisionAsset))) == []
        shown = tx.get_one(Revision, made.revisions["en"].id)
    assert "<img" not in shown.html and "picture-0" not in shown.body and "at the bridge" not in shown.text
    assert f"{_WORDS} opened it." in shown.text


def test_one_release_can_be_cleared_and_the_others_left(database: Database) -> None:
    made = _public(database)
    other = make_release(database, made.newsroom, ["en"], titles={"en": "Other"}, bodies={"en": f"{_WORDS} again."})
    vanishing.vanish_text(database, made.newsroom.slug, _WORDS, release_id=made.id, now=now())
    with database.reading() as tx:
        assert list(vanishing.find_text(tx, made.newsroom.id, _WORDS)) == [other.id]


def test_vanishing_takes_one_person_and_not_just_anybody(database: Database) -> None:
    made = _public(database)
    author, editor = (make_account(database, made.newsroom, role) for role in (Role.AUTHOR, Role.EDITOR))
    for act in (
        lambda by: vanishing.vanish_release(database, made.id, now=now(), by=by),
        lambda by: vanishing.vanish_asset(database, made.assets[0].id, now=now(), by=by),
        lambda by: vanishing.vanish_text(database, made.newsroom.slug, _WORDS, now=now(), by=by),
    ):
        with pytest.raises(NotAllowed):
            act(author)
    vanishing.vanish_release(database, made.id, now=now(), by=editor)
    with database.reading() as tx:
        acts = [(one.act, one.account_id) for one in tx.scalars(select(AuditEntry))]
    assert acts == [("vanish release", editor)]


def test_a_retracted_release_and_a_draft_vanish_too(database: Database, tmp_path: Path) -> None:
    made = _public(database)
    retracting.retract(database, made.id, {"en": f"{_WORDS} did not."}, now=now())
    draft = submitting.submit(
        database, made.newsroom.slug, write_statement(tmp_path, f"# Of {_WORDS}\n\nText."), now=now(), new=True
    )
    vanishing.vanish_release(database, made.id, now=now())
    vanishing.vanish_release(database, draft.release_id, now=now())
    assert _holds(database, "canbaz") == []
    with database.reading() as tx:
        hidden = visibility.of_release(tx.get_one(Release, draft.release_id), now())
    assert hidden is Visibility.HIDDEN


def test_what_a_dying_process_left_unscrubbed_is_scrubbed_later(database: Database) -> None:
    made = _public(database)
    # The act alone, as when its process dies right after the commit.
    vanishing.vanish_release(database, made.id, now=now())
    with database.reading() as tx:
        [row] = outbox.open_rows(tx, scrubbing.SCRUB)
    acts = {scrubbing.SCRUB: lambda _payload: scrubbing.scrub(database)}
    assert outbox.perform(database, row, acts)
    with database.reading() as tx:
        assert outbox.open_rows(tx, scrubbing.SCRUB) == []
    if database.is_sqlite:
        assert _WORDS.encode() not in _bytes_of(database)
