"""A follow-up: what somebody who was sent a release hears when it is corrected, taken back, or its embargo changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom import addresses, languages
from pressroom.mailing import notice
from pressroom.mailing.announcement import FONTS, feedback_id, list_headers, tidy, under_embargo
from pressroom.mailing.delivery import Delivery
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.message import UNSUBSCRIBE, Letter, letter
from pressroom.phrases import environment, translator
from pressroom.releases import asset as assets
from pressroom.releases import correction as corrections
from pressroom.releases import difference, visibility
from pressroom.releases.asset import RevisionAsset
from pressroom.releases.correction import Correction
from pressroom.releases.newsroom import Newsroom, Said, said
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility

_MOST_CHANGES = 20


@dataclass(frozen=True)
class _Message:
    """What is said, but for what every letter says."""

    subject: str
    lead: str
    paragraphs: Sequence[Said] = ()
    changes: Sequence[difference.Change] = ()
    url: str = ""


def letter_of(
    tx: Session, base_url: str, mailing: Mailing, release: Release, translation: Translation, *, now: datetime
) -> Letter:
    """The letter for those who were sent this translation, by the purpose of the mailing. Nothing vanished is in it."""
    newsroom = tx.get_one(Newsroom, release.newsroom_id)
    tag = translation.language
    says = _message(tx, base_url, newsroom, mailing, release, translation, now=now)
    given: dict[str, Any] = {
        "language": tag,
        "dir": languages.direction(tag).value,
        "fonts": FONTS[languages.direction(tag)],
        "newsroom": newsroom.name(tag),
        "says": says,
        "why": translator(tag)("You get this because %(newsroom)s sent you this release.")
        % {"newsroom": newsroom.name(tag)},
        "unsubscribe": UNSUBSCRIBE,
    }
    return letter(
        sender_name=newsroom.name(tag),
        sender=newsroom.from_address,
        reply_to=newsroom.reply_to,
        subject=says.subject,
        language=tag,
        text=tidy(environment(tag).get_template("follow_up/body.txt").render(given), tag),
        html=environment(tag).get_template("follow_up/body.html").render(given),
        headers={
            **list_headers(base_url, newsroom, tag),
            "Feedback-ID": feedback_id(newsroom, release.id, mailing.purpose, tag),
        },
    )


def _message(
    tx: Session,
    base_url: str,
    newsroom: Newsroom,
    mailing: Mailing,
    release: Release,
    translation: Translation,
    *,
    now: datetime,
) -> _Message:
    if mailing.purpose == notice.REMOVAL or release.removed_at is not None:
        return _removal(translation.language)
    revision = _sent(tx, release, translation)
    title = revision.title if revision is not None else newsroom.name(translation.language)
    url = base_url + addresses.release(newsroom.slug, translation.language, translation.slug)
    if mailing.purpose == notice.RETRACTION:
        return _retraction(newsroom, release, translation.language, title, url)
    if mailing.purpose.startswith("embargo:"):
        return _embargo(newsroom, release, translation.language, title, url, now=now)
    number = int(mailing.purpose.partition(":")[2])
    query = select(Correction).where(Correction.release_id == release.id, Correction.number == number)
    return _correction(tx, newsroom, tx.scalars(query).one(), translation, title, url)


def _sent(tx: Session, release: Release, translation: Translation) -> Revision | None:
    """What this letter may name: the text that is named, else the last that was sent; never one that nobody read."""
    revision_id = translation.revision_id
    if revision_id is None:
        query = (
            select(Delivery.revision_id)
            .join(Mailing, Mailing.id == Delivery.mailing_id)
            .where(Mailing.release_id == release.id, Delivery.language == translation.language)
            .where(Delivery.revision_id.is_not(None), Delivery.subscriber_id.is_not(None))
        )
        revision_id = tx.scalars(query.order_by(Delivery.sending_at.desc()).limit(1)).first()
    return tx.get_one(Revision, revision_id) if revision_id is not None else None


def _removal(tag: str) -> _Message:
    say = translator(tag)
    return _Message(
        say("Please delete a release that we sent you"),
        say(
            "We have removed a release that we sent you, because it may put somebody in danger. "
            "Please delete our message, and take down what you have published from it."
        ),
    )


def _retraction(newsroom: Newsroom, release: Release, tag: str, title: str, url: str) -> _Message:
    say = translator(tag)
    reasons = _told(release.retraction_reasons, tag, newsroom)
    return _Message(
        say("Retracted: %(title)s") % {"title": title},
        say("We take this release back. Please do not use it any more, and correct what you have published from it."),
        reasons,
        url=url,
    )


def _embargo(newsroom: Newsroom, release: Release, tag: str, title: str, url: str, *, now: datetime) -> _Message:
    say = translator(tag)
    if visibility.of_release(release, now) is Visibility.PUBLIC:
        subject, lead = say("Embargo lifted: %(title)s"), say("The embargo is lifted: this release is public now.")
        return _Message(subject % {"title": title}, lead, url=url)
    subject = say("Embargo changed: %(title)s") % {"title": title}
    if release.public_from is None:
        return _Message(subject, say("This release is put off. Please publish nothing of it until you hear from us."))
    return _Message(subject, under_embargo(release, newsroom, tag))


def _correction(
    tx: Session,
    newsroom: Newsroom,
    correction: Correction,
    translation: Translation,
    title: str,
    url: str,
) -> _Message:
    tag = translation.language
    say = translator(tag)
    change = corrections.changes(tx, correction.id).get(translation.id)
    found: Sequence[difference.Change] = ()
    lead = say("We have corrected this release, which we sent you before.")
    if change is not None:
        before, after = tx.get_one(Revision, change.before_id), tx.get_one(Revision, change.after_id)
        files = _files(tx, before), _files(tx, after)
        found = difference.between(before, after, files=files)[:_MOST_CHANGES]
    else:
        lead += " " + say("The text in this language is not corrected yet.")
    return _Message(
        say("Correction: %(title)s") % {"title": title},
        lead,
        _told(correction.notes, tag, newsroom),
        found,
        url,
    )


def _files(tx: Session, revision: Revision) -> list[RevisionAsset]:
    return [said for said, _ in assets.of_revision(tx, revision.id)]


def _told(texts: Mapping[str, str], tag: str, newsroom: Newsroom) -> list[Said]:
    return [said(texts, tag, newsroom.languages)] if any(texts.values()) else []
