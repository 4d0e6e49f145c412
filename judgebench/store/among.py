"""Rows by a list of keys, as many as there are, looked up in an index however little is known of their table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_AT_ONCE = 500  # values in one statement; both engines take more, plans grow slow


class _Among(FunctionElement[bool]):
    type = sa.Boolean()
    inherit_cache = True


def among(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether the column is one of the values of ``rows_among``."""
    return _Among(column)


def rows_among(
    connection: sa.Connection, query: sa.Select[Any], values: Sequence[Any]
) -> Iterator[sa.Row[*tuple[Any, ...]]]:
    """The rows of ``query``, which asks for a column that is ``among`` them, for a part of the values at a time."""
    for start in range(0, len(values), _AT_ONCE):
        with _by_index(connection):
            rows = connection.execute(query, {"among": values[start : start + _AT_ONCE]})
        yield from rows


@contextmanager
def _by_index(connection: sa.Connection) -> Iterator[None]:
    """PostgreSQL knows nothing of the rows that came since it analyzed a table, and would read all of it each time."""
    if connection.dialect.name == "sqlite" or connection.get_execution_options().get("judgebench_write", False):
        yield  # ``Database.write`` does so for all that it writes
        return
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    yield
    connection.exec_driver_sql("SET LOCAL enable_seqscan = on")


def _in_list(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    (column,) = element.clauses
    return compiler.process(column.in_(sa.bindparam("among", expanding=True)), **options)


def _in_array(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    """One parameter, where a list would be hundreds to send and to plan."""
    (column,) = element.clauses
    kind = sa.BigInteger() if isinstance(column.type, sa.Integer) else sa.Text()
    values = sa.bindparam("among", type_=ARRAY(kind))
    return compiler.process(column == sa.any_(values), **options)


compiles(_Among)(_in_list)
compiles(_Among, "postgresql")(_in_array)
