"""Composing: from a delivery to the bytes for one person, with the revision that is public at that moment."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from pressroom import languages
from pressroom.mailing import addressee, dkim_pair, follow_up, header, message, return_path, sayable
from pressroom.mailing.addressee import Addressee
from pressroom.mailing.announcement import announce
from pressroom.mailing.delivery import DeliveryState
from pressroom.mailing.digest_composer import DigestComposer
from pressroom.mailing.dkim import SigningKey
from pressroom.mailing.dkim_pair import DkimPair
from pressroom.mailing.ledger import Item
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.message import Draft, Letter
from pressroom.mailing.notice import ANNOUNCEMENT
from pressroom.mailing.sayable import Sayable
from pressroom.mailing.steering import TEST
from pressroom.mailing.subscriber import Person
from pressroom.mailing.wire import Envelope
from pressroom.releases.revision import Revision
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
    """Keeps each language's letter for as long as nothing of the newsroom changes in public.

    With `signs` False the relay signs, whatever keys a newsroom has.
    """

    def __init__(
        self, keyring: Keyring, signer: Signer, base_url: str, bounce_address: str | None, *, signs: bool = True
    ) -> None:
        self._keyring, self._signer, self._signs = keyring, signer, signs
        self._base_url, self._bounce_address = base_url, bounce_address
        self._sayable: Sayable | None = None
        self._letters: dict[tuple[str, int | None], Letter] = {}
        self._best: dict[str, str | None] = {}
        self._keys: tuple[SigningKey, ...] = ()
        self._digests = DigestComposer(keyring, base_url, signs=signs)

    def prepare(self, tx: Session, mailing: Mailing, now: datetime) -> bool:
        """Looks up what may be said; False if nothing of this release may be mailed now. For each transaction anew."""
        if mailing.is_digest:
            self._digests.prepare(tx, mailing)
            return True
        before, found = self._sayable, sayable.look(tx, mailing, now, self._sayable)
        if found is not before:
            self._sayable, self._best = found, {}
            if before is None or before.edition != found.edition or before.dkim_pair_id != found.dkim_pair_id:
                # Vanished words are not to live on in a letter.
                self._letters = {}
            if self._signs and (before is None or before.dkim_pair_id != found.dkim_pair_id):
                pair = tx.get(DkimPair, found.dkim_pair_id) if found.dkim_pair_id is not None else None
                self._keys = dkim_pair.keys(self._keyring, pair)
        return bool(found.texts)

    def forget(self) -> None:
        """Whatever belongs to an earlier transaction."""
        self._sayable = None

    def compose(self, tx: Session, mailing: Mailing, items: Sequence[Item], now: datetime) -> Ready:
        """Asks for each person, under lock, whether they may still be written to, and in which language at best."""
        ready, drafts = Ready(), []
        people = addressee.willing(tx, [item.subscriber_id for item in items if item.subscriber_id is not None])
        if mailing.is_digest:
            self._digests.begin(tx, items)
        for item in items:
            found = people.get(item.subscriber_id) if item.subscriber_id is not None else None
            if item.subscriber_id is not None and (found is None or _stays_away(mailing, found, now)):
                ready.drop(item, DeliveryState.SUPPRESSED)
                continue
            chosen = self._choose(tx, mailing, item, found, now)
            if chosen is None:
                ready.drop(item, DeliveryState.CANCELLED)
                continue
            language, letter, shown = chosen
            try:
                recipient, draft = self._draft(letter, item, self._person(mailing, found), now)
            except (SealBroken, header.UnsafeHeader, UnicodeError) as error:
                log.error("delivery %s cannot be addressed (%s)", item.id, type(error).__name__)  # noqa: TRY400
                ready.drop(item, DeliveryState.FAILED)
                continue
            if language != item.language:
                ready.spoken.setdefault(language, []).append(item.id)
                item = item._replace(language=language)
            drafts.append((item, letter, recipient, draft, shown))
        if mailing.is_digest:
            self._digests.end(tx, now)
        # Signed in a row: a signature between any two would cost a tenth more, for all else would run from cold caches.
        for item, letter, recipient, draft, shown in drafts:
            sender = return_path.of_delivery(self._signer, self._bounce_address, item.id, letter.sender)
            ready.outgoing.append((item, Envelope(sender, recipient, draft.signed()), shown))
        return ready

    def _choose(
        self, tx: Session, mailing: Mailing, item: Item, found: Addressee | None, now: datetime
    ) -> tuple[str, Letter, int | None] | None:
        """The language, the letter and the revision it says; None for what is not to be sent after all."""
        if mailing.is_digest:
            assert found is not None
            letter = self._digests.letter(tx, mailing, item, found.languages, now)
            return (self._digests.language(found.languages), letter, None) if letter is not None else None
        may = self._sayable
        assert may is not None, "prepare() comes first"
        language = self._language(may, mailing, item, found)
        is_early = mailing.under_embargo and not may.is_public
        if language is None or (is_early and not (found is not None and found.accredited)):
            return None
        return language, self._letter(tx, mailing, may, language, now), may.texts[language][1]

    def _language(self, may: Sayable, mailing: Mailing, item: Item, person: Addressee | None) -> str | None:
        """The one it was begun in; before that, the best of those this person asked for that are out."""
        begun = item.attempts > 0 or person is None or mailing.purpose != ANNOUNCEMENT
        if begun and item.language in may.texts:
            return item.language
        if person is None or mailing.purpose != ANNOUNCEMENT:
            return None
        if person.languages_json not in self._best:
            self._best[person.languages_json] = languages.best(person.languages, list(may.texts), may.fallback)
        return self._best[person.languages_json]

    def _letter(self, tx: Session, mailing: Mailing, may: Sayable, language: str, now: datetime) -> Letter:
        """Made for the first person who gets it."""
        translation, shown = may.texts[language]
        made = self._letters.get((language, shown))
        if made is not None:
            return made
        if shown is None:
            made = follow_up.letter_of(tx, self._base_url, mailing, may.release, translation, now=now)
        else:
            revision, test = tx.get_one(Revision, shown), mailing.purpose == TEST
            made = announce(tx, self._base_url, may.release, translation, revision, now=now, test=test)
        made = self._letters[language, shown] = made.signed_by(self._keys)
        return made

    def _person(self, mailing: Mailing, found: Addressee | None) -> Person:
        if found is not None:
            return found.opened(self._keyring)
        if mailing.test_sealed is None:
            raise SealBroken(f"mailing {mailing.id} has no address")
        return Person(self._keyring.open(mailing.test_sealed, "mailing", "test", mailing.id), "", "")

    def _draft(self, letter: Letter, item: Item, person: Person, now: datetime) -> tuple[str, Draft]:
        """The address on the envelope, and the message."""
        leave = by_mail = None
        if item.subscriber_id is not None:
            by_mail = return_path.for_leaving(self._signer, self._bounce_address, item.subscriber_id)
            leave = f"{self._base_url}/unsubscribe/{self._signer.token(LEAVING, item.subscriber_id)}"
        message_id = message.message_id(self._signer, item.id, letter.sender)
        draft = letter.draft(person.email, person.name, message_id, leave, by_mail, now=now)
        return header.ascii_domain(person.email), draft


def _stays_away(mailing: Mailing, found: Addressee, now: datetime) -> bool:
    """Whoever pauses still hears what became of what they were sent."""
    return found.is_paused(now) and (mailing.is_digest or mailing.purpose == ANNOUNCEMENT)
