"""Makers of newsrooms and releases for tests, as rows in a real database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom import markup
from pressroom.db import Database, new_id, new_public_id
from pressroom.people.account import Account, Membership, Role
from pressroom.releases import change
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.asset import Asset, Kind, Rendition, RevisionAsset, Size
from pressroom.releases.beat import ReleaseBeat, ensure
from pressroom.releases.correcting import Corrected, correct
from pressroom.releases.identity import slugify
from pressroom.releases.media_contact import MediaContact
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from pressroom.releases.reading import read_statements
from pressroom.releases.release import Release, Status
from pressroom.releases.revision import BodyForm, Revision, content_hash
from pressroom.releases.statement import Statement
from pressroom.releases.translation import Translation

LANGUAGES = ("en", "ckb", "kmr", "ar")

NAMES = {
    "en": "River Valley Newsroom",
    "ckb": "ژووری هەواڵی دۆڵی ڕووبار",
    "kmr": "Navenda Nûçeyan a Geliyê Çem",
    "ar": "غرفة أخبار وادي النهر",
}

ABOUT = {
    "en": "The River Valley Newsroom speaks for the towns along the river.",
    "ckb": "ژووری هەواڵی دۆڵی ڕووبار بە ناوی شارۆچکەکانی کەناری ڕووبارەوە دەدوێت.",
    "kmr": "Navenda Nûçeyan a Geliyê Çem bi navê bajarokên li ser çem diaxive.",
    "ar": "تتحدث غرفة أخبار وادي النهر باسم البلدات الواقعة على ضفاف النهر.",
}

TITLES = {
    "en": "New bridge opens to walkers",
    "ckb": "پردە نوێیەکە بۆ پیادەڕۆیان دەکرێتەوە",
    "kmr": "Pira nû ji bo peyayan vebû",
    "ar": "افتتاح الجسر الجديد أمام المشاة",
}

BODIES = {
    "en": "The bridge is open.\n\n## What comes next\n\nBuses follow *in spring*.\n\n- First line\n- Second line",
    "ckb": "پردەکە کراوەیە.\n\n## دواتر چی\n\nپاسەکان *لە بەهاردا* دێن.\n\n- هێڵی یەکەم\n- هێڵی دووەم",
    "kmr": "Pir vekirî ye.\n\n## Paşê çi tê\n\nOtobus *di biharê de* tên.\n\n- Xeta yekem\n- Xeta duyem",
    "ar": "الجسر مفتوح.\n\n## ماذا بعد\n\nتأتي الحافلات *في الربيع*.\n\n- الخط الأول\n- الخط الثاني",
}

DATELINES = {"en": "Silêmanî", "ckb": "سلێمانی", "kmr": "Silêmanî", "ar": "السليمانية"}


CONTACT = MediaContact("Şîlan Ehmed", "press@example.org", "+964 770 000 0000")


@dataclass(frozen=True)
class Made:
    """A release with its rows by language."""

    newsroom: Newsroom
    release: Release
    translations: dict[str, Translation]
    revisions: dict[str, Revision]
    assets: list[Asset] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.release.id


def now() -> datetime:
    return datetime.now(UTC)


def make_newsroom(
    database: Database,
    slug: str = "river",
    *,
    languages: Sequence[str] = LANGUAGES,
    names: Mapping[str, str] | None = None,
    about: Mapping[str, str] | None = None,
    from_address: str = "press@example.org",
    reply_to: str | None = None,
    time_zone: str = "Asia/Baghdad",
    licence: str | None = "CC BY 4.0",
    approval: ApprovalRule = ApprovalRule.OFF,
    newsroom_id: int | None = None,
    at: datetime | None = None,
) -> Newsroom:
    at = at or now() - timedelta(days=30)
    newsroom = Newsroom(
        id=newsroom_id or new_id(),
        slug=slug,
        names=dict(names) if names is not None else {tag: NAMES.get(tag, slug) for tag in languages},
        about=dict(about) if about is not None else {tag: ABOUT[tag] for tag in languages if tag in ABOUT},
        languages=list(languages),
        from_address=from_address,
        reply_to=reply_to,
        time_zone=time_zone,
        licence=licence,
        approval=approval,
        changed_at=at,
        created_at=at,
    )
    with database.transaction() as tx:
        tx.add(newsroom)
    return newsroom


def make_release(
    database: Database,
    newsroom: Newsroom,
    languages: Sequence[str] | None = None,
    *,
    titles: Mapping[str, str] | None = None,
    bodies: Mapping[str, str] | None = None,
    public_from: datetime | None = None,
    draft: bool = False,
    beats: Sequence[str] = (),
    pictures: int = 0,
    source_language: str | None = None,
    release_id: str | None = None,
    translation_ids: Mapping[str, str] | None = None,
    contacts: Sequence[MediaContact] = (CONTACT,),
) -> Made:
    """A release in `languages` (the newsroom's by default), public from `public_from` (an hour ago by default)."""
    tags = list(languages or newsroom.languages)
    began = None if draft else (public_from or now() - timedelta(hours=1))
    created = min(began, now()) if began else now()
    with database.transaction() as tx:
        source = source_language or tags[0]
        release = _make_release_row(tx, newsroom, began, created, id=release_id, source_language=source)
        tx.add_all(ReleaseBeat(release_id=release.id, beat_id=beat.id) for beat in ensure(tx, newsroom.id, list(beats)))
        made = [_asset(release.id, number, created) for number in range(pictures)]
        assets = [asset for asset, _ in made]
        tx.add_all(assets)
        tx.flush()
        tx.add_all(rendition for _, rendition in made)
        translations, revisions = {}, {}
        for tag in tags:
            title = (titles or {}).get(tag) or TITLES.get(tag, f"A headline in {tag}")
            body = (bodies or {}).get(tag) or BODIES.get(tag, BODIES["en"])
            given = (translation_ids or {}).get(tag)
            translations[tag] = _make_translation(tx, release, tag, slugify(title), given)
            revisions[tag] = make_revision_row(translations[tag], title, body, at=created, contacts=contacts)
            tx.add(revisions[tag])
            tx.flush()
            tx.add_all(_said(revisions[tag].id, position, asset) for position, asset in enumerate(assets))
            translations[tag].revision_id = None if draft else revisions[tag].id
        for tag, revision in revisions.items():
            if tag != release.source_language and release.source_language in revisions:
                revision.source_revision_id = revisions[release.source_language].id
        if not draft:
            change.append(tx, newsroom.id, change.Kind.PUBLICATION, translations.values(), now=created)
        newsrooms.touch(tx, newsroom.id, now=created)
    return Made(newsroom, release, translations, revisions, assets)


def make_correction(
    database: Database,
    made: Made,
    bodies: Mapping[str, str],
    notes: Mapping[str, str],
    *,
    minor: bool = False,
    at: datetime | None = None,
) -> Corrected:
    """The texts in these languages are corrected; all else that their revisions say stays."""
    statements = [_statement(made.revisions[tag], tag, body) for tag, body in bodies.items()]
    return correct(database, made.id, statements, notes, minor=minor, now=at or now())


def _statement(revision: Revision, tag: str, body: str) -> Statement:
    rendered = markup.render_markdown(body, tag)
    return Statement(
        path=Path(f"{tag}.md"),
        language=tag,
        title=revision.title,
        subtitle=revision.subtitle,
        dateline=revision.dateline,
        date=revision.dated,
        body=body,
        form=BodyForm.MARKDOWN,
        html=rendered.html,
        text=rendered.text,
        id=None,
        slug=None,
        beats=(),
        contacts=revision.contacts,
        embargo=None,
        urgency=None,
        translation_of=None,
        publish=True,
        assets=(),
        announces=(),
    )


def make_revision_row(
    translation: Translation,
    title: str,
    body: str,
    *,
    at: datetime,
    number: int = 1,
    contacts: Sequence[MediaContact] = (CONTACT,),
) -> Revision:
    rendered = markup.render_markdown(body, translation.language)
    return Revision(
        id=new_id(),
        translation_id=translation.id,
        number=number,
        title=title,
        subtitle="",
        dateline=DATELINES.get(translation.language, ""),
        dated=date(2026, 11, 20),
        form=BodyForm.MARKDOWN,
        body=body,
        html=rendered.html,
        text=rendered.text,
        contacts=tuple(contacts),
        content_hash=content_hash({"title": title, "body": body}),
        created_at=at,
    )


def _make_translation(tx: Session, release: Release, tag: str, slug: str, given_id: str | None) -> Translation:
    translation = Translation(
        id=given_id,
        release_id=release.id,
        newsroom_id=release.newsroom_id,
        language=tag,
        slug=_free_slug(tx, release.newsroom_id, tag, slug),
        public_from=release.public_from,
        updated_at=release.public_from,
    )
    tx.add(translation)
    tx.flush()
    return translation


def _make_release_row(
    tx: Session, newsroom: Newsroom, began: datetime | None, created: datetime, **columns: Any
) -> Release:
    later = began is not None and began > now()
    status = Status.DRAFT if began is None else Status.SCHEDULED if later else Status.PUBLISHED
    release = Release(
        newsroom_id=newsroom.id,
        status=status,
        retraction_reasons={},
        wish={},
        public_from=began,
        created_at=created,
        **columns,
    )
    tx.add(release)
    tx.flush()
    return release


def _free_slug(tx: Session, newsroom_id: int, language: str, wanted: str) -> str:
    query = select(Translation.slug).where(Translation.newsroom_id == newsroom_id, Translation.language == language)
    taken = set(tx.scalars(query))
    return next(slug for slug in (wanted, *(f"{wanted}-{number}" for number in range(2, 10_000))) if slug not in taken)


def _asset(release_id: str, number: int, at: datetime) -> tuple[Asset, Rendition]:
    buffer = BytesIO()
    Image.new("RGB", (120, 80), (40, 90 + 40 * number, 140)).save(buffer, "PNG")
    data = buffer.getvalue()
    asset = Asset(id=new_public_id(), release_id=release_id, kind=Kind.PICTURE, digest=f"{number:064x}", created_at=at)
    web = Rendition(
        asset_id=asset.id,
        size=Size.WEB,
        media_type="image/png",
        extension="png",
        width=120,
        height=80,
        length=len(data),
        data=data,
    )
    return asset, web


def _said(revision_id: int, position: int, asset: Asset) -> RevisionAsset:
    return RevisionAsset(
        revision_id=revision_id,
        position=position,
        asset_id=asset.id,
        name=f"picture-{position}.png",
        alt="The bridge at dawn",
        caption="The new bridge",
        credit="River Valley Archive",
        licence="CC BY 4.0",
    )


def make_account(database: Database, newsroom: Newsroom, role: Role) -> int:
    """Somebody who works for the newsroom; they cannot sign in."""
    account_id = new_id()
    with database.transaction() as tx:
        tx.add(Account(id=account_id, email_sealed=b"x", email_lookup=account_id.to_bytes(8, "big"), created_at=now()))
        tx.flush()
        tx.add(Membership(account_id=account_id, newsroom_id=newsroom.id, role=role))
    return account_id


def write_statement(folder: Path, text: str, tag: str = "en", **front: str) -> list[Statement]:
    """One Markdown statement as `push` reads it."""
    lines = "".join(f"{key}: {value}\n" for key, value in {"language": tag, **front}.items())
    path = folder / f"statement.{tag}.md"
    path.write_text(f"---\n{lines}---\n\n{text}\n", encoding="utf-8")
    return read_statements([path])
