"""Rows by a list of keys, as many as there are, looked up in an index however little is known of their table."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_AT_ONCE = 10_000  # values in one statement, whose rows are in memory together


class _Among(FunctionElement[bool]):
    type = sa.Boolean()
    inherit_cache = True

    def self_group(self, against: object = None) -> Self:
        """As it is. SQLite would be asked whether it is 1, and look for that in no index."""
        return self


def among(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether the column is one of the values of ``rows_among``."""
    return _Among(column)


def rows_among(
    connection: sa.Connection, query: sa.Select[Any], values: Sequence[Any]
) -> Iterator[sa.Row[*tuple[Any, ...]]]:
    """The rows of ``query``, which asks for a column that is ``among`` them, for a part of the values at a time."""
    for start in range(0, len(values), _AT_ONCE):
        listed = json.dumps([*values[start : start + _AT_ONCE]], ensure_ascii=False)
        with _by_index(connection):
            rows = connection.execute(query, {"among": listed})
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
    listed = sa.text("SELECT value FROM json_each(:among)")
    return compiler.process(column.in_(listed), **options)


def _in_array(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    """An array, which PostgreSQL looks up in an index at once; made of one text, which is faster to send."""
    (column,) = element.clauses
    kind = "bigint" if isinstance(column.type, sa.Integer) else "text"
    listed = sa.text(f"ARRAY(SELECT CAST(json_array_elements_text(CAST(:among AS json)) AS {kind}))")
    return compiler.process(column == sa.func.any(listed), **options)


compiles(_Among)(_in_list)
compiles(_Among, "postgresql")(_in_array)
