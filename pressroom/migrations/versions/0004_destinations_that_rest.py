"""Destinations that rest."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "destination",
        sa.Column("lookup", sa.LargeBinary(), nullable=False),
        sa.Column("rest_until", sa.BigInteger(), nullable=False),
        sa.Column("strikes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("lookup", name=op.f("pk_destination")),
    )


def downgrade() -> None:
    op.drop_table("destination")
