"""What feedgen 1.0 lacks: attributes of entry links (its issue 135), a language per entry, dates that leave the locale.

feedgen makes Atom elements without a namespace and declares it on the root, so that elements added here have none too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import feedgen.entry
import feedgen.feed
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree  # type: ignore[import-untyped]

_DC = "http://purl.org/dc/elements/1.1/"
_ATOM = "http://www.w3.org/2005/Atom"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True)
class Link:
    """A link of one entry. `rel` alternate may occur once: readers disagree about which of several they open."""

    rel: str
    href: str
    hreflang: str
    title: str = ""
    media_type: str = "text/html"

    def attributes(self) -> dict[str, str]:
        given = {"rel": self.rel, "type": self.media_type, "hreflang": self.hreflang, "href": self.href}
        return {**given, "title": self.title} if self.title else given


def rfc822(moment: datetime) -> str:
    """The date of an RSS item; feedgen's own switches the whole process's locale to write it."""
    return format_datetime(moment)


def install() -> None:
    """Puts our date function in feedgen's place; harmless to repeat."""
    feedgen.entry.formatRFC2822 = rfc822
    feedgen.feed.formatRFC2822 = rfc822


class ChannelExtension(BaseExtension):  # type: ignore[misc]
    def extend_ns(self) -> dict[str, str]:
        return {"dc": _DC}


@dataclass
class EntryExtension(BaseEntryExtension):  # type: ignore[misc]
    """Filled in by whoever makes the entry, before it is written."""

    language: str = ""
    author: str = ""
    links: list[Link] = field(default_factory=list)

    def extend_ns(self) -> dict[str, str]:
        return {"dc": _DC}

    def extend_atom(self, entry: Any) -> Any:
        entry.attrib[_XML_LANG] = self.language
        for broken in entry.findall("link"):
            entry.remove(broken)
        for link in self.links:
            etree.SubElement(entry, "link", link.attributes())
        return entry

    def extend_rss(self, item: Any) -> Any:
        etree.SubElement(item, f"{{{_DC}}}creator").text = self.author
        etree.SubElement(item, f"{{{_DC}}}language").text = self.language
        for link in self.links:
            if link.rel != "alternate":
                etree.SubElement(item, f"{{{_ATOM}}}link", link.attributes())
        return item
