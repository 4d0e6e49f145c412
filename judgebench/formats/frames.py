"""Rows from a pandas DataFrame: what a notebook has in its hands instead of a file.

The index is left alone. Missing values of every kind (None, NaN, NaT, NA) are null, as in JSON.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from judgebench.errors import InputError
from judgebench.formats.reading import Place, Row

NAME = "the data frame"  # in messages, where a file would be named


def read_frame(frame: pd.DataFrame) -> Iterator[Row]:
    """The frame's rows, counted from 1. Raises InputError where it has no rows or a column twice."""
    names = [str(name) for name in frame.columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{NAME}: the column {twice!r} occurs twice; rename one")
    if frame.empty:
        raise InputError(f"{NAME}: holds no rows")
    for number, cells in enumerate(frame.itertuples(index=False, name=None), start=1):
        yield Row(Place(NAME, "row", number), dict(zip(names, map(_plain, cells), strict=True)))


def _plain(value: Any) -> Any:
    """``value`` as JSON would hold it."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value
