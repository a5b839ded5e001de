from __future__ import annotations

import html
import locale
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import feedparser
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree
from lxml import html as lxml_html

from pressroom import addresses
from pressroom.feeds.document import atom, rss
from pressroom.feeds.entry import Entry, Tombstone, content
from pressroom.feeds.frame import LARGEST, LIMIT
from pressroom.feeds.item import Item, legal
from pressroom.feeds.notice import Notice
from pressroom.phrases import translator
from pressroom.releases.asset import Asset, Kind, Rendition, Size
from pressroom.releases.newsroom import Said
from tests.feeds.articles import BASE, MOMENT, around, article, holding
from tests.makers import LANGUAGES, TITLES

ATOM = {"a": "http://www.w3.org/2005/Atom"}
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
WRITERS = {"atom": atom, "rss": rss}
NEAR_ALL = st.characters(blacklist_categories=())


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("tag", LANGUAGES)
def test_each_entry_has_its_language_link_and_full_text(kind: str, tag: str) -> None:
    others = [other for other in LANGUAGES if other != tag]
    item = article(tag, siblings=others, pictures=1)
    parsed = feedparser.parse(WRITERS[kind](around(kind), holding(item)))
    assert not parsed.bozo
    (entry,) = parsed.entries
    assert entry.title == TITLES[tag]
    assert entry.link == BASE + item.path
    assert entry.id == item.translation.urn
    assert entry.get("language", entry.title_detail.language) == tag
    assert entry.published_parsed[:6] == item.published.utctimetuple()[:6]
    assert [one.term for one in entry.tags] in (["water", "06000000"], [item.beats[0].names[tag], "06000000"])
    content = entry.content[0].value
    text = lxml_html.fromstring(content).text_content()
    for line in lxml_html.fromstring(f"<div>{item.revision.html}</div>").text_content().split("\n"):
        assert line in text
    assert f'src="{BASE}/assets/picture0.png"' in content


@pytest.mark.parametrize("tag", LANGUAGES)
def test_an_atom_entry_has_one_alternate_and_its_translations_as_related(tag: str) -> None:
    others = [other for other in LANGUAGES if other != tag]
    tree = etree.fromstring(atom(around("atom", tag), holding(article(tag, siblings=others))))
    (entry,) = tree.findall("a:entry", ATOM)
    assert (tree.get(XML_LANG), entry.get(XML_LANG)) == (tag, tag)
    links = [(one.get("rel"), one.get("hreflang"), one.get("type")) for one in entry.findall("a:link", ATOM)]
    assert links == [("alternate", tag, "text/html"), *(("related", other, "text/html") for other in others)]
    assert [one.get("href") for one in tree.findall("a:link[@rel='self']", ATOM)] == [f"{BASE}/river/{tag}/feed.atom"]


def test_an_rss_item_has_one_link_and_says_its_language() -> None:
    tree = etree.fromstring(rss(around("rss"), holding(article("ckb", siblings=["en"]))))
    item = tree.find("channel/item")
    assert [one.text for one in item.findall("link")] == [BASE + article("ckb").path]
    assert item.findtext("{http://purl.org/dc/elements/1.1/}language") == "ckb"
    assert item.find("guid").get("isPermaLink") == "false"
    assert item.findtext("pubDate") == "Fri, 20 Nov 2026 08:30:15 +0000"
    assert tree.find("channel/language") is None
    assert tree.findtext("channel/link") == f"{BASE}/river/"


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_text_stands_in_a_block_with_language_and_direction(tag: str) -> None:
    direction = "rtl" if tag in ("ckb", "ar") else "ltr"
    for kind, place in (("atom", "{*}entry/{*}content"), ("rss", "channel/item/{*}encoded")):
        content = etree.fromstring(WRITERS[kind](around(kind), holding(article(tag)))).findtext(place)
        assert content.startswith(f'<div lang="{tag}" dir="{direction}">') and content.endswith("</div>")


def test_what_begins_with_latin_letters_is_marked_in_a_right_to_left_language() -> None:
    item = article("ckb", title="UNICEF: ئاو بۆ هەمووان", body="UNICEF ڕایگەیاند.", subtitle="WHO دەڵێت")
    (entry,) = feedparser.parse(rss(around("rss"), holding(item))).entries
    assert entry.title.startswith("\u200fUNICEF") and entry.summary.startswith("\u200fWHO")
    assert "<p>\u200fUNICEF" in entry.content[0].value
    for plain in (article("ckb"), article("kmr"), article("en")):
        assert "\u200f" not in rss(around("rss"), holding(plain)).decode()


