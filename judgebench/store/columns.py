"""A query's numbers as arrays, a column each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray


def number_columns(
    connection: sa.Connection, query: sa.Select[Any], kinds: Sequence[np.dtype[Any]]
) -> list[NDArray[Any]]:
    """One array a column of ``query``, of these kinds; their rows are in the same order, whatever it is.

    Floats may be null, which becomes NaN; integers may not.
    """
    read = _texts if connection.dialect.name == "sqlite" else _rows
    return read(connection, query, kinds)


def _texts(connection: sa.Connection, query: sa.Select[Any], kinds: Sequence[np.dtype[Any]]) -> list[NDArray[Any]]:
    """SQLite hands each column over as one text, several times as fast as a Python object for each number."""
    columns = zip(query.selected_columns, kinds, strict=True)
    whole = [sa.func.group_concat(_exactly(column) if kind.kind == "f" else column) for column, kind in columns]
    texts = connection.execute(query.with_only_columns(*whole, maintain_column_froms=True)).one()
    return [
        np.array([], kind) if text is None else np.fromstring(text, sep=",", dtype=kind)
        for text, kind in zip(texts, kinds, strict=True)
    ]


def _exactly(number: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """With all digits; the preferences of most judges need one, and printing is what takes long."""
    plain = ((number == 1, "1"), (number == 0, "0"), (number.is_(None), "nan"))
    return sa.case(*plain, else_=sa.func.printf("%!.17g", number))


def _rows(connection: sa.Connection, query: sa.Select[Any], kinds: Sequence[np.dtype[Any]]) -> list[NDArray[Any]]:
    rows = connection.execute(query).all()
    return [np.array([row[at] for row in rows], dtype=kind) for at, kind in enumerate(kinds)]
