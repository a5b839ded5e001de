"""Local time: an instant as a clock on a wall shows it, also in the night when the clocks change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Reading:
    """An instant in UTC, and what clocks in a zone show then.

    `twin` is the other instant, in UTC, at which they show the same: the clocks are set back between the two.
    """

    utc: datetime
    local: datetime
    twin: datetime | None

    @property
    def zone(self) -> str:
        return str(self.local.tzinfo)

    @property
    def is_first(self) -> bool:
        """Whether it is the earlier of the two, before the clocks are set back."""
        return self.twin is None or self.utc < self.twin

    @property
    def offset(self) -> str:
        """Such as `+02:00`."""
        return self.local.isoformat(timespec="minutes")[-6:]

    def as_dict(self) -> dict[str, object]:
        twin = self.twin.isoformat(timespec="minutes") if self.twin else None
        return {
            "utc": self.utc.isoformat(timespec="minutes"),
            "local": self.local.isoformat(timespec="minutes"),
            "zone": self.zone,
            "twin": twin,
        }


def read(moment: datetime, zone: ZoneInfo) -> Reading:
    """`moment` is aware."""
    utc = moment.astimezone(UTC)
    local = utc.astimezone(zone)
    twin = local.replace(fold=1 - local.fold).astimezone(UTC)
    # In a skipped hour, too, the two folds differ; but no instant is ever shown as one.
    same = twin != utc and twin.astimezone(zone).replace(tzinfo=None, fold=0) == local.replace(tzinfo=None, fold=0)
    return Reading(utc, local, twin if same else None)
