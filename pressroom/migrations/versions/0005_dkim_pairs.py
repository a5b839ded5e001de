"""DKIM pairs of newsrooms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "dkim_pair",
        sa.Column("id", _INT, nullable=False),
        sa.Column("newsroom_id", _INT, nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("selector", sa.String(), nullable=False),
        sa.Column("rsa_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("rsa_public", sa.String(), nullable=False),
        sa.Column("ed25519_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("ed25519_public", sa.String(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("signing_since", sa.BigInteger(), nullable=True),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["newsroom_id"], ["newsroom.id"], name=op.f("fk_dkim_pair_newsroom_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dkim_pair")),
        sa.UniqueConstraint("domain", "selector", name=op.f("uq_dkim_pair_domain_selector")),
    )
    op.create_index(op.f("ix_dkim_pair_newsroom_id"), "dkim_pair", ["newsroom_id"])


def downgrade() -> None:
    op.drop_table("dkim_pair")
