"""RSS 2.0 and Atom (RFC 4287), full text, through feedgen; equal content gives equal bytes."""

from __future__ import annotations

from collections.abc import Sequence

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from pressroom import markup
from pressroom.feeds import feedgen_extension
from pressroom.feeds.feedgen_extension import ChannelExtension, EntryExtension, Link
from pressroom.feeds.frame import Frame, fitting
from pressroom.feeds.item import Item, body_html, directed, directed_html, legal
from pressroom.releases.newsroom import in_language

_MEDIA_TYPES = {"atom": "application/atom+xml", "rss": "application/rss+xml"}


def atom(frame: Frame, items: Sequence[Item]) -> bytes:
    return fitting(items, lambda kept: bytes(_feed(frame, kept, "atom").atom_str(pretty=True)))


def rss(frame: Frame, items: Sequence[Item]) -> bytes:
    return fitting(items, lambda kept: bytes(_feed(frame, kept, "rss").rss_str(pretty=True)))


def _feed(frame: Frame, items: Sequence[Item], kind: str) -> FeedGenerator:
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
    for item in items:
        _fill(feed.add_entry(order="append"), item, frame, kind)
    return feed


def _fill(entry: FeedEntry, item: Item, frame: Frame, kind: str) -> None:
    tag, newsroom = item.language, item.newsroom
    author = legal(newsroom.name(tag))
    entry.id(item.translation.urn)
    entry.title(directed(item.title, tag))
    entry.published(item.published.replace(microsecond=0))
    entry.updated(item.updated.replace(microsecond=0))
    entry.content(block(item, frame.base_url), type="html")
    if item.summary:
        entry.summary(directed(item.summary, tag))
    if kind == "atom":
        entry.author({"name": author})
    if newsroom.licence:
        entry.rights(legal(newsroom.licence))
    for beat in item.beats:
        entry.category(term=beat.slug, label=legal(in_language(beat.names, tag, newsroom.languages)))
    entry.link(href=frame.base_url + item.path, rel="alternate")
    extension = entry.pressroom
    extension.language, extension.author = tag, author
    extension.links = [Link("alternate", frame.base_url + item.path, tag), *_related(item, frame.base_url)]


def block(item: Item, base_url: str) -> str:
    """The full text in an element that says its language and direction."""
    tag = item.language
    return markup.in_block(directed_html(body_html(item, base_url), tag), tag)


def _related(item: Item, base_url: str) -> list[Link]:
    slug = item.newsroom.slug
    return [
        Link("related", base_url + one.path(slug), one.language, directed(one.title, one.language))
        for one in item.siblings
    ]
