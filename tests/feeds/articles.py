"""Items for feeds, made by hand with fixed identities and times, without a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pressroom.feeds.channel import Channel
from pressroom.feeds.contents import Contents
from pressroom.feeds.entry import Entry, Tombstone
from pressroom.feeds.frame import Frame, frame
from pressroom.feeds.item import Item, Sibling
from pressroom.feeds.notice import Notice
from pressroom.feeds.shown import Shown
from pressroom.feeds.version import Version
from pressroom.releases.asset import Asset, Kind, Rendition, RevisionAsset, Size
from pressroom.releases.beat import Beat
from pressroom.releases.change import Kind as ChangeKind
from pressroom.releases.identity import slugify
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility
from tests.makers import ABOUT, BODIES, LANGUAGES, NAMES, TITLES, make_revision_row

BASE = "https://press.example.org"
MOMENT = datetime(2026, 11, 20, 9, 30, 15, 123456, tzinfo=UTC)

NEWSROOM = Newsroom(
    id=4711,
    slug="river",
    names=NAMES,
    about=ABOUT,
    languages=list(LANGUAGES),
    from_address="press@example.org",
    time_zone="Asia/Baghdad",
    licence="CC BY 4.0",
    changed_at=MOMENT,
    created_at=MOMENT,
)
WATER = Beat(
    id=12,
    newsroom_id=4711,
    slug="water",
    names={"en": "Water", "ckb": "ئاو", "kmr": "Av", "ar": "المياه"},
    topic="medtop:06000000",
)


def article(
    tag: str,
    number: int = 1,
    *,
    title: str | None = None,
    body: str | None = None,
    subtitle: str = "",
    siblings: Sequence[str] = (),
    pictures: int = 0,
    corrections: Sequence[Notice] = (),
    is_stale: bool = False,
    reasons: Mapping[str, str] | None = None,
) -> Item:
    """The same arguments give the same item, whenever."""
    at = MOMENT - timedelta(hours=number)
    translation = Translation(
        id=_identity(tag, number),
        release_id=f"release{number}",
        newsroom_id=4711,
        language=tag,
        slug=slugify(TITLES[tag]),
        public_from=at,
        updated_at=at + timedelta(minutes=5),
    )
    revision = make_revision_row(translation, TITLES[tag], BODIES[tag] if body is None else body, at=at)
    revision.title = TITLES[tag] if title is None else title
    revision.subtitle = subtitle
    return Item(
        newsroom=NEWSROOM,
        release=Release(
            id=f"release{number}",
            newsroom_id=4711,
            source_language="en",
            public_from=at,
            retracted_at=at + timedelta(minutes=30) if reasons else None,
            retraction_reasons=dict(reasons or {}),
        ),
        translation=translation,
        revision=revision,
        beats=[WATER],
        assets=[_picture(position) for position in range(pictures)],
        siblings=[
            Sibling(other, slugify(TITLES[other]), TITLES[other], f"urn:uuid:{_identity(other, number)}")
            for other in siblings
        ],
        is_stale=is_stale,
        corrections=corrections,
    )


def _identity(tag: str, number: int) -> str:
    return f"0b5d57aa-0000-4000-8000-{LANGUAGES.index(tag):04d}{number:08d}"


def version(
    item: Item, number: int = 1, kind: ChangeKind = ChangeKind.PUBLICATION, *, removed: bool = False
) -> Version:
    """What readers have of it by now."""
    seen = Visibility.REMOVED if removed else Visibility.RETRACTED if item.retraction else Visibility.PUBLIC
    return Version(
        newsroom=item.newsroom,
        release=item.release,
        translation=item.translation,
        seen=seen,
        item=None if removed else item,
        number=number,
        kind=kind,
        at=item.updated,
    )


def holding(*items: Item | Entry, tombstones: Sequence[Tombstone] = ()) -> Contents:
    """A feed with these, each in its place."""
    return Contents([one if isinstance(one, Entry) else Entry(one) for one in items], tombstones)


def around(kind: str, tag: str | None = None, beat: Beat | None = None) -> Frame:
    return frame(Channel(NEWSROOM, tag, beat), kind, BASE, MOMENT, hub_url=f"{BASE}/hub")


def _picture(position: int) -> Shown:
    asset = Asset(id=f"picture{position}", kind=Kind.PICTURE)
    web = Rendition(
        asset_id=asset.id, size=Size.WEB, extension="png", media_type="image/png", width=120, height=80, length=400
    )
    said = RevisionAsset(
        position=position, name=f"{position}.png", alt='The "old" bridge', caption="Dawn", credit="Archive", licence=""
    )
    return Shown(said, asset, {Size.WEB: web})
