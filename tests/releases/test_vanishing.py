from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import undefer

from pressroom import outbox
from pressroom.db import Database
from pressroom.errors import NotAllowed
from pressroom.outbox import OutboxRow
from pressroom.people import audit
from pressroom.people.account import Role
from pressroom.people.audit import AuditEntry
from pressroom.releases import beat as beats
from pressroom.releases import (
    body,
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
from pressroom.releases.asset import Asset, Kind, Rendition, RevisionAsset
from pressroom.releases.log import LogRow
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.passage import Passage
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
        found = vanishing.find_text(tx, made.newsroom.id, "zerya canbaz").places
    assert list(found) == [made.id] and found[made.id] >= 6
    assert vanishing.vanish_text(database, made.newsroom.slug, "zerya canbaz", now=now()) == 1
    assert _holds(database, "canbaz") == []
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
        assert list(vanishing.find_text(tx, made.newsroom.id, _WORDS).places) == [other.id]


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
    with database.transaction() as tx:
        # Later, when whoever acted has had the time to do it.
        tx.execute(update(OutboxRow).values(not_before=now() - timedelta(seconds=1)))
    acts = {scrubbing.SCRUB: lambda _payload: scrubbing.scrub(database)}
    assert outbox.perform(database, row, acts)
    with database.reading() as tx:
        assert outbox.open_rows(tx, scrubbing.SCRUB) == []
    if database.is_sqlite:
        assert _WORDS.encode() not in _bytes_of(database)


def _one(database: Database, body: str, *names: str, title: str = "A crowd", beats: Sequence[str] = ()) -> Made:
    """One text that shows pictures of these names."""
    newsroom = make_newsroom(database)
    made = make_release(
        database, newsroom, ["en"], titles={"en": title}, bodies={"en": body}, pictures=len(names), beats=beats
    )
    with database.transaction() as tx:
        for said in tx.scalars(select(RevisionAsset)):
            said.name = names[said.position]
    return made


def _text(database: Database, made: Made) -> Revision:
    with database.reading() as tx:
        return tx.get_one(Revision, made.revisions["en"].id, options=[undefer(Revision.folded)])


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("foto one.png", "![Azad Kamal in the crowd](foto%20one.png)"),
        ("foto one.png", "![Azad Kamal](<foto one.png>)"),
        ("foto.png", "![Portrait [left] of Azad](foto.png)"),
        ("foto.png", '![Azad][p]\n\n[p]: foto.png "Azad Kamal"'),
        ("foto.png", "![Azad]\n\n> [Azad]: photos/foto.png"),
        ("foto.png", "> ![Azad\n> Kamal](foto.png)"),
        ("foto.png", "- one\n  ![Azad\n  Kamal](foto.png)"),
        ("foto.png", "| a | b |\n|---|---|\n| ![Azad \\| Kamal](foto.png) | c |"),
        ("foto.png", "[![Azad](foto.png)](https://example.org/)"),
        ("foto.png", "![Azad ![Kamal](foto.png)](foto.png)"),
        ("foto.png", "![Azad](foto&#46;png 'Kamal')"),
        ("foto.png", "`![Azad](foto.png)` and `foto.png`"),
        ("foto.png", "![Azad][a&#32;b]\n\n[a&#32;b]: foto.png\n[a&#32;b]: foto.png"),
        ("Şîlan.png", "![Azad](%C5%9E%C3%AElan.png)"),
    ],
)
def test_nothing_that_was_said_of_a_vanished_picture_stays(database: Database, name: str, source: str) -> None:
    made = _one(database, f"Before.\n\n{source}\n\n**After**, with ![B](my-foto.png).", name, "my-foto.png")
    vanishing.vanish_asset(database, made.assets[0].id, now=now())
    shown = _text(database, made)
    for said in (shown.body, shown.html, shown.text, shown.folded):
        assert "Azad" not in said and "azad" not in said and "Kamal" not in said
        assert name not in said.replace("my-foto.png", "") and "asset:foto" not in said
    assert "![B](my-foto.png)" in shown.body and 'src="asset:my-foto.png"' in shown.html, "another picture stays"
    assert "Before." in shown.text and "<strong>After</strong>" in shown.html, "the text and its markup stay"


def test_the_same_picture_vanishes_from_every_release_of_its_newsroom(database: Database) -> None:
    made = _public(database)
    same = make_release(database, made.newsroom, ["en"], bodies={"en": "![Zerya](picture-0.png)"}, pictures=1)
    elsewhere = make_release(database, make_newsroom(database, "lake"), ["en"], pictures=1)
    assert vanishing.vanish_asset(database, made.assets[0].id, now=now()) == [same.id, made.id]
    with database.reading() as tx:
        assert list(tx.scalars(select(Asset.id))) == list(tx.scalars(select(Rendition.asset_id).distinct()))
        assert list(tx.scalars(select(Asset.release_id))) == [elsewhere.id]
        assert "Zerya" not in tx.get_one(Revision, same.revisions["en"].id).html
        removals = tx.scalars(select(LogRow.release_id).where(LogRow.event == log.Event.REMOVAL)).all()
    assert sorted(removals) == sorted([made.id, same.id])


