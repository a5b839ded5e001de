from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from pressroom import create_app
from pressroom.cli.folder import file_of
from pressroom.cli.opening import open_service
from pressroom.cli.static_servers import NAMES
from pressroom.db import Database
from pressroom.feeds import archive as archives
from pressroom.feeds.archive import Archive
from pressroom.feeds.channel import Channel
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.asset import Rendition, Size
from pressroom.releases.beat import in_newsroom
from pressroom.releases.correction import Correction
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.web.inventory import public_paths
from tests.cli.conftest import Press, must, refused
from tests.makers import Made, make_newsroom, make_release, now
from tests.test_docs import without_names

# What a folder of files cannot do, or must not hold.
LEFT_OUT = ("/desk", "/login", "/subscribe", "/unsubscribe", "/preferences", "/healthz", "/readyz", "/metrics")
WITH_WORDS = "/{}/{}/search"
WITHOUT_END = "/{}/changes.{}"


@pytest.fixture
def river(press: Press, database: Database) -> Iterator[Newsroom]:
    must(press("init"))
    yield make_newsroom(database)
    database.dispose()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "site"


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def page(made: Made, tag: str) -> str:
    return f"river/{tag}/{made.translations[tag].slug}.html"


def take_back(database: Database, made: Made, **times: object) -> None:
    with database.transaction() as tx:
        release = tx.get_one(Release, made.id)
        for name, value in times.items():
            setattr(release, name, value)
        newsrooms.touch(tx, made.newsroom.id, now=now())


def complete(database: Database, made: Made) -> None:
    """Adds what not every release has: a correction, and a picture for print."""
    with database.transaction() as tx:
        web = tx.get_one(Rendition, (made.assets[0].id, Size.WEB))
        facts = {"media_type": web.media_type, "extension": web.extension, "length": web.length, "data": web.data}
        tx.add(Rendition(asset_id=web.asset_id, size=Size.PRINT, width=120, height=80, **facts))
        tx.add(Correction(release_id=made.id, number=1, notes={"en": "Not so."}, proposed_at=now(), at=now()))
        newsrooms.touch(tx, made.newsroom.id, now=now())


def test_the_files_hold_what_the_service_answers(press: Press, river: Newsroom, database: Database, out: Path) -> None:
    made = make_release(database, river, beats=["water"], pictures=1)
    complete(database, made)
    for number in range(22):
        make_release(database, river, ["en"], titles={"en": f"Older {number}"}, public_from=now() - timedelta(days=2))
    retracted = make_release(database, river, ["en"], titles={"en": "Wrong figures"})
    take_back(database, retracted, retracted_at=now(), retraction_reasons={"en": "They were wrong."})
    said = must(press("export", out)).out
    service = open_service()
    client = create_app(service=service).test_client()
    with database.reading() as tx:
        paths = public_paths(tx, now())
    found, gone, redirects = files(out), [], {}
    for path in paths:
        answer = client.get(path)
        if answer.status_code == 302:
            redirects[path] = answer.location
            continue
        assert answer.status_code in (200, 410), path
        gone += [path] if answer.status_code == 410 else []
        assert found[file_of(path)] == answer.data, path
    service.database.dispose()
    assert found.keys() == {*map(file_of, paths), *NAMES}
    assert json.loads(found["gone.json"]) == gone and len(gone) == 6
    assert json.loads(found["redirects.json"]) == redirects and len(redirects) == 23
    assert b"They were wrong." in found[page(retracted, "en")]
    assert {"river/en/archive/2.html", "river/ckb/beats/water/index.html", page(made, "ckb")} <= found.keys()
    assert {made.assets[0].id in name for name in found if name.startswith("assets/")} == {True}
    assert f"{len(found)} files: {len(found)} written, 0 removed" in said


def test_every_public_address_is_exported_or_left_out_on_purpose(
    press: Press, river: Newsroom, database: Database
) -> None:
    complete(database, make_release(database, river, beats=["water"], pictures=1))
    for number in range(22):
        make_release(database, river, ["en"], titles={"en": f"Older {number}"}, beats=["water"])
    with database.reading() as tx:
        beat = in_newsroom(tx, river.id)["water"]
    with database.transaction() as tx:
        for channel in (
            Channel(),
            Channel(None, "en"),
            Channel(river),
            Channel(river, "en"),
            Channel(river, "en", beat),
        ):
            tx.add(Archive(channel=archives.key(channel), number=1, until=now(), created_at=now()))
    service = open_service()
    with database.reading() as tx:
        paths = public_paths(tx, now())
    app = create_app(service=service)
    matcher = app.url_map.bind("localhost")
    exported = {matcher.match(path, return_rule=True)[0].rule for path in paths}
    service.database.dispose()
    served = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and not rule.rule.startswith(LEFT_OUT)
        and without_names(rule.rule) not in (WITH_WORDS, WITHOUT_END)
    }
    assert served == exported


