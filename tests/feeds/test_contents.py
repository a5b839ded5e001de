from __future__ import annotations

from datetime import timedelta

import pytest

from pressroom.db import Database
from pressroom.feeds import contents as feeds
from pressroom.feeds.channel import Channel
from pressroom.feeds.contents import Contents
from pressroom.feeds.entry import Standing, notice_urn
from pressroom.releases import beat as beats
from pressroom.releases import retracting, vanishing
from pressroom.releases.newsroom import Newsroom, NoticeStyle
from pressroom.releases.translation import Translation
from tests.makers import TITLES, Made, make_correction, make_newsroom, make_release, now

STYLES = list(NoticeStyle)
WRONG = {"en": "It was not true.", "ckb": "ڕاست نەبوو."}
NOTE = {"en": "It opens in May, not in spring.", "ckb": "لە ئایاردا دەکرێتەوە، نەک لە بەهاردا."}


def styled(database: Database, style: NoticeStyle, slug: str = "river", **given: list[str]) -> Newsroom:
    newsroom = make_newsroom(database, slug, **given)
    with database.transaction() as tx:
        tx.get_one(Newsroom, newsroom.id).notice_style = style
    return newsroom


def read(database: Database, channel: Channel, limit: int = 50) -> Contents:
    with database.reading() as tx:
        return feeds.contents(tx, channel, now(), limit=limit)


def standings(found: Contents) -> list[tuple[Standing, str]]:
    return [(one.standing, one.id) for one in found.entries]


def corrected(database: Database, newsroom: Newsroom, number: int = 1) -> Made:
    made = make_release(database, newsroom, public_from=now() - timedelta(days=9))
    for days in range(number):
        body = f"The bridge opens in May {2026 + days}."
        make_correction(database, made, {"en": body}, NOTE, at=now() - timedelta(days=5 - days))
    return made


@pytest.mark.parametrize("style", STYLES)
def test_a_correction_is_told_in_place_as_a_notice_or_both(database: Database, style: NoticeStyle) -> None:
    newsroom = styled(database, style)
    made = corrected(database, newsroom)
    for tag in ("en", "ckb"):
        found = read(database, Channel(newsroom, tag))
        urn = made.translations[tag].urn
        (item,) = [one for one in found.entries if one.notice is None]
        assert (item.standing, item.id, item.tells) == (Standing.CORRECTED, urn, style is not NoticeStyle.NOTICE)
        notices = [one for one in found.entries if one.notice is not None]
        assert len(notices) == (0 if style is NoticeStyle.IN_PLACE else 1)
        for one in notices:
            assert (one.standing, one.about) == (Standing.CORRECTION, urn) and one.id != urn
            # The newest first, and it happened later than what it is about, which changed at another second.
            assert found.entries[0] is one and one.published == one.updated > item.updated > item.published
        assert found.tombstones == []


@pytest.mark.parametrize("style", STYLES)
def test_a_retraction_is_told_in_place_as_a_notice_or_both(database: Database, style: NoticeStyle) -> None:
    newsroom = styled(database, style)
    newer = make_release(database, newsroom, titles={"en": "Newer"}, public_from=now() - timedelta(days=1))
    made = make_release(database, newsroom, public_from=now() - timedelta(days=2))
    older = make_release(database, newsroom, titles={"en": "Older"}, public_from=now() - timedelta(days=3))
    retracting.retract(database, made.id, WRONG, now=now() - timedelta(hours=1))
    found = read(database, Channel(newsroom, "en"))
    notices = [one for one in found.entries if one.standing is Standing.RETRACTION]
    assert len(notices) == (0 if style is NoticeStyle.IN_PLACE else 1)
    assert found.entries[: len(notices)] == notices
    urns = [made.translations["en"].urn for made in (newer, made, older)]
    if style is NoticeStyle.NOTICE:
        del urns[1]
    else:
        assert found.entries[-2].standing is Standing.RETRACTED
    assert [one.id for one in found.entries if one.notice is None] == urns
    assert [one.ref for one in found.tombstones] == [made.translations["en"].urn]


@pytest.mark.parametrize("style", STYLES)
def test_of_a_removed_release_only_tombstones_are_left(database: Database, style: NoticeStyle) -> None:
    newsroom = styled(database, style)
    made, retracted = make_release(database, newsroom), make_release(database, newsroom, ["en"])
    retracting.retract(database, retracted.id, WRONG, now=now())
    for one in (made, retracted):
        vanishing.vanish_release(database, one.id, now=now())
    for channel in (Channel(newsroom), Channel()):
        found = read(database, channel)
        assert found.entries == []
        gone = {one.urn for release in (made, retracted) for one in release.translations.values()}
        gone.add(notice_urn(retracted.translations["en"].id, None))
        assert {one.ref for one in found.tombstones} == gone and len(found.tombstones) == 6


