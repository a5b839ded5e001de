"""Where a query begins: a hint that both databases heed, and that changes no result."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import ColumnElement, Integer, String, literal, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

_T = TypeVar("_T")


def unindexed(column: InstrumentedAttribute[_T]) -> ColumnElement[_T]:
    """A column by whose index no rows are to be found: SQLite, which keeps no statistics here, would else begin a query
    at a column that nearly all rows share, instead of at the few rows that are wanted.
    """
    kind = column.type
    return type_coerce(column.concat("") if isinstance(kind, String) else column + literal(0, Integer), kind)