@pytest.mark.parametrize("kind", WRITERS)
@settings(max_examples=60, deadline=None)
@example(title="\ud800\x00\ufffe\x0b]]>&<b>", subtitle="\x1f")
@given(title=st.text(NEAR_ALL, min_size=1, max_size=40), subtitle=st.text(NEAR_ALL, max_size=40))
def test_any_title_leaves_the_feed_well_formed(kind: str, title: str, subtitle: str) -> None:
    item = article("ar", title=f"ع{title}", body="متن", subtitle=subtitle)
    tree = etree.fromstring(WRITERS[kind](around(kind), holding(item)))
    found = tree.findtext("a:entry/a:title", namespaces=ATOM) or tree.findtext("channel/item/title")
    # XML itself turns a carriage return into a line feed.
    assert found.replace("\r", "\n") == legal(f"ع{title}").replace("\r", "\n")


def test_a_control_character_in_a_stored_text_breaks_nothing() -> None:
    item = article("en", title="A\x0bB\x00C")
    item.revision.html = "<p>One\x0c two\ufffe</p>"
    entry = etree.fromstring(atom(around("atom"), holding(item))).find("a:entry", ATOM)
    assert entry.findtext("a:title", namespaces=ATOM) == "ABC"
    assert entry.findtext("a:content", namespaces=ATOM) == '<div lang="en" dir="ltr"><p>One two</p></div>'


@pytest.mark.parametrize("kind", WRITERS)
def test_equal_content_gives_equal_bytes(kind: str) -> None:
    items = [article("en", number) for number in range(3)]
    assert WRITERS[kind](around(kind), holding(*items)) == WRITERS[kind](around(kind), holding(*items))


@pytest.mark.parametrize("kind", WRITERS)
def test_the_order_is_kept_and_ends_at_fifty(kind: str) -> None:
    items = [article("en", number, title=f"Number {number}") for number in range(1, 70)]
    titles = [one.title for one in feedparser.parse(WRITERS[kind](around(kind), holding(*items))).entries]
    assert titles == [f"Number {number}" for number in range(1, LIMIT + 1)]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_feed_of_long_texts_keeps_the_newest_that_fit(kind: str) -> None:
    body = "\n\n".join(["ئەم دەقە درێژە. " * 40] * 40)
    items = [article("ckb", number, title=f"ژمارە {number}", body=body) for number in range(1, 40)]
    written = WRITERS[kind](around(kind), holding(*items))
    titles = [one.title for one in feedparser.parse(written).entries]
    assert len(written) <= LARGEST
    assert titles == [f"ژمارە {number}" for number in range(1, len(titles) + 1)] and len(titles) > 3
    huge = article("ckb", body="\n\n".join([body] * 20))
    assert len(feedparser.parse(WRITERS[kind](around(kind), holding(huge, huge))).entries) == 1


