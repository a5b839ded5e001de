"""Digests: how often each subscriber is told, pauses, notices that wait, and mailings that tell of many releases."""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# Added and dropped one by one, as in 0002.
_NEW = (
    ("newsroom", "digest_minute", "INT NOT NULL DEFAULT 420"),
    ("newsroom", "digest_weekday", "INT NOT NULL DEFAULT 1"),
    ("subscriber", "frequency", "VARCHAR(16) NOT NULL DEFAULT 'immediate'"),
    ("subscriber", "paused_until", "BIGINT"),
    ("notice", "mailing_id", "INT"),
    ("notice", "language", "VARCHAR"),
    ("notice", "waits_for", "VARCHAR"),
    ("notice", "due_at", "BIGINT"),
    ("mailing", "covers_until", "BIGINT"),
)
_INDEXES = (
    ("ix_notice_mailing", "notice", ["mailing_id"], "mailing_id IS NOT NULL"),
    ("ix_notice_waiting", "notice", ["subscriber_id"], "due_at IS NOT NULL"),
)


def upgrade() -> None:
    for table, column, definition in _NEW:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {_typed(definition)}")
    for name, table, columns, condition in _INDEXES:
        only = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=only, postgresql_where=only)
    op.create_index("ix_mailing_digest", "mailing", ["newsroom_id", "purpose", "covers_until"], unique=True)
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_mailing("release_id VARCHAR NOT NULL", "release_id VARCHAR")
    else:
        op.alter_column("mailing", "release_id", nullable=True)


def _rewrite_mailing(before: str, after: str) -> None:
    """SQLite cannot change a column, and rebuilding the table would delete what refers to its rows. Its manual has this
    way for constraints that bind less than before: the text of the table changes, and its content stays.
    """
    connection = op.get_bind()
    definition = connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE name = 'mailing'")).scalar_one()
    if before not in definition:
        raise RuntimeError("the table mailing is not as migration 0001 made it")
    version = connection.execute(sa.text("PRAGMA schema_version")).scalar_one()
    op.execute("PRAGMA writable_schema = ON")
    connection.execute(
        sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = 'mailing'"),
        {"sql": definition.replace(before, after, 1)},
    )
    op.execute(f"PRAGMA schema_version = {version + 1}")
    op.execute("PRAGMA writable_schema = OFF")


def _typed(definition: str) -> str:
    """Whole numbers are 64 bits wide on both, which SQLite calls INTEGER."""
    whole = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    return re.sub(r"^INT\b", whole, definition)


def downgrade() -> None:
    digests = "SELECT id FROM mailing WHERE release_id IS NULL"
    op.execute("DELETE FROM notice WHERE due_at IS NOT NULL")
    theirs = f"SELECT id FROM delivery WHERE mailing_id IN ({digests})"  # noqa: S608
    op.execute(f"DELETE FROM notice WHERE delivery_id IN ({theirs})")  # noqa: S608
    for table in ("delivery", "chunk"):
        op.execute(f"DELETE FROM {table} WHERE mailing_id IN ({digests})")  # noqa: S608
    op.execute("DELETE FROM mailing WHERE release_id IS NULL")
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_mailing("release_id VARCHAR,", "release_id VARCHAR NOT NULL,")
    else:
        op.alter_column("mailing", "release_id", nullable=False)
    op.drop_index("ix_mailing_digest", "mailing")
    for name, table, _, _ in _INDEXES:
        op.drop_index(name, table)
    for table, column, _ in reversed(_NEW):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
