from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from sqlalchemy import func, select

from pressroom.db import Database
from pressroom.errors import Conflict, NotFound, Refused
from pressroom.releases import asset as assets
from pressroom.releases import publishing, retracting, submitting
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases.beat import of_release
from pressroom.releases.reading import read_statements
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from tests.makers import make_newsroom, now

Push = Callable[..., submitting.Submitted]

EN = "---\ntitle: Water is unsafe\nslug: water\nbeats: [water]\n---\n\nDo not *drink* it.\n"
CKB = "---\ntitle: ئاوەکە بێ مەترسی نییە\n---\n\nمەیخۆنەوە.\n"


@pytest.fixture
def push(database: Database, tmp_path: Path) -> Push:
    make_newsroom(database)

    def act(files: dict[str, str], **given: object) -> submitting.Submitted:
        paths = []
        for name, content in files.items():
            (tmp_path / name).write_text(content, encoding="utf-8")
            paths.append(tmp_path / name)
        statements = read_statements(paths)
        return submitting.submit(database, "river", statements, now=now(), **given)  # type: ignore[arg-type]

    return act


def _revisions(database: Database) -> int:
    with database.reading() as tx:
        return tx.execute(select(func.count()).select_from(Revision)).scalar_one()


def test_a_push_makes_one_release_with_its_translations(database: Database, push: Push) -> None:
    made = push({"water.en.md": EN, "water.ckb.md": CKB})
    with database.reading() as tx:
        of = translations.of_release(tx, made.release_id)
        source, other = (revisions.newest(tx, of[tag].id) for tag in ("en", "ckb"))
        assert source and other
        assert (None, source.id) == (source.source_revision_id, other.source_revision_id)
        assert [one.slug for one in of_release(tx, made.release_id)] == ["water"]
        assert "<em>drink</em>" in source.html
        assert of["en"].slug == "water"
        assert tx.get_one(Release, made.release_id).public_from is None


def test_pushing_the_same_files_again_changes_nothing(database: Database, push: Push) -> None:
    first = push({"water.en.md": EN, "water.ckb.md": CKB})
    again = push({"water.en.md": EN, "water.ckb.md": CKB})
    assert (first.release_id, False) == (again.release_id, again.changed)
    assert _revisions(database) == 2


def test_a_changed_file_makes_a_new_draft_revision_of_that_translation_only(database: Database, push: Push) -> None:
    first = push({"water.en.md": EN, "water.ckb.md": CKB})
    again = push({"water.en.md": EN.replace("Do not", "Never"), "water.ckb.md": CKB})
    assert (first.release_id, True, 3) == (again.release_id, again.changed, _revisions(database))


def test_changed_text_of_a_published_release_is_refused(database: Database, push: Push) -> None:
    made = push({"water.en.md": EN})
    publishing.publish(database, made.release_id, now=now())
    with pytest.raises(Conflict, match="pressroom correct"):
        push({"water.en.md": EN.replace("Do not", "Never")})
    assert _revisions(database) == 1
    assert not push({"water.en.md": EN}).changed


def test_a_translation_can_join_a_published_release(database: Database, push: Push) -> None:
    made = push({"water.en.md": EN})
    publishing.publish(database, made.release_id, now=now())
    joined = push({"water.en.md": EN, "water.ckb.md": CKB})
    assert (made.release_id, True) == (joined.release_id, joined.changed)
    assert publishing.publish(database, made.release_id, now=now()).changed


def test_a_near_match_asks_and_stores_nothing(database: Database, push: Push) -> None:
    made = push({"water.en.md": EN})
    with pytest.raises(Refused, match="--new"):
        push({"other.en.md": EN.replace("slug: water", "slug: river").replace("unsafe", "unsafe!")})
    assert _revisions(database) == 1
    other = push({"other.en.md": EN.replace("slug: water", "slug: river")}, new=True)
    assert other.release_id != made.release_id
    named = push({"third.en.md": EN.replace("unsafe", "very unsafe")}, release_id=made.release_id)
    assert (made.release_id, True) == (named.release_id, named.changed)


def test_an_id_of_the_organisers_own_finds_the_release_again(push: Push) -> None:
    text = EN.replace("---\ntitle", "---\nid: statement-12\ntitle", 1)
    made = push({"a.en.md": text})
    renamed = text.replace("Water is unsafe", "Something else entirely").replace("slug: water", "slug: else")
    assert made.release_id == push({"b.en.md": renamed}).release_id


