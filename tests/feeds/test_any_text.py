"""Whatever a text holds, each format is well-formed and says all of it but what XML forbids."""

from __future__ import annotations

import io
import json
import locale
import re
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from pressroom.feeds.changes import Change, Cursor, Page
from pressroom.feeds.document import atom, rss
from pressroom.feeds.frame import Frame
from pressroom.feeds.item import Item, legal
from pressroom.feeds.json_feed import json_feed
from pressroom.feeds.kit import kit
from pressroom.feeds.markdown import markdown
from pressroom.feeds.newsml import message, newsml
from pressroom.feeds.ninjs import changes, collection, ninjs
from pressroom.feeds.notice import Notice
from pressroom.feeds.opml import Group, opml
from pressroom.feeds.sitemap import News, Place, news_sitemap, sitemap
from pressroom.feeds.text import text
from pressroom.releases.change import Kind
from pressroom.releases.media_contact import MediaContact
from pressroom.releases.newsroom import Said
from pressroom.web.structured import news_article
from tests.feeds.articles import BASE, MOMENT, NEWSROOM, around, article, holding, version
from tests.makers import LANGUAGES

_NAR = "{http://iptc.org/std/nar/2006-10-01/}"
_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\\s\x1c-\x1f\x85]")

# What breaks one format or another, beside any letter there is.
_PIECES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        [
            "]]>", "</script>", "<!--", "-->", "<?xml?>", "&nbsp;", "&#0;", "<b>", "\x00", "\x0b", "\x1b[31m", "\x85",
            "\ufffe", "\uffff", "\U0001fffe", "\ufdd0", "\u2028", "\u202e", "\u2066", "\u200f", "\ufeff", "\r", "\r\n",
            "\n---\n", "---", "'", '"', "\\", "%s", "{{ x }}", "e\u0301", "پردە", "الجسر", "ş", "\u200c", "👩‍🚒",
        ]
    ),
)  # fmt: skip
WORDS = st.lists(_PIECES, min_size=1, max_size=8).map("".join).map(lambda words: f"a{words}z")


def item_saying(words: str, tag: str) -> Item:
    note = Notice(1, MOMENT - timedelta(minutes=40), Said(words, tag))
    item = article(tag, title=words, subtitle=words, body=words, siblings=["en"], pictures=1, corrections=(note,))
    picture = item.assets[0].said
    picture.name = picture.alt = picture.caption = picture.credit = picture.licence = words
    item.revision.dateline = words
    item.revision.contacts = (MediaContact(words, words, words, words),)
    return item


def bare(words: str) -> str:
    """Without spaces and direction marks, which a format may place anew."""
    return _MARKS.sub("", legal(words))


def page_of(item: Item) -> Page:
    one = version(item, 2, Kind.CORRECTION)
    return Page(NEWSROOM, Cursor(), [Change(Kind.CORRECTION, MOMENT, one, Cursor(1, MOMENT, 1))], more=False)


def headlines(item: Item, words: str) -> Iterator[tuple[str, str | None]]:
    """By format, the headline as a strict parser finds it."""
    contents = holding(item)
    tree = etree.fromstring(atom(around("atom", item.language), contents))
    yield "atom", tree.findtext("{*}entry/{*}title")
    yield "rss", etree.fromstring(rss(around("rss", item.language), contents)).findtext("channel/item/title")
    yield "json", json.loads(json_feed(around("json", item.language), contents))["items"][0]["title"]
    one = version(item)
    for body in (json.loads(ninjs(one, BASE)), items_of(collection(around("ninjs.json"), [one], None))):
        yield "ninjs", body["headlines"][0]["value"]
    told = json.loads(changes(page_of(item), BASE)[0])["changes"][0]["item"]
    yield "changes.json", told["headlines"][0]["value"]
    for written in (newsml(one, BASE), message(page_of(item), BASE)[0]):
        yield "newsml", next(etree.fromstring(written).iter(f"{_NAR}headline")).text
    yield "json-ld", json.loads(str(news_article(item, BASE)))["headline"]
    news = news_sitemap([News(item.path, words, item.language, MOMENT, words)], BASE)
    yield "news sitemap", etree.fromstring(news).findtext(".//{*}title")
    frame = Frame(BASE, "urn:x", legal(words), legal(words), legal(words), item.language, BASE, BASE, MOMENT)
    outline = etree.fromstring(opml([Group(words, [frame])])).find(".//outline/outline")
    assert outline is not None
    yield "opml", outline.get("title")
    front = markdown(item, BASE).decode().split("\n---\n\n", 1)[0].removeprefix("---\n")
    yield "markdown", yaml.safe_load(front)["title"]


def items_of(written: bytes) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(written)["items"][0]
    return read


@settings(deadline=None)
@given(WORDS, st.sampled_from(LANGUAGES))
@example("a\x0b\x00]]>\ufffe</script>\u202ez", "ckb")
@example("a\r\n---\n\x85\u2028'z", "ar")
def test_every_format_says_any_headline(words: str, tag: str) -> None:
    item = item_saying(words, tag)
    for name, found in headlines(item, words):
        assert bare(found or "") == bare(words), name
    assert bare(words) in bare(text(item, BASE).decode())
    assert "<" not in str(news_article(item, BASE))


@settings(deadline=None)
@given(WORDS, st.sampled_from(LANGUAGES))
def test_every_format_says_any_text(words: str, tag: str) -> None:
    item = item_saying(words, tag)
    said, one = bare(item.revision.text), version(item)
    root = etree.fromstring(newsml(one, BASE))
    shown = "".join(next(root.iter("{http://www.w3.org/1999/xhtml}body")).itertext())
    letters = re.sub(r"\W", "", said)
    assert bare(next(root.iter(f"{_NAR}inlineData")).text or "") == said
    assert bare(json.loads(ninjs(one, BASE))["bodies"][1]["value"]) == said
    # The plain text marks lists and addresses; letters are the same.
    assert letters in re.sub(r"\W", "", bare(shown))
    assert said in bare(text(item, BASE).decode())
    etree.fromstring(sitemap([Place(item.path, MOMENT, [(tag, item.path)], item.path)], BASE))


@settings(deadline=None)
@given(WORDS, st.sampled_from(LANGUAGES))
@example("../../etc/passwd", "en")
@example("con.png", "en")
@example("README.txt", "en")
@example("a/b\\c:d.jpg", "ar")
def test_a_kit_holds_only_plain_names_each_once(words: str, tag: str) -> None:
    item = item_saying(words, tag)
    packed = kit(version(item), BASE, lambda rendition: b"pixels")
    assert packed == kit(version(item), BASE, lambda rendition: b"pixels")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert len({name.casefold() for name in names}) == 6 == len(names)
    for name in names:
        assert not re.search(r'[\x00-\x1f/\\:*?"<>|]|^\.|^(con|aux|nul|prn)\.', name, re.IGNORECASE), name


def test_no_format_touches_the_locale_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(category: int, name: object = None) -> str:
        assert name is None, "the locale of the whole process was changed"
        return ""

    monkeypatch.setattr(locale, "setlocale", refuse)
    for tag in LANGUAGES:
        item = item_saying("The bridge", tag)
        assert list(headlines(item, "The bridge")) and text(item, BASE)
