"""Which mail goes first when not all may leave at once, and what part of the relay's quota is kept for it."""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import ColumnElement, case, or_

from pressroom.mailing import notice
from pressroom.mailing.mailing import Mailing


class Priority(IntEnum):
    """The lower, the sooner. Letters of a person's own account, and tests, come before all."""

    ACCOUNT = 0
    RETRACTION = 1
    CORRECTION = 2
    ACCREDITED = 3
    REST = 4
    DIGEST = 5


# Hundredths of the quota that mail of this priority leaves untouched, for what is more urgent.
KEPT_FREE = {
    Priority.ACCOUNT: 0,
    Priority.RETRACTION: 2,
    Priority.CORRECTION: 4,
    Priority.ACCREDITED: 6,
    Priority.REST: 10,
    Priority.DIGEST: 15,
}

_TEST = "test"


def ranked() -> ColumnElement[int]:
    """A mailing's priority, for queries that read Mailing."""
    return case(
        (Mailing.purpose == _TEST, int(Priority.ACCOUNT)),
        (Mailing.purpose.in_((notice.RETRACTION, notice.REMOVAL)), int(Priority.RETRACTION)),
        (
            or_(Mailing.purpose.startswith("correction:"), Mailing.purpose.startswith("embargo:")),
            int(Priority.CORRECTION),
        ),
        (Mailing.under_embargo, int(Priority.ACCREDITED)),
        (Mailing.covers_until.is_not(None), int(Priority.DIGEST)),
        else_=int(Priority.REST),
    )
