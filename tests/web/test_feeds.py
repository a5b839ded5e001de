from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import urlsplit

import feedparser
import pytest
from lxml import etree

from pressroom import addresses
from pressroom.config import Config
from pressroom.db import Database
from pressroom.feeds import archiving
from pressroom.releases import founding, retracting, vanishing
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.asset import Rendition, Size
from pressroom.releases.newsroom import Newsroom, NoticeStyle
from pressroom.releases.translation import Translation
from tests.conftest import MakeConfig
from tests.makers import NAMES, TITLES, make_correction, make_newsroom, make_release, now
from tests.releases.uploads import saved, scene
from tests.web.public import Site

MEDIA_TYPES = {"atom": "application/atom+xml", "rss": "application/rss+xml", "json": "application/feed+json"}


def entries(site: Site, path: str) -> list[tuple[str, str]]:
    """Titles and links, in JSON, RSS or Atom."""
    answer = site.get(path)
    assert answer.status_code == 200, path
    if path.endswith("json"):
        return [(one["title"], one["url"]) for one in answer.get_json(force=True)["items"]]
    parsed = feedparser.parse(answer.data)
    assert not parsed.bozo, parsed.get("bozo_exception")
    return [(one.title, one.link) for one in parsed.entries]


@pytest.mark.parametrize("kind", addresses.FEED_FORMATS)
def test_a_language_feed_has_an_entry_per_translation_and_the_newsrooms_own_one_per_release(
    site: Site, database: Database, kind: str
) -> None:
    newsroom = make_newsroom(database)
    all_four = make_release(database, newsroom)
    arabic = make_release(database, newsroom, ["ar"], titles={"ar": "بيان ثانٍ"}, public_from=now() - timedelta(days=1))
    for tag in ("en", "ckb", "kmr"):
        link = addresses.release("river", tag, all_four.translations[tag].slug)
        assert entries(site, f"/river/{tag}/feed.{kind}") == [(TITLES[tag], f"http://127.0.0.1:8000{link}")]
    assert [title for title, _ in entries(site, f"/river/ar/feed.{kind}")] == [TITLES["ar"], "بيان ثانٍ"]
    assert [title for title, _ in entries(site, f"/river/feed.{kind}")] == [TITLES["en"], "بيان ثانٍ"]
    assert arabic.translations["ar"].urn in site.get(f"/river/feed.{kind}").text


@pytest.mark.parametrize("kind", addresses.FEED_FORMATS)
def test_all_gathers_every_newsroom_each_in_its_own_order(site: Site, database: Database, kind: str) -> None:
    make_release(database, make_newsroom(database, "one"), ["en", "ckb"])
    make_release(
        database, make_newsroom(database, "two", languages=["ar", "en"]), public_from=now() - timedelta(days=2)
    )
    assert [title for title, _ in entries(site, f"/all/feed.{kind}")] == [TITLES["en"], TITLES["ar"]]
    assert len(entries(site, f"/all/en/feed.{kind}")) == 2
    assert len(entries(site, f"/all/ckb/feed.{kind}")) == 1
    assert site.get(f"/all/fr/feed.{kind}").status_code == 404


@pytest.mark.parametrize("kind", addresses.FEED_FORMATS)
def test_feeds_say_what_they_are_to_caches_and_to_other_sites(site: Site, database: Database, kind: str) -> None:
    make_release(database, make_newsroom(database))
    answer = site.get(f"/river/ckb/feed.{kind}")
    assert answer.content_type == f"{MEDIA_TYPES[kind]}; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in answer.headers


def test_a_feed_is_not_to_be_kept_beyond_the_next_embargo(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database)
    make_release(database, newsroom, public_from=now() + timedelta(seconds=200))
    age = int(site.get("/river/en/feed.rss").headers["Cache-Control"].removeprefix("public, max-age="))
    assert 100 < age <= 200
    site.ahead = timedelta(seconds=201)
    assert site.get("/river/en/feed.rss").headers["Cache-Control"] == "public, max-age=300"


