from __future__ import annotations

from sqlalchemy import select

from pressroom.db import Database
from pressroom.releases import beat as beats
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from tests.cli.conftest import Press, must, refused

TERMS = ("--name", "River", "--from", "press@example.org")


def test_a_newsroom_keeps_its_languages_in_order_and_its_names(newsroom: Press, database: Database) -> None:
    with database.reading() as tx:
        found = newsrooms.by_slug(tx, "river")
    assert found.languages == ["en", "ckb", "kmr"]
    assert found.names == {"en": "River Valley", "ckb": "دۆڵی ڕووبار"}
    assert (found.time_zone, found.reply_to, found.licence, found.approval) == (
        "Asia/Baghdad",
        None,
        None,
        ApprovalRule.AUTO,
    )


def test_all_its_terms_can_be_given(press: Press, database: Database) -> None:
    must(press("init"))
    added = press(
        "newsroom", "add", "hills", "--language", "ckb", "en", *TERMS, "--reply-to", "desk@Example.org",
        "--licence", "CC BY 4.0", "--about", "لە شاخەوە.", "--about", "en=From the hills.", "--two-person", "--json",
    )  # fmt: skip
    assert must(added).json == {"slug": "hills", "url": "https://press.example.org/hills/"}
    with database.reading() as tx:
        found = newsrooms.by_slug(tx, "hills")
    assert found.languages == ["ckb", "en"] and found.names == {"ckb": "River"}
    assert found.about == {"ckb": "لە شاخەوە.", "en": "From the hills."}
    assert (found.reply_to, found.licence, found.approval) == ("desk@example.org", "CC BY 4.0", ApprovalRule.ALWAYS)


def test_what_cannot_be_is_refused_and_stores_nothing(press: Press, database: Database) -> None:
    must(press("init"))
    wrong = {
        "reserved": ("desk", "--language", "en", *TERMS),
        "Sorani": ("hills", "--language", "ku", *TERMS),
        "language tag": ("hills", "--language", "english", *TERMS),
        "small letters": ("Hills.x", "--language", "en", *TERMS),
        "e-mail address": ("hills", "--language", "en", "--name", "H", "--from", "nobody"),
        "time zone": ("hills", "--language", "en", *TERMS, "--time-zone", "Mars/Olympus"),
        "not among": ("hills", "--language", "en", "--name", "ar=ا", "--from", "press@example.org"),
    }
    for says, arguments in wrong.items():
        assert says in refused(press("newsroom", "add", *arguments))
    with database.reading() as tx:
        assert tx.scalars(select(Newsroom)).all() == []


def test_a_second_newsroom_of_the_same_slug_is_refused(newsroom: Press) -> None:
    assert "already" in refused(newsroom("newsroom", "add", "river", "--language", "en", *TERMS))


def test_a_missing_option_is_wrong_usage(press: Press) -> None:
    assert "--from" in refused(press("newsroom", "add", "hills", "--language", "en", "--name", "H"), 2)


def test_a_beat_is_named_in_each_language_and_can_be_named_again(newsroom: Press, database: Database) -> None:
    first = newsroom("beat", "add", "water", "--newsroom", "river", "--name", "Water", "ckb=ئاو", "--json")
    assert must(first).json == {"slug": "water", "changed": True}
    again = newsroom("beat", "add", "water", "--newsroom", "river", "--name", "en=Water", "--json")
    assert must(again).json["changed"] is False
    must(newsroom("beat", "add", "water", "--newsroom", "river", "--name", "kmr=Av"))
    with database.reading() as tx:
        found = beats.in_newsroom(tx, newsrooms.by_slug(tx, "river").id)
    assert found["water"].names == {"en": "Water", "ckb": "ئاو", "kmr": "Av"}


def test_a_list_is_added_once(newsroom: Press) -> None:
    again = newsroom("list", "add", "press", "--newsroom", "river", "--name", "Press")
    assert "already" in refused(again)
    assert "nowhere" in refused(newsroom("list", "add", "press", "--newsroom", "nowhere", "--name", "P"))


def test_a_beat_gets_a_media_topic_keeps_it_and_loses_it(newsroom: Press, database: Database) -> None:
    def topic() -> str | None:
        with database.reading() as tx:
            return beats.in_newsroom(tx, newsrooms.by_slug(tx, "river").id)["water"].topic

    add = ("beat", "add", "water", "--newsroom", "river")
    must(newsroom(*add, "--name", "Water", "--topic", "medtop:06000000"))
    assert topic() == "medtop:06000000"
    must(newsroom(*add, "--name", "en=Waters"))
    assert topic() == "medtop:06000000"
    must(newsroom(*add, "--topic", "none"))
    assert topic() is None
    assert "medtop:06000000" in refused(newsroom(*add, "--topic", "water"))
    assert "needs a name" in refused(newsroom("beat", "add", "air", "--newsroom", "river"))