def test_the_feed_of_a_beat_says_that_a_release_was_removed(database: Database) -> None:
    newsroom = make_newsroom(database)
    kept = make_release(database, newsroom, ["en"], beats=["water"], public_from=now() - timedelta(days=9))
    gone = make_release(database, newsroom, ["en"], beats=["water", "zerya-canbaz"])
    with database.reading() as tx:
        water = beats.in_newsroom(tx, newsroom.id)["water"]
    before = read(database, Channel(newsroom, "en", water))
    vanishing.vanish_release(database, gone.id, now=now())
    after = read(database, Channel(newsroom, "en", water))
    assert [one.id for one in after.entries] == [kept.translations["en"].urn]
    assert [one.ref for one in after.tombstones] == [gone.translations["en"].urn]
    assert (after.updated or now()) > (before.updated or now())
    with database.reading() as tx:
        assert [one.slug for one in beats.of_release(tx, gone.id)] == ["water"]
    vanishing.vanish_release(database, kept.id, now=now())
    with database.reading() as tx:
        assert {one[:8] for one in beats.in_newsroom(tx, newsroom.id)} == {"removed-"}, "nothing is left that names it"


@pytest.mark.parametrize("tag", ["en", "ckb", None])
def test_a_notice_that_stood_in_a_feed_leaves_a_tombstone_when_its_release_is_taken_back(
    database: Database, tag: str | None
) -> None:
    newsroom = styled(database, NoticeStyle.BOTH, languages=["en", "ckb"])
    made = make_release(database, newsroom, public_from=now() - timedelta(days=9))
    with database.transaction() as tx:
        tx.get_one(Translation, made.translations["ckb"].id).public_from = now() - timedelta(days=4)
    make_correction(database, made, {"en": "In May."}, NOTE, at=now() - timedelta(days=5))
    make_correction(database, made, {"en": "In Mai."}, {}, minor=True, at=now() - timedelta(days=3))
    make_correction(database, made, {"en": "In June."}, NOTE, at=now() - timedelta(days=2))
    channel = Channel(newsroom, tag)
    stood = {one.id for one in read(database, channel).entries}
    assert read(database, channel).tombstones == []

    retracting.retract(database, made.id, WRONG, now=now() - timedelta(days=1))
    found = read(database, channel)
    stood |= {one.id for one in found.entries}
    notices = {
        notice_urn(made.translations[language].id, number)
        for language, number in (("en", 1), ("en", 3), ("ckb", 3))
        if tag in (language, None)
    }
    own = {one.urn for language, one in made.translations.items() if tag in (language, None)}
    assert {one.ref for one in found.tombstones} == own | notices and len({one.when for one in found.tombstones}) == 1

    vanishing.vanish_release(database, made.id, now=now())
    after = read(database, channel)
    refs = {one.ref for one in after.tombstones}
    retractions = {notice_urn(one.id, None) for one in made.translations.values() if one.urn in own}
    assert refs == own | notices | retractions and stood <= refs
    assert min(one.when for one in after.tombstones) > max(one.when for one in found.tombstones)


def test_tombstones_are_as_few_as_entries_and_those_of_releases_come_first(database: Database) -> None:
    newsroom = styled(database, NoticeStyle.BOTH)
    made = corrected(database, newsroom, number=3)
    vanishing.vanish_release(database, made.id, now=now())
    found = [one.ref for one in read(database, Channel(newsroom), limit=5).tombstones]
    assert set(found[:4]) == {one.urn for one in made.translations.values()} and len(found) == 5


def test_what_was_taken_back_before_it_was_public_is_never_mentioned(database: Database) -> None:
    newsroom = make_newsroom(database)
    made = make_release(database, newsroom, public_from=now() + timedelta(hours=1))
    late = make_release(database, newsroom, ["en", "ckb"])
    with database.transaction() as tx:
        tx.get_one(Translation, late.translations["ckb"].id).public_from = now() + timedelta(hours=1)
    for one in (made, late):
        retracting.retract(database, one.id, WRONG, now=now())
    for after in (timedelta(), timedelta(days=1)):
        with database.reading() as tx:
            for channel in (Channel(newsroom, "ckb"), Channel(newsroom, "ar")):
                assert feeds.contents(tx, channel, now() + after) == Contents([], [])
            found = feeds.contents(tx, Channel(newsroom), now() + after)
            assert {one.ref for one in found.tombstones} == {late.translations["en"].urn}
            assert {one.item.translation.urn for one in found.entries} == {late.translations["en"].urn}
    vanishing.vanish_release(database, made.id, now=now() + timedelta(days=2))
    with database.reading() as tx:
        later = now() + timedelta(days=3)
        assert feeds.contents(tx, Channel(newsroom, "ar"), later) == Contents([], [])


