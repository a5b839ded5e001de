"""An errand: a dispatch made ready, and what follows from the answer. One kind of dispatch each has its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from pressroom.pushing.call import Answer, Call
from pressroom.pushing.dispatch import DispatchState
from pressroom.pushing.ledger import Held


@dataclass(frozen=True)
class Shown:
    """A feed as it reads at the instant `at`, by the time of readers."""

    body: bytes
    content_type: str
    etag: str
    at: datetime


# What stands at a feed's path right now, never older than the last commit; None where there is no feed any more.
Show = Callable[[str], Shown | None]


@dataclass(frozen=True)
class Aside:
    """Nothing is sent: the dispatch ends in a final state, or, with `until`, is due again then. `tried` counts it as an
    attempt.
    """

    state: DispatchState
    until: datetime | None = None
    tried: bool = False


class Errand(Protocol):
    """Ready to leave."""

    @property
    def held(self) -> Held: ...

    @property
    def call(self) -> Call: ...

    def answered(self, tx: Session, answer: Answer | None, now: datetime) -> DispatchState | None:
        """What the dispatch ends as; None to try again. `answer` is None where none came."""

    def given_up(self, tx: Session, now: datetime) -> None:
        """No answer that counts came in all the time there was, or none may be asked for."""