def test_the_newsrooms_own_feed_moves_to_an_earlier_language_when_it_comes_out(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database), ["ckb", "en"])
    with database.transaction() as tx:
        english = tx.get_one(Translation, made.translations["en"].id)
        english.public_from = now() + timedelta(hours=1)
        newsrooms.touch(tx, made.newsroom.id, now=now())
    assert [title for title, _ in entries(site, "/river/feed.atom")] == [TITLES["ckb"]]
    site.ahead = timedelta(hours=2)
    assert [title for title, _ in entries(site, "/river/feed.atom")] == [TITLES["en"]]


def test_a_retraction_changes_the_feed_and_its_last_change(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database)
    made = make_release(database, newsroom, public_from=now() - timedelta(days=2))
    before = site.get("/river/en/feed.atom")
    retracting.retract(database, made.id, {"en": "It was not true."}, now=now())
    # A date is told once its second is over.
    site.ahead = timedelta(seconds=2)
    after = site.get("/river/en/feed.atom", If_None_Match=before.headers["ETag"])
    assert after.status_code == 200
    told = [one.title for one in feedparser.parse(after.data).entries]
    assert told == [f"Retracted: {TITLES['en']}"] * 2 and b"deleted-entry" in after.data
    assert feedparser.parse(after.data).feed.updated_parsed > feedparser.parse(before.data).feed.updated_parsed
    assert after.last_modified > before.last_modified


def test_a_change_elsewhere_leaves_the_bytes_of_a_feed_as_they_are(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database)
    make_release(database, newsroom, ["ckb"])
    before = site.get("/river/ckb/feed.rss")
    make_release(database, newsroom, ["en"], public_from=now() - timedelta(minutes=1))
    after = site.get("/river/ckb/feed.rss")
    assert (after.data, after.headers["ETag"]) == (before.data, before.headers["ETag"])


def test_the_channel_names_its_language_and_home(site: Site, database: Database) -> None:
    make_release(database, make_newsroom(database))
    feed = feedparser.parse(site.get("/river/ckb/feed.rss").data).feed
    assert (feed.language, feed.link) == ("ckb", "http://127.0.0.1:8000/river/ckb/")
    assert feed.title.startswith(NAMES["ckb"])
    assert "language" not in feedparser.parse(site.get("/river/feed.rss").data).feed


@pytest.mark.parametrize("kind", addresses.FEED_FORMATS)
def test_corrections_and_removals_change_a_feed_and_its_last_change(site: Site, database: Database, kind: str) -> None:
    made = make_release(database, make_newsroom(database), public_from=now() - timedelta(days=2))
    address = f"/river/ckb/feed.{kind}"
    first = site.get(address)
    make_correction(database, made, {"en": "It opens in May."}, {"en": "Not in spring 7319."})
    site.ahead = timedelta(seconds=2)
    second = site.get(address, If_Modified_Since=first.headers["Last-Modified"])
    assert second.status_code == 200 and second.last_modified > first.last_modified
    told = [title for title, _ in entries(site, address)]
    assert len(told) == 2 and told[1] == TITLES["ckb"] and told[0].endswith(TITLES["ckb"])
    assert second.text.count("7319") >= 2
    vanishing.vanish_release(database, made.id, now=now() + timedelta(seconds=2))
    site.ahead = timedelta(seconds=5)
    third = site.get(address, If_Modified_Since=second.headers["Last-Modified"])
    assert third.status_code == 200 and third.last_modified > second.last_modified
    assert entries(site, address) == []
    assert ("deleted-entry" in third.text) == (kind == "atom")
    assert "7319" not in third.text and TITLES["ckb"] not in third.text


