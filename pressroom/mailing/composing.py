"""Composing: from a delivery to the bytes for one person, with the revision that is public at that moment."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.orm import Session

from pressroom import languages
from pressroom.mailing import follow_up, header, ledger, message, return_path, subscriber
from pressroom.mailing.announcement import announce
from pressroom.mailing.delivery import DeliveryState
from pressroom.mailing.ledger import Item
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.message import Letter
from pressroom.mailing.notice import ANNOUNCEMENT
from pressroom.mailing.steering import TEST
from pressroom.mailing.subscriber import Person, Subscriber
from pressroom.mailing.wire import Envelope
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases import visibility
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility
from pressroom.seal import Keyring, SealBroken
from pressroom.signing import Signer

log = logging.getLogger(__name__)

# The purpose under which leaving is signed.
LEAVING = "unsubscribe"


@dataclass
class Ready:
    """What may be handed over once marked, with the revision it says; what ends without being started; `spoken`, by
    language, is what goes out in another than was planned.
    """

    outgoing: list[tuple[Item, Envelope, int | None]] = field(default_factory=list)
    set_aside: dict[DeliveryState, list[int]] = field(default_factory=dict)
    spoken: dict[str, list[int]] = field(default_factory=dict)

    def drop(self, item: Item, state: DeliveryState) -> None:
        self.set_aside.setdefault(state, []).append(item.id)


class Composer:
    """Keeps each language's letter for as long as nothing of the newsroom changes in public."""

    def __init__(self, keyring: Keyring, signer: Signer, base_url: str, bounce_address: str | None) -> None:
        self._keyring, self._signer = keyring, signer
        self._base_url, self._bounce_address = base_url, bounce_address
        self._letters: dict[tuple[str, int | None], Letter] = {}
        self._letters_of: tuple[int, bool] | None = None
        self._current: dict[str, tuple[Translation, int | None]] = {}
        self._fallback: Sequence[str] = ()
        self._is_public = False

    def prepare(self, tx: Session, mailing: Mailing, now: datetime) -> bool:
        """Looks up what may be said; False if nothing of this release may be mailed now. For each transaction anew."""
        # Not locked: a retraction locks the release and then the mailing, which is locked already.
        release = tx.get_one(Release, mailing.release_id)
        newsroom = tx.get_one(Newsroom, release.newsroom_id)
        self._fallback = newsroom.languages
        self._is_public = visibility.of_release(release, now) is Visibility.PUBLIC
        if self._letters_of != (newsroom.generation, self._is_public):
            # Vanished words are not to live on in a letter.
            self._letters, self._letters_of = {}, (newsroom.generation, self._is_public)
        self._current = {}
        for tag, translation in translations.of_release(tx, release.id).items():
            if mailing.purpose in (ANNOUNCEMENT, TEST):
                shown = self._shown(tx, mailing, release, translation, now)
                if shown is None:
                    continue
            else:
                # A follow-up says what became of a text, not the text.
                shown = None
            self._current[tag] = (translation, shown)
            if (tag, shown) not in self._letters:
                self._letters[tag, shown] = self._letter(tx, mailing, release, translation, shown, now)
        return bool(self._current)

    def _shown(
        self, tx: Session, mailing: Mailing, release: Release, translation: Translation, now: datetime
    ) -> int | None:
        """The revision that may be mailed in this language; None if there is none."""
        if mailing.purpose == TEST:
            newest = revisions.newest(tx, translation.id)
            return newest.id if newest and translation.publish else None
        is_out = visibility.of_translation(release, translation, now) is Visibility.PUBLIC
        early = mailing.under_embargo and visibility.may_be_told_early(release, translation)
        return translation.revision_id if is_out or early else None

    def _letter(
        self,
        tx: Session,
        mailing: Mailing,
        release: Release,
        translation: Translation,
        shown: int | None,
        now: datetime,
    ) -> Letter:
        if shown is None:
            return follow_up.letter_of(tx, self._base_url, mailing, release, translation, now=now)
        return announce(
            tx, self._base_url, release, translation, tx.get_one(Revision, shown), now=now, test=mailing.purpose == TEST
        )

    def compose(self, tx: Session, mailing: Mailing, items: Sequence[Item], now: datetime) -> Ready:
        """Asks for each person, under lock, whether they may still be written to, and in which language at best."""
        ready = Ready()
        people = ledger.willing(tx, [item.subscriber_id for item in items if item.subscriber_id is not None])
        for item in items:
            found = people.get(item.subscriber_id) if item.subscriber_id is not None else None
            if item.subscriber_id is not None and found is None:
                ready.drop(item, DeliveryState.SUPPRESSED)
                continue
            language = self._language(mailing, item, found)
            if language is None or not self._may_have_it_now(mailing, found):
                ready.drop(item, DeliveryState.CANCELLED)
                continue
            try:
                chosen = replace(item, language=language)
                envelope = self._envelope(chosen, self._person(mailing, found), now)
            except (SealBroken, header.UnsafeHeader, UnicodeError) as error:
                log.error("delivery %s cannot be addressed (%s)", item.id, type(error).__name__)  # noqa: TRY400
                ready.drop(item, DeliveryState.FAILED)
                continue
            ready.outgoing.append((chosen, envelope, self._current[language][1]))
            if language != item.language:
                ready.spoken.setdefault(language, []).append(item.id)
        return ready

    def _language(self, mailing: Mailing, item: Item, person: Subscriber | None) -> str | None:
        """The one it was begun in; before that, the best of those this person asked for that are out."""
        begun = item.attempts > 0 or person is None or mailing.purpose != ANNOUNCEMENT
        if begun and item.language in self._current:
            return item.language
        if person is None or mailing.purpose != ANNOUNCEMENT:
            return None
        return languages.best(person.languages, list(self._current), list(self._fallback))

    def _may_have_it_now(self, mailing: Mailing, person: Subscriber | None) -> bool:
        early = mailing.under_embargo and not self._is_public
        return not early or (person is not None and person.accredited_at is not None)

    def _person(self, mailing: Mailing, found: Subscriber | None) -> Person:
        if found is not None:
            return subscriber.open_(self._keyring, found)
        if mailing.test_sealed is None:
            raise SealBroken(f"mailing {mailing.id} has no address")
        return Person(self._keyring.open(mailing.test_sealed, "mailing", "test", mailing.id), "", "")

    def _envelope(self, item: Item, person: Person, now: datetime) -> Envelope:
        letter = self._letters[item.language, self._current[item.language][1]]
        leave = by_mail = None
        if item.subscriber_id is not None:
            token = self._signer.token(LEAVING, item.subscriber_id)
            leave = f"{self._base_url}/unsubscribe/{token}"
            by_mail = return_path.for_leaving(self._signer, self._bounce_address, item.subscriber_id)
        data = letter.fill(
            recipient=person.email,
            name=person.name,
            message_id=message.message_id(self._signer, item.id, letter.sender),
            unsubscribe=leave,
            leave_by_mail=by_mail,
            now=now,
        )
        sender = return_path.of_delivery(self._signer, self._bounce_address, item.id, letter.sender)
        return Envelope(sender, header.ascii_domain(person.email), data)
