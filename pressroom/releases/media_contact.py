"""A media contact: whom journalists may ask about a release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import JSON, Dialect
from sqlalchemy.types import TypeDecorator


@dataclass(frozen=True)
class MediaContact:
    """What nobody gave is empty; at least a name or an email is not."""

    name: str = ""
    email: str = ""
    phone: str = ""
    role: str = ""

    @property
    def label(self) -> str:
        return self.name or self.email

    @property
    def parts(self) -> dict[str, str]:
        """What there is of it, by the names of front matter."""
        return {name: text for name, text in asdict(self).items() if text}

    @property
    def line(self) -> str:
        return " · ".join(text for text in (self.name, self.role, self.email, self.phone) if text)


class MediaContacts(TypeDecorator[tuple[MediaContact, ...]]):
    """Contacts in their order, as JSON; one of which nothing is left is no contact."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Sequence[MediaContact] | None, dialect: Dialect) -> list[dict[str, str]]:
        return [one.parts for one in value or () if one.parts]

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[MediaContact, ...]:
        return tuple(MediaContact(**one) for one in value or ())
