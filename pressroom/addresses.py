"""Every public address, as a path that starts with a slash; put the site's base URL before it.

Letters beyond ASCII are percent-encoded (RFC 3987 §3.1), so that a path is a URI as it stands.
"""

from __future__ import annotations

from urllib.parse import quote

# For readers of feeds; a newsroom’s importer takes NINJS_FEED, which such a reader would take for another JSON.
FEED_FORMATS = ("atom", "rss", "json")
NINJS_FEED = "ninjs.json"

SITEMAP = "/sitemap.xml"
NEWS_SITEMAP = "/news-sitemap.xml"
OPML = "/feeds.opml"
ROBOTS = "/robots.txt"
HUB = "/hub"
PRIVACY = "/privacy"


def site() -> str:
    return "/"


def newsroom(slug: str) -> str:
    return f"/{quote(slug, safe='')}/"


def language(slug: str, tag: str) -> str:
    return f"{newsroom(slug)}{quote(tag, safe='')}/"


def release(slug: str, tag: str, release_slug: str) -> str:
    """The page of one translation."""
    return f"{language(slug, tag)}{quote(release_slug, safe='')}"


def release_file(slug: str, tag: str, release_slug: str, kind: str) -> str:
    """One translation for machines, in the format that `kind` names."""
    return f"{release(slug, tag, release_slug)}.{kind}"


def changes(slug: str, tag: str, release_slug: str) -> str:
    """What was corrected in one translation."""
    return f"{release(slug, tag, release_slug)}/changes"


def short(slug: str, release_id: str) -> str:
    """The permanent address of a release in no language."""
    return f"{newsroom(slug)}r/{quote(release_id, safe='')}"


def beat(slug: str, tag: str, beat_slug: str) -> str:
    return f"{language(slug, tag)}beats/{quote(beat_slug, safe='')}/"


def archive(slug: str, tag: str, number: int, beat_slug: str | None = None) -> str:
    """Page `number` of the older releases, counted from 1; page 1 is the list itself."""
    start = beat(slug, tag, beat_slug) if beat_slug else language(slug, tag)
    return start if number < 2 else f"{start}archive/{number}"


def search(slug: str, tag: str) -> str:
    """Where `?q=` finds releases in one language."""
    return f"{language(slug, tag)}search"


def feed(
    kind: str,
    *,
    slug: str | None = None,
    tag: str | None = None,
    beat_slug: str | None = None,
    archive_number: int | None = None,
) -> str:
    """A feed of a newsroom, or of the whole site where `slug` is None; of one language; of one beat; or an archive."""
    start = newsroom(slug or "all") if tag is None else language(slug or "all", tag)
    if slug and tag and beat_slug:
        start = beat(slug, tag, beat_slug)
    return f"{start}feed.{kind}" if archive_number is None else f"{start}feed-{archive_number}.{kind}"


def subscribe(slug: str) -> str:
    return f"/subscribe/{quote(slug, safe='')}"


def sitemap_part(number: int) -> str:
    """Part `number`, from 1, of a sitemap too large for one document."""
    return f"/sitemap-{number}.xml"


def hub_links(hub: str, self_url: str) -> str:
    """The value of a Link header by which a feed is subscribed to (WebSub §4); both are whole addresses."""
    return f'<{hub}>; rel="hub", <{self_url}>; rel="self"'


def changes_feed(slug: str, kind: str, after: str = "") -> str:
    """All public changes of a newsroom in the format that `kind` names; `after` is a cursor."""
    return f"{newsroom(slug)}changes.{kind}" + (f"?after={quote(after, safe='')}" if after else "")
