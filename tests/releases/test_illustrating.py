from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlalchemy import func, select

from pressroom.db import Database
from pressroom.errors import Conflict, NotAllowed, NotFound, Refused
from pressroom.people.account import Role
from pressroom.releases import approving, illustrating, retracting
from pressroom.releases import asset as assets
from pressroom.releases import revision as revisions
from pressroom.releases.asset import Asset, Kind, RevisionAsset
from pressroom.releases.illustrating import Description
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from pressroom.releases.release import Release, Status
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from tests.makers import Made, make_account, make_newsroom, make_release, now
from tests.releases import uploads

SAID = {
    "en": Description("A bridge", "At dawn", "Archive", "CC BY 4.0"),
    "ckb": Description("پردێک", "لە بەیانیدا", "ئەرشیڤ", "CC BY 4.0"),
}


@pytest.fixture
def newsroom(database: Database) -> Newsroom:
    return make_newsroom(database, languages=["en", "ckb"])


def newest(database: Database, made: Made, tag: str) -> tuple[Revision, list[tuple[RevisionAsset, Asset]]]:
    with database.reading() as tx:
        revision = revisions.newest(tx, made.translations[tag].id)
        assert revision is not None
        return revision, assets.of_revision(tx, revision.id)


def add(
    database: Database,
    made: Made,
    data: bytes | None = None,
    said: Mapping[str, Description] = SAID,
    name: str = "IMG_1.jpg",
) -> str:
    data = data or uploads.photograph(uploads.scene(60, 40))
    return illustrating.attach(database, made.id, name, data, said, now=now(), by=None)


def test_an_added_picture_is_in_a_new_revision_of_each_text(database: Database, newsroom: Newsroom) -> None:
    made = make_release(database, newsroom, draft=True, pictures=1)
    asset_id = add(database, made)
    for tag, said in SAID.items():
        revision, rows = newest(database, made, tag)
        before = made.revisions[tag]
        assert (revision.number, revision.title, revision.html) == (2, before.title, before.html)
        assert revision.content_hash != before.content_hash
        assert [(one.position, asset.id) for one, asset in rows] == [(0, made.assets[0].id), (1, asset_id)]
        one = rows[1][0]
        assert Description(one.alt, one.caption, one.credit, one.licence) == said
        assert one.name == "picture.jpg", "the name of a photograph may tell where and when it was taken"


def test_the_same_words_with_the_same_pictures_are_the_same_content(database: Database, newsroom: Newsroom) -> None:
    made = make_release(database, newsroom, ["en"], draft=True)
    asset_id = add(database, made, said={"en": SAID["en"]})
    first = newest(database, made, "en")[0].content_hash
    assert illustrating.describe(database, made.id, asset_id, "en", Description("Else"), now=now(), by=None)
    assert newest(database, made, "en")[0].content_hash != first
    illustrating.describe(database, made.id, asset_id, "en", SAID["en"], now=now(), by=None)
    assert newest(database, made, "en")[0].content_hash == first
    assert not illustrating.describe(database, made.id, asset_id, "en", SAID["en"], now=now(), by=None)
    assert newest(database, made, "en")[0].number == 4


def test_no_translation_becomes_stale_by_a_picture(database: Database, newsroom: Newsroom) -> None:
    made = make_release(database, newsroom, draft=True)
    asset_id = add(database, made)
    illustrating.describe(database, made.id, asset_id, "en", Description("Another description"), now=now(), by=None)
    source, translated = newest(database, made, "en")[0], newest(database, made, "ckb")[0]
    assert source.number == 3
    assert source.said_since == made.revisions["en"].id == translated.source_revision_id


def test_a_language_without_words_of_its_own_takes_credit_and_licence(database: Database, newsroom: Newsroom) -> None:
    made = make_release(database, newsroom, draft=True)
    add(database, made, said={"en": SAID["en"]})
    one = newest(database, made, "ckb")[1][0][0]
    assert (one.alt, one.caption, one.credit, one.licence) == ("", "", "Archive", "CC BY 4.0")


def test_the_same_file_again_is_the_same_asset_with_new_words(database: Database, newsroom: Newsroom) -> None:
    made = make_release(database, newsroom, draft=True)
    data = uploads.photograph(uploads.scene(60, 40))
    asset_id = add(database, made, data)
    assert add(database, made, data, {"en": Description("Else")}) == asset_id
    rows = newest(database, made, "en")[1]
    assert [(asset.id, one.alt) for one, asset in rows] == [(asset_id, "Else")]


