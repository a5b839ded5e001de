"""Approving: a second person reads what would go out and agrees; docs/releases.md says who may do what.

Neither the command line nor a token approves anything, for nobody can tell who is behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from pressroom.clean_text import clean
from pressroom.db import Database
from pressroom.errors import Conflict, NotAllowed, Refused
from pressroom.people import audit, granting
from pressroom.people.account import Account, Act, Membership, Role
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import release as releases
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases.approval import Approval
from pressroom.releases.asset import Asset, Kind, RevisionAsset
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from pressroom.releases.release import Release, Status
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation

Named = tuple[Translation, Revision]

_MILDNESS = {ApprovalRule.ALWAYS: 0, ApprovalRule.AUTO: 1, ApprovalRule.OFF: 2}


class NeedsSecondPerson(NotAllowed):
    """What was asked waits for somebody else; `approvers` are the account ids of those who can agree."""

    def __init__(self, approvers: list[int]) -> None:
        self.approvers = approvers
        super().__init__("This newsroom wants a second person to publish: an owner or editor who did not write it.")


def wants_two(tx: Session, newsroom: Newsroom) -> bool:
    """Whether nobody publishes alone here: by its rule, or because two or more accounts may publish."""
    if newsroom.approval is not ApprovalRule.AUTO:
        return newsroom.approval is ApprovalRule.ALWAYS
    query = (
        select(func.count())
        .select_from(Membership)
        .join(Account, Account.id == Membership.account_id)
        .where(
            Membership.newsroom_id == newsroom.id,
            Membership.role.in_([Role.OWNER, Role.EDITOR]),
            Account.disabled_at.is_(None),
        )
    )
    return tx.execute(query).scalar_one() >= 2


def newest_of(tx: Session, release_id: str) -> list[Named]:
    """The translations that may ever be published, each with its newest revision."""
    found = []
    for translation in translations.of_release(tx, release_id).values():
        revision = revisions.newest(tx, translation.id)
        if translation.publish and revision is not None:
            found.append((translation, revision))
    return found


def lacking(tx: Session, named: Iterable[Named]) -> list[Named]:
    """Those whose revision nobody has approved who still may."""
    pairs = list(named)
    query = (
        select(Approval.revision_id)
        .join(Membership, Membership.account_id == Approval.account_id)
        .join(Account, Account.id == Approval.account_id)
        .join(Release, and_(Release.id == Approval.release_id, Release.newsroom_id == Membership.newsroom_id))
        .where(
            Approval.revision_id.in_([revision.id for _, revision in pairs]),
            Membership.role.in_([Role.OWNER, Role.EDITOR]),
            Account.disabled_at.is_(None),
        )
    )
    approved = set(tx.scalars(query))
    return [one for one in pairs if one[1].id not in approved]


def authors(tx: Session, named: Iterable[Named]) -> set[int | None]:
    """Whoever had a hand in these texts since they were last approved or public; None is the command line."""
    found: set[int | None] = set()
    for translation, revision in named:
        agreed = select(Approval.revision_id)
        settled = (
            select(func.coalesce(func.max(Revision.number), 0))
            .where(Revision.translation_id == translation.id, Revision.number < revision.number)
            .where(or_(Revision.id == translation.revision_id, Revision.id.in_(agreed)))
        )
        since = tx.execute(settled).scalar_one()
        query = select(Revision.created_by).where(
            Revision.translation_id == translation.id, Revision.number > since, Revision.number <= revision.number
        )
        found |= set(tx.scalars(query))
    return found


def approvers(tx: Session, newsroom_id: int, named: Iterable[Named]) -> list[int]:
    """Owners and editors who did not write any of it."""
    wrote = authors(tx, named)
    query = select(Membership.account_id).where(
        Membership.newsroom_id == newsroom_id, Membership.role.in_([Role.OWNER, Role.EDITOR])
    )
    return [account for account in tx.scalars(query.order_by(Membership.account_id)) if account not in wrote]


def is_own(tx: Session, named: Iterable[Named], by: int | None) -> bool:
    """Whether somebody wrote any of it; the command line counts as the author of whatever there is."""
    return by is None or by in authors(tx, named)


def forget(tx: Session, release: Release) -> None:
    """After a change of what was agreed to besides the texts (beats, urgency, embargo): all is asked about anew."""
    tx.execute(delete(Approval).where(Approval.release_id == release.id))
    ask_again(release)


def ask_again(release: Release) -> None:
    """What was approved is not what it was: it goes back before a reviewer."""
    if release.status is Status.APPROVED:
        release.become(Status.IN_REVIEW)


def record(tx: Session, release_id: str, named: Iterable[Named], account_id: int, *, now: datetime) -> None:
    """Notes an account's approval of revisions that it did not write."""
    for _, revision in named:
        if tx.get(Approval, (revision.id, account_id)) is None:
            tx.add(Approval(revision_id=revision.id, account_id=account_id, release_id=release_id, at=now))


def unchecked(tx: Session, revision_ids: Collection[int]) -> list[Asset]:
    """The pictures in these revisions that nobody has looked at for faces since they were last changed."""
    query = (
        select(Asset)
        .join(RevisionAsset, RevisionAsset.asset_id == Asset.id)
        .where(
            RevisionAsset.revision_id.in_(list(revision_ids)), Asset.kind == Kind.PICTURE, Asset.checked_at.is_(None)
        )
        .distinct()
    )
    return list(tx.scalars(query.order_by(Asset.id)))


