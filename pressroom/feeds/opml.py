"""OPML 2.0 of every feed of the site. Each feed once, as Atom: a reader that took two formats would show all twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lxml import etree
from sqlalchemy.orm import Session

from pressroom.feeds import channel as channels
from pressroom.feeds.channel import Channel
from pressroom.feeds.frame import Frame, frame
from pressroom.feeds.item import legal
from pressroom.releases import newsroom as newsrooms

_KIND = "atom"


@dataclass(frozen=True)
class Group:
    """The feeds of one newsroom, or of the whole site, its widest first."""

    name: str
    feeds: list[Frame]


def groups(tx: Session, now: datetime, base_url: str) -> list[Group]:
    """Beats stand here in the languages in which something public carries them."""

    def described(channel: Channel) -> Frame:
        return frame(channel, _KIND, base_url, now)

    everyone = newsrooms.everyone(tx)
    site = [described(channel) for channel in channels.of_site(everyone)]
    found = [Group(site[0].title, site)]
    for newsroom in everyone:
        own = [described(Channel(newsroom)), *(described(Channel(newsroom, tag)) for tag in newsroom.languages)]
        for tag, beats in channels.beats_of(tx, newsroom, now).items():
            own += [described(Channel(newsroom, tag, beat)) for beat in beats]
        found.append(Group(own[0].title, own))
    return found


def opml(found: list[Group]) -> bytes:
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = legal(found[0].name)
    body = etree.SubElement(root, "body")
    for group in found:
        parent = etree.SubElement(body, "outline", text=legal(group.name))
        for one in group.feeds:
            etree.SubElement(parent, "outline", dict(_attributes(one)))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _attributes(one: Frame) -> Iterator[tuple[str, str]]:
    # The specification knows no other type, whatever the format.
    yield "type", "rss"
    yield "text", one.title
    yield "title", one.title
    yield "xmlUrl", one.self_url
    yield "htmlUrl", one.home_url
    if one.language:
        yield "language", one.language