def test_a_newsroom_chooses_how_its_feeds_tell(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database), public_from=now() - timedelta(days=2))
    make_correction(database, made, {"en": "It opens in May."}, {"en": "Not in spring."})
    found = {}
    for style in NoticeStyle:
        with database.transaction() as tx:
            tx.get_one(Newsroom, made.newsroom.id).notice_style = style
            newsrooms.touch(tx, made.newsroom.id, now=now())
        found[style] = feedparser.parse(site.get("/river/en/feed.atom").data).entries
    titles = {style: [one.title for one in several] for style, several in found.items()}
    notice = f"Correction: {TITLES['en']}"
    assert titles == {
        NoticeStyle.IN_PLACE: [TITLES["en"]],
        NoticeStyle.NOTICE: [notice, TITLES["en"]],
        NoticeStyle.BOTH: [notice, TITLES["en"]],
    }
    told = {style: "Not in spring." in several[-1].content[0].value for style, several in found.items()}
    assert told == {NoticeStyle.IN_PLACE: True, NoticeStyle.NOTICE: False, NoticeStyle.BOTH: True}
    assert all("It opens in May." in several[-1].content[0].value for several in found.values())


@pytest.mark.parametrize("kind", addresses.FEED_FORMATS)
def test_a_feed_leads_back_to_the_first_release_ever(site: Site, database: Database, kind: str) -> None:
    newsroom = make_newsroom(database)
    for day in range(120):
        make_release(
            database, newsroom, ["ckb"], titles={"ckb": f"ڕۆژی {day}"}, public_from=now() - timedelta(days=day + 1)
        )
    archiving.close_full(database, {}, now=now())
    start = site.app.extensions["pressroom"].config.base_url
    path, found, older = f"/river/ckb/feed.{kind}", [], [f"/river/ckb/feed-{number}.{kind}" for number in (2, 1)]
    for expected in (*older, None):
        found += entries(site, path)
        relations = _relations(site.get(path).data, kind)
        assert relations["self"] == start + path
        if kind != "json" and path in older:
            assert relations["current"] == f"{start}/river/ckb/feed.{kind}"
            assert relations.get("next-archive") == (start + older[0] if path == older[1] else None)
            assert "<fh:archive" in site.get(path).text
        assert relations.get("prev-archive") == (start + expected if expected else None)
        path = expected or path
    assert len(set(found)) == 120
    answer = site.get(older[1])
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert site.get(older[1], If_None_Match=answer.headers["ETag"]).status_code == 304
    for missing in ("feed-3", "feed-0", "feed-01", "feed--1"):
        assert site.get(f"/river/ckb/{missing}.{kind}").status_code == 404


def _relations(document: bytes, kind: str) -> dict[str, str]:
    if kind == "json":
        feed = json.loads(document)
        return {"self": feed["feed_url"], **({"prev-archive": feed["next_url"]} if "next_url" in feed else {})}
    tree = etree.fromstring(document)
    top = tree.find("channel") if kind == "rss" else tree
    return {one.get("rel"): one.get("href") for one in top.findall("{http://www.w3.org/2005/Atom}link")}


@pytest.mark.parametrize("pictures", ["png", "jpg"])
def test_the_length_of_a_picture_is_that_of_what_is_served(site: Site, database: Database, pictures: str) -> None:
    made = make_release(database, make_newsroom(database), pictures=1)
    if pictures == "jpg":
        with database.transaction() as tx:
            rendition = tx.get_one(Rendition, (made.assets[0].id, Size.WEB))
            rendition.data = saved(scene(9, 9), "JPEG")
            rendition.length, rendition.extension = len(rendition.data), "jpg"
            rendition.media_type = "image/jpeg"
    (attachment,) = site.get("/river/ckb/feed.json").get_json(force=True)["items"][0]["attachments"]
    answer = site.get(urlsplit(attachment["url"]).path)
    assert (answer.mimetype, len(answer.data)) == (attachment["mime_type"], attachment["size_in_bytes"])
    (entry,) = feedparser.parse(site.get("/river/ckb/feed.rss").data).entries
    assert [one.length for one in entry.enclosures] == [str(len(answer.data))]


