"""Covering: parts of a picture are blackened for good, in every size at once; and faces are looked at and passed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, undefer

from pressroom.db import Database
from pressroom.errors import Conflict, Refused
from pressroom.people import audit, granting
from pressroom.people.account import Act
from pressroom.releases import approving, change, picture, scrubbing
from pressroom.releases import asset as assets
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import release as releases
from pressroom.releases.approval import Approval
from pressroom.releases.asset import Asset, Kind, Rendition, RevisionAsset
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release, Status

MOST_BOXES = 200

# The side of the squares that JPEG codes colour in: whatever was inside a box has left traces up to there.
_BLOCK = 16


@dataclass(frozen=True)
class Box:
    """Fractions, from 0 to 1, of the width and height of the upright picture."""

    left: float
    top: float
    width: float
    height: float

    def pixels(self, width: int, height: int) -> picture.Pixels:
        """Left, top, right and bottom, grown to whole blocks."""
        right, bottom = min(1.0, self.left + self.width), min(1.0, self.top + self.height)
        return (
            math.floor(self.left * width / _BLOCK) * _BLOCK,
            math.floor(self.top * height / _BLOCK) * _BLOCK,
            min(width, math.ceil(right * width / _BLOCK) * _BLOCK),
            min(height, math.ceil(bottom * height / _BLOCK) * _BLOCK),
        )


def cover(database: Database, asset_id: str, boxes: Sequence[Box], *, now: datetime, by: int | None = None) -> None:
    """Burns the boxes into the stored pixels of every size; what was there is nowhere else. Its faces have to be
    checked and, unless it is scheduled or out already, its texts approved anew.

    Raises NotFound, NotAllowed (a public picture is for those who may publish), and Refused for boxes outside the
    picture or an asset that is none.
    """
    _check(boxes)
    pixels = _blackened(database, asset_id, boxes, by)
    with database.transaction() as tx:
        newsroom, release, asset = _lock(tx, asset_id)
        is_public = bool(assets.said_in_public(tx, asset.id, now))
        granting.permit(tx, by, newsroom.id, Act.PUBLISH if is_public else Act.WRITE)
        for one in _renditions(tx, asset.id):
            before, after = pixels.get(one.size.value, (b"", b""))
            if one.data != before:
                raise Conflict("Somebody else covered this picture meanwhile: look at it again, then cover the rest.")
            one.data, one.length = after, len(after)
        asset.covered_at, asset.checked_at, asset.checked_by = now, None, None
        _ask_again(tx, release, asset)
        if is_public:
            change.of_release(tx, release, change.Kind.UPDATE, now=now)
            newsrooms.touch(tx, newsroom.id, now=now)
        scrubbing.note(tx, now=now)
        _note(tx, "cover asset", release, asset, now=now, by=by, boxes=len(boxes), public=is_public)
    scrubbing.scrub(database)


def check_faces(database: Database, asset_id: str, *, now: datetime, by: int | None) -> None:
    """Somebody looked at every face in it and finds that it may be shown. Raises NotFound, NotAllowed and Refused."""
    with database.transaction() as tx:
        newsroom, release, asset = _lock(tx, asset_id)
        granting.permit(tx, by, newsroom.id, Act.WRITE)
        _require_picture(asset)
        if asset.checked_at is None:
            asset.checked_at, asset.checked_by = now, by
            _note(tx, "check faces", release, asset, now=now, by=by)


def _check(boxes: Sequence[Box]) -> None:
    if not 0 < len(boxes) <= MOST_BOXES:
        raise Refused(f"Name the parts to cover, at least one and at most {MOST_BOXES}.")
    for box in boxes:
        inside = 0 <= box.left < 1 and 0 <= box.top < 1 and 0 < box.width <= 1 and 0 < box.height <= 1
        # Comparisons with NaN are false, which is what is wanted.
        if not inside:
            raise Refused("A part to cover lies outside the picture, or has no size; measure it within the picture.")


def _blackened(
    database: Database, asset_id: str, boxes: Sequence[Box], by: int | None
) -> dict[str, tuple[bytes, bytes]]:
    """The bytes of each size before and after: encoding takes seconds, in which nobody should have to wait."""
    with database.reading() as tx:
        asset = assets.get(tx, asset_id)
        granting.permit(tx, by, releases.get(tx, asset.release_id).newsroom_id, Act.WRITE)
        _require_picture(asset)
        stored = _renditions(tx, asset_id)
    return {one.size.value: (one.data, _covered(one, boxes)) for one in stored}


def _covered(rendition: Rendition, boxes: Sequence[Box]) -> bytes:
    assert rendition.width and rendition.height
    inside = [box.pixels(rendition.width, rendition.height) for box in boxes]
    return picture.covered(rendition.data, rendition.media_type, rendition.size, inside)


def _renditions(tx: Session, asset_id: str) -> list[Rendition]:
    query = select(Rendition).where(Rendition.asset_id == asset_id).options(undefer(Rendition.data))
    return list(tx.scalars(query.order_by(Rendition.size)))


def _lock(tx: Session, asset_id: str) -> tuple[Newsroom, Release, Asset]:
    newsroom, release = approving.lock(tx, assets.get(tx, asset_id).release_id)
    return newsroom, release, assets.get(tx, asset_id, lock=True)


def _require_picture(asset: Asset) -> None:
    if asset.kind is not Kind.PICTURE:
        raise Refused(f"“{asset.id}” is not a picture.")


def _ask_again(tx: Session, release: Release, asset: Asset) -> None:
    """Who approved a text has seen another picture; for what is scheduled or out, that stays on record."""
    if release.status not in (Status.DRAFT, Status.IN_REVIEW, Status.APPROVED):
        return
    using = select(RevisionAsset.revision_id).where(RevisionAsset.asset_id == asset.id)
    tx.execute(delete(Approval).where(Approval.revision_id.in_(using)))
    approving.ask_again(release)


def _note(
    tx: Session, act: str, release: Release, asset: Asset, *, now: datetime, by: int | None, **detail: object
) -> None:
    audit.note(
        tx, act, f"release:{release.id}", now=now, newsroom_id=release.newsroom_id, account_id=by, asset=asset.id,
        **detail,
    )  # fmt: skip
