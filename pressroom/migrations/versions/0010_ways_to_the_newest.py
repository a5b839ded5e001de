"""Indexes by which the newest is found, however much there is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_TAKEN_BACK = sa.text("retracted_at IS NOT NULL OR removed_at IS NOT NULL")
_INDEXES = {
    "ix_release_public": ("release", ["public_from"]),
    "ix_translation_newsroom_public": ("translation", ["newsroom_id", "public_from"]),
    "ix_translation_language_public": ("translation", ["language", "public_from"]),
    "ix_translation_site_public": ("translation", ["public_from"]),
    "ix_translation_revision": ("translation", ["revision_id"]),
    "ix_correction_at": ("correction", ["at"]),
}


def upgrade() -> None:
    for name, (table, columns) in _INDEXES.items():
        op.create_index(name, table, columns)
    op.create_index(
        "ix_release_taken_back", "release", ["newsroom_id"], sqlite_where=_TAKEN_BACK, postgresql_where=_TAKEN_BACK
    )


def downgrade() -> None:
    op.drop_index("ix_release_taken_back", "release")
    for name, (table, _) in _INDEXES.items():
        op.drop_index(name, table)
