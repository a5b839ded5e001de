"""What feedgen 1.0 lacks: attributes of entry links (its issue 135), a language per entry, tombstones, a hub, archives,
media with their descriptions, contacts, what an RSS item was changed or valid until, and dates that leave the locale.

feedgen makes Atom elements without a namespace and declares it on the root, so that elements added here have none too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import feedgen.entry
import feedgen.feed
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

from pressroom.releases.media_contact import MediaContact

_DC = "http://purl.org/dc/elements/1.1/"
_DCTERMS = "http://purl.org/dc/terms/"
_TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
_ATOM = "http://www.w3.org/2005/Atom"
_MEDIA = "http://search.yahoo.com/mrss/"
_HISTORY = "http://purl.org/syndication/history/1.0"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True)
class Link:
    """A link of one entry. `rel` alternate may occur once: readers disagree about which of several they open."""

    rel: str
    href: str
    hreflang: str = ""
    title: str = ""
    media_type: str = "text/html"
    length: int | None = None

    def attributes(self) -> dict[str, str]:
        """Without a language or length it is no document, but an identity or an address of the feed's own."""
        known = {"type": self.media_type} if self.hreflang or self.length is not None else {}
        if self.hreflang:
            known["hreflang"] = self.hreflang
        if self.length is not None:
            known["length"] = str(self.length)
        return {"rel": self.rel, **known, "href": self.href, **({"title": self.title} if self.title else {})}


@dataclass(frozen=True)
class Medium:
    """A file that comes with an entry, as Media RSS 1.5.1 describes it. `length` is in bytes, `name` its medium."""

    href: str
    media_type: str
    length: int
    name: str
    width: int | None = None
    height: int | None = None
    alt: str = ""
    caption: str = ""
    credit: str = ""
    licence: str = ""

    def add_to(self, entry: Any) -> None:
        facts = {"url": self.href, "fileSize": str(self.length), "type": self.media_type, "medium": self.name}
        size = {"width": str(self.width), "height": str(self.height)} if self.width and self.height else {}
        content = etree.SubElement(entry, f"{{{_MEDIA}}}content", {**facts, **size})
        for tag, text, attributes in (
            ("title", self.caption, {"type": "plain"}),
            ("description", self.alt, {"type": "plain"}),
            ("credit", self.credit, {}),
            ("copyright", self.licence, {}),
        ):
            if text:
                etree.SubElement(content, f"{{{_MEDIA}}}{tag}", attributes).text = text


@dataclass(frozen=True)
class Period:
    """When something was valid, as a DCMI Period; an `end` in the past tells aggregators to take it down."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"start={_instant(self.start)}; end={_instant(self.end)}; scheme=W3C-DTF"


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc822(moment: datetime) -> str:
    """The date of an RSS item; feedgen's own switches the whole process's locale to write it."""
    return format_datetime(moment)


def install() -> None:
    """Puts our date function in feedgen's place; harmless to repeat."""
    feedgen.entry.formatRFC2822 = rfc822
    feedgen.feed.formatRFC2822 = rfc822


@dataclass
class ChannelExtension(BaseExtension):  # type: ignore[misc]
    """`tombstones`: identities of entries that are gone, each with the time since which it is (RFC 6721). `links` have
    relations that feedgen refuses; `is_archive` is told as RFC 5005 §4 has it.
    """

    tombstones: list[tuple[str, datetime]] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    is_archive: bool = False

    def extend_ns(self) -> dict[str, str]:
        namespaces = {"dc": _DC, "dcterms": _DCTERMS, "media": _MEDIA}
        if self.is_archive:
            namespaces["fh"] = _HISTORY
        return {**namespaces, "at": _TOMBSTONES} if self.tombstones else namespaces

    def extend_rss(self, rss: Any) -> Any:
        (channel,) = rss.findall("channel")
        self._extend(channel, f"{{{_ATOM}}}link")
        return rss

    def _extend(self, feed: Any, link_tag: str) -> None:
        if self.is_archive:
            etree.SubElement(feed, f"{{{_HISTORY}}}archive")
        for link in self.links:
            etree.SubElement(feed, link_tag, link.attributes())

    def extend_atom(self, feed: Any) -> Any:
        self._extend(feed, "link")
        for ref, when in self.tombstones:
            # Nothing in it: some readers take its children for the feed's own.
            etree.SubElement(feed, f"{{{_TOMBSTONES}}}deleted-entry", {"ref": ref, "when": _instant(when)})
        return feed


@dataclass
class EntryExtension(BaseEntryExtension):  # type: ignore[misc]
    """Filled in by whoever makes the entry, before it is written."""

    language: str = ""
    author: str = ""
    rights: str = ""
    links: list[Link] = field(default_factory=list)
    media: list[Medium] = field(default_factory=list)
    contacts: list[MediaContact] = field(default_factory=list)
    modified: datetime | None = None
    valid: Period | None = None

    def extend_ns(self) -> dict[str, str]:
        return {"dc": _DC, "dcterms": _DCTERMS}

    def extend_atom(self, entry: Any) -> Any:
        entry.attrib[_XML_LANG] = self.language
        for broken in entry.findall("link"):
            entry.remove(broken)
        enclosures = [Link("enclosure", one.href, "", one.alt, one.media_type, one.length) for one in self.media]
        for link in (*self.links, *enclosures):
            etree.SubElement(entry, "link", link.attributes())
        for contact in self.contacts:
            person = etree.SubElement(entry, "contributor")
            etree.SubElement(person, "name").text = contact.label
            if contact.phone:
                etree.SubElement(person, "uri").text = "tel:" + re.sub(r"[^0-9+]", "", contact.phone)
            if contact.email:
                etree.SubElement(person, "email").text = contact.email
        self._add_media(entry)
        return entry

    def _add_media(self, entry: Any) -> None:
        for one in self.media:
            one.add_to(entry)

    def extend_rss(self, item: Any) -> Any:
        etree.SubElement(item, f"{{{_DC}}}creator").text = self.author
        etree.SubElement(item, f"{{{_DC}}}language").text = self.language
        for contact in self.contacts:
            told = (contact.name, contact.role, contact.email, contact.phone)
            etree.SubElement(item, f"{{{_DC}}}contributor").text = ", ".join(one for one in told if one)
        if self.rights:
            etree.SubElement(item, f"{{{_DC}}}rights").text = self.rights
        if self.media:
            # Only one, for many readers take no more: what is heard before what is seen.
            one = next((medium for medium in self.media if medium.name == "audio"), self.media[0])
            facts = {"url": one.href, "length": str(one.length), "type": one.media_type}
            etree.SubElement(item, "enclosure", facts)
        self._add_media(item)
        if self.modified:
            etree.SubElement(item, f"{{{_DCTERMS}}}modified").text = _instant(self.modified)
        if self.valid:
            etree.SubElement(item, f"{{{_DCTERMS}}}valid").text = str(self.valid)
        for link in self.links:
            if link.rel != "alternate":
                etree.SubElement(item, f"{{{_ATOM}}}link", link.attributes())
        return item
