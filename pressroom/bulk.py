"""Bulk: many new rows at once; on PostgreSQL by COPY, which takes a quarter of an import's CPU time away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Dialect, Table, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from pressroom.db import Base

_Write = Callable[[Any], Any]


def insert_rows(connection: Connection, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows that all name the same columns, as INSERT would write them, in the transaction of `connection`.

    What they leave out has its default if that is a value, or is NULL. Raises what SQLAlchemy raises.
    """
    table = model.__table__
    assert isinstance(table, Table)
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(insert(table), [dict(one) for one in rows])
        return
    given = [(column, _written(column, connection.dialect)) for column in table.columns if column.key in rows[0]]
    fixed = list(_defaults(table, rows[0], connection.dialect))
    names = ", ".join(column.name for column, _ in (*given, *fixed))
    constants = [value for _, value in fixed]
    statement, driver = f"COPY {table.name} ({names}) FROM STDIN", connection.dialect.loaded_dbapi
    try:
        with connection.connection.cursor().copy(statement) as copy:
            for one in rows:
                copy.write_row([*(write(one[column.key]) for column, write in given), *constants])
    except driver.Error as error:
        raise DBAPIError.instance(
            statement, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
        ) from None


def _written(column: Column[Any], dialect: Dialect) -> _Write:
    return column.type.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value)


def _defaults(table: Table, row: Mapping[str, Any], dialect: Dialect) -> Iterator[tuple[Column[Any], Any]]:
    for column in table.columns:
        if column.key not in row and isinstance(column.default, ScalarElementColumnDefault):
            yield column, _written(column, dialect)(column.default.arg)
