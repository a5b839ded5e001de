"""NewsML-G2 2.35 (iptc.org/standards/newsml-g2), conformance “power”: one translation as a news item, and a newsroom's
changes as a message of such items.

Codes are those of the catalogue that each item refers to. The order of elements is the schema's. A picture is another
news object: the text shows it, and the item links it.
"""

from __future__ import annotations

from collections.abc import Iterator

import lxml.html
from lxml import etree

from pressroom import addresses, languages
from pressroom.feeds.changes import Page
from pressroom.feeds.editors_note import editors_note
from pressroom.feeds.item import Item, body_html, legal
from pressroom.feeds.ninjs import instant
from pressroom.feeds.version import Version
from pressroom.releases.change import Kind
from pressroom.releases.newsroom import in_language

ITEM_TYPE = "application/vnd.iptc.g2.newsitem+xml"
MESSAGE_TYPE = "application/vnd.iptc.g2.newsmessage+xml"

_NAR = "http://iptc.org/std/nar/2006-10-01/"
_XHTML = "http://www.w3.org/1999/xhtml"
_ATOM = "http://www.w3.org/2005/Atom"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_CATALOGUE = "http://www.iptc.org/std/catalog/catalog.IPTC-G2-Standards_41.xml"
_SIGNALS = {Kind.CORRECTION: "sig:correction", Kind.UPDATE: "sig:update", Kind.REMOVAL: "sig:update"}


def newsml(version: Version, base_url: str) -> bytes:
    return _written(_news_item(version, base_url))


def message(page: Page, base_url: str) -> tuple[bytes, Page]:
    """The document, and the page with the changes that fitted into it. Each translation stands there once, at the place
    of its last change: it is the same item at each of them. A message without items would not be valid.
    """
    return page.fitted(lambda told: _message(told, base_url))


def _message(page: Page, base_url: str) -> bytes:
    root = etree.Element(f"{{{_NAR}}}newsMessage", nsmap={None: _NAR})
    header = _add(root, "header")
    _add(header, "sent", instant(page.changes[-1].at))
    _add(header, "sender", base_url + addresses.newsroom(page.newsroom.slug))
    _add(header, "transmitId", str(page.cursor))
    next_url = base_url + addresses.changes_feed(page.newsroom.slug, "newsml.xml", after=str(page.cursor))
    etree.SubElement(header, f"{{{_ATOM}}}link", {"rel": "next", "href": next_url}, nsmap={"atom": _ATOM})
    items = _add(root, "itemSet")
    last = {one.version.translation.id: one for one in page.changes}
    for one in page.changes:
        if last[one.version.translation.id] is one:
            items.append(_news_item(one.version, base_url))
    return _written(root)


def _news_item(version: Version, base_url: str) -> etree._Element:
    item = version.item
    root = etree.Element(f"{{{_NAR}}}newsItem", _identity(version), nsmap={None: _NAR})
    _add(root, "catalogRef", href=_CATALOGUE)
    if item is None:
        _management(root, version, base_url)
        return root
    rights = _add(root, "rightsInfo")
    _party(rights, "copyrightHolder", item, base_url)
    if item.newsroom.licence:
        _add(rights, "usageTerms", item.newsroom.licence)
    _links(_management(root, version, base_url), version, base_url)
    _content_meta(root, version, base_url)
    if version.text is not None:
        _content(root, version.text, base_url)
    return root


def _identity(version: Version) -> dict[str, str]:
    said = {
        "guid": version.translation.urn,
        "version": str(version.number),
        "standard": "NewsML-G2",
        "standardversion": "2.35",
        "conformance": "power",
    }
    if version.item is None:
        return said
    tag = version.item.language
    return {**said, _LANG: tag, "dir": languages.direction(tag).value}


def _management(root: etree._Element, version: Version, base_url: str) -> etree._Element:
    meta, item = _add(root, "itemMeta"), version.item
    _add(meta, "itemClass", qcode="ninat:text")
    provider = _add(meta, "provider", uri=base_url + addresses.newsroom(version.newsroom.slug))
    _add(provider, "name", version.newsroom.name(version.translation.language))
    _add(meta, "versionCreated", instant(version.at))
    if item is not None:
        _add(meta, "firstCreated", instant(item.published))
        if item.release.embargo_until:
            _add(meta, "embargoed", instant(item.release.embargo_until))
    _add(meta, "pubStatus", qcode="stat:usable" if version.text else "stat:canceled")
    if note := editors_note(version):
        _add(meta, "edNote", note)
    if item is not None:
        _add(meta, "memberOf", uri=base_url + addresses.short(item.newsroom.slug, item.release.id))
    if version.text and (signal := _SIGNALS.get(version.kind)):
        _add(meta, "signal", qcode=signal)
    return meta