def test_an_embargoed_release_has_no_entries_whatever_was_corrected(database: Database) -> None:
    newsroom = make_newsroom(database)
    made = corrected(database, newsroom)
    with database.transaction() as tx:
        for translation in made.translations.values():
            tx.get_one(Translation, translation.id).public_from = now() + timedelta(hours=1)
    assert read(database, Channel(newsroom)) == Contents([], [])


def test_spelling_has_no_notice(database: Database) -> None:
    newsroom = make_newsroom(database)
    made = make_release(database, newsroom, ["en", "ckb"])
    make_correction(database, made, {"en": "The brigde is open."}, {"en": "A slip."}, minor=True)
    (only,) = read(database, Channel(newsroom, "en")).entries
    assert (only.standing, only.updated) == (Standing.PUBLISHED, only.published)
    assert not only.item.is_stale and "brigde" in only.item.revision.text
    (other,) = read(database, Channel(newsroom, "ckb")).entries
    assert not other.item.is_stale


def test_a_feed_in_all_languages_has_one_notice_for_each_correction(database: Database) -> None:
    newsroom = styled(database, NoticeStyle.BOTH, languages=["ckb", "en"])
    made = make_release(database, newsroom, source_language="en", public_from=now() - timedelta(days=9))
    with database.transaction() as tx:
        kurdish = tx.get_one(Translation, made.translations["ckb"].id)
        kurdish.public_from = now() - timedelta(days=1)
    make_correction(database, made, {"en": "In May."}, NOTE, at=now() - timedelta(days=5))
    make_correction(database, made, {"en": "In June."}, NOTE, at=now() - timedelta(hours=1))
    found = read(database, Channel(newsroom))
    told = [(one.notice.number, one.item.language) for one in found.entries if one.notice]
    # The first was told in the only language that was out, and stays as it was told.
    assert told == [(2, "ckb"), (1, "en")]
    assert [one.item.language for one in found.entries if not one.notice] == ["ckb"]
    late = read(database, Channel(newsroom, "ckb"))
    assert [one.notice.number for one in late.entries if one.notice] == [2]


def test_notices_count_among_the_newest_entries(database: Database) -> None:
    newsroom = styled(database, NoticeStyle.BOTH)
    corrected(database, newsroom, number=3)
    make_release(database, newsroom, titles={"en": "Newest"}, public_from=now() - timedelta(hours=1))
    found = read(database, Channel(newsroom, "en"), limit=3)
    assert [(one.standing.value, one.notice and one.notice.number) for one in found.entries] == [
        ("published", None), ("correction", 3), ("correction", 2),
    ]  # fmt: skip


def test_each_newsroom_keeps_its_style_where_feeds_gather_all(database: Database) -> None:
    one, other = styled(database, NoticeStyle.IN_PLACE, "one"), styled(database, NoticeStyle.NOTICE, "other")
    for newsroom in (one, other):
        made = make_release(database, newsroom, ["en"], titles=TITLES)
        retracting.retract(database, made.id, WRONG, now=now())
    found = [(one.item.newsroom.slug, one.standing.value) for one in read(database, Channel()).entries]
    assert sorted(found) == [("one", "retracted"), ("other", "retraction")]


def test_a_translation_says_which_corrections_it_is_missing(database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en", "ckb", "kmr"])
    made = make_release(database, newsroom, public_from=now() - timedelta(days=9))

    def missing() -> dict[str, list[int | None]]:
        found = {tag: read(database, Channel(newsroom, tag)).entries[-1].item for tag in newsroom.languages}
        return {tag: [one.number for one in item.corrections if one.is_missing] for tag, item in found.items()}

    make_correction(database, made, {"en": "In May."}, NOTE)
    assert missing() == {"en": [], "ckb": [1], "kmr": [1]}
    make_correction(database, made, {"kmr": "Di gulanê de."}, {"kmr": "Di gulanê de ye."})
    assert missing() == {"en": [], "ckb": [1], "kmr": []}
    make_correction(database, made, {"en": "In mid-May."}, {"en": "More exactly."})
    make_correction(database, made, {"en": "In mid May."}, {}, minor=True)
    assert missing() == {"en": [], "ckb": [3, 1], "kmr": [3]}
    make_correction(database, made, {"ckb": "لە ناوەڕاستی ئایاردا."}, NOTE)
    assert missing() == {"en": [], "ckb": [], "kmr": [3]}