def test_the_locale_of_the_process_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    switched = []
    monkeypatch.setattr(locale, "setlocale", lambda *given: switched.append(given))
    threads = [threading.Thread(target=rss, args=(around("rss"), holding(article("en")))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert switched == []


def test_dates_are_those_of_the_item_and_not_of_the_rendering() -> None:
    feed = feedparser.parse(atom(around("atom"), holding(article("en"))))
    assert feed.feed.updated == "2026-11-20T09:30:15+00:00"
    assert feed.entries[0].published == "2026-11-20T08:30:15+00:00"
    assert feed.entries[0].updated == "2026-11-20T08:35:15+00:00"
    assert str(datetime.now(UTC).year + 1) not in feed.feed.updated and MOMENT.microsecond


def test_identities_depend_on_neither_slug_nor_host() -> None:
    one, other = around("atom", "ckb"), around("rss", "ckb")
    assert one.id == other.id != around("atom", "ar").id
    assert one.self_url == BASE + addresses.feed("atom", slug="river", tag="ckb")
    assert html.escape(one.title) == one.title and "کوردیی ناوەندی" in one.title


def corrected(tag: str, *, note: str = "ژمارەکان <ڕاست> کرانەوە.", language: str = "ckb", number: int = 1) -> Item:
    told = Notice(number, MOMENT - timedelta(minutes=30), Said(note, language), is_missing=tag == "kmr")
    return article(tag, corrections=[told], is_stale=tag == "kmr")


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_corrected_text_begins_with_its_notice_in_the_same_block(tag: str) -> None:
    block = lxml_html.fromstring(content(Entry(corrected(tag)), BASE))
    assert (block.get("lang"), block.get("dir")) == (tag, "rtl" if tag in ("ckb", "ar") else "ltr")
    assert [one.tag for one in block[:2]] == ["h2", "p" if tag == "ckb" else "div"]
    note = block[1]
    assert note.text_content() == "ژمارەکان <ڕاست> کرانەوە."
    assert (note.get("lang"), note.get("dir")) == ((None, None) if tag == "ckb" else ("ckb", "rtl"))
    missing = translator(tag)("The text in this language has not been corrected yet.")
    assert (missing in block.text_content()) == (tag == "kmr")
    plain = lxml_html.fromstring(content(Entry(article(tag)), BASE)).text_content()
    assert block.text_content().endswith(plain)


def test_a_text_whose_corrections_have_entries_of_their_own_is_left_as_it_is() -> None:
    assert content(Entry(corrected("ckb"), tells=False), BASE) == content(Entry(article("ckb")), BASE)
    # That it lags behind is no correction, and is said all the same.
    assert (
        "earlier version"
        in lxml_html.fromstring(content(Entry(article("en", is_stale=True), tells=False), BASE)).text_content()
    )


@pytest.mark.parametrize("kind", WRITERS)
def test_a_notice_is_an_entry_of_its_own_about_another(kind: str) -> None:
    items = [corrected("en", number=number) for number in (1, 2)]
    entries = [Entry(one, one.notices[0]) for one in items]
    found = feedparser.parse(WRITERS[kind](around(kind), holding(*entries, items[0]))).entries
    assert len({one.id for one in found}) == 3
    again = feedparser.parse(WRITERS[kind](around(kind), holding(entries[0]))).entries
    assert again[0].id == found[0].id
    assert found[0].title == f"Correction: {TITLES['en']}"
    assert found[0].link == BASE + items[0].path
    told = items[0].notices[0].at + timedelta(seconds=1)
    assert found[0].published_parsed[:6] == told.utctimetuple()[:6]
    assert [one.href for one in found[0].links if one.rel == "via"] == [items[0].translation.urn]
    assert "ڕاست" in found[0].content[0].value and "The bridge is open" not in found[0].content[0].value


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("tag", LANGUAGES)
def test_what_was_retracted_keeps_its_place_and_id_and_says_nothing_but_why(kind: str, tag: str) -> None:
    item = article(tag, reasons={"en": "It was not true."}, pictures=1, subtitle="7319")
    written = WRITERS[kind](around(kind), holding(article(tag, 2), item, article(tag, 3)))
    entry = feedparser.parse(written).entries[1]
    assert (entry.id, entry.link) == (item.translation.urn, BASE + item.path)
    assert TITLES[tag] in entry.title != TITLES[tag]
    assert entry.published_parsed[:6] == item.published.utctimetuple()[:6]
    block = lxml_html.fromstring(entry.content[0].value)
    assert block.text_content().endswith(entry.summary) and "It was not true." in entry.summary
    for secret in ("7319", "picture0", item.revision.text.split("\n")[0]):
        assert secret not in str(entry)
    if kind == "rss":
        valid = etree.fromstring(written).findall("channel/item")[1].findtext("{http://purl.org/dc/terms/}valid")
        assert valid == "start=2026-11-20T08:30:15Z; end=2026-11-20T09:00:15Z; scheme=W3C-DTF"
    else:
        assert entry.updated == "2026-11-20T09:00:15+00:00"


def test_tombstones_are_bare_and_stand_before_the_entries() -> None:
    gone = [Tombstone(article("en", number).translation.urn, MOMENT) for number in (7, 8)]
    tree = etree.fromstring(atom(around("atom"), holding(article("en"), tombstones=gone)))
    found = tree.findall("{http://purl.org/atompub/tombstones/1.0}deleted-entry")
    assert [(one.get("ref"), one.get("when"), len(one)) for one in found] == [
        (one.ref, "2026-11-20T09:30:15Z", 0) for one in gone
    ]
    assert tree.index(found[-1]) < tree.index(tree.find("a:entry", ATOM))
    assert b"deleted-entry" not in rss(around("rss"), holding(article("en"), tombstones=gone))
    assert b"tombstones" not in atom(around("atom"), holding(article("en")))


def test_an_rss_item_says_when_it_changed() -> None:
    modified = etree.fromstring(rss(around("rss"), holding(article("en")))).findtext(
        "channel/item/{http://purl.org/dc/terms/}modified"
    )
    assert modified == "2026-11-20T08:35:15Z"


def test_pictures_come_with_their_facts_and_what_is_said_of_them() -> None:
    item = article("en", pictures=2)
    tree = etree.fromstring(rss(around("rss"), holding(item)))
    (enclosure,) = tree.findall("channel/item/enclosure")
    assert enclosure.attrib == {"url": f"{BASE}/assets/picture0.png", "length": "400", "type": "image/png"}
    media = "{http://search.yahoo.com/mrss/}"
    contents = tree.findall(f"channel/item/{media}content")
    assert [one.get("url") for one in contents] == [f"{BASE}/assets/picture{number}.png" for number in (0, 1)]
    first = contents[0]
    facts = {"fileSize": "400", "type": "image/png", "medium": "image", "width": "120", "height": "80"}
    assert facts.items() <= dict(first.attrib).items()
    said = {one.tag.removeprefix(media): one.text for one in first}
    assert said == {"title": "Dawn", "description": 'The "old" bridge', "credit": "Archive"}
    entry = etree.fromstring(atom(around("atom"), holding(item))).find("a:entry", ATOM)
    links = [dict(one.attrib) for one in entry.findall("a:link[@rel='enclosure']", ATOM)]
    assert [(one["type"], one["length"], one["title"]) for one in links] == [
        ("image/png", "400", 'The "old" bridge')
    ] * 2
    assert len(entry.findall(f"{media}content")) == 2


def test_a_recording_is_what_an_rss_reader_gets_first() -> None:
    item = article("en", pictures=1)
    sound = Rendition(asset_id="heard", size=Size.WEB, extension="mp3", media_type="audio/mpeg", length=700)
    heard = replace(item.assets[0], asset=Asset(id="heard", kind=Kind.RECORDING), renditions={Size.WEB: sound})
    tree = etree.fromstring(rss(around("rss"), holding(replace(item, assets=[item.assets[0], heard]))))
    assert [one.get("medium") for one in tree.iter("{http://search.yahoo.com/mrss/}content")] == ["image", "audio"]
    (enclosure,) = tree.findall("channel/item/enclosure")
    assert dict(enclosure.attrib) == {"url": f"{BASE}{sound.path}", "length": "700", "type": "audio/mpeg"}


@pytest.mark.parametrize("kind", WRITERS)
def test_what_was_taken_back_shows_no_picture_and_no_contact(kind: str) -> None:
    item = article("en", pictures=1, reasons={"en": "Wrong."})
    written = WRITERS[kind](around(kind), holding(item)).decode()
    assert "picture0" not in written and "contributor" not in written


@pytest.mark.parametrize("kind", WRITERS)
def test_contacts_and_who_speaks_stand_apart_from_the_text(kind: str) -> None:
    item = article("en")
    (contact,) = item.revision.contacts
    parsed = feedparser.parse(WRITERS[kind](around(kind, "en"), holding(item)))
    (entry,) = parsed.entries
    about = item.newsroom.about["en"]
    assert contact.name not in entry.content[0].value and about not in entry.content[0].value
    assert contact.name in entry.contributors[0]["name"]
    assert parsed.feed.subtitle == about


def test_a_title_in_rss_is_text_for_readers_that_guess() -> None:
    written = rss(around("rss"), holding(article("en", title="Q & A: <b>1 < 2</b> &amp;")))
    assert b"<title>Q &#x26; A: &#x3C;b&gt;1 &#x3C; 2&#x3C;/b&gt; &#x26;amp;</title>" in written
    assert etree.fromstring(written).findtext("channel/item/title") == "Q & A: <b>1 < 2</b> &amp;"
