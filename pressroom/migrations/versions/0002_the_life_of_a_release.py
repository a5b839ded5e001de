"""The life of a release: approvals, corrections, renditions, accreditation."""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

from pressroom.folded import fold

revision = "0002"
down_revision = "0001"

_INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Added and dropped one by one: rebuilding a table, as SQLite would need for more, deletes what refers to its rows.
_NEW = (
    ("asset", "kind", "VARCHAR(16) NOT NULL DEFAULT 'picture'"),
    ("asset", "covered_at", "BIGINT"),
    ("asset", "checked_at", "BIGINT"),
    ("asset", "checked_by", "INT CONSTRAINT fk_asset_checked_by REFERENCES account (id)"),
    ("delivery", "waits_for", "VARCHAR"),
    ("mailing", "under_embargo", "BOOLEAN NOT NULL DEFAULT FALSE"),
    ("newsroom", "approval", "VARCHAR(16) NOT NULL DEFAULT 'auto'"),
    ("newsroom", "approval_wish", "VARCHAR(16)"),
    ("newsroom", "approval_wish_by", "INT CONSTRAINT fk_newsroom_approval_wish_by REFERENCES account (id)"),
    ("newsroom", "together", "BOOLEAN NOT NULL DEFAULT FALSE"),
    ("newsroom", "faces_checked", "BOOLEAN NOT NULL DEFAULT FALSE"),
    ("newsroom", "late_after", "INT NOT NULL DEFAULT 1800"),
    ("newsroom", "notice_style", "VARCHAR(16) NOT NULL DEFAULT 'both'"),
    ("newsroom", "stopped_at", "BIGINT"),
    ("release", "review_note", "VARCHAR NOT NULL DEFAULT ''"),
    ("release", "embargo_moves", "INT NOT NULL DEFAULT 0"),
    ("revision", "folded", "VARCHAR NOT NULL DEFAULT ''"),
    ("revision", "minor_of", "INT"),
    ("subscriber", "accredited_at", "BIGINT"),
    ("subscriber", "wait_hours", "INT NOT NULL DEFAULT 0"),
)
_OF_RENDITIONS = "media_type extension width height size data".split()


def upgrade() -> None:
    op.create_table(
        "correction",
        sa.Column("id", _INT, nullable=False),
        sa.Column("release_id", sa.String(), nullable=False),
        sa.Column("number", _INT, nullable=True),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("minor", sa.Boolean(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("proposed_by", _INT, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["proposed_by"], ["account.id"], name=op.f("fk_correction_proposed_by")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_correction_release_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
        sa.UniqueConstraint("release_id", "number", name=op.f("uq_correction_release_id_number")),
    )
    op.create_index(op.f("ix_correction_release_id"), "correction", ["release_id"])

    op.create_table(
        "former_slug",
        sa.Column("id", _INT, nullable=False),
        sa.Column("newsroom_id", _INT, nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("slug_hash", sa.String(), nullable=False),
        sa.Column("translation_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["newsroom_id"], ["newsroom.id"], name=op.f("fk_former_slug_newsroom_id")),
        sa.ForeignKeyConstraint(["translation_id"], ["translation.id"], name=op.f("fk_former_slug_translation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_slug")),
        sa.UniqueConstraint(
            "newsroom_id", "language", "slug_hash", name=op.f("uq_former_slug_newsroom_id_language_slug_hash")
        ),
    )
    op.create_index(op.f("ix_former_slug_translation_id"), "former_slug", ["translation_id"])

    op.create_table(
        "rendition",
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("size", sa.String(16), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("width", _INT, nullable=True),
        sa.Column("height", _INT, nullable=True),
        sa.Column("length", _INT, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_rendition_asset_id")),
        sa.PrimaryKeyConstraint("asset_id", "size", name=op.f("pk_rendition")),
    )
    op.create_table(
        "approval",
        sa.Column("revision_id", _INT, nullable=False),
        sa.Column("account_id", _INT, nullable=False),
        sa.Column("release_id", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_approval_account_id")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_approval_release_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_approval_revision_id")),
        sa.PrimaryKeyConstraint("revision_id", "account_id", name=op.f("pk_approval")),
    )
    op.create_index(op.f("ix_approval_release_id"), "approval", ["release_id"])

    op.create_table(
        "correction_change",
        sa.Column("correction_id", _INT, nullable=False),
        sa.Column("translation_id", sa.String(), nullable=False),
        sa.Column("before_id", _INT, nullable=False),
        sa.Column("after_id", _INT, nullable=False),
        sa.ForeignKeyConstraint(["after_id"], ["revision.id"], name=op.f("fk_correction_change_after_id")),
        sa.ForeignKeyConstraint(["before_id"], ["revision.id"], name=op.f("fk_correction_change_before_id")),
        sa.ForeignKeyConstraint(["correction_id"], ["correction.id"], name=op.f("fk_correction_change_correction_id")),
        sa.ForeignKeyConstraint(
            ["translation_id"], ["translation.id"], name=op.f("fk_correction_change_translation_id")
        ),
        sa.PrimaryKeyConstraint("correction_id", "translation_id", name=op.f("pk_correction_change")),
    )
    for table, column, definition in _NEW:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {_typed(definition)}")
    _fold_revisions()
    op.execute(
        "INSERT INTO rendition (asset_id, size, media_type, extension, width, height, length, data) "
        "SELECT id, 'web', media_type, extension, width, height, size, data FROM asset"
    )
    for column in _OF_RENDITIONS:
        op.execute(f"ALTER TABLE asset DROP COLUMN {column}")
    op.execute("UPDATE newsroom SET approval = 'always' WHERE two_person")
    op.execute("ALTER TABLE newsroom DROP COLUMN two_person")


def _fold_revisions() -> None:
    connection = op.get_bind()
    store = sa.text("UPDATE revision SET folded = :folded WHERE id = :id")
    for row in connection.execute(sa.text("SELECT id, title, subtitle, text FROM revision")).all():
        connection.execute(store, {"folded": fold(f"{row.title}\n{row.subtitle}\n{row.text}"), "id": row.id})


def _typed(definition: str) -> str:
    """Whole numbers are 64 bits wide on both, which SQLite calls INTEGER."""
    whole = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    return re.sub(r"^INT\b", whole, definition)


def downgrade() -> None:
    op.add_column("newsroom", sa.Column("two_person", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE newsroom SET two_person = TRUE WHERE approval = 'always'")
    for column in ("media_type", "extension"):
        op.add_column("asset", sa.Column(column, sa.String(), nullable=False, server_default=""))
    for column in ("width", "height"):
        op.add_column("asset", sa.Column(column, _INT))
    op.add_column("asset", sa.Column("size", _INT, nullable=False, server_default="0"))
    op.add_column("asset", sa.Column("data", sa.LargeBinary(), nullable=False, server_default=""))
    for column in ("media_type", "extension", "width", "height", "data"):
        op.execute(f"UPDATE asset SET {column} = {_of_web(column)} WHERE id IN (SELECT asset_id FROM rendition)")  # noqa: S608
    op.execute(f"UPDATE asset SET size = {_of_web('length')} WHERE id IN (SELECT asset_id FROM rendition)")  # noqa: S608
    for table, column, _ in reversed(_NEW):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    for table in ("correction_change", "approval", "rendition", "former_slug", "correction"):
        op.drop_table(table)


def _of_web(column: str) -> str:
    return f"(SELECT {column} FROM rendition WHERE rendition.asset_id = asset.id AND size = 'web')"  # noqa: S608
