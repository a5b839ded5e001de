"""Public changes, in the order in which importers read them, back to the first; Media Topics of beats."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

# When each translation came, was corrected, was taken back, or had something taken out. What was taken back before it
# came never was public; of a correction that is spelling, only the translations that it changed are named.
_CAME = """
    t.publish = {true} AND t.revision_id IS NOT NULL AND t.public_from IS NOT NULL AND r.public_from IS NOT NULL
    AND (r.retracted_at IS NULL OR r.retracted_at >= t.public_from)
    AND (r.removed_at IS NULL OR r.retracted_at IS NOT NULL OR r.removed_at >= t.public_from)
"""
_EVENTS = (
    "SELECT t.newsroom_id, t.public_from, 0, t.id, 'publication' FROM translation t"
    " JOIN release r ON r.id = t.release_id WHERE {came}",
    "SELECT t.newsroom_id, c.at, 1, t.id, 'correction' FROM translation t"
    " JOIN release r ON r.id = t.release_id JOIN correction c ON c.release_id = r.id"
    " WHERE {came} AND c.at >= t.public_from AND (c.minor = {false} OR EXISTS (SELECT 1 FROM correction_change d"
    " WHERE d.correction_id = c.id AND d.translation_id = t.id))",
    "SELECT t.newsroom_id, l.at, 2, t.id, 'removal' FROM translation t"
    " JOIN release r ON r.id = t.release_id JOIN log_row l ON l.release_id = r.id"
    " WHERE {came} AND l.event = 'removal' AND l.at >= t.public_from AND (r.removed_at IS NULL OR l.at < r.removed_at)",
    "SELECT t.newsroom_id, r.retracted_at, 3, t.id, 'retraction' FROM translation t"
    " JOIN release r ON r.id = t.release_id WHERE {came} AND r.retracted_at IS NOT NULL",
    "SELECT t.newsroom_id, r.removed_at, 4, t.id, 'removal' FROM translation t"
    " JOIN release r ON r.id = t.release_id WHERE {came} AND r.removed_at IS NOT NULL",
)


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.execute("ALTER TABLE newsroom ADD COLUMN last_change " + _whole_number() + " NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE beat ADD COLUMN topic VARCHAR")
    changes = op.create_table(
        "public_change",
        sa.Column("newsroom_id", whole, nullable=False),
        sa.Column("number", whole, autoincrement=False, nullable=False),
        sa.Column("translation_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("public_from", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["newsroom_id"], ["newsroom.id"], name="fk_public_change_newsroom_id"),
        sa.ForeignKeyConstraint(["translation_id"], ["translation.id"], name="fk_public_change_translation_id"),
        sa.PrimaryKeyConstraint("newsroom_id", "number", name="pk_public_change"),
    )
    op.create_index("ix_public_change_order", "public_change", ["newsroom_id", "public_from", "number"])
    op.create_index("ix_public_change_translation_id", "public_change", ["translation_id"])
    rows = list(_numbered())
    for start in range(0, len(rows), 1000):
        op.bulk_insert(changes, rows[start : start + 1000])
    op.execute(
        "UPDATE newsroom SET last_change = (SELECT coalesce(max(number), 0) FROM public_change"
        " WHERE newsroom_id = newsroom.id)"
    )


def _numbered() -> Iterator[dict[str, object]]:
    booleans = {"true": "true", "false": "false"} if op.get_bind().dialect.name != "sqlite" else {"true": 1, "false": 0}
    came = _CAME.format(**booleans)
    query = " UNION ALL ".join(one.format(came=came, **booleans) for one in _EVENTS)
    last: dict[int, int] = {}
    for newsroom_id, began, _, translation_id, kind in op.get_bind().execute(sa.text(f"{query} ORDER BY 1, 2, 3, 4")):
        last[newsroom_id] = last.get(newsroom_id, 0) + 1
        yield {
            "newsroom_id": newsroom_id,
            "number": last[newsroom_id],
            "translation_id": translation_id,
            "kind": kind,
            "public_from": began,
        }


def _whole_number() -> str:
    return "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"


def downgrade() -> None:
    op.drop_table("public_change")
    op.execute("ALTER TABLE beat DROP COLUMN topic")
    op.execute("ALTER TABLE newsroom DROP COLUMN last_change")
