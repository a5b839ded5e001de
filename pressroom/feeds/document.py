"""RSS 2.0 and Atom (RFC 4287), full text, through feedgen; equal content gives equal bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from pressroom.feeds import feedgen_extension
from pressroom.feeds.contents import Contents
from pressroom.feeds.entry import Entry, Standing, Tombstone, content
from pressroom.feeds.feedgen_extension import ChannelExtension, EntryExtension, Link, Medium, Period
from pressroom.feeds.frame import Frame
from pressroom.feeds.item import directed, legal
from pressroom.feeds.shown import Shown
from pressroom.releases.asset import Kind
from pressroom.releases.beat import MEDIA_TOPICS
from pressroom.releases.media_contact import MediaContact
from pressroom.releases.newsroom import in_language

_TITLE = re.compile(rb'<title>[^<]*</title>|title="[^"]*"')
_MEDIA_TYPES = {"atom": "application/atom+xml", "rss": "application/rss+xml"}


def atom(frame: Frame, contents: Contents) -> bytes:
    return frame.fitting(
        contents.entries, lambda kept: bytes(_feed(frame, kept, "atom", contents.tombstones).atom_str(pretty=True))
    )


def rss(frame: Frame, contents: Contents) -> bytes:
    return frame.fitting(contents.entries, lambda kept: _plain_titles(_feed(frame, kept, "rss").rss_str(pretty=True)))


def _plain_titles(written: bytes) -> bytes:
    """RSS does not say whether a title is text or HTML: readers that guess take these references for text
    (RSS Advisory Board, Best Practices Profile).
    """
    return _TITLE.sub(lambda found: found[0].replace(b"&amp;", b"&#x26;").replace(b"&lt;", b"&#x3C;"), written)


def _feed(frame: Frame, entries: Sequence[Entry], kind: str, tombstones: Sequence[Tombstone] = ()) -> FeedGenerator:
    feedgen_extension.install()
    feed = FeedGenerator()
    feed.register_extension("pressroom", ChannelExtension, EntryExtension)
    feed.generator("Pressroom")
    feed.id(frame.id)
    feed.title(frame.title)
    # feedgen makes the last link the channel's own in RSS.
    feed.link(href=frame.self_url, rel="self", type=_MEDIA_TYPES[kind])
    feed.link(href=frame.home_url, rel="alternate", type="text/html")
    feed.description(frame.subtitle)
    if kind == "atom":
        feed.author({"name": frame.author})
    feed.updated(frame.updated.replace(microsecond=0))
    if frame.language:
        feed.language(frame.language)
    feed.pressroom.links = [Link(rel, href) for rel, href in frame.leads_to.items()]
    feed.pressroom.is_archive = frame.is_archive
    feed.pressroom.tombstones = [(one.ref, one.when) for one in tombstones]
    for entry in entries:
        _fill(feed.add_entry(order="append"), entry, frame, kind)
    return feed


def _fill(made: FeedEntry, entry: Entry, frame: Frame, kind: str) -> None:
    item = entry.item
    tag, newsroom = item.language, item.newsroom
    author = legal(newsroom.name(tag))
    made.id(entry.id)
    made.title(entry.title)
    made.published(entry.published.replace(microsecond=0))
    made.updated(entry.updated.replace(microsecond=0))
    made.content(content(entry, frame.base_url), type="html")
    if entry.summary:
        made.summary(entry.summary)
    if kind == "atom":
        made.author({"name": author})
    if newsroom.licence:
        made.rights(legal(newsroom.licence))
    for beat in item.beats:
        name = legal(in_language(beat.names, tag, newsroom.languages))
        made.category(term=beat.slug, label=name)
        if beat.topic_code:
            # In RSS feedgen writes the label, if there is one, where the code has to stand.
            label = {"label": name} if kind == "atom" else {}
            made.category(term=beat.topic_code, scheme=MEDIA_TOPICS, **label)
    made.link(href=frame.base_url + item.path, rel="alternate")
    extension = made.pressroom
    extension.language, extension.author = tag, author
    extension.rights = legal(newsroom.licence or "")
    extension.links = _links(entry, frame.base_url)
    if entry.is_text:
        extension.media = [_medium(one, frame.base_url) for one in item.assets]
        extension.contacts = [_legal(one) for one in item.revision.contacts]
    extension.modified = entry.updated if entry.updated > entry.published else None
    if entry.standing is Standing.RETRACTED:
        extension.valid = Period(entry.published, entry.updated)


def _links(entry: Entry, base_url: str) -> list[Link]:
    item = entry.item
    links = [Link("alternate", base_url + item.path, item.language)]
    if entry.about:
        links.append(Link("via", entry.about))
    links += [
        Link("related", base_url + one.path(item.newsroom.slug), one.language, directed(one.title, one.language))
        for one in item.siblings
    ]
    return links


_MEDIA_NAMES = {Kind.PICTURE: "image", Kind.RECORDING: "audio", Kind.DOCUMENT: "document"}


def _medium(shown: Shown, base_url: str) -> Medium:
    said, web = shown.said, shown.web
    return Medium(
        href=base_url + web.path,
        media_type=web.media_type,
        length=shown.length(web),
        name=_MEDIA_NAMES[shown.asset.kind],
        width=web.width,
        height=web.height,
        alt=legal(said.alt),
        caption=legal(said.caption),
        credit=legal(said.credit),
        licence=legal(said.licence),
    )


def _legal(contact: MediaContact) -> MediaContact:
    return MediaContact(**{name: legal(text) for name, text in contact.parts.items()})