def _links(meta: etree._Element, version: Version, base_url: str) -> None:
    item = version.text
    if item is None:
        return
    page = {"rel": "irel:seeAlso", "contenttype": "text/html"}
    _add(meta, "link", **page, href=base_url + item.path)
    for sibling in item.siblings:
        path = base_url + sibling.path(item.newsroom.slug)
        link = _add(meta, "link", **page, residref=sibling.urn, href=path)
        _add(link, "language", tag=sibling.language)
    for shown in item.assets:
        for _, one in sorted(shown.renditions.items(), reverse=True):
            about = {"href": base_url + one.path, "contenttype": one.media_type, "size": str(shown.length(one))}
            link = _add(meta, "link", rel="irel:seeAlso", **about, title=shown.said.caption or shown.said.name)
            texts = {"altText": shown.said.alt, "creditline": shown.said.credit, "usageTerms": shown.said.licence}
            for name, words in texts.items():
                if words:
                    _add(link, name, words)


def _content_meta(root: etree._Element, version: Version, base_url: str) -> None:
    item = version.item
    assert item is not None
    meta, tag, revision = _add(root, "contentMeta"), item.language, item.revision
    shown = version.text is not None
    if shown and item.release.urgency:
        _add(meta, "urgency", str(item.release.urgency))
    if shown and revision.dated:
        _add(meta, "contentCreated", revision.dated.isoformat())
    if shown and revision.dateline:
        _add(_add(meta, "located"), "name", revision.dateline)
    _party(meta, "creator", item, base_url)
    _add(meta, "language", tag=tag)
    if shown:
        for about in _subjects(item):
            name = about.pop("name")
            _add(_add(meta, "subject", **about), "name", name)
    _add(meta, "headline", item.title)
    if not shown:
        return
    if revision.dateline:
        _add(meta, "dateline", revision.dateline)
    _add(meta, "by", item.newsroom.name(tag))
    _add(meta, "description", item.summary, role="drol:summary")


def _subjects(item: Item) -> Iterator[dict[str, str]]:
    for beat in item.beats:
        name = in_language(beat.names, item.language, item.newsroom.languages) or beat.slug
        yield {"name": name, **({"qcode": beat.topic} if beat.topic else {"literal": legal(beat.slug)})}


def _content(root: etree._Element, item: Item, base_url: str) -> None:
    """The text twice, as XHTML and without markup: an editorial system takes the one that it can read."""
    tag = item.language
    spoken = {_LANG: tag, "dir": languages.direction(tag).value}
    text = legal(item.revision.text)
    counted = {"charcount": str(len(text)), "wordcount": str(len(text.split()))}
    content = _add(root, "contentSet")
    xml = _add(content, "inlineXML", contenttype="application/xhtml+xml", **counted, **spoken)
    html = etree.SubElement(xml, f"{{{_XHTML}}}html", {_LANG: tag, "lang": tag, "dir": spoken["dir"]}, {None: _XHTML})
    etree.SubElement(etree.SubElement(html, f"{{{_XHTML}}}head"), f"{{{_XHTML}}}title").text = item.title
    html.append(_body(body_html(item, base_url)))
    _add(content, "inlineData", text, contenttype="text/plain", **counted, **spoken)


def _body(html: str) -> etree._Element:
    """Parsed as HTML: whatever a renderer leaves open or writes as an entity is well-formed here."""
    body = lxml.html.fragment_fromstring(html, create_parent="body")
    lxml.html.html_to_xhtml(body)
    for element in body.iter():
        if (tag := element.get("lang")) is not None:
            element.set(_LANG, tag)
    return body


def _party(parent: etree._Element, name: str, item: Item, base_url: str) -> None:
    party = _add(parent, name, uri=base_url + addresses.newsroom(item.newsroom.slug))
    _add(party, "name", item.newsroom.name(item.language))


def _add(parent: etree._Element, name: str, words: str = "", /, **said: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{_NAR}}}{name}")
    for key, value in said.items():
        element.set(key, legal(value))
    element.text = legal(words) or None
    return element


def _written(root: etree._Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