def test_two_files_of_one_name_stay_apart(database: Database, newsroom: Newsroom) -> None:
    made = make_release(database, newsroom, ["en"], draft=True)
    add(database, made, said={})
    add(database, made, uploads.photograph(uploads.scene(50, 40)), {})
    add(database, made, uploads.document(), {}, name="C:\\papers\\Annual report.PDF")
    add(database, made, uploads.mp3(), {}, name="4711 Ferhad.mp3")
    rows = newest(database, made, "en")[1]
    assert [(one.name, asset.kind) for one, asset in rows] == [
        ("picture.jpg", Kind.PICTURE), ("picture-2.jpg", Kind.PICTURE),
        ("Annual report.pdf", Kind.DOCUMENT), ("recording.mp3", Kind.RECORDING),
    ]  # fmt: skip


def test_what_is_taken_out_is_in_no_text_any_more(database: Database, newsroom: Newsroom) -> None:
    made = make_release(database, newsroom, draft=True)
    asset_id = add(database, made)
    assert illustrating.detach(database, made.id, asset_id, now=now(), by=None)
    for tag in SAID:
        revision, rows = newest(database, made, tag)
        assert (revision.number, rows) == (3, [])
        assert revision.content_hash == newest_hash_without(database, revision)
    assert not illustrating.detach(database, made.id, asset_id, now=now(), by=None)


def newest_hash_without(database: Database, revision: Revision) -> str:
    with database.reading() as tx:
        translation = tx.get_one(Translation, revision.translation_id)
    return revisions.fingerprint(revision, translation.language, [])


def test_what_is_public_stays_and_a_language_that_is_not_may_change(database: Database, newsroom: Newsroom) -> None:
    made = make_release(database, newsroom)
    with pytest.raises(Conflict, match="make a correction"):
        add(database, made)
    with pytest.raises(Conflict, match="make a correction"):
        add(database, made, said={})
    with database.transaction() as tx:
        assert tx.execute(select(func.count()).select_from(Asset)).scalar_one() == 0
        hidden = tx.get_one(Translation, made.translations["ckb"].id)
        hidden.revision_id = hidden.public_from = None
    add(database, made, said={"ckb": SAID["ckb"]})
    assert newest(database, made, "ckb")[0].number == 2
    assert newest(database, made, "en")[0].number == 1
    retracting.retract(database, made.id, {"en": "Wrong."}, now=now())
    with pytest.raises(Conflict, match="taken back"):
        add(database, made, said={"ckb": SAID["ckb"]})


def test_an_approved_text_that_gets_a_picture_is_reviewed_again(database: Database) -> None:
    newsroom = make_newsroom(database, approval=ApprovalRule.ALWAYS, languages=["en"])
    made = make_release(database, newsroom, draft=True)
    editor = make_account(database, newsroom, Role.EDITOR)
    seen = {made.revisions["en"].id}
    assert approving.approve(database, made.id, seen, now=now(), by=editor) is Status.APPROVED
    add(database, made, said={})
    with database.reading() as tx:
        assert tx.get_one(Release, made.id).status is Status.IN_REVIEW
        assert approving.lacking(tx, approving.newest_of(tx, made.id))


def test_viewers_strangers_and_unknown_things_are_refused(database: Database, newsroom: Newsroom) -> None:
    made, other = make_release(database, newsroom, draft=True), make_release(database, newsroom, draft=True)
    asset_id, data = add(database, made), uploads.wav()
    viewer = make_account(database, newsroom, Role.VIEWER)
    with pytest.raises(NotAllowed):
        illustrating.attach(database, made.id, "a.wav", data, {}, now=now(), by=viewer)
    with pytest.raises(NotFound):
        illustrating.detach(database, other.id, asset_id, now=now(), by=None)
    with pytest.raises(NotFound, match="no text in “kmr”"):
        add(database, made, data, {"kmr": Description("Pirek")})
    with pytest.raises(NotFound):
        illustrating.describe(database, made.id, asset_id, "ar", Description("جسر"), now=now(), by=None)
    with pytest.raises(Refused):
        add(database, made, b"nothing")


def test_a_picture_that_is_taken_out_leaves_no_words_in_the_text(database: Database, newsroom: Newsroom) -> None:
    text = "Before.\n\n![Azad in the crowd](picture-0.png)\n\n**After** [file](picture-0.png) of picture-0.png."
    made = make_release(database, newsroom, ["en"], bodies={"en": text}, draft=True, pictures=1)
    assert illustrating.detach(database, made.id, made.assets[0].id, now=now(), by=None)
    revision, rows = newest(database, made, "en")
    assert rows == [] and "Azad" not in revision.body + revision.html + revision.text
    assert revision.body.endswith("**After** file of picture-0.png."), "what somebody wrote of it stays"
    assert "<strong>After</strong>" in revision.html and revision.said_since == made.revisions["en"].id