@pytest.mark.parametrize("kind", addresses.FEED_FORMATS)
@pytest.mark.parametrize("place", ["river/", "river/ckb/", "river/en/beats/water/", "all/", "all/ar/"])
def test_a_feed_names_its_hub_and_its_own_address_whatever_address_it_was_got_at(
    make_config: MakeConfig, config: Config, database: Database, kind: str, place: str
) -> None:
    base = "https://press.example.org"
    made = make_config(database_url=config.database_url, base_url=base)
    site = Site(made, database)
    make_release(database, make_newsroom(database), beats=["water"])
    own, hub = f"{base}/{place}feed.{kind}", f"{base}/hub"
    for host in ("press.example.org", "mirror.example.net"):
        answer = site.get(f"/{place}feed.{kind}", Host=host)
        assert answer.headers["Link"] == f'<{hub}>; rel="hub", <{own}>; rel="self"'
        assert site.get(f"/{place}feed.{kind}", method="HEAD", Host=host).headers["Link"] == answer.headers["Link"]
        if kind == "json":
            said = answer.get_json(force=True)
            assert (said["feed_url"], said["hubs"]) == (own, [{"type": "WebSub", "url": hub}])
        else:
            links = {
                one.rel: one.href for one in feedparser.parse(answer.data).feed.links if one.rel in ("self", "hub")
            }
            assert links == {"self": own, "hub": hub}
    assert "Link" not in site.get("/feeds.opml").headers
    site.close()


def test_a_feed_of_news_objects_has_what_was_taken_back_too(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database)
    days = [now() - timedelta(days=number) for number in range(3)]
    kept, retracted, removed = (make_release(database, newsroom, beats=["water"], public_from=day) for day in days)
    retracting.retract(database, retracted.id, {"en": "Wrong."}, now=now())
    vanishing.vanish_release(database, removed.id, now=now())
    for path, tag in (("", "en"), ("ckb/", "ckb"), ("ckb/beats/water/", "ckb")):
        answer = site.get(f"/river/{path}feed.ninjs.json")
        assert answer.content_type == "application/json; charset=utf-8"
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        feed = answer.get_json()
        expected = [(kept, "usable"), (retracted, "canceled"), (removed, "canceled")]
        assert [(one["uri"], one["pubStatus"]) for one in feed["items"]] == [
            (made.translations[tag].urn, status) for made, status in expected
        ]
        assert feed["url"] == f"http://127.0.0.1:8000/river/{path}feed.ninjs.json"
        assert site.get(feed["changes"].removeprefix("http://127.0.0.1:8000")).status_code == 200
        assert feed.get("language") == (tag if path else None)
    everywhere = site.get("/all/ckb/feed.ninjs.json").get_json()
    assert len(everywhere["items"]) == 3 and "changes" not in everywhere


def test_a_media_topic_is_a_category_with_its_scheme(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database)
    make_release(database, newsroom, ["en"], beats=["water"])
    founding.add_beat(database, "river", "water", {"en": "Water"}, topic="medtop:06000000", now=now())
    scheme = "http://cv.iptc.org/newscodes/mediatopic/"
    found = {
        kind: feedparser.parse(site.get(f"/river/en/feed.{kind}").data).entries[0].tags for kind in ("atom", "rss")
    }
    assert [(one.term, one.scheme, one.label) for one in found["atom"]] == [
        ("water", None, "Water"),
        ("06000000", scheme, "Water"),
    ]
    assert [(one.term, one.scheme) for one in found["rss"]] == [("Water", None), ("06000000", scheme)]
    (subject,) = site.get("/river/en/feed.ninjs.json").get_json()["items"][0]["subjects"]
    assert (subject["name"], subject["uri"]) == ("Water", f"{scheme}06000000")
