"""Where a query begins: hints that both databases heed, and that change no result."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Integer, String, literal, text, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

_T = TypeVar("_T")


def unindexed(column: InstrumentedAttribute[_T]) -> ColumnElement[_T]:
    """A column by whose index no rows are to be found: SQLite, which keeps no statistics here, would else begin a query
    at a column that nearly all rows share, instead of at the few rows that are wanted.
    """
    kind = column.type
    return type_coerce(column.concat("") if isinstance(kind, String) else column + literal(0, Integer), kind)


def partial(condition: str) -> dict[str, Any]:
    """For an index of the few rows that meet a condition, which a query has to repeat or imply."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}
