"""Archives of feeds."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "feed_archive",
        sa.Column("id", _INT, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("newsroom_id", _INT, nullable=True),
        sa.Column("number", _INT, nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_archive")),
        sa.ForeignKeyConstraint(["newsroom_id"], ["newsroom.id"], name=op.f("fk_feed_archive_newsroom_id")),
        sa.UniqueConstraint("channel", "number", name=op.f("uq_feed_archive_channel_number")),
    )


def downgrade() -> None:
    op.drop_table("feed_archive")
