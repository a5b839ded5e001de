from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from pressroom.db import Database
from pressroom.releases import asset as assets
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases.asset import Rendition, Size
from tests.cli.conftest import Press, must, refused, write
from tests.releases import uploads

EN = "---\ntitle: Water is unsafe\n---\n\nDo not drink it.\n"
CKB = "---\ntitle: ئاوەکە بێ مەترسی نییە\n---\n\nمەیخۆنەوە.\n"


@pytest.fixture
def release(newsroom: Press, tmp_path: Path) -> str:
    paths = write(tmp_path, {"a.en.md": EN, "a.ckb.md": CKB, "IMG_1.jpg": uploads.photograph()})
    return str(must(newsroom("push", *paths[:2], "--newsroom", "river", "--json")).json["id"])


def test_a_picture_is_added_checked_covered_and_listed(
    newsroom: Press, release: str, tmp_path: Path, database: Database
) -> None:
    photo = str(tmp_path / "IMG_1.jpg")
    added = must(
        newsroom(
            "asset", "add", release, photo, "--alt", "The river", "ckb=ڕووبارەکە", "--caption", "ckb=بەیانی",
            "--credit", "Archive", "--licence", "CC0", "--json",
        )
    ).json  # fmt: skip
    asset_id = added["id"]
    assert (added["release"], added["kind"], added["covered_at"], added["checked_at"]) == (
        release,
        "picture",
        None,
        None,
    )
    assert list(added["sizes"]) == ["web", "print"]
    assert added["sizes"]["web"]["url"] == f"https://press.example.org/assets/{asset_id}.jpg"
    assert (added["sizes"]["print"]["width"], added["sizes"]["print"]["height"]) == (2000, 1300)
    with database.reading() as tx:
        newest = {tag: revisions.newest(tx, one.id) for tag, one in translations.of_release(tx, release).items()}
        said = {tag: assets.of_revision(tx, one.id)[0][0] for tag, one in newest.items() if one}
    assert {tag: (one.alt, one.caption, one.credit) for tag, one in said.items()} == {
        "en": ("The river", "", "Archive"), "ckb": ("ڕووبارەکە", "بەیانی", "Archive"),
    }  # fmt: skip
    assert must(newsroom("asset", "check", asset_id, "--json")).json["checked_at"]
    assert "faces checked" in must(newsroom("asset", "list", release)).out
    covered = must(newsroom("asset", "cover", asset_id, "--box", "0,0,0.5,1", "0.9,0.9,0.1,0.1", "--json")).json
    assert covered["covered_at"] and covered["checked_at"] is None
    (listed,) = must(newsroom("asset", "list", release, "--json")).json["assets"]
    assert {**listed, "release": release} == covered
    with database.reading() as tx:
        image = Image.open(BytesIO(tx.get_one(Rendition, (asset_id, Size.PRINT)).data))
    assert image.getpixel((500, 600)) == image.getpixel((1950, 1290)) == (0, 0, 0) != image.getpixel((1500, 600))


def test_what_cannot_be_is_refused_with_a_sentence(newsroom: Press, release: str, tmp_path: Path) -> None:
    photo = str(tmp_path / "IMG_1.jpg")
    asset_id = must(newsroom("asset", "add", release, photo, "--json")).json["id"]
    assert "four numbers" in refused(newsroom("asset", "cover", asset_id, "--box", "1,2,3"), 2)
    assert "outside the picture" in refused(newsroom("asset", "cover", asset_id, "--box", "10,10,20,20"))
    assert "no text in “kmr”" in refused(newsroom("asset", "add", release, photo, "--alt", "kmr=Çem"))
    assert "cannot be read" in refused(newsroom("asset", "add", release, str(tmp_path / "gone.jpg")))
    assert "not a picture" in refused(newsroom("asset", "add", release, str(tmp_path / "a.en.md")))
    assert "no release" in refused(newsroom("asset", "list", "nothing"))
    assert "no picture or file" in refused(newsroom("asset", "check", "nothing"))


def test_a_pushed_statement_brings_documents_and_recordings(newsroom: Press, tmp_path: Path) -> None:
    listed = "assets:\n  - path: report.pdf\n    caption: The report\n  - path: voice.ogg\n"
    front = f"---\ntitle: Report\n{listed}---\n\nRead it.\n"
    paths = write(tmp_path, {"b.en.md": front, "report.pdf": uploads.document(), "voice.ogg": uploads.ogg()})
    made = must(newsroom("push", paths[0], "--newsroom", "river", "--json")).json
    found = must(newsroom("asset", "list", made["id"], "--json")).json["assets"]
    assert sorted(one["kind"] for one in found) == ["document", "recording"]
    assert must(newsroom("push", paths[0], "--newsroom", "river", "--json")).json["changed"] is False
