"""Indexes by which a page of a long list, or the few of it that matter, are found without reading the rest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

# By name: table, columns now, columns before, and which rows.
_INDEXES: dict[str, tuple[str, list[str], list[str], str | None]] = {
    "ix_delivery_mailing": ("delivery", ["mailing_id", "state", "id"], ["mailing_id", "state"], None),
    "ix_delivery_doubted": ("delivery", ["mailing_id"], [], "doubts > 0"),
    "ix_delivery_waits": ("delivery", ["mailing_id"], [], "waits_for IS NOT NULL"),
    "ix_notice_mailing": ("notice", ["mailing_id", "delivery_id"], ["mailing_id"], "mailing_id IS NOT NULL"),
    "ix_notice_waiting_release": ("notice", ["release_id"], [], "due_at IS NOT NULL"),
    "ix_subscriber_suppressed": ("subscriber", ["newsroom_id"], [], "suppressed_at IS NOT NULL"),
    "ix_notice_due": ("notice", ["due_at"], [], "due_at IS NOT NULL"),
}

# What it finds, the unique index of newsroom and look-up finds for each newsroom.
_LOOKUP = "ix_subscriber_email_lookup"


def upgrade() -> None:
    for name, (table, now, before, rows) in _INDEXES.items():
        if before:
            op.drop_index(name, table)
        _create(name, table, now, rows)
    op.drop_index(_LOOKUP, "subscriber")


def downgrade() -> None:
    for name, (table, _, before, rows) in _INDEXES.items():
        op.drop_index(name, table)
        if before:
            _create(name, table, before, rows)
    op.create_index(_LOOKUP, "subscriber", ["email_lookup"])


def _create(name: str, table: str, columns: list[str], rows: str | None) -> None:
    which = sa.text(rows) if rows else None
    op.create_index(name, table, columns, sqlite_where=which, postgresql_where=which)