def test_a_release_of_another_newsroom_is_not_found(database: Database, push: Push, tmp_path: Path) -> None:
    made = push({"water.en.md": EN})
    make_newsroom(database, "other")
    with pytest.raises(NotFound):
        submitting.submit(
            database, "other", read_statements([tmp_path / "water.en.md"]), now=now(), release_id=made.release_id
        )


def test_a_picture_is_stored_stripped_and_once(database: Database, push: Push, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    Image.new("RGB", (60, 40), "red").save(tmp_path / "river.jpg", exif=exif)
    said = EN.replace("---\n\nDo", "assets:\n  - path: river.jpg\n    alt: A river\n    credit: Us\n---\n\nDo")
    made = push({"water.en.md": said})
    push({"water.en.md": said.replace("Do not", "Never")})
    with database.reading() as tx:
        (stored,) = tx.scalars(select(assets.Asset).where(assets.Asset.release_id == made.release_id))
        (web,) = tx.scalars(select(assets.Rendition).where(assets.Rendition.asset_id == stored.id))
        assert b"secret place" not in web.data
        assert (web.media_type, web.width, web.height) == ("image/jpeg", 60, 40)


def test_an_embargo_without_an_offset_is_in_the_newsrooms_zone(database: Database, push: Push) -> None:
    made = push({"water.en.md": EN.replace("slug: water", "slug: water\nembargo: 2027-05-01 10:00")})
    with database.reading() as tx:
        assert datetime(2027, 5, 1, 7, tzinfo=UTC) == tx.get_one(Release, made.release_id).embargo_until


def test_a_local_time_that_a_clock_change_skips_is_refused() -> None:
    zone = ZoneInfo("Europe/Berlin")
    with pytest.raises(Refused, match="does not exist"):
        submitting.moment(datetime(2027, 3, 28, 2, 30), zone)
    assert datetime(2027, 3, 28, 1, 30, tzinfo=UTC) == submitting.moment(datetime(2027, 3, 28, 3, 30), zone)


def test_a_retracted_release_takes_no_more_text(database: Database, push: Push) -> None:
    made = push({"water.en.md": EN})
    publishing.publish(database, made.release_id, now=now() - timedelta(minutes=1))
    retracting.retract(database, made.release_id, {"en": "Wrong."}, now=now())
    with pytest.raises(Conflict, match="retracted"):
        push({"water.en.md": EN})


def test_two_releases_of_one_headline_have_different_addresses(database: Database, push: Push) -> None:
    text = "---\ntitle: Weekly figures\n---\n\nFirst week.\n"
    push({"a.en.md": text})
    second = push({"a.en.md": text.replace("First", "Second")}, new=True)
    with database.reading() as tx:
        assert translations.of_release(tx, second.release_id)["en"].slug == "weekly-figures-2"


def test_an_id_that_is_taken_cannot_make_a_new_release(push: Push) -> None:
    text = EN.replace("---\ntitle", "---\nid: statement-12\ntitle", 1)
    push({"a.en.md": text})
    with pytest.raises(Refused, match="statement-12"):
        push({"a.en.md": text.replace("slug: water", "slug: other")}, new=True)


@pytest.mark.parametrize("slug", ["search", "archive", "beats"])
def test_addresses_that_lie_beside_releases_are_no_releases(database: Database, push: Push, slug: str) -> None:
    with pytest.raises(Refused, match="reserved"):
        push({"a.en.md": EN.replace("slug: water", f"slug: {slug}")})
    made = push({"a.en.md": f"---\ntitle: {slug.title()}\n---\n\nWords.\n"})
    with database.reading() as tx:
        assert translations.of_release(tx, made.release_id)["en"].slug == f"{slug}-2"


@pytest.mark.parametrize("year", [1, 1969, 3000, 9999])
def test_a_year_that_cannot_be_meant_is_refused(year: int) -> None:
    for value in (datetime(year, 12, 31, 23, 59), datetime(year, 1, 1, tzinfo=UTC)):
        with pytest.raises(Refused, match="cannot be meant"):
            submitting.moment(value, ZoneInfo("Asia/Baghdad"))