@pytest.mark.parametrize(
    "source",
    [
        "> said Azad\n> Kamal there",
        "1. Azad\n2. Kamal",
        "| Azad | Kamal |\n|---|---|\n| b | c |",
        "Azad  \nKamal",
        "He is [Azad](https://example.org/a) Kamal.",
        "He is <https://example.org/?q=Azad%20Kamal>.",
        "[He](https://example.org/Azad%20Kamal) did.",
        "[He](https://example.org/(Azad%20Kamal)) did.",
        "[He][k] did.\n\n[k]: https://example.org/?q=Azad+Kamal",
        "Text.\n\n[unused]: https://example.org/A%7Aad%20Kamal",
        "He is **Az**a_d_ Kamal.",
        "He is A&#122;ad &#75;amal.",
        "He is Azad ![](picture.png) Kamal.",
    ],
)
def test_words_vanish_however_markup_hides_them(database: Database, source: str) -> None:
    made = _one(database, f"Before.\n\n{source}\n\n**After**.")
    passage = Passage.of("Azad Kamal")
    with database.reading() as tx:
        assert vanishing.find_text(tx, made.newsroom.id, "Azad Kamal").places == {made.id: 1}
    assert vanishing.vanish_text(database, "river", "azad kamal", now=now()) == 1
    shown = _text(database, made)
    assert not body.holds(passage, shown.body, shown.html, shown.text)
    read = " ".join(body.visible(shown.html).split())
    assert "Azad Kamal" not in read and "Azad%20Kamal" not in shown.html
    assert "Before." in read and "<strong>After</strong>" in shown.html, "the rest keeps its words and its markup"


def test_words_vanish_where_letters_are_taken_apart(database: Database) -> None:
    made = _public(database)
    name = unicodedata.normalize("NFD", "Şîlan Ehmed")
    with database.transaction() as tx:
        release = tx.get_one(Release, made.id)
        release.review_note, release.retraction_reasons = f"Ask {name}.", {"en": f"{name} did not."}
        release.wish = {"alone": f"{name} agreed", "lists": ["press"]}
    vanishing.vanish_text(database, "river", "Şîlan Ehmed", now=now())
    with database.reading() as tx:
        release = tx.get_one(Release, made.id)
        assert (release.review_note, release.retraction_reasons) == ("Ask (…).", {"en": "(…) did not."})
        assert release.wish == {"alone": "(…) agreed", "lists": ["press"]}


def test_a_picture_named_after_somebody_is_still_shown_in_its_place(database: Database) -> None:
    made = _one(database, "Before ![at dawn](Zerya%20Canbaz.png) after.", "Zerya Canbaz.png")
    vanishing.vanish_text(database, "river", _WORDS, now=now())
    assert f'Before <img src="asset:{made.assets[0].id}.png" alt="at dawn"/> after.' in _text(database, made).html


def test_words_vanish_from_what_the_newsroom_says_of_itself(database: Database) -> None:
    names = {"en": f"Friends of {_WORDS}"}
    newsroom = make_newsroom(database, names=names, about={"en": f"For {_WORDS}."}, licence=f"© {_WORDS}")
    made = make_release(database, newsroom, ["en"], beats=["zerya-canbaz", "bridges"])
    make_release(database, newsroom, ["ckb"], beats=["zerya-canbaz"])
    with database.transaction() as tx:
        audit.note(tx, "x", "newsroom:river", now=now(), newsroom_id=newsroom.id, detail=[{"of": _WORDS}])
        found = vanishing.find_text(tx, newsroom.id, _WORDS)
    assert (found.places, found.in_newsroom, len(found.beats), found.shared) == ({}, True, 1, ())
    assert vanishing.vanish_text(database, "river", _WORDS, now=now()) == 0
    assert _holds(database, "canbaz") == _holds(database, "zerya") == []
    with database.reading() as tx:
        carried = beats.of_release(tx, made.id)
        assert {one.slug: one.names["en"] for one in carried} == {
            "bridges": "Bridges",
            f"removed-{found.beats[0]}": "(…)",
        }
        assert tx.get_one(Newsroom, newsroom.id).names == {"en": "Friends of (…)"}
        assert tx.get_one(Newsroom, newsroom.id).generation > newsroom.generation + 2


def test_one_release_takes_along_only_beats_of_its_own(database: Database) -> None:
    made = _one(database, "Text.", beats=["zerya-canbaz", "canbaz-zerya-canbaz"])
    make_release(database, made.newsroom, ["ckb"], beats=["zerya-canbaz"])
    with database.reading() as tx:
        found = vanishing.find_text(tx, made.newsroom.id, _WORDS, made.id)
    assert (found.places, len(found.beats), len(found.shared)) == ({made.id: 1}, 1, 1)
    vanishing.vanish_text(database, "river", _WORDS, release_id=made.id, now=now())
    with database.reading() as tx:
        assert set(beats.in_newsroom(tx, made.newsroom.id)) == {"zerya-canbaz", f"removed-{found.beats[0]}"}


def test_files_nobody_looks_into_are_named(database: Database) -> None:
    made = _one(database, f"{_WORDS} spoke.", "Zerya Canbaz.pdf", "picture.png")
    with database.transaction() as tx:
        tx.get_one(Asset, made.assets[0].id).kind = Kind.DOCUMENT
    with database.reading() as tx:
        files = vanishing.find_text(tx, made.newsroom.id, _WORDS).files
    assert [(one.release_id, one.asset_id, one.name) for one in files] == [(made.id, made.assets[0].id, "(…).pdf")]


def test_an_address_that_was_reused_answers_for_the_last_that_stood_there(database: Database) -> None:
    newsroom = make_newsroom(database)
    titles = {"en": f"{_WORDS} speaks"}
    first = make_release(database, newsroom, ["en"], titles=titles)
    vanishing.vanish_text(database, "river", _WORDS, now=now())
    second = make_release(database, newsroom, ["en"], titles=titles)
    slug = second.translations["en"].slug
    assert slug == first.translations["en"].slug
    vanishing.vanish_release(database, second.id, now=now())
    with database.reading() as tx:
        assert former_slug.translation_at(tx, newsroom.id, "en", slug) == second.translations["en"].id