def require_checked_faces(tx: Session, newsroom: Newsroom, named: Sequence[Named]) -> None:
    """Raises Refused where the newsroom wants faces checked and a picture of these revisions was not."""
    if newsroom.faces_checked and (found := unchecked(tx, [revision.id for _, revision in named])):
        raise Refused(
            f"{len(found)} picture(s) were not checked for faces yet: look at each, cover what must not be seen, "
            "and mark it as checked."
        )


def ask(database: Database, release_id: str, *, now: datetime, by: int | None) -> None:
    """Puts a draft before the second person. Raises NotFound, NotAllowed, Conflict, and Refused if it has no text."""
    with database.transaction() as tx:
        newsroom, release = lock(tx, release_id)
        granting.permit(tx, by, newsroom.id, Act.WRITE)
        if release.removed_at is not None:
            raise Conflict(f"Release {release.id} was removed; there is nothing to review.")
        if release.status is Status.IN_REVIEW:
            return
        if not newest_of(tx, release.id):
            raise Refused(f"Release {release.id} has no translation that may be published; add a text first.")
        if release.status is not Status.DRAFT:
            raise Conflict(f"Release {release.id} is {release.status.value}; only a draft is put before a reviewer.")
        release.become(Status.IN_REVIEW)
        release.review_note = ""
        _note(tx, "ask for review", release, now=now, by=by)


def approve(database: Database, release_id: str, seen: Collection[int], *, now: datetime, by: int) -> Status:
    """Agrees that these revisions are published: `seen` are the ids of those that were read, and must be the newest.

    Raises NotFound, NotAllowed for whoever wrote any of them, Conflict for a text that changed since, and Refused for
    unchecked faces.
    """
    with database.transaction() as tx:
        newsroom, release = lock(tx, release_id)
        granting.permit(tx, by, newsroom.id, Act.PUBLISH)
        if release.status is Status.RETRACTED or release.removed_at is not None:
            raise Conflict(f"Release {release.id} was taken back; there is nothing to approve.")
        every = newest_of(tx, release.id)
        named = [one for one in every if one[1].id in seen]
        if not named or len(named) != len(set(seen)):
            raise Conflict("The text was changed after you opened this page: read it again, then approve.")
        if is_own(tx, named, by):
            raise NotAllowed("You wrote some of this text: somebody else has to approve it.")
        require_checked_faces(tx, newsroom, named)
        record(tx, release.id, named, by, now=now)
        tx.flush()
        if release.status in (Status.DRAFT, Status.IN_REVIEW) and not lacking(tx, every):
            release.become(Status.APPROVED)
            release.review_note = ""
        _note(tx, "approve", release, now=now, by=by, revisions=sorted(revision.id for _, revision in named))
        return release.status


def send_back(database: Database, release_id: str, note: str, *, now: datetime, by: int | None) -> None:
    """From review or approval back to its authors, with a note for staff. Raises NotFound, NotAllowed and Conflict."""
    with database.transaction() as tx:
        newsroom, release = lock(tx, release_id)
        granting.permit(tx, by, newsroom.id, Act.PUBLISH)
        if release.status not in (Status.IN_REVIEW, Status.APPROVED):
            raise Conflict(f"Release {release.id} is {release.status.value}, and not before a reviewer.")
        release.become(Status.DRAFT)
        release.review_note = clean(note).strip()[:2000]
        release.wish = {}
        _note(tx, "send back", release, now=now, by=by)


def wish_rule(database: Database, newsroom_slug: str, rule: ApprovalRule, *, now: datetime, by: int | None) -> bool:
    """Changes the newsroom's rule: a stricter one at once, a milder one when a second person wishes it too.

    True if it holds now. The command line counts as one person. Raises NotFound, NotAllowed and Refused.
    """
    with database.transaction() as tx:
        newsroom_id = newsrooms.by_slug(tx, newsroom_slug).id
        newsroom = newsrooms.locked(tx, newsroom_id)
        granting.permit(tx, by, newsroom.id, Act.MANAGE if newsroom.approval_wish is not rule else Act.PUBLISH)
        if rule is ApprovalRule.OFF and newsroom.approval is ApprovalRule.AUTO and not wants_two(tx, newsroom):
            raise Refused("One person alone is never asked for a second; there is nothing to turn off.")
        milder = _MILDNESS[rule] > _MILDNESS[newsroom.approval]
        agreed = newsroom.approval_wish is rule and newsroom.approval_wish_by != by
        if milder and not agreed:
            newsroom.approval_wish, newsroom.approval_wish_by = rule, by
            act = "ask for approval rule"
        else:
            newsroom.approval = rule
            newsroom.approval_wish = newsroom.approval_wish_by = None
            act = "set approval rule"
        audit.note(
            tx, act, f"newsroom:{newsroom.slug}", now=now, newsroom_id=newsroom.id, account_id=by, rule=rule.value
        )
        return newsroom.approval is rule


def lock(tx: Session, release_id: str) -> tuple[Newsroom, Release]:
    """Both rows as they are now, the newsroom first, as every act locks them. Raises NotFound."""
    newsroom = newsrooms.locked(tx, releases.get(tx, release_id).newsroom_id)
    return newsroom, releases.get(tx, release_id, lock=True)


def _note(tx: Session, act: str, release: Release, *, now: datetime, by: int | None, **detail: object) -> None:
    audit.note(tx, act, f"release:{release.id}", now=now, newsroom_id=release.newsroom_id, account_id=by, **detail)