def test_a_redirect_leads_on_without_a_web_servers_help(
    press: Press, river: Newsroom, database: Database, out: Path
) -> None:
    made = make_release(database, river, ["ckb"])
    must(press("export", out))
    target = json.loads((out / "redirects.json").read_text())[f"/river/r/{made.id}"]
    assert f'content="0; url={target}"' in (out / f"river/r/{made.id}.html").read_text()
    assert (out / file_of(target)).exists()


def test_repeated_it_touches_only_what_changed(press: Press, river: Newsroom, database: Database, out: Path) -> None:
    made = make_release(database, river)
    must(press("export", out))
    for path in out.rglob("*"):
        os.utime(path, (1, 1))
    assert "0 written, 0 removed" in must(press("export", out)).out
    make_release(database, river, ["kmr"], titles={"kmr": "Nû"})
    must(press("export", out))
    touched = {name for name in files(out) if (out / name).stat().st_mtime != 1}
    assert page(made, "kmr") not in touched and "privacy.html" not in touched
    assert {"river/kmr/nû.html", "river/kmr/index.html", "river/kmr/feed.atom", "sitemap.xml"} <= touched


def test_what_is_no_longer_public_leaves_the_folder(
    press: Press, river: Newsroom, database: Database, out: Path
) -> None:
    made = make_release(database, river, pictures=1, beats=["water"])
    must(press("export", out))
    assert list(out.glob("assets/*"))
    take_back(database, made, public_from=None)
    must(press("export", out))
    said = b"".join(files(out).values()) + "\n".join(files(out)).encode()
    for revision in made.revisions.values():
        assert revision.title.encode() not in said and revision.text.splitlines()[0].encode() not in said
    assert not (out / "assets").exists() and not (out / "river/ckb/beats").exists()


def test_an_embargo_holds_in_an_export(press: Press, river: Newsroom, database: Database, out: Path) -> None:
    titles = {tag: f"7319 {tag}" for tag in river.languages}
    made = make_release(
        database, river, titles=titles, public_from=now() + timedelta(hours=1), beats=["secret"], pictures=1
    )
    make_release(database, river, draft=True, titles=titles)
    must(press("export", out))
    for name, content in files(out).items():
        for word in ("7319", made.id, made.assets[0].id, "beats/secret"):
            assert word not in name and word.encode() not in content, name


def test_a_folder_of_others_is_refused_and_left_alone(press: Press, river: Newsroom, out: Path) -> None:
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    assert "no export made" in refused(press("export", out))
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_a_foreign_file_in_an_export_is_removed(press: Press, river: Newsroom, tmp_path: Path, out: Path) -> None:
    must(press("export", out))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").write_text("kept")
    (out / "river" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (out / "river" / "old.html").write_text("old")
    assert "0 written, 2 removed" in must(press("export", out)).out
    assert not (out / "river" / "link").is_symlink() and (tmp_path / "elsewhere" / "kept").exists()


def test_two_exports_do_not_write_to_one_folder(press: Press, river: Newsroom, out: Path) -> None:
    must(press("export", out))
    with (out / ".pressroom-export").open() as marker:
        fcntl.flock(marker, fcntl.LOCK_EX)
        assert "Another export" in refused(press("export", out))


def test_what_breaks_off_an_export_is_said_after_the_removal(
    press: Press, river: Newsroom, database: Database, out: Path
) -> None:
    hidden, broken = make_release(database, river, ["en"]), make_release(database, river, ["kmr"])
    must(press("export", out))
    take_back(database, hidden, public_from=None)
    with database.transaction() as tx:
        tx.execute(text(f"UPDATE revision SET contacts = '[1]' WHERE id = {broken.revisions['kmr'].id}"))
        newsrooms.touch(tx, river.id, now=now())
    assert "could not be rendered (500)" in refused(press("export", out))
    assert not (out / page(hidden, "en")).exists()
