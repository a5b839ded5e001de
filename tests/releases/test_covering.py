from __future__ import annotations

from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from pressroom.db import Database
from pressroom.errors import Conflict, NotAllowed, NotFound, Refused
from pressroom.people.account import Role
from pressroom.people.audit import AuditEntry
from pressroom.releases import approving, covering, illustrating, submitting
from pressroom.releases.approval import Approval
from pressroom.releases.asset import Asset, Rendition, Size
from pressroom.releases.covering import Box
from pressroom.releases.illustrating import Description
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from pressroom.releases.reading import read_statements
from pressroom.releases.release import Release, Status
from tests.makers import Made, make_account, make_newsroom, make_release, now
from tests.releases import uploads

FACE = Box(0.25, 0.25, 0.25, 0.25)


def white(width: int = 2000, height: int = 1000, form: str = "JPEG") -> bytes:
    """White, with a red face in it."""
    image = Image.new("RGB", (width, height), "white")
    image.paste("red", (width // 4, height // 4, width // 2, height // 2))
    return uploads.saved(image, form, quality=95)


@pytest.fixture
def newsroom(database: Database) -> Newsroom:
    return make_newsroom(database, languages=["en", "ckb"], approval=ApprovalRule.ALWAYS)


def illustrated(database: Database, newsroom: Newsroom, data: bytes | None = None) -> tuple[Made, str]:
    made = make_release(database, newsroom, draft=True)
    said = {"en": Description(alt="A face"), "ckb": Description(alt="دەموچاوێک")}
    return made, illustrating.attach(database, made.id, "a.jpg", data or white(), said, now=now(), by=None)


def pixels(database: Database, asset_id: str) -> dict[Size, Image.Image]:
    with database.reading() as tx:
        rows = tx.scalars(select(Rendition).where(Rendition.asset_id == asset_id)).all()
        found = {one.size: Image.open(BytesIO(one.data)).convert("RGB") for one in rows}
        assert all(one.length == len(one.data) for one in rows)
        assert all((one.width, one.height) == found[one.size].size for one in rows)
    return found


def asset(database: Database, asset_id: str) -> Asset:
    with database.reading() as tx:
        return tx.get_one(Asset, asset_id)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_covered_part_is_black_in_every_size_and_all_else_stays(
    database: Database, newsroom: Newsroom, form: str
) -> None:
    _, asset_id = illustrated(database, newsroom, white(form=form))
    covering.cover(database, asset_id, [FACE], now=now())
    found = pixels(database, asset_id)
    assert set(found) == {Size.WEB, Size.PRINT}
    for image in found.values():
        width, height = image.size
        inside = image.crop((width // 4, height // 4, width // 2, height // 2))
        assert max(high for _, high in inside.getextrema()) <= 12, "nothing of it shines through"
        outside = image.crop((width // 2 + 48, 0, width, height))
        assert min(low for low, _ in outside.getextrema()) >= 230
        # The red of the face has bled into the blocks around it; they are black too.
        reds = [1 for red, green, _ in image.get_flattened_data() if abs(red - green) > 12]
        assert not reds


def test_the_part_is_measured_in_the_upright_picture(database: Database, newsroom: Newsroom) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    left_red = Image.new("RGB", (800, 400), "white")
    left_red.paste("red", (0, 0, 400, 400))
    _, asset_id = illustrated(database, newsroom, uploads.saved(left_red, "JPEG", exif=exif))
    covering.cover(database, asset_id, [Box(0, 0, 1, 0.5)], now=now())
    image = pixels(database, asset_id)[Size.WEB]
    assert image.size == (400, 800)
    assert max(high for _, high in image.crop((0, 0, 400, 400)).getextrema()) <= 12


def test_the_old_bytes_are_nowhere_in_the_files_of_the_database(
    database: Database, newsroom: Newsroom, tmp_path: Path
) -> None:
    if not database.is_sqlite:
        pytest.skip("the files of PostgreSQL are its own")
    _, asset_id = illustrated(database, newsroom, uploads.photograph())
    with database.reading() as tx:
        part = tx.get_one(Rendition, (asset_id, Size.WEB)).data[-9000:-8900]

    def files() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.glob("pressroom.db*"))

    assert part in files()
    covering.cover(database, asset_id, [Box(0, 0, 1, 1)], now=now())
    assert part not in files()


def test_a_covered_picture_has_to_be_looked_at_again(database: Database, newsroom: Newsroom) -> None:
    editor = make_account(database, newsroom, Role.EDITOR)
    made, asset_id = illustrated(database, newsroom)
    covering.check_faces(database, asset_id, now=now(), by=editor)
    checked = asset(database, asset_id)
    assert (checked.checked_by, checked.checked_at is not None, checked.covered_at) == (editor, True, None)
    covering.cover(database, asset_id, [FACE], now=now(), by=editor)
    covered = asset(database, asset_id)
    assert (covered.checked_by, covered.checked_at, covered.covered_at is not None) == (None, None, True)
    with database.reading() as tx:
        acts = tx.scalars(select(AuditEntry.act).where(AuditEntry.subject == f"release:{made.id}")).all()
    assert list(acts) == ["add asset", "check faces", "cover asset"]


def test_what_was_approved_with_another_picture_is_approved_no_longer(database: Database, newsroom: Newsroom) -> None:
    made, asset_id = illustrated(database, newsroom)
    editor = make_account(database, newsroom, Role.EDITOR)
    with database.reading() as tx:
        seen = {revision.id for _, revision in approving.newest_of(tx, made.id)}
    assert approving.approve(database, made.id, seen, now=now(), by=editor) is Status.APPROVED
    covering.cover(database, asset_id, [FACE], now=now(), by=editor)
    with database.reading() as tx:
        assert tx.get_one(Release, made.id).status is Status.IN_REVIEW
        assert not tx.scalars(select(Approval)).all()


def test_the_same_file_pushed_again_comes_out_covered(database: Database, newsroom: Newsroom, tmp_path: Path) -> None:
    (tmp_path / "face.jpg").write_bytes(white())
    text = "---\ntitle: A meeting\nassets:\n  - path: face.jpg\n    alt: Many people\n---\n\nThey met.\n"

    def push(said: str, when: datetime) -> str:
        (tmp_path / "a.en.md").write_text(said)
        statements = read_statements([tmp_path / "a.en.md"])
        return submitting.submit(database, "river", statements, now=when, by=None).release_id

    release_id = push(text, now())
    with database.reading() as tx:
        asset_id = tx.scalars(select(Asset.id).where(Asset.release_id == release_id)).one()
    covering.cover(database, asset_id, [FACE], now=now())
    push(text.replace("They met", "They did not meet"), now())
    with database.reading() as tx:
        assert list(tx.scalars(select(Asset.id).where(Asset.release_id == release_id))) == [asset_id]
    image = pixels(database, asset_id)[Size.WEB]
    assert image.getpixel((image.width * 3 // 8, image.height * 3 // 8)) == (0, 0, 0)


def test_who_may_not_publish_covers_nothing_public(database: Database, newsroom: Newsroom) -> None:
    author, viewer, editor = (
        make_account(database, newsroom, role) for role in (Role.AUTHOR, Role.VIEWER, Role.EDITOR)
    )
    public = make_release(database, newsroom, pictures=1)
    before = pixels(database, public.assets[0].id)[Size.WEB].tobytes()
    with pytest.raises(NotAllowed):
        covering.cover(database, public.assets[0].id, [FACE], now=now(), by=author)
    assert pixels(database, public.assets[0].id)[Size.WEB].tobytes() == before
    with database.reading() as tx:
        generation = tx.get_one(Newsroom, newsroom.id).generation
    covering.cover(database, public.assets[0].id, [FACE], now=now(), by=editor)
    with database.reading() as tx:
        assert tx.get_one(Newsroom, newsroom.id).generation > generation
        assert tx.get_one(Release, public.id).status is Status.PUBLISHED
    _, asset_id = illustrated(database, newsroom)
    for act in (
        lambda by: covering.cover(database, asset_id, [FACE], now=now(), by=by),
        lambda by: covering.check_faces(database, asset_id, now=now(), by=by),
    ):
        with pytest.raises(NotAllowed):
            act(viewer)
        act(author)


@pytest.mark.parametrize(
    "boxes",
    [[], [Box(0, 0, 0, 0.5)], [Box(-0.1, 0, 0.5, 0.5)], [Box(10, 10, 20, 20)], [Box(float("nan"), 0, 0.5, 0.5)]],
)
def test_parts_outside_the_picture_are_refused(database: Database, newsroom: Newsroom, boxes: list[Box]) -> None:
    _, asset_id = illustrated(database, newsroom)
    with pytest.raises(Refused):
        covering.cover(database, asset_id, boxes, now=now())
    assert asset(database, asset_id).covered_at is None


def test_only_pictures_are_covered_and_looked_at(database: Database, newsroom: Newsroom) -> None:
    _, asset_id = illustrated(database, newsroom, uploads.document())
    with pytest.raises(Refused, match="not a picture"):
        covering.cover(database, asset_id, [FACE], now=now())
    with pytest.raises(Refused, match="not a picture"):
        covering.check_faces(database, asset_id, now=now(), by=None)
    with pytest.raises(NotFound):
        covering.cover(database, "nothing", [FACE], now=now())


def test_two_who_cover_at_once_do_not_undo_each_other(
    database: Database, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, asset_id = illustrated(database, newsroom)
    other, blacken = Box(0.6, 0.6, 0.2, 0.2), covering._blackened

    def meanwhile(*given: Any) -> dict[str, tuple[bytes, bytes]]:
        monkeypatch.setattr(covering, "_blackened", blacken)
        found = blacken(*given)
        covering.cover(database, asset_id, [other], now=now())
        return found

    monkeypatch.setattr(covering, "_blackened", meanwhile)
    with pytest.raises(Conflict, match="meanwhile"):
        covering.cover(database, asset_id, [FACE], now=now())
    image = pixels(database, asset_id)[Size.WEB]
    assert image.getpixel((image.width * 7 // 10, image.height * 7 // 10)) == (0, 0, 0)
