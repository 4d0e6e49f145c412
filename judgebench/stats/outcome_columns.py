"""Columns of names and outcomes straight to pair counts: the way in for large tables of battles.

For data that have no instruction to keep: arena votes, other tools' exports. Names become integers once, by pyarrow
where it is installed and by pandas otherwise; one pass then counts cells. An outcome nobody knows is an error and
never a tie.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judgebench.errors import InputError
from judgebench.stats.verdict_table import Codes, PairCounts

try:
    import pyarrow
except ImportError:  # the extra "parquet" brings it
    pyarrow = None

__all__ = ["count_outcomes"]
OUTCOMES = {"model_a": 0, "model_b": 1, "tie": 2, "both_bad": 2, "tie (bothbad)": 2}
_BLOCK = 1_000_000  # rows counted at once, to bound what is held


def count_outcomes(model_a: Sequence[Any], model_b: Sequence[Any], winner: Sequence[Any]) -> PairCounts:
    """Counts of n rows; ``winner`` holds "model_a", "model_b", "tie", "both_bad" or "tie (bothbad)".

    Models are sorted by name. Raises InputError, naming column and first row (from 0), for columns of different
    lengths, a missing name, a model against itself or an outcome that is none of these.
    """
    if not len(model_a) == len(model_b) == len(winner):
        raise InputError(
            f"model_a, model_b and winner must be equally long, not {len(model_a)}, {len(model_b)}, {len(winner)}"
        )
    coded = [_encoded(column, name) for column, name in ((model_a, "model_a"), (model_b, "model_b"))]
    models, (place_a, place_b) = _merged(coded[0][1], coded[1][1])
    outcome_codes, labels = _encoded(winner, "winner")
    outcome = _outcomes(labels, outcome_codes)
    cells = _cells(coded[0][0], coded[1][0], outcome_codes, (len(place_a), len(place_b), len(labels)))
    counts = np.zeros((len(models), len(models), 3))
    np.add.at(counts, np.ix_(place_a, place_b, outcome), cells)
    alone = np.flatnonzero(counts[np.arange(len(models)), np.arange(len(models))].any(axis=1))
    if len(alone):
        raise InputError(f"model {models[alone[0]]!r} battles itself{_first_row(model_a, model_b, models[alone[0]])}")
    return PairCounts.of_outcomes(models, counts)


def _encoded(column: Sequence[Any], name: str) -> tuple[Codes, list[str]]:
    """Codes (n,) and the distinct values in any order."""
    codes, values, missing = _by_arrow(column) or _by_pandas(column)
    if missing.any():
        raise InputError(f"column {name!r} is empty in row {int(missing.argmax())}; leave such rows out, counted")
    return codes, values


def _by_arrow(column: Sequence[Any]) -> tuple[Codes, list[str], NDArray[np.bool_]] | None:
    """None where there is no pyarrow, or it refuses the values: mixed types, lone surrogates."""
    if pyarrow is None:
        return None
    try:
        encoded = pyarrow.array(column).dictionary_encode()
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, UnicodeEncodeError):
        return None
    if isinstance(encoded, pyarrow.ChunkedArray):
        encoded = encoded.combine_chunks()
    missing = encoded.is_null().to_numpy(zero_copy_only=False) if encoded.null_count else np.zeros(0, dtype=bool)
    codes = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    return codes.astype(np.int32, copy=False), [str(value) for value in encoded.dictionary.to_pylist()], missing


def _by_pandas(column: Sequence[Any]) -> tuple[Codes, list[str], NDArray[np.bool_]]:
    codes, values = pd.factorize(np.asarray(column, dtype=object))
    return codes.astype(np.int32), [str(value) for value in values], codes < 0


def _merged(*names: list[str]) -> tuple[tuple[str, ...], list[NDArray[np.intp]]]:
    models = sorted(set().union(*names))
    place = {name: i for i, name in enumerate(models)}
    return tuple(models), [np.array([place[name] for name in column], dtype=np.intp) for column in names]


def _outcomes(labels: list[str], codes: Codes) -> NDArray[np.intp]:
    for code, label in enumerate(labels):
        if label not in OUTCOMES:
            row = int((codes == code).argmax())
            known = ", ".join(repr(known) for known in OUTCOMES)
            raise InputError(f"column 'winner' holds {label!r} in row {row}; known outcomes are {known}")
    return np.array([OUTCOMES[label] for label in labels], dtype=np.intp)


def _cells(a: Codes, b: Codes, winner: Codes, shape: tuple[int, int, int]) -> NDArray[np.int64]:
    size = int(np.prod(shape))
    total = np.zeros(size, dtype=np.int64)
    for start in range(0, len(a), _BLOCK):
        rows = slice(start, start + _BLOCK)
        key = (a[rows].astype(np.int64) * shape[1] + b[rows]) * shape[2] + winner[rows]
        total += np.bincount(key, minlength=size)
    return total.reshape(shape)


def _first_row(model_a: Sequence[Any], model_b: Sequence[Any], name: str) -> str:
    for row, (one, other) in enumerate(zip(model_a, model_b, strict=True)):
        if str(one) == str(other) == name:
            return f" in row {row}"
    return ""
