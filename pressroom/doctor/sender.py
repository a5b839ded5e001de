"""Whom mail comes from: each newsroom's domain with its keys, the default sender's, and where bounces go."""

from __future__ import annotations

from dataclasses import dataclass

import idna

from pressroom.config import Config
from pressroom.db import Database
from pressroom.mailing import dkim_pair, header, rotating
from pressroom.mailing.dkim_pair import DkimPair
from pressroom.releases import newsroom as newsrooms


@dataclass(frozen=True)
class Sender:
    """A newsroom, its sender's domain, and those of its pairs that sign or wait to."""

    slug: str
    domain: str
    pairs: tuple[DkimPair, ...]

    @property
    def signing(self) -> DkimPair | None:
        return next((one for one in self.pairs if one.signs), None)


def of_newsrooms(database: Database) -> list[Sender]:
    with database.reading() as tx:
        return [
            Sender(
                one.slug,
                rotating.sender_domain(one),
                tuple(pair for pair in dkim_pair.of_newsroom(tx, one.id) if pair.signs or pair.waits),
            )
            for one in newsrooms.everyone(tx)
        ]


def domain_of(address: str | None) -> str | None:
    """As DNS has it; of `Name <address>` too. None without an address."""
    if not address or "@" not in address:
        return None
    domain = address.rpartition("@")[2].rstrip("> ").lower()
    try:
        return header.ascii_domain(f"x@{domain}").partition("@")[2]
    except (idna.IDNAError, header.UnsafeHeader):
        return domain


def sending_domains(config: Config, senders: list[Sender]) -> list[str]:
    """Every domain that stands in a From line, once."""
    default = domain_of(config.mail_default_sender)
    return list(dict.fromkeys([*(one.domain for one in senders), *([default] if default else [])]))


def returning_domains(config: Config, sending: list[str]) -> list[str]:
    """Every domain of return paths, which is the one SPF is asked for."""
    bounces = domain_of(config.bounce_address)
    return [bounces] if bounces else sending
