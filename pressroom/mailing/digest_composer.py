"""What a digest tells each person at the moment it leaves: what is public and wanted then, in their languages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from pressroom import languages
from pressroom.mailing import digest, digest_letter, dkim_pair, ledger
from pressroom.mailing.dkim import SigningKey
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.message import Letter
from pressroom.releases import translation as translations
from pressroom.releases import visibility
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility
from pressroom.seal import Keyring

# Readers of one newsroom have few choices; should they have many, letters are made again.
_MOST_LETTERS = 200


class DigestComposer:
    """For one mailing of digests. People who are told of the same texts share a letter."""

    def __init__(self, keyring: Keyring, base_url: str, *, signs: bool) -> None:
        self._keyring, self._base_url, self._signs = keyring, base_url, signs
        self._edition: tuple[int, int | None] = (-1, None)
        self._keys: tuple[SigningKey, ...] = ()
        self._newsroom: Newsroom | None = None
        self._public: dict[str, dict[str, Translation]] = {}
        self._letters: dict[tuple[str, tuple[int, ...]], Letter] = {}
        self._told: dict[int, list[digest.Item]] = {}
        self._dropped: list[int] = []
        self._put_back: list[int] = []
        self._spoken: dict[str, list[int]] = {}

    def prepare(self, tx: Session, mailing: Mailing) -> None:
        """Forgets what was public when this was asked last."""
        self._newsroom = tx.get_one(Newsroom, mailing.newsroom_id)
        self._public = {}
        pair = dkim_pair.signing(tx, self._newsroom.id) if self._signs else None
        edition = (self._newsroom.generation, pair.id if pair is not None else None)
        if edition != self._edition:
            # Vanished words are not to live on in a letter.
            self._letters, self._edition = {}, edition
            self._keys = dkim_pair.keys(self._keyring, pair)

    def begin(self, tx: Session, items: Sequence[ledger.Item]) -> None:
        """Looks up what these deliveries are to tell."""
        self._told = digest.items(tx, [item.id for item in items])
        self._dropped, self._put_back, self._spoken = [], [], {}

    def language(self, wanted: Sequence[str]) -> str:
        assert self._newsroom is not None
        order = self._newsroom.languages
        return languages.best(wanted, order, order) or order[0]

    def letter(
        self, tx: Session, mailing: Mailing, item: ledger.Item, wanted: Sequence[str], now: datetime
    ) -> Letter | None:
        """For somebody with these languages; None if nothing is left to tell them."""
        assert self._newsroom is not None
        told = [one for one in self._told[item.id] if self._is_kept(item, one)]
        found = [(one, self._text(tx, one.release_id, wanted, now)) for one in told]
        texts = []
        for one, translation in found:
            if translation is None:
                self._leave_out(item, one, self._dropped)
                continue
            if translation.language != one.language:
                self._spoken.setdefault(translation.language, []).append(one.notice_id)
            texts.append(translation)
        if not texts:
            return None
        tag = self.language(wanted)
        key = (tag, tuple(one.revision_id or 0 for one in texts))
        if key not in self._letters:
            if len(self._letters) >= _MOST_LETTERS:
                self._letters = {}
            said = [(one, tx.get_one(Revision, one.revision_id)) for one in texts]
            made = digest_letter.letter_of(tx, self._base_url, self._newsroom, mailing, tag, said)
            self._letters[key] = made.signed_by(self._keys)
        return self._letters[key]

    def _is_kept(self, item: ledger.Item, one: digest.Item) -> bool:
        """Not what came through a mailing that was cancelled since; what is paused waits for the next digest."""
        if one.is_cancelled or one.is_paused:
            self._leave_out(item, one, self._dropped if one.is_cancelled else self._put_back)
            return False
        return True

    def _leave_out(self, item: ledger.Item, one: digest.Item, among: list[int]) -> None:
        # A copy that told of it may have arrived: then its reader still has to hear what became of it.
        if item.doubts == 0:
            among.append(one.notice_id)

    def _text(self, tx: Session, release_id: str, wanted: Sequence[str], now: datetime) -> Translation | None:
        assert self._newsroom is not None
        if release_id not in self._public:
            release = tx.get_one(Release, release_id)
            self._public[release_id] = {
                tag: one
                for tag, one in translations.of_release(tx, release_id).items()
                if visibility.of_translation(release, one, now) is Visibility.PUBLIC
            }
        public = self._public[release_id]
        best = languages.best(wanted, list(public), self._newsroom.languages)
        return public[best] if best is not None else None

    def end(self, tx: Session, now: datetime) -> None:
        """Notes what was left out since `begin`, and what goes out in another language than was planned."""
        digest.drop(tx, self._dropped)
        digest.put_back(tx, self._put_back, now)
        for tag, notice_ids in self._spoken.items():
            digest.speak(tx, notice_ids, tag)
