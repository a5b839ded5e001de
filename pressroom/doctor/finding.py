"""A finding: one thing that was looked at, how it stands, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Only WRONG makes the whole examination fail."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Remark:
    """`says` is what stands there, `do` what a person should do; both without a full stop."""

    state: State
    says: str
    do: str = ""


@dataclass(frozen=True)
class Finding:
    """`check` is what was looked at, such as SPF; `about` where, such as a domain, or empty for this service."""

    check: str
    about: str
    state: State
    says: str
    do: str = ""

    @property
    def line(self) -> str:
        subject = f"{self.check} {self.about}".strip()
        return f"{self.state.value:<7}  {subject}: {self.says}." + (f" {self.do}." if self.do else "")


def found(check: str, about: str, remark: Remark) -> Finding:
    return Finding(check, about, remark.state, remark.says, remark.do)


def fine(says: str) -> Remark:
    return Remark(State.OK, says)


def warn(says: str, do: str) -> Remark:
    return Remark(State.WARNING, says, do)


def wrong(says: str, do: str) -> Remark:
    return Remark(State.WRONG, says, do)


def listed(words: list[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
