"""A mailing's course as one sender follows it: whether it may go on, and its composer, kept fresh."""

from __future__ import annotations

import time
from datetime import datetime

from sqlalchemy.orm import Session

from pressroom.mailing import hot_rows
from pressroom.mailing import mailing as mailings
from pressroom.mailing.composing import Composer
from pressroom.mailing.mailing import Mailing, State

# What only the clock changes, such as an embargo lifting, is seen so late at most.
_FRESH = 0.5


class Course:
    """`mailing` is as it was when last looked up; `state` is that of the current transaction."""

    def __init__(self, mailing_id: int, composer: Composer) -> None:
        self.mailing_id, self.composer = mailing_id, composer
        self.mailing: Mailing | None = None
        self.state = State.SENDING
        self._generation = -1
        self._prepared_at = 0.0
        self._may = False

    def forget(self) -> None:
        """After a transaction that failed: what it had looked up cannot be asked any more."""
        self._generation = -1
        self.composer.forget()

    def look(self, tx: Session) -> datetime:
        """Locks the mailing's row against steering (PostgreSQL) until the end of the transaction; returns the time."""
        self.state, now = hot_rows.state_of(tx, self.mailing_id)
        return now

    def prepare(self, tx: Session, now: datetime, generation: int) -> bool:
        """Whether anything of the release may be mailed now. `generation` is the newsroom's, asked for after `look`,
        which makes newer changes wait.
        """
        if generation != self._generation or time.monotonic() > self._prepared_at + _FRESH:
            self._generation = -1
            self.mailing = mailings.get(tx, self.mailing_id)
            self._may = self.composer.prepare(tx, self.mailing, now)
            self._generation, self._prepared_at = generation, time.monotonic()
        return self._may
