"""What comes back: arrivals, bounces, and why an address is suppressed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "arrival",
        sa.Column("id", _INT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("form", sa.String(16), nullable=False),
        sa.Column("raw_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrival")),
        sa.UniqueConstraint("digest", name=op.f("uq_arrival_digest")),
    )
    op.create_index("ix_arrival_judged_at", "arrival", ["judged_at"])
    op.create_index(op.f("ix_arrival_received_at"), "arrival", ["received_at"])
    op.create_table(
        "bounce",
        sa.Column("id", _INT, nullable=False),
        sa.Column("arrival_id", _INT, nullable=False),
        sa.Column("number", _INT, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("delivery_id", _INT, nullable=True),
        sa.Column("mailing_id", _INT, nullable=True),
        sa.Column("diagnostic_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrival.id"], name=op.f("fk_bounce_arrival_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounce")),
        sa.UniqueConstraint("arrival_id", "number", name=op.f("uq_bounce_arrival_id_number")),
    )
    op.create_index("ix_bounce_mailing", "bounce", ["mailing_id", "verdict"])
    op.create_index("ix_bounce_delivery", "bounce", ["delivery_id"])
    whole = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    for column in ("delivery_id", "bounce_id"):
        op.execute(f"ALTER TABLE suppression ADD COLUMN {column} {whole}")


def downgrade() -> None:
    for column in ("bounce_id", "delivery_id"):
        op.execute(f"ALTER TABLE suppression DROP COLUMN {column}")
    op.drop_table("bounce")
    op.drop_table("arrival")
