"""WebSub: subscriptions, what asks for them, and the ledger of what machines are told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "subscription",
        sa.Column("id", _INT, nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("newsroom_id", _INT, nullable=True),
        sa.Column("callback_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("callback_lookup", sa.LargeBinary(), nullable=False),
        sa.Column("host_lookup", sa.LargeBinary(), nullable=False),
        sa.Column("network_lookup", sa.LargeBinary(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column("failures", _INT, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["newsroom_id"], ["newsroom.id"], name=op.f("fk_subscription_newsroom_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("callback_lookup", name=op.f("uq_subscription_callback_lookup")),
    )
    op.create_index("ix_subscription_newsroom", "subscription", ["newsroom_id", "expires_at"])
    op.create_index("ix_subscription_host", "subscription", ["host_lookup"])
    op.create_index("ix_subscription_network", "subscription", ["network_lookup"])
    op.create_table(
        "intent",
        sa.Column("id", _INT, nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("newsroom_id", _INT, nullable=True),
        sa.Column("callback_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("callback_lookup", sa.LargeBinary(), nullable=False),
        sa.Column("host_lookup", sa.LargeBinary(), nullable=False),
        sa.Column("network_lookup", sa.LargeBinary(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("lease", _INT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["newsroom_id"], ["newsroom.id"], name=op.f("fk_intent_newsroom_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intent")),
        sa.UniqueConstraint("callback_lookup", name=op.f("uq_intent_callback_lookup")),
    )
    op.create_table(
        "watermark",
        sa.Column("newsroom_id", _INT, autoincrement=False, nullable=False),
        sa.Column("generation", _INT, nullable=False),
        sa.Column("lifts_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["newsroom_id"], ["newsroom.id"], name=op.f("fk_watermark_newsroom_id")),
        sa.PrimaryKeyConstraint("newsroom_id", name=op.f("pk_watermark")),
    )
    op.create_table(
        "pinged",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("etag", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_pinged")),
    )
    _create_dispatch()


def _create_dispatch() -> None:
    op.create_table(
        "dispatch",
        sa.Column("id", _INT, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("target_id", _INT, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("host_lookup", sa.LargeBinary(), nullable=False),
        sa.Column("behind", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("epoch", _INT, nullable=False),
        sa.Column("attempts", _INT, nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("status", _INT, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch")),
    )
    op.create_index("ix_dispatch_due", "dispatch", ["state", "behind", "next_at"])
    op.create_index("ix_dispatch_settled", "dispatch", ["settled_at"])
    op.create_index("ix_dispatch_target", "dispatch", ["kind", "target_id", "subject"])
    waits = sa.text("state IN ('pending', 'deferred')")
    op.create_index(
        "uq_dispatch_waiting",
        "dispatch",
        ["kind", "target_id", "subject"],
        unique=True,
        sqlite_where=waits,
        postgresql_where=waits,
    )


def downgrade() -> None:
    for table in ("dispatch", "pinged", "watermark", "intent", "subscription"):
        op.drop_table(table)
