from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from pressroom.db import Database
from pressroom.folded import fold, words
from pressroom.migrations import upgrade


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Şîrîn û Çiya", "sirin u ciya"),
        ("ISTANBUL İstanbul ıstanbul", "istanbul istanbul istanbul"),
        ("كوردستان", "کوردستان"),
        ("دۆڵی ڕووبار", "دولي رووبار"),
        ("ئێران", "ئیران"),
        ("نیوه\u200cی", "نیوەی"),
        ("مُدَرِّسَـــةٌ", "مدرسه"),
        ("أحمد إلى آخر", "احمد الی اخر"),
        ("على", "علي"),
        ("ﻻ", "لا"),
        ("٢٠٢٦ و ۱۲", "2026 و 12"),
        ("cafe\u0301", "CAFÉ"),
        ("don’t", "don't"),
    ],
)
def test_what_looks_alike_is_one(written: str, asked: str) -> None:
    assert fold(written) == fold(asked) != ""


@pytest.mark.parametrize(("one", "other"), [("پ", "ب"), ("چ", "ج"), ("ژ", "ز"), ("گ", "ک"), ("ڤ", "ف"), ("q", "k")])
def test_letters_of_their_own_stay_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_only_letters_and_digits_make_words() -> None:
    assert words("100% foo_bar, example.org\0—\u202b«ناو»\u202c") == ["100", "foo", "bar", "example", "org", "ناو"]
    assert words("%_ ؟ \\ '") == []


def test_texts_of_before_are_folded_by_the_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "pressroom.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database.engine, "0001")
    row = {
        "id": 1, "translation_id": "t", "number": 1, "title": "Şîrîn", "subtitle": "Çiya", "dateline": "",
        "form": "plain", "body": "", "html": "", "text": "كوردستان", "contacts": "[]", "content_hash": "",
        "created_at": 0,
    }  # fmt: skip
    with sqlite3.connect(path) as connection:
        places = ", ".join(f":{name}" for name in row)
        connection.execute(f"INSERT INTO revision ({', '.join(row)}) VALUES ({places})", row)
    upgrade(database.engine)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT folded FROM revision").fetchone() == ("sirin ciya کوردستان",)
    database.dispose()
