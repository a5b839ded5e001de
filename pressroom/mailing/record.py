"""The record: who did what in a newsroom, and the timeline of one release, its mailings among it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.mailing import mailing as mailings
from pressroom.mailing.mailing import State
from pressroom.people import audit
from pressroom.people.audit import AuditEntry
from pressroom.releases.asset import Asset

FINISH_MAILING = "finish mailing"
COLUMNS = ("at", "who", "role", "account", "act", "subject", "detail")
_AT_ONCE = 500


@dataclass(frozen=True)
class Entry:
    """`account_id` is None for the command line and the service itself. `detail` holds ids, never an address."""

    at: datetime
    account_id: int | None
    act: str
    subject: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Who:
    """The people of a record: their roles now, and their addresses where the reader may know them."""

    roles: Mapping[int, str]
    addresses: Mapping[int, str]

    def row(self, entry: Entry) -> dict[str, str]:
        """By the names in COLUMNS."""
        account = entry.account_id
        return {
            "at": entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "who": self.addresses.get(account, "") if account else "",
            "role": self.roles.get(account, "") if account else "",
            "account": str(account) if account else "",
            "act": entry.act,
            "subject": entry.subject,
            "detail": json.dumps(entry.detail, ensure_ascii=False, sort_keys=True) if entry.detail else "",
        }


def of_newsroom(tx: Session, newsroom_id: int, *, since: datetime | None = None) -> Iterator[Entry]:
    """All of it, the oldest first, read in parts; within one transaction."""
    for one in tx.scalars(audit.entries(newsroom_id, since=since).execution_options(yield_per=_AT_ONCE)):
        yield _entry(one)


def page(tx: Session, newsroom_id: int, *, number: int, per_page: int) -> tuple[list[Entry], bool]:
    """A page of it, the newest first, from 1; and whether there are older ones."""
    query = audit.entries(newsroom_id).order_by(None).order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
    found = list(tx.scalars(query.limit(per_page + 1).offset((number - 1) * per_page)))
    return [_entry(one) for one in found[:per_page]], len(found) > per_page


def of_release(tx: Session, newsroom_id: int, release_id: str, *, since: datetime | None = None) -> list[Entry]:
    """Its timeline, the oldest first: its texts, approvals, publications, assets and mailings."""
    sent = mailings.of_release(tx, release_id)
    assets = tx.scalars(select(Asset.id).where(Asset.release_id == release_id))
    subjects = [f"release:{release_id}", *(f"mailing:{one.id}" for one in sent), *(f"asset:{one}" for one in assets)]
    found = [_entry(one) for one in tx.scalars(audit.entries(newsroom_id, subjects=subjects, since=since))]
    for one in sent:
        ended = one.finished_at if one.state is State.FINISHED else None
        if ended is not None and (since is None or ended >= since):
            detail = {"total": one.total, "purpose": one.purpose}
            found.append(Entry(ended, None, FINISH_MAILING, f"mailing:{one.id}", detail))
    return sorted(found, key=lambda one: one.at)


def as_csv(entries: Iterable[Entry], who: Who) -> Iterator[str]:
    """RFC 4180 with a header, piece by piece. A cell that a spreadsheet would run as a formula begins with a quote."""
    yield _line(COLUMNS)
    for entry in entries:
        yield _line(who.row(entry).values())


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(
        ["'" + cell if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in cells]
    )
    return out.getvalue()


def _entry(one: AuditEntry) -> Entry:
    return Entry(one.at, one.account_id, one.act, one.subject, one.detail)
