from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

from pressroom.db import Instant
from pressroom.tables import metadata


def render_item(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """Migrations name plain types, so that an old one does not change when our code does."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(item, sa.Enum):
        return f"sa.String({item.length})"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=render_item,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
