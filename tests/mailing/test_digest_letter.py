from __future__ import annotations

import email
import email.policy
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pressroom.db import Database, new_id
from pressroom.mailing.digest_letter import letter_of
from pressroom.mailing.mailing import Mailing, of_digest
from pressroom.mailing.message import Letter
from pressroom.mailing.subscriber import Frequency
from pressroom.releases.newsroom import Newsroom
from tests.makers import BODIES, LANGUAGES, Made, make_correction, make_newsroom, make_release

GOLDEN = Path(__file__).parents[1] / "golden"
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SECRET = "https://press.example.org/unsubscribe/AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"

SECOND = {
    "en": "Water returns to the upper town",
    "ckb": "ئاو دەگەڕێتەوە بۆ گەڕەکی سەرەوە",
    "kmr": "Av vedigere taxa jorîn",
    "ar": "عودة المياه إلى الحي الأعلى",
}
NOTES = {
    "en": "We wrote that the bridge opens on Sunday.",
    "ckb": "نووسیبوومان پردەکە یەکشەممە دەکرێتەوە.",
    "kmr": "Me nivîsîbû ku pir yekşemê vedibe.",
    "ar": "كتبنا أن الجسر يُفتتح يوم الأحد.",
}


@pytest.fixture
def newsroom(database: Database) -> Newsroom:
    return make_newsroom(database, "river", reply_to="newsdesk@example.org", at=NOW)


def _corrected(database: Database, newsroom: Newsroom) -> Made:
    made = make_release(database, newsroom, public_from=NOW, release_id="4k2m9q4x1abc")
    make_correction(database, made, {"en": BODIES["en"] + "\n\nBring water."}, NOTES, at=NOW)
    return made


def _mail(database: Database, newsroom: Newsroom, tag: str, *, often: Frequency = Frequency.DAILY) -> bytes:
    """A corrected release, one in this language, and one in the other direction."""
    first = _corrected(database, newsroom)
    second = make_release(
        database, newsroom, [tag], titles=SECOND, public_from=NOW, release_id="4k2m9q4x1abd", source_language=tag
    )
    other = "en" if tag in ("ckb", "ar") else "ckb"
    third = make_release(
        database, newsroom, [other], titles={other: SECOND[other]}, public_from=NOW, release_id="4k2m9q4x1abe"
    )
    mailing = Mailing(id=7, newsroom_id=newsroom.id, purpose=of_digest(often), list_ids=[], covers_until=NOW)
    spoken = ((first, tag), (second, tag), (third, other))
    told = [(one.translations[language], one.revisions[language]) for one, language in spoken]
    with database.reading() as tx:
        made = letter_of(tx, "https://press.example.org", newsroom, mailing, tag, told)
    return made.fill(
        recipient="hawar@example.net", name="هاوار", message_id="<1@example.org>", unsubscribe=SECRET, now=NOW
    )


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_digest_is_the_golden_one(database: Database, newsroom: Newsroom, tag: str) -> None:
    """UPDATE_GOLDEN=1 writes the files anew; then read the difference as a journalist would."""
    mail = _mail(database, newsroom, tag).decode("ascii").replace("\r\n", "\n")
    path = GOLDEN / f"digest.{tag}.eml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(mail, encoding="ascii")
    assert path.read_text(encoding="ascii") == mail


@pytest.mark.parametrize("tag", LANGUAGES)
def test_each_release_says_its_own_language_and_direction(database: Database, newsroom: Newsroom, tag: str) -> None:
    html = _part(_mail(database, newsroom, tag), "html")
    own, other = ("rtl", "en") if tag in ("ckb", "ar") else ("ltr", "ckb")
    assert html.startswith(f'<!DOCTYPE html>\n<html lang="{tag}" dir="{own}">')
    assert html.count(f'<div lang="{tag}" dir="{own}" style="margin:0 0 2em') == 2
    assert html.count(f'<div lang="{other}" dir="{"ltr" if own == "rtl" else "rtl"}" style="margin:0 0 2em') == 1


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_text_says_the_same_words_as_the_html(database: Database, newsroom: Newsroom, tag: str) -> None:
    mail = _mail(database, newsroom, tag)
    text, html = _part(mail, "plain"), _part(mail, "html")
    body = re.sub(r"<[^>]+>", " ", html.partition("<body")[2])
    assert set(re.findall(r"\w+", body)) - {"style", "margin", "padding", "0"} <= set(re.findall(r"\w+", text))
    assert SECRET in text.splitlines()
    assert all(len(line) <= 78 for line in mail.decode("ascii").split("\r\n"))


def test_lines_of_a_left_to_right_release_are_not_marked_in_a_right_to_left_digest(
    database: Database, newsroom: Newsroom
) -> None:
    lines = _part(_mail(database, newsroom, "ckb"), "plain").splitlines()
    assert SECOND["en"] in lines, "without a mark before it"


@pytest.mark.parametrize("tag", LANGUAGES)
def test_headers_are_those_of_an_announcement(database: Database, newsroom: Newsroom, tag: str) -> None:
    """Besides the subject, and what a mail server counts complaints by."""
    ours = email.message_from_bytes(_mail(database, newsroom, tag), policy=email.policy.default)
    golden = email.message_from_bytes((GOLDEN / f"announcement.{tag}.eml").read_bytes(), policy=email.policy.default)
    differ = {"Subject", "Content-Type", "Date", "Feedback-ID", "Content-Language"}
    assert {name: ours[name] for name in ours if name not in differ} == {
        name: golden[name] for name in golden if name not in differ
    }
    assert str(ours["Feedback-ID"]).startswith(f"7:digest-daily:{tag}:pr")
    assert ours["Content-Language"] == tag


def test_each_rhythm_says_why_it_comes(database: Database) -> None:
    said = set()
    for number, often in enumerate(Frequency):
        room = make_newsroom(database, f"room-{number}", at=NOW)
        made = make_release(database, room, ["en"], public_from=NOW)
        mailing = Mailing(id=new_id(), newsroom_id=room.id, purpose=of_digest(often), list_ids=[], covers_until=NOW)
        with database.reading() as tx:
            told = [(made.translations["en"], made.revisions["en"])]
            letter = letter_of(tx, "https://press.example.org", room, mailing, "en", told)
        text = _text(letter)
        said.add(" ".join(text.partition("-" * 40)[2].partition("Unsubscribe")[0].split()))
    assert len(said) == 3


def test_a_long_paragraph_is_cut_at_a_word(database: Database, newsroom: Newsroom) -> None:
    made = make_release(database, newsroom, ["en"], bodies={"en": "## Head\n\n" + "word " * 300}, public_from=NOW)
    mailing = Mailing(id=7, newsroom_id=newsroom.id, purpose="digest:daily", list_ids=[], covers_until=NOW)
    with database.reading() as tx:
        told = [(made.translations["en"], made.revisions["en"])]
        letter = letter_of(tx, "https://press.example.org", newsroom, mailing, "en", told)
    text = _text(letter)
    assert "word …" in " ".join(text.split()) and "Head" not in text and len(text) < 1200


def _text(letter: Letter) -> str:
    filled = letter.fill(recipient="a@example.net", name="", message_id="<1@example.org>", unsubscribe=SECRET, now=NOW)
    return _part(filled, "plain")


def _part(data: bytes, kind: str) -> str:
    part = email.message_from_bytes(data, policy=email.policy.default).get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
