from __future__ import annotations

import email
import email.policy
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pressroom.db import Database
from pressroom.mailing.announcement import announce
from tests.makers import LANGUAGES, Made, make_newsroom, make_release

GOLDEN = Path(__file__).parents[1] / "golden"
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
SECRET = "https://press.example.org/unsubscribe/AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"


@pytest.fixture
def made(database: Database) -> Made:
    newsroom = make_newsroom(database, "river", reply_to="newsdesk@example.org", at=NOW)
    return make_release(database, newsroom, public_from=NOW, release_id="4k2m9q4x1abc", pictures=1)


def _mail(database: Database, made: Made, tag: str) -> bytes:
    with database.reading() as tx:
        letter = announce(
            tx, "https://press.example.org", made.release, made.translations[tag], made.revisions[tag], now=NOW
        )
    return letter.fill(
        recipient="hawar@example.net", name="هاوار", message_id="<1@example.org>", unsubscribe=SECRET, now=NOW
    )


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_mail_is_the_golden_one(database: Database, made: Made, tag: str) -> None:
    """UPDATE_GOLDEN=1 writes the files anew; then read the difference as a journalist would."""
    mail = _mail(database, made, tag).decode("ascii").replace("\r\n", "\n")
    path = GOLDEN / f"announcement.{tag}.eml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(mail, encoding="ascii")
    assert path.read_text(encoding="ascii") == mail


@pytest.mark.parametrize("tag", LANGUAGES)
def test_blocks_say_their_language_and_direction(database: Database, made: Made, tag: str) -> None:
    html = _part(_mail(database, made, tag), "html")
    direction = "rtl" if tag in ("ckb", "ar") else "ltr"
    assert f'<html lang="{tag}" dir="{direction}">' in html
    assert html.count(f'<div lang="{tag}" dir="{direction}"') >= 2


def test_a_picture_of_the_text_leaves_its_words_and_one_that_it_has_no_more_nothing(database: Database) -> None:
    text = "Look:\n\n![The bridge at noon](picture-0.png)\n\n![Azad in the crowd](gone.png)"
    newsroom = make_newsroom(database, at=NOW)
    made = make_release(database, newsroom, ["en"], bodies={"en": text}, public_from=NOW, pictures=1)
    html = _part(_mail(database, made, "en"), "html")
    assert "The bridge at noon" in html and "Azad" not in html


@pytest.mark.parametrize("tag", LANGUAGES)
def test_no_picture_script_or_foreign_address_is_in_a_mail(database: Database, made: Made, tag: str) -> None:
    html = _part(_mail(database, made, tag), "html")
    assert "<img" not in html and "<script" not in html and "url(" not in html
    assert {"https://press.example.org"} == set(re.findall(r'href="(https?://[^/"]+)', html))


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_text_says_the_same_words_as_the_page(database: Database, made: Made, tag: str) -> None:
    text = _part(_mail(database, made, tag), "plain")
    words = set(re.findall(r"\w+", re.sub(r"<[^>]+>", " ", made.revisions[tag].html)))
    assert words <= set(re.findall(r"\w+", text))
    assert SECRET in text.splitlines()


def test_other_languages_are_linked_once_they_are_public(database: Database, made: Made) -> None:
    text = _part(_mail(database, made, "kmr"), "plain")
    for tag in ("en", "ckb", "ar"):
        assert f"https://press.example.org/river/{tag}/" in text


def _part(data: bytes, kind: str) -> str:
    part = email.message_from_bytes(data, policy=email.policy.default).get_body((kind,))
    assert part is not None
    return str(part.get_content())
