"""A holding: one claimed chunk in a sender's hands, with what waits in it and what is on the wire."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from pressroom.mailing.ledger import Item


@dataclass(eq=False)
class Holding:
    """`trust_until` is monotonic: after it the lease may be another's. `rank` orders mailings, the most urgent first.

    Once it `is_ending` nothing more of it is begun, and it is given back when nothing is on the wire; `not_before` is
    when it may be claimed again. A `fenced` one is another's already.
    """

    chunk_id: int
    mailing_id: int
    epoch: int
    rank: int
    items: deque[Item]
    trust_until: float
    renewed_at: float
    on_the_wire: dict[int, tuple[Item, int | None]] = field(default_factory=dict)
    is_ending: bool = False
    fenced: bool = False
    not_before: datetime | None = None
    policy: str | None = None

    @property
    def waits(self) -> bool:
        return bool(self.items) and not self.is_ending

    @property
    def is_done(self) -> bool:
        return not self.on_the_wire and not self.waits

    def end(self, not_before: datetime | None = None) -> None:
        self.is_ending = True
        if not_before is not None:
            self.not_before = max(self.not_before or not_before, not_before)
